"""Whether the webhooks that the app made at Shopify tell us everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thetis.app import WEBHOOKS
from thetis.doctor.checks import Finding, failed, passed, unknown, warned
from thetis.providers.shopify_admin import WebhookSubscription
from thetis.shopify import TOPICS

NEEDED = tuple(topic for topic, kind in TOPICS.items() if kind in {"order", "refund"})


def judge(
    found: Sequence[WebhookSubscription], url: str, supported_versions: Sequence[str]
) -> Finding:
    """`found` are all that the API shows; `url` is where they have to lead."""
    ours = [each for each in found if each.uri == url and each.topic in NEEDED]
    astray = [each for each in found if each.topic in NEEDED and each.uri.endswith(WEBHOOKS)]
    if not ours and not astray:
        return unknown("this app made none through the API")
    if not ours:
        return failed(f"lead to {astray[0].uri}, not to {url}")
    if lacking := [topic for topic in NEEDED if topic not in {each.topic for each in ours}]:
        return failed(f"none of {', '.join(lacking)}")
    faults = [fault for each in ours for fault in _faults(each)]
    if faults:
        return failed("; ".join(faults))
    version = ours[0].api_version
    if supported_versions and version not in {*supported_versions, "unstable"}:
        return warned(
            f"are written in version {version}, which has ended",
            "Dev Dashboard: the app > Versions: release one with a newer webhook API version",
        )
    return passed(f"all {len(NEEDED)} are at {url}")


def _faults(subscription: WebhookSubscription) -> Iterator[str]:
    if subscription.filter:
        yield f"{subscription.topic} has a filter: what it keeps back we never hear of"
    if subscription.include_fields:
        yield f"{subscription.topic} leaves fields out (include_fields)"
    if subscription.format != "JSON":
        yield f"{subscription.topic} comes as {subscription.format}, not as JSON"

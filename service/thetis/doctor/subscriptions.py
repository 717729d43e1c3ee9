"""Whether the webhooks that the app made at Shopify tell us everything: by the rules of `thetis
webhooks`, which mends what is found here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from thetis import subscriptions
from thetis.doctor.checks import Finding, failed, passed, unknown, warned
from thetis.providers.shopify_admin import WebhookSubscription

UNSTABLE = "unstable"
"""A version that never ends, and is not among those that Shopify supports."""


def judge(
    found: Sequence[WebhookSubscription],
    *,
    scopes: Collection[str],
    uri: str,
    supported_versions: Sequence[str],
) -> Finding:
    """`found` are all that the API shows; `uri` is where they have to lead."""
    topics = subscriptions.wanted_topics(scopes)
    ours = [each for each in found if subscriptions.is_ours(each, uri)]
    if not ours:
        return _none_of_ours(found, topics, uri)
    steps = list(subscriptions.plan(found, scopes, uri))
    if lacking := [step.topic for step in steps if step.action == "create"]:
        return failed(f"none tells {', '.join(lacking)}")
    faulty = [f"{step.topic}: {', '.join(step.faults)}" for step in steps if step.action == "mend"]
    if faulty:
        return failed("; ".join(faulty))
    if superfluous := [step.topic for step in steps if step.action == "delete"]:
        return warned(f"told twice, or not wanted: {', '.join(superfluous)}")
    version = ours[0].api_version
    if supported_versions and version not in {*supported_versions, UNSTABLE}:
        return warned(
            f"are written in version {version}, which has ended",
            "Dev Dashboard: the app > Versions: release one with a newer webhook API version",
        )
    return passed(f"all {len(topics)} are at {uri}")


def _none_of_ours(
    found: Sequence[WebhookSubscription], topics: Collection[str], uri: str
) -> Finding:
    astray = [
        each for each in found if each.topic in topics and each.uri.endswith(subscriptions.PATH)
    ]
    if astray:
        return failed(f"lead to {astray[0].uri}, not to {uri}")
    return unknown("this app made none through the API")

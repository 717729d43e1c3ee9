"""`thetis webhooks`: the subscriptions by which Shopify tells us what happens in the shop."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click

from thetis.cli.session import load_or_exit
from thetis.cli.shopify_session import ask_shopify
from thetis.providers.shopify_admin import DISPUTES_SCOPE, ShopifyAdmin, WebhookSubscription
from thetis.shopify_settings import AdminSettings
from thetis.subscriptions import (
    DISPUTE_TOPICS,
    Step,
    address,
    do,
    faults_of,
    is_ours,
    name_of,
    plan,
    wanted_topics,
)

Row = Sequence[str]

_HEAD = ("TOPIC", "NAME", "ADDRESS", "STATE")

_DONE = {"keep": "was right", "create": "created", "mend": "mended", "delete": "deleted"}
_PLANNED = {
    "keep": "is right",
    "create": "would be created",
    "mend": "would be mended",
    "delete": "would be deleted",
}

dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.group()
def webhooks() -> None:
    """The webhooks by which Shopify tells us what happens in the shop."""


@webhooks.command("list")
def list_webhooks() -> None:
    """Print the webhooks that the app has made through the API, and those that are missing.

    Shopify does not show it what `shopify.app.toml` made, or a person in Settings > Notifications.
    """
    chosen = load_or_exit(AdminSettings)
    uri = address(chosen.public_url) if chosen.public_url else None
    existing, scopes = ask_shopify(chosen, _look)
    rows = [_listed(each, uri) for each in existing]
    told = {each.topic for each in existing if is_ours(each, uri)}
    rows += [
        (topic, name_of(topic), "", "missing")
        for topic in wanted_topics(scopes)
        if topic not in told
    ]
    _print(rows)
    _note_disputes(scopes)
    _note_versions(existing, chosen)


@webhooks.command("create")
@dry_run_option
def create_webhooks(*, dry_run: bool) -> None:
    """Make the webhooks that Thetis needs, at PUBLIC_URL, and mend what is wrong with ours.

    It may be called again at any time. A webhook is ours by its name, `thetis-orders-paid`, or by
    its address; others are left alone.
    """
    chosen = load_or_exit(AdminSettings)
    if chosen.public_url is None:
        click.echo(
            "thetis: settings are missing or malformed:\n  PUBLIC_URL: is not set; must be an"
            " https address without a path, such as https://thetis.example.com",
            err=True,
        )
        sys.exit(2)
    uri = address(chosen.public_url)

    async def make(admin: ShopifyAdmin) -> tuple[list[Step], frozenset[str]]:
        existing, scopes = await _look(admin)
        steps = list(plan(existing, scopes, uri))
        for step in steps:
            if not dry_run:
                await do(step, admin, uri)
        return steps, scopes

    steps, scopes = ask_shopify(chosen, make)
    _print([_made(step, uri, _PLANNED if dry_run else _DONE) for step in steps])
    _note_disputes(scopes)
    _note_versions([step.found for step in steps if step.found], chosen)


@webhooks.command("delete")
@dry_run_option
def delete_webhooks(*, dry_run: bool) -> None:
    """Delete the webhooks that are ours: from then on Shopify tells us nothing."""
    chosen = load_or_exit(AdminSettings)
    uri = address(chosen.public_url) if chosen.public_url else None

    async def remove(admin: ShopifyAdmin) -> list[WebhookSubscription]:
        ours = [each for each in await admin.webhooks() if is_ours(each, uri)]
        for each in ours:
            if not dry_run:
                await admin.delete_webhook(each.id)
        return ours

    state = "would be deleted" if dry_run else "deleted"
    found = ask_shopify(chosen, remove)
    _print([(each.topic, each.name or "", each.uri, state) for each in found])


async def _look(admin: ShopifyAdmin) -> tuple[list[WebhookSubscription], frozenset[str]]:
    return await admin.webhooks(), await admin.scopes()


def _listed(each: WebhookSubscription, uri: str | None) -> Row:
    if not is_ours(each, uri):
        return (each.topic, each.name or "", each.uri, "not ours")
    return (each.topic, each.name or "", each.uri, ", ".join(faults_of(each, uri)) or "right")


def _made(step: Step, uri: str, words: dict[str, str]) -> Row:
    state = words[step.action]
    if step.faults:
        state += f": {', '.join(step.faults)}"
    where = step.found.uri if step.action == "delete" and step.found else uri
    name = step.found.name if step.action == "delete" and step.found else step.name
    return (step.topic, name or "", where, state)


def _print(rows: Sequence[Row]) -> None:
    if not rows:
        click.echo("There are none.")
        return
    lines = [_HEAD, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _note_disputes(scopes: Iterable[str]) -> None:
    if DISPUTES_SCOPE not in scopes:
        topics = " and ".join(DISPUTE_TOPICS)
        click.echo(
            f"Note: {topics} need the scope {DISPUTES_SCOPE}, which the app does not have.",
            err=True,
        )


def _note_versions(existing: Iterable[WebhookSubscription], chosen: AdminSettings) -> None:
    others = {each.api_version for each in existing} - {chosen.shopify_api_version}
    if others:
        click.echo(
            f"Note: webhooks are told in version {', '.join(sorted(others))} of the API, and not"
            f" in {chosen.shopify_api_version}: that is set with the app, in the Dev Dashboard.",
            err=True,
        )

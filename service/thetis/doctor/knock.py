"""Knock: the key is taken, and the workflows are committed and active where it is of.

Facts this file stands on:
- A secret key is of one environment and cannot read workflows; a service token can, at the
  Management API. https://docs.knock.app/developer-tools/service-tokens
- `hide_uncommitted_changes` gives what is committed, which is what an environment runs; `active` is
  whether it is switched on there. https://docs.knock.app/mapi-reference/workflows/get
- A channel's settings are of each environment. https://docs.knock.app/mapi-reference/channels
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx

from thetis.doctor.asking import ask, bearer, content, host, said
from thetis.doctor.checks import Check, Finding, failed, passed, unknown, warned
from thetis.doctor.known import Known
from thetis.providers.knock import ORDERS, WORKFLOW

WORKFLOWS = (WORKFLOW, "review-request")
"""Ours. The first starts the second."""


class KnockPart:
    def __init__(self, known: Known, http: httpx.AsyncClient) -> None:
        self._known = known
        self._http = http
        self._channels: set[str] = set()

    def checks(self) -> tuple[Check, ...]:
        return (
            Check(
                id="knock.key", part="Knock", name="key", run=self.key,
                settings=("knock_api_key", "knock_base_url"),
                remedy="copy the secret key again: Knock: Platform > API keys",
                by_hand="set KNOCK_API_KEY",
            ),
            Check(
                id="knock.service_token", part="Knock", name="workflows", run=self.service_token,
                settings=("knock_service_token",),
                remedy="make a new one: Knock: Settings > Service tokens",
                by_hand="look at Knock: Workflows, in the environment that customers are in:"
                f" {' and '.join(WORKFLOWS)} are committed and active; or set KNOCK_SERVICE_TOKEN",
            ),
            *(
                Check(
                    id=f"knock.{key.replace('-', '_')}", part="Knock", name=key,
                    run=partial(self.workflow, key), settings=("knock_environment",),
                    after=("knock.service_token",),
                    remedy=f"Knock: Workflows > {key}: commit, promote and switch it on",
                )
                for key in WORKFLOWS
            ),
            Check(
                id="knock.channels", part="Knock", name="channels", run=self.channels,
                settings=("knock_environment",), after=(f"knock.{WORKFLOW.replace('-', '_')}",),
                remedy="Knock: Channels and sources: configure it for this environment",
            ),
        )  # fmt: skip

    async def key(self) -> Finding:
        key = self._known.text("knock_api_key")
        if key.startswith("pk_"):
            return failed("KNOCK_API_KEY is a public key: it cannot trigger anything")
        base = self._known.text("knock_base_url")
        url = f"{base}/v1/objects/{ORDERS}"
        answer = await ask(self._http, "GET", url, headers=bearer(key), params={"page_size": "1"})
        if answer.status_code in {401, 403}:
            return failed(f"Knock does not take KNOCK_API_KEY ({said(answer)})")
        if answer.status_code != 200:
            return failed(f"{host(base)} answers {said(answer)}", "is KNOCK_BASE_URL right?")
        content(answer)
        return passed("Knock takes it")

    async def service_token(self) -> Finding:
        answer = await self._managed("/v1/whoami")
        if answer.status_code in {401, 403}:
            return failed(f"Knock does not take KNOCK_SERVICE_TOKEN ({said(answer)})")
        if answer.status_code != 200:
            return unknown(f"the Management API answers {said(answer)}")
        return passed(f"can be read, of the account {content(answer).get('account_name')}")

    async def workflow(self, key: str) -> Finding:
        environment = self._known.text("knock_environment")
        answer = await self._managed(
            f"/v1/workflows/{key}", environment=environment, hide_uncommitted_changes="true"
        )
        if answer.status_code == 404:
            return failed(
                f"is not committed in {environment}",
                "`knock push --knock-dir=knock --commit`, then"
                f" `knock commit promote --to={environment}`",
            )
        if answer.status_code != 200:
            return failed(f"cannot be read: {said(answer)}", "is KNOCK_ENVIRONMENT right?")
        workflow = content(answer)
        if workflow.get("active") is not True:
            return failed(f"is not active in {environment}: Knock refuses its triggers")
        if workflow.get("valid") is not True:
            return failed("has a fault: Knock calls it invalid")
        self._channels |= set(_channel_keys(workflow.get("steps")))
        return passed(f"is committed and active in {environment}")

    async def channels(self) -> Finding:
        if not self._channels:
            return failed("the workflow has no step that sends")
        keys = sorted(self._channels)
        findings = await asyncio.gather(*(self._channel(key) for key in keys))
        return next((each for each in findings if each is not None), None) or passed(
            f"{', '.join(keys)}: set up for {self._known.text('knock_environment')}"
        )

    async def _channel(self, key: str) -> Finding | None:
        """What is wrong with it."""
        environment = self._known.text("knock_environment")
        answer = await self._managed(f"/v1/channels/{key}")
        if answer.status_code != 200:
            return failed(f"{key}: {said(answer)}", "knock/workflows name it as channel_key")
        channel = content(answer)
        if channel.get("archived_at"):
            return failed(f"{key} is archived")
        settings = (channel.get("environment_settings") or {}).get(environment)
        if not isinstance(settings, dict):
            return failed(f"{key} is not set up for {environment}")
        if settings.get("is_valid") is not True:
            return failed(f"{key} is not set up completely for {environment}")
        if settings.get("is_sandbox") is True:
            return warned(f"{key} is in sandbox mode: nothing is delivered")
        return None

    async def _managed(self, path: str, **query: str) -> httpx.Response:
        base = self._known.text("knock_management_url")
        token = self._known.text("knock_service_token")
        return await ask(self._http, "GET", f"{base}{path}", headers=bearer(token), params=query)

    async def close(self) -> None:
        """Nothing is kept open."""


def _channel_keys(steps: Any) -> Iterator[str]:
    """Of the steps of a workflow, those in branches too."""
    if isinstance(steps, list):
        for each in steps:
            yield from _channel_keys(each)
    elif isinstance(steps, dict):
        if steps.get("type") == "channel" and isinstance(key := steps.get("channel_key"), str):
            yield key
        for name in ("steps", "branches"):
            yield from _channel_keys(steps.get(name))

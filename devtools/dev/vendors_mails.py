"""What Knock and Resend would send for the requests that they receive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from devtools import knock_workflow
from devtools.dev.mailbox import Mail, Mailbox
from devtools.fake_answers import ReceivedRequest
from devtools.preview import VARIABLES


class VendorsMails:
    """Puts them into the mailbox. Knock's come for the whole course of the workflow at once."""

    def __init__(self, mailbox: Mailbox, knock_dir: Path, course_app_url: str) -> None:
        self._mailbox = mailbox
        self._knock_dir = knock_dir
        self._variables = VARIABLES | {"course_app_url": course_app_url}
        self._triggers: list[dict[str, Any]] = []

    def receive(self, request: ReceivedRequest) -> None:
        if request.provider == "resend":
            self._mailbox.add(_resend(request.body))
        elif request.path.endswith("/trigger"):
            self._triggers.append(request.body)
            self._mailbox.add(*self._rendered(len(self._triggers) - 1))
        elif request.path.endswith("/cancel"):
            run = request.body["cancellation_key"]
            self._mailbox.change(
                lambda mail: replace(mail, is_stopped=mail.is_stopped or mail.run == run)
            )
        elif request.method == "PUT":
            self._update(request.path.rpartition("/")[2], request.body)

    def _update(self, order: str, known: dict[str, Any]) -> None:
        """The order lost something: what is to come of its runs is different now, or less."""
        ended = dict.fromkeys(str(known.get("ended_purchases", "")).split(), timedelta())
        for number, body in enumerate(self._triggers):
            if body["actor"]["id"] != order:
                continue
            news = {mail.step: mail for mail in self._rendered(number, ended)}
            self._mailbox.change(partial(_renewed, news=news, trigger=number))

    def _rendered(
        self, number: int, ended: Mapping[str, timedelta] | None = None
    ) -> Iterator[Mail]:
        body = self._triggers[number]
        rendered = knock_workflow.render(self._knock_dir, body["data"], self._variables, ended)
        for message in rendered.messages:
            yield Mail(
                sender="Knock",
                to=body["recipients"][0]["email"],
                subject=message.subject,
                html=message.html,
                text=message.text,
                later=message.after.days,
                run=body["cancellation_key"],
                trigger=number,
                step=message.ref,
            )


def _renewed(mail: Mail, *, news: Mapping[str | None, Mail], trigger: int) -> Mail:
    if mail.trigger != trigger:
        return mail
    renewed = news.get(mail.step)
    if renewed is None:
        return replace(mail, is_stopped=True)
    return replace(renewed, id=mail.id, at=mail.at, is_stopped=mail.is_stopped)


def _resend(body: dict[str, Any]) -> Mail:
    to = body["to"]
    return Mail(
        sender="Resend",
        to=", ".join(to) if isinstance(to, list) else str(to),
        subject=body["subject"],
        html=body.get("html") or f"<pre>{body.get('text', '')}</pre>",
        text=body.get("text") or "",
    )

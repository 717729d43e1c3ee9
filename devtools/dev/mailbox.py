"""All emails that would have been sent, by whomever, as they would look."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

_CODE = re.compile(r"(?<![\w#/=-])\d{6}(?![\w/-])")


@dataclass(frozen=True, kw_only=True)
class Mail:
    """`later`: days after which it would come. `run`, `trigger` and `step` say of one by Knock
    which run may still stop or change it.
    """

    sender: str
    to: str
    subject: str
    html: str
    text: str
    later: int = 0
    run: str | None = None
    trigger: int | None = None
    step: str | None = None
    is_stopped: bool = False
    id: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def code(self) -> str | None:
        """A code to type in, if it holds one."""
        found = _CODE.search(self.text)
        return found[0] if found else None

    def listed(self) -> dict[str, Any]:
        """What the page shows of it in its list."""
        told = asdict(self)
        for left_out in ("html", "text", "run", "trigger", "step"):
            del told[left_out]
        return {**told, "at": self.at.isoformat(), "code": self.code}


class Mailbox:
    """Filled and read from any thread."""

    def __init__(self) -> None:
        self._mails: list[Mail] = []
        self._lock = threading.Lock()

    def add(self, *mails: Mail) -> None:
        with self._lock:
            for mail in mails:
                self._mails.append(replace(mail, id=len(self._mails) + 1))

    def newest_first(self) -> Sequence[Mail]:
        """What is to come later stands behind what has come."""
        with self._lock:
            return sorted(self._mails, key=lambda mail: (mail.later, -mail.id))

    def get(self, mail_id: int) -> Mail | None:
        with self._lock:
            return next((mail for mail in self._mails if mail.id == mail_id), None)

    def change(self, change: Callable[[Mail], Mail]) -> None:
        """Change what is to come; what has come stays."""
        with self._lock:
            self._mails = [change(mail) if mail.later else mail for mail in self._mails]

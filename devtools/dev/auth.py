"""Supabase Auth, as @supabase/lite has it, in a Node process that ends with us."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devtools.dev import keys, requirements
from devtools.platform import Platform

PROGRAM = Path(__file__).with_name("auth.mjs")

OTP_SECONDS = 3600
"""Auth's own default."""


class AuthError(Exception):
    """Auth ended before it listened; the message holds its last words."""


@contextmanager
def running(
    platform: Platform,
    *,
    url: str,
    site_url: str,
    mailbox: str,
    second_factor: Sequence[str],
    log_file: Path,
) -> Iterator[str]:
    """The address of its server. `url` is the project's, `site_url` the course app's.

    Accounts with an address in `second_factor` count as signed in with one.
    """
    settings = {
        "url": url,
        "mailbox": mailbox,
        "socket_dir": str(platform.socket_dir),
        "second_factor": list(second_factor),
        "auth": {
            "enabled": True,
            "jwt_secret": keys.JWT_SECRET,
            "site_url": site_url,
            "additional_redirect_urls": [f"{site_url}/**"],
            "email": {"enable_confirmations": True, "otp_expiry": OTP_SECONDS},
        },
    }
    quiet = {"LITE_TELEMETRY": "0", "DO_NOT_TRACK": "1"}
    with (
        log_file.open("w", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            [requirements.node(), str(PROGRAM)],
            env=os.environ | quiet,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            port = process.stdout.readline().strip()
            if not port.isdigit():
                raise AuthError(f"Auth did not start: {port} {log_file.read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()

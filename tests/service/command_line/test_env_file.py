"""`thetis --env-file` reads settings from the file that Docker, Compose and systemd read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.program import thetis

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"
NO_SUCH_DATABASE = "Error: the database at 127.0.0.1:1 cannot be used: Connection refused\n"


def env_file(folder: Path, text: str | bytes) -> str:
    file = folder / "env"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


def test_settings_are_read_from_the_file(tmp_path: Path) -> None:
    file = env_file(tmp_path, f"# the way to it\n\nDATABASE_URL={NOWHERE}\n")

    by_option = thetis("--env-file", file, "products", "list")
    by_environment = thetis("products", "list", THETIS_ENV_FILE=file)

    assert (by_option.returncode, by_option.stderr) == (1, NO_SUCH_DATABASE)
    assert (by_environment.returncode, by_environment.stderr) == (1, NO_SUCH_DATABASE)


def test_a_value_without_quotes_is_read_as_it_stands(tmp_path: Path) -> None:
    file = env_file(
        tmp_path,
        "\ufeffEMAIL_FROM=The shop's <courses@example.com>\n"
        "SHOP_NAME=A $HOME of ${courses} & `more`\n"
        "BRAND_COLOR=#1463a5\n"
        "SUPPORT_EMAIL=help@example.com\r\n"
        "COURSE_APP_URL=https://learn.example.com/?a=b\n",
    )

    named = thetis("--env-file", file, "worker").stderr

    assert "KNOCK_API_KEY" in named
    for read in ("EMAIL_FROM", "SHOP_NAME", "BRAND_COLOR", "SUPPORT_EMAIL", "COURSE_APP_URL"):
        assert read not in named


def test_a_dollar_sign_stands_for_itself(tmp_path: Path) -> None:
    file = env_file(tmp_path, "HOST=elsewhere\nDATABASE_URL=postgresql://a:b@$HOST:1/c\n")

    ended = thetis("--env-file", file, "products", "list")

    assert "elsewhere" not in ended.stderr
    assert (ended.returncode, "$host" in ended.stderr.lower()) == (1, True)


def test_what_the_environment_has_counts_for_more_than_the_file(tmp_path: Path) -> None:
    file = env_file(tmp_path, "DATABASE_URL=postgresql://nobody@127.0.0.1:2/elsewhere\n")

    ended = thetis("--env-file", file, "products", "list", DATABASE_URL=NOWHERE)

    assert (ended.returncode, ended.stderr) == (1, NO_SUCH_DATABASE)


def test_the_doctor_reads_it_too(tmp_path: Path) -> None:
    file = env_file(tmp_path, f"DATABASE_URL={NOWHERE}\n")

    ended = thetis("--env-file", file, "doctor", "--json")

    checks = {each["check"]: each for each in json.loads(ended.stdout)["checks"]}
    assert ended.returncode == 1
    assert checks["database.reachable"]["words"] == "127.0.0.1:1: Connection refused"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"SHOP_NAME=\xff\xfe\n", "is not text in UTF-8"),
        (b"SHOP_NAME=a\0b\n", "is not a text file"),
        (
            b"A=1\nKNOCK_API_KEY='sk_secret\n",
            "cannot be understood in line 2: write NAME=value",
        ),
    ],
)
def test_a_file_that_cannot_be_understood_is_told_in_a_line_without_its_secrets(
    tmp_path: Path, text: bytes, words: str
) -> None:
    file = env_file(tmp_path, text)

    ended = thetis("--env-file", file, "products", "list")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"Error: --env-file: {file} {words}\n"


def test_a_file_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")

    for ended, path, why in (
        (thetis("--env-file", missing, "products", "list"), missing, "No such file or directory"),
        (thetis("doctor", THETIS_ENV_FILE=missing), missing, "No such file or directory"),
        (thetis("--env-file", str(tmp_path), "doctor"), str(tmp_path), "Is a directory"),
    ):
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr == f"Error: --env-file: {path}: {why}\n"

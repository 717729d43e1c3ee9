"""What the migrations say about the database: its functions, states, tables and errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg

_FUNCTIONS = """
select
    function.proname,
    coalesce(function.proargnames[1:function.pronargs], '{}'),
    array(
        select role.rolname::text
        from pg_roles as role
        where
            role.rolname in ('anon', 'authenticated', 'service_role')
            and has_function_privilege(role.oid, function.oid, 'execute')
        order by role.rolname
    )
from pg_proc as function
where function.pronamespace = 'public'::regnamespace
order by function.proname
"""


@dataclass(frozen=True, kw_only=True)
class Function:
    """One of schema public, with the API's roles that may execute it."""

    name: str
    arguments: list[str]
    roles: list[str]


def functions(database_url: str) -> list[Function]:
    with psycopg.connect(database_url) as connection:
        found = connection.execute(_FUNCTIONS).fetchall()
    return [Function(name=name, arguments=names, roles=roles) for name, names, roles in found]


class Migrations:
    """The text of all migrations, in their order."""

    def __init__(self, supabase_dir: Path) -> None:
        files = sorted((supabase_dir / "migrations").glob("*.sql"))
        self.text = "\n".join(file.read_text(encoding="utf-8") for file in files)

    def first_sentence(self, function: str) -> str:
        """What the comment above a function of schema public begins with; empty without one."""
        pattern = rf"((?:^--.*\n)+)create (?:or replace )?function public\.{function}\("
        found = re.search(pattern, self.text, re.MULTILINE)
        lines = found[1].splitlines() if found else []
        words = " ".join(line.removeprefix("--").strip() for line in lines)
        sentence = re.match(r".*?[.?:](?=\s|$)", words)
        return re.sub(r":$", ".", sentence[0] if sentence else words)

    def annotated(self, start: str) -> dict[str, str]:
        """The values of a list that begins here, each with the comment beside it."""
        listed = re.split(r"^ *\)", self.text.partition(start)[2], maxsplit=1, flags=re.MULTILINE)[
            0
        ]
        return dict(re.findall(r"'([a-z_.]+)',?[ \t]+-- (.+)", listed))

    def tables(self) -> list[str]:
        """Those of our own schema."""
        return re.findall(r"create table (?:if not exists )?(thetis\.\w+)", self.text)

    def errors(self) -> list[str]:
        """The SQLSTATEs of our own that are raised. By TH099 a dry run undoes what it did; nobody
        outside of the function gets it.
        """
        return sorted(set(re.findall(r"errcode = '(TH\d{3})'", self.text)) - {"TH099"})

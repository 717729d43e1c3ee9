"""Which programs the tests meet: the versions say what a run has proven."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
from pathlib import Path

from devtools import postgres
from tests.support.supabase_api import POSTGREST
from tests.support.supabase_cli import CLI

NODE_MODULES = Path(__file__).parents[2] / "node_modules"


def versions() -> str:
    """Name and version of each program and client, in one line."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    found = {
        **{f"Postgres {of}": _postgres(of) for of in (*postgres.PACKAGED, *postgres.BUNDLED)},
        "PostgREST": _asked(POSTGREST),
        "Supabase CLI": _asked(CLI),
        "Node": _asked(Path(node)) if node else None,
        "Chromium": _asked(Path(chromium)) if chromium else None,
        "supabase-js": _package("@supabase/supabase-js"),
        **{name: importlib.metadata.version(name) for name in ("supabase", "knockapi", "resend")},
    }
    return ", ".join(f"{name} {version or 'missing'}" for name, version in found.items())


def _postgres(version: int) -> str | None:
    if not postgres.is_installed(version):
        return None
    return _asked(postgres.binaries(version) / "postgres")


def _asked(program: Path) -> str | None:
    if not program.exists():
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"\d+(\.\d+)+", said.stdout)
    return number[0] if number else None


def _package(name: str) -> str | None:
    manifest = NODE_MODULES / name / "package.json"
    return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else None

"""`make reference`: write the page, deploy/.env.example and the names of the migrations, and
complain about what nobody has described.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from devtools import migrations, platform
from devtools.reference import FILE, MIGRATIONS, ROOT, environment, migration_names, reference


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Postgres does not run as root
        started = platform.start(Path(folder) / "platform")
        try:
            migrations.apply(started.database_url, ROOT / "supabase")
            made = reference(started.database_url)
        finally:
            platform.stop(started.data_dir)
    FILE.write_text(made.text, encoding="utf-8")
    environment.FILE.write_text(environment.environment(), encoding="utf-8")
    MIGRATIONS.write_text(migration_names(), encoding="utf-8")
    if made.faults:
        sys.exit("\n".join(["Words and code differ:", *made.faults]))


if __name__ == "__main__":
    main()

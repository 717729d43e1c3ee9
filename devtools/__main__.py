"""`python -m devtools` is the `thetis-dev` command."""

from devtools.cli import main

main(prog_name="thetis-dev")

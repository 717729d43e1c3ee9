"""`python -m thetis` is the `thetis` command."""

from thetis.cli import main

main(prog_name="thetis")

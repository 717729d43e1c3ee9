"""`python -m service` is the `thetis` command."""

from service.cli import main

main(prog_name="thetis")

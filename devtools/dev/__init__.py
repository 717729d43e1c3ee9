"""`thetis-dev run`: everything on this machine, clicked through in a browser."""

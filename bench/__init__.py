"""How fast it is, as ratios within one run: `make bench`, `make bench-scale`.

docs/PERFORMANCE.md says what is measured, what came of it, and what it means for a shop.
"""

"""Other people's programs that do a comparable job, to be measured beside ours.

They are installed apart from the product, from lock files of their own: `make bench` does it.
"""

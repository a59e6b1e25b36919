"""What experiments too long for a notebook measured: recorded rows, and the runs they are made of.

`tools/experiments` drives the runs, `data/measured` keeps their rows, notebooks show them.
"""

from helpers.measured.rows import FOLDER, facts, table

__all__ = ["FOLDER", "facts", "table"]

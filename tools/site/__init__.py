"""The course as static pages: `python3 tasks.py site`. Nothing of the course depends on it.

The folder is not called `site`, because a module of Python's standard library is.
"""

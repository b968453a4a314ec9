"""A folder a page, ``page.py`` first."""

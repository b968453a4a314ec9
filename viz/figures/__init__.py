"""Pure functions from values to a figure."""

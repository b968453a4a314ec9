"""Components of our own, for what must be faster than a chart library: a Python wrapper beside its JavaScript."""

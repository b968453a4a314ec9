"""The Guide: a file a chapter."""

"""Positions: six encodings, and what becomes of a text without them."""

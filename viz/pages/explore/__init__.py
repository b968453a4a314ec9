"""Explore: a sentence, its translation, every head."""

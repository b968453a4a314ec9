"""Anatomy: one head and one token, step by step."""

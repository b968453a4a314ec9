"""Checkpoints: what is open, its parameters, and what can be done with it."""

"""A training run as a process that somebody started."""

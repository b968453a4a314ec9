"""Train: start a run, watch it, go back in it."""

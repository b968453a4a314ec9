"""Everything that computes: the Transformer, its training, its traces. Imports no user interface."""

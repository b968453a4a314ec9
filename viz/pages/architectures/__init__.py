"""Architectures: the Transformer beside a recurrent network."""

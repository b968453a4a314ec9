"""Architectures beside each other; ``python -m model.compare`` records the measurements anew."""

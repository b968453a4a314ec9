"""Architectures side by side; ``python -m model.compare`` repeats the measurements and records them."""

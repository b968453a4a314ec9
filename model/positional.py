"""Positional encodings: how a Transformer, blind to order, is told where a token stands."""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoidal(n_positions: int, d_model: int) -> Tensor:
    """Sines and cosines of geometrically spaced wavelengths (Vaswani et al. 2017, section 3.5).

    ``PE[pos, 2i] = sin(pos / 10000^(2i/d_model))`` and ``PE[pos, 2i+1] = cos(...)`` of the same angle.

    Returns:
        ``[position, d_model]``, float32.

    Raises:
        ValueError: ``d_model`` is odd.
    """
    if d_model % 2:
        raise ValueError(f"sinusoidal encoding needs an even d_model, but d_model is {d_model}")
    position = torch.arange(n_positions, dtype=torch.float64)[:, None]
    wavelength = 10000.0 ** (torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    angle = position / wavelength  # [position, d_model / 2], in float64: large angles lose digits in float32
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1).float()

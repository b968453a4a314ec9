"""The same weights with different positions: none, shifted ones, or more of them than in training.

Each function returns a second checkpoint that shares the weights of the first, which stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from torch import Tensor

from model.checkpoint import Checkpoint
from model.network.positional import Encoding, Rotation

M = TypeVar("M")


class Shifted(Encoding):
    """Another encoding, as if the first token stood at position ``shift``."""

    def __init__(self, inner: Encoding, shift: int) -> None:
        super().__init__(inner.config)
        self.inner, self.shift = inner, shift

    def added(self) -> Tensor:
        return self.inner.added()[self.shift :]

    def rotation(self, positions: Tensor) -> Rotation | None:
        return self.inner.rotation(positions + self.shift)

    def bias(self, queries: Tensor, keys: Tensor, *, causal: bool) -> Tensor | None:
        return self.inner.bias(queries + self.shift, keys + self.shift, causal=causal)

    def factor(self, seen: Callable[[], Tensor]) -> Tensor | None:
        return self.inner.factor(seen)  # a shift changes where the tokens stand, not how many there are


def without_positions(checkpoint: Checkpoint) -> Checkpoint:
    """The model with its positional encoding switched off."""
    encoding = Encoding(replace(checkpoint.model.embedding.positional.config, positional="none"))
    return _with(checkpoint, encoding, checkpoint.config.max_len, "without positions")


def shifted(checkpoint: Checkpoint, shift: int) -> Checkpoint:
    """The model with every position, of source and target, moved on by ``shift``.

    A learned table has only so many rows, so the longest text gets shorter by ``shift``; where source and target are
    read as one sequence, the two together do.

    Raises:
        ValueError: ``shift`` is negative, or beyond the end of a learned table.
    """
    encoding, max_len = checkpoint.model.embedding.positional, checkpoint.config.max_len
    if shift < 0:
        raise ValueError(f"shift must be at least 0, but it is {shift}")
    try:
        encoding = encoding.stretched(replace(encoding.config, max_len=encoding.config.max_len + shift))
    except ValueError:
        max_len = (encoding.config.max_len - shift) // _share(checkpoint)
        if max_len < 1:
            raise ValueError(
                f"shift must be below max_len for a learned encoding, but {shift} is not below "
                f"{encoding.config.max_len}"
            ) from None
    return _with(checkpoint, Shifted(encoding, shift), max_len, f"shifted by {shift}")


def stretched(checkpoint: Checkpoint, max_len: int) -> Checkpoint:
    """The model, able to read and write ``max_len`` tokens.

    Raises:
        ValueError: its encoding is learned, and knows only the positions it has learned.
    """
    encoding = checkpoint.model.embedding.positional
    longer = encoding.stretched(replace(encoding.config, max_len=max_len * _share(checkpoint)))
    return _with(checkpoint, longer, max_len, f"max_len {max_len}")


def _share(checkpoint: Checkpoint) -> int:
    """How many texts share the positions: 2 where source and target are read as one sequence."""
    return checkpoint.model.embedding.positional.config.max_len // checkpoint.config.max_len


def _with(checkpoint: Checkpoint, encoding: Encoding, max_len: int, what: str) -> Checkpoint:
    other = _sharing(checkpoint.model)
    other.config = replace(checkpoint.config, max_len=max_len, positional=encoding.config.positional)
    other.embedding = _sharing(checkpoint.model.embedding)
    other.embedding.positional = encoding.eval().requires_grad_(False)
    return replace(checkpoint, model=other, digest=f"{checkpoint.digest}, {what}")


def _sharing(module: M) -> M:
    """A module whose parts, and nothing below them, can be replaced without a change to ``module``: a copy of all takes
    as long as a third of a pass."""
    other = copy.copy(module)
    vars(other)["_modules"] = dict(vars(module)["_modules"])
    return other

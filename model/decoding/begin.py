"""The start of decoding, whatever the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from model.decoding.decoder_only import LanguageSteps
from model.decoding.incremental import DecoderStep, IncrementalDecoder
from model.decoding.recurrent import RecurrentSteps
from model.decoding.whole_passes import WholePasses
from model.network.decoder_only import LanguageModel
from model.network.model import Model
from model.network.recurrent import Recurrent
from model.network.taps import UNTAPPED, Taps
from model.network.transformer import Transformer


class Steps(Protocol):
    """A decoder that takes one token of each row at a time."""

    @property
    def length(self) -> int:
        """Target positions decoded so far."""
        ...

    def step(self, ids: Tensor) -> DecoderStep:
        """Feed one token to each row, ``[batch]``, and move on by one position."""
        ...

    def reorder(self, rows: Tensor) -> None:
        """Replace row ``i`` by the current row ``rows[i]``, which must have the same source (beam search)."""
        ...

    def read(self, ids: Sequence[int]) -> list[DecoderStep]:
        """What :meth:`step` would return for one token after another, in one pass; only for a batch of one text.

        A decoder that must go step by step reads nothing and returns an empty list.
        """
        ...

    def rewind(self, length: int) -> None:
        """Forget all positions after the first ``length``, where :meth:`read` has read too far."""
        ...


def begin(model: Model, memory: Tensor, source_mask: Tensor | None, n_positions: int, taps: Taps = UNTAPPED) -> Steps:
    """The start of decoding from ``memory``, what ``model.encode`` returned as ``hidden``.

    Args:
        model: in eval mode.
        memory: ``[batch, …]``.
        source_mask: ``[batch, 1, 1, source]``, True where there is a token; None without padding.
        n_positions: the most steps that will be taken.
        taps: watch the passes; the fast decoders have no points, so each step is then a whole pass of the model.
    """
    if taps is UNTAPPED:
        if isinstance(model, Transformer):
            return IncrementalDecoder(model, memory, source_mask, n_positions)
        if isinstance(model, LanguageModel):
            return LanguageSteps(model, memory, n_positions)
        if isinstance(model, Recurrent):
            return RecurrentSteps(model, memory, source_mask)
    return WholePasses(model, memory, source_mask, taps)

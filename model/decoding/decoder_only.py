"""The decoder-only model, one position at a time: an :class:`~model.decoding.incremental.IncrementalDecoder` that has
read the source."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from model.decoding.incremental import DecoderStep, IncrementalDecoder
from model.network.decoder_only import LanguageModel
from model.text.tokenizer import BOS_ID, PAD_ID


class LanguageSteps:
    """A decoder-only model in eval mode, over one batch of sources, which it has read."""

    def __init__(self, model: LanguageModel, source: Tensor, n_positions: int) -> None:
        """
        Args:
            model: in eval mode.
            source: ids ``[batch, source]``, each row ended by ``</s>`` and padded.
            n_positions: the most steps that will be taken.
        """
        self.n_read = source.size(1)
        # Padding goes before <s>, so that all rows finish reading their source at the same step.
        lengths = (source != PAD_ID).sum(1, keepdim=True)
        begins = self.n_read - lengths
        order = (torch.arange(self.n_read) - begins - 1).clamp(min=0)
        read = source.gather(1, order).where(torch.arange(self.n_read) > begins, BOS_ID)
        self.decoder = IncrementalDecoder(model, None, None, self.n_read + n_positions, begins[:, 0])
        for ids in read.T:
            self.decoder.step(ids)

    @property
    def length(self) -> int:
        """Target positions decoded so far."""
        return self.decoder.length - self.n_read

    def step(self, ids: Tensor) -> DecoderStep:
        """Feed one token to each row, ``[batch]``; the pattern is over the source and the target so far.

        The columns are those of the longest source; a shorter one has columns of zeros before it.
        """
        return self.decoder.step(ids)

    def read(self, ids: Sequence[int]) -> list[DecoderStep]:
        """What :meth:`step` would return for one token after another, in one pass; only for a batch of one text."""
        return self.decoder.read(ids)

    def rewind(self, length: int) -> None:
        """Forget all target positions after the first ``length``."""
        self.decoder.rewind(self.n_read + length)

    def reorder(self, rows: Tensor) -> None:
        """Replace row ``i`` by the current row ``rows[i]``, which must have the same source (beam search)."""
        self.decoder.reorder(rows)

"""Decoding with a whole pass for each token: slow, but it works for any model and has all its points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.decoding.incremental import DecoderStep
from model.network.model import Model
from model.network.taps import Taps


class WholePasses:
    """A model in eval mode, over one batch of sources."""

    def __init__(self, model: Model, memory: Tensor, source_mask: Tensor | None, taps: Taps) -> None:
        """
        Args:
            model: in eval mode.
            memory: what ``model.encode`` returned as ``hidden``.
            source_mask: ``[batch, 1, 1, source]``, True where there is a token; None without padding.
            taps: watch each pass.
        """
        self.model, self.memory, self.source_mask, self.taps = model, memory, source_mask, taps
        self.ids = torch.empty((len(memory), 0), dtype=torch.int64)

    @property
    def length(self) -> int:
        """Target positions decoded so far."""
        return self.ids.size(1)

    def step(self, ids: Tensor) -> DecoderStep:
        """Feed one token to each row, ``[batch]``, and move on by one position.

        For a model that reads source and target as one sequence, the patterns are those of a single text.
        """
        self.ids = torch.cat((self.ids, ids[:, None]), dim=1)
        return self._last(1)[0]

    def read(self, ids: Sequence[int]) -> list[DecoderStep]:
        """What :meth:`step` would return for one token after another, in one pass; only for a batch of one text."""
        self.ids = torch.cat((self.ids, torch.tensor([ids])), dim=1)
        return self._last(len(ids))

    def rewind(self, length: int) -> None:
        """Forget all positions after the first ``length``."""
        self.ids = self.ids[:, :length]

    def reorder(self, rows: Tensor) -> None:
        """Replace row ``i`` by the current row ``rows[i]``, which must have the same source (beam search)."""
        self.ids = self.ids[rows]

    def _last(self, n: int) -> list[DecoderStep]:
        """Make one pass and return its last ``n`` positions."""
        decoded = self.model.decode(self.ids, self.memory, self.source_mask, self.taps)
        logits = self.model.unembed(decoded.hidden[:, -n:], self.taps)
        none = np.empty((0, len(self.ids), 0, self.length, self.length), np.float32)
        own, cross = (
            torch.stack(patterns).numpy() if patterns else none  # [layer, batch, head, query, key]
            for patterns in (decoded.self_patterns, decoded.cross_patterns)
        )
        ends = range(own.shape[3] - n + 1, own.shape[3] + 1)
        return [
            DecoderStep(logits[:, i], own[:, :, :, end - 1, :end], cross[:, :, :, cross.shape[3] - n + i])
            for i, end in enumerate(ends)
        ]

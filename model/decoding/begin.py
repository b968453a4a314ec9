"""The start of decoding, whatever the model."""

from __future__ import annotations

from torch import Tensor

from model.decoding.decoder_only import LanguageSteps
from model.decoding.incremental import IncrementalDecoder
from model.decoding.recurrent import RecurrentSteps
from model.network.build import Model
from model.network.decoder_only import LanguageModel
from model.network.recurrent import Recurrent

Steps = IncrementalDecoder | LanguageSteps | RecurrentSteps
"""A decoder that takes one token of each row at a time: ``step``, ``reorder`` and ``length``."""


def begin(model: Model, memory: Tensor, source_mask: Tensor | None, n_positions: int) -> Steps:
    """The start of decoding from ``memory``, what ``model.encode`` gave as hidden states.

    Args:
        model: in eval mode.
        memory: ``[batch, …]``.
        source_mask: ``[batch, 1, 1, source]``, True where there is a token; None without padding.
        n_positions: the most steps that will be taken.
    """
    if isinstance(model, Recurrent):
        return RecurrentSteps(model, memory, source_mask)
    if isinstance(model, LanguageModel):
        return LanguageSteps(model, memory, n_positions)
    return IncrementalDecoder(model, memory, source_mask, n_positions)

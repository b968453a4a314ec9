"""From a config to its model: the one place that asks which architecture it is."""

from __future__ import annotations

from torch import Tensor

from model.config import ModelConfig
from model.decoding.decoder_only import LanguageSteps
from model.decoding.incremental import DecoderStep, IncrementalDecoder
from model.decoding.recurrent import RecurrentSteps
from model.network.decoder_only import LanguageModel
from model.network.recurrent import Recurrent
from model.network.transformer import Transformer

Model = Transformer | LanguageModel | Recurrent
Steps = IncrementalDecoder | LanguageSteps | RecurrentSteps
"""A decoder that takes one token of each row at a time: ``step``, ``reorder`` and ``length``."""

__all__ = ["DecoderStep", "Model", "Steps", "begin", "build", "telling_shapes"]


def build(config: ModelConfig) -> Model:
    """A model with fresh weights, drawn from torch's generator."""
    if config.architecture == "lstm":
        return Recurrent(config)
    if config.architecture == "decoder":
        return LanguageModel(config)
    return Transformer(config)


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


def telling_shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Tensors that together hold every size a layer is made of, with their shapes."""
    embedding = {"embedding.tokens.weight": (config.vocab_size, config.d_model)}
    if config.architecture == "lstm":
        return embedding | {"decoder.attention.query.weight": (config.d_model, config.d_ff)}
    stack = "decoder" if config.architecture == "decoder" else "encoder"
    return embedding | {f"{stack}.layers.0.feed_forward.inner.weight": (config.d_ff, config.d_model)}

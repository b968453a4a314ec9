"""From a config to its model: the only place that asks which architecture it is."""

from __future__ import annotations

from model.config import ModelConfig
from model.network.decoder_only import LanguageModel
from model.network.recurrent import Recurrent
from model.network.transformer import Transformer

Trainable = Transformer | LanguageModel | Recurrent
"""What :func:`build` returns: each is a :class:`model.network.model.Model` and a PyTorch module."""


def build(config: ModelConfig) -> Trainable:
    """A model with fresh weights, drawn from torch's generator."""
    if config.architecture == "lstm":
        return Recurrent(config)
    if config.architecture == "decoder":
        return LanguageModel(config)
    return Transformer(config)


def telling_shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Tensors that together hold every size a layer is made of, with their shapes."""
    embedding = {"embedding.tokens.weight": (config.vocab_size, config.d_model)}
    if config.architecture == "lstm":
        return embedding | {"decoder.attention.query.weight": (config.d_model, config.d_ff)}
    stack = "decoder" if config.architecture == "decoder" else "encoder"
    return embedding | {f"{stack}.layers.0.feed_forward.inner.weight": (config.d_ff, config.d_model)}

"""The encoder-decoder Transformer (Vaswani et al. 2017), in the paper's order.

Attention patterns are return values of every call: what trains is what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import KeyValue, MultiHeadAttention, causal_mask, padding_mask
from model.config import ModelConfig
from model.dropout import dropout
from model.positional import sinusoidal
from model.tokenizer import PAD_ID

Patterns = tuple[Tensor, ...]
"""One ``[batch, head, query, key]`` for each layer."""


class LayerCache(NamedTuple):
    """What a decoder layer keeps between two steps of decoding."""

    self_attention: KeyValue
    cross_attention: KeyValue | None

    def reorder(self, rows: Tensor) -> LayerCache:
        """The cache of other beams: batch row ``i`` becomes the present row ``rows[i]`` of the same source."""
        past = self.self_attention
        return self._replace(self_attention=KeyValue(past.key[rows], past.value[rows]))


class EncoderOutput(NamedTuple):
    hidden: Tensor  # [batch, source, d_model]
    patterns: Patterns


class DecoderOutput(NamedTuple):
    hidden: Tensor  # [batch, target, d_model]
    self_patterns: Patterns
    cross_patterns: Patterns  # empty without cross-attention
    cache: tuple[LayerCache, ...]


class TransformerOutput(NamedTuple):
    hidden: Tensor  # [batch, target, d_model]; Transformer.unembed makes logits of it
    encoder_patterns: Patterns
    decoder_patterns: Patterns
    cross_patterns: Patterns


class FeedForward(nn.Module):
    """Two linear maps with an activation between, at each position alike (section 3.3)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.activation: Callable[[Tensor], Tensor] = {"relu": F.relu, "gelu": F.gelu}[config.activation]
        self.inner = nn.Linear(config.d_model, config.d_ff)
        self.outer = nn.Linear(config.d_ff, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        """``[batch, position, d_model]`` to the same shape."""
        return self.outer(self.activation(self.inner(x)))


class Residual(nn.Module):
    """The connection around a sublayer: its input is added to its output and normalised.

    ``post`` normalises the sum, ``LayerNorm(x + sublayer(x))``, as in the paper (section 3.1); ``pre``
    normalises the sublayer's input, ``x + sublayer(LayerNorm(x))`` (Xiong et al. 2020). A sublayer's
    forward pass reads ``enter``, the sublayer, ``leave``.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre = config.norm == "pre"
        self.drop = config.dropout
        self.norm = nn.LayerNorm(config.d_model)

    def enter(self, x: Tensor) -> Tensor:
        return self.norm(x) if self.pre else x

    def leave(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        total = x + dropout(sublayer_output, self.drop, self.training)
        return total if self.pre else self.norm(total)


class EncoderLayer(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(config)
        self.self_attention_residual = Residual(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_residual = Residual(config)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """``[batch, position, d_model]`` to the same shape, and the pattern of the self-attention."""
        inner = self.self_attention_residual.enter(x)
        attended, pattern = self.self_attention(inner, inner, mask)
        x = self.self_attention_residual.leave(x, attended)
        forwarded = self.feed_forward(self.feed_forward_residual.enter(x))
        return self.feed_forward_residual.leave(x, forwarded), pattern


class DecoderLayer(nn.Module):
    """Masked self-attention, attention to the encoder's output (unless decoder-only), feed-forward."""

    def __init__(self, config: ModelConfig, *, cross_attention: bool = True) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(config)
        self.self_attention_residual = Residual(config)
        self.cross_attention = MultiHeadAttention(config) if cross_attention else None
        self.cross_attention_residual = Residual(config) if cross_attention else None
        self.feed_forward = FeedForward(config)
        self.feed_forward_residual = Residual(config)

    def forward(
        self,
        x: Tensor,
        self_mask: Tensor | None,
        memory: Tensor | None,
        cross_mask: Tensor | None,
        cache: LayerCache | None,
    ) -> tuple[Tensor, Tensor, Tensor | None, LayerCache]:
        """``x`` holds the positions after those in ``cache``; returns output, patterns and the longer cache."""
        inner = self.self_attention_residual.enter(x)
        own = self.self_attention.keys_values(inner)
        if cache is not None:
            past = cache.self_attention
            own = KeyValue(torch.cat((past.key, own.key), dim=2), torch.cat((past.value, own.value), dim=2))
        attended, self_pattern = self.self_attention.attend(inner, own, self_mask)
        x = self.self_attention_residual.leave(x, attended)

        other, cross_pattern = None, None
        if self.cross_attention is not None and self.cross_attention_residual is not None:
            other = cache.cross_attention if cache is not None else None
            if other is None:
                if memory is None:
                    raise ValueError(
                        "a decoder layer with cross-attention needs the encoder's output, but memory is None"
                    )
                other = self.cross_attention.keys_values(memory)
            inner = self.cross_attention_residual.enter(x)
            attended, cross_pattern = self.cross_attention.attend(inner, other, cross_mask)
            x = self.cross_attention_residual.leave(x, attended)

        forwarded = self.feed_forward(self.feed_forward_residual.enter(x))
        x = self.feed_forward_residual.leave(x, forwarded)
        return x, self_pattern, cross_pattern, LayerCache(own, other)


class TransformerEncoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model) if config.norm == "pre" else nn.Identity()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> EncoderOutput:
        """``x`` is embedded, ``[batch, source, d_model]``; ``mask`` as in :func:`model.attention.attention`."""
        patterns = []
        for layer in self.layers:
            x, pattern = layer(x, mask)
            patterns.append(pattern)
        return EncoderOutput(self.norm(x), tuple(patterns))


class TransformerDecoder(nn.Module):
    """A stack of decoder layers; with ``cross_attention=False`` it serves a decoder-only model."""

    def __init__(self, config: ModelConfig, *, cross_attention: bool = True) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DecoderLayer(config, cross_attention=cross_attention) for _ in range(config.n_layers)
        )
        self.norm = nn.LayerNorm(config.d_model) if config.norm == "pre" else nn.Identity()

    def forward(
        self,
        x: Tensor,
        self_mask: Tensor | None = None,
        memory: Tensor | None = None,
        cross_mask: Tensor | None = None,
        cache: tuple[LayerCache, ...] = (),
    ) -> DecoderOutput:
        """``x`` is embedded, ``[batch, target, d_model]``: all positions, or those after the cached ones."""
        self_patterns, cross_patterns, longer = [], [], []
        for index, layer in enumerate(self.layers):
            x, self_pattern, cross_pattern, kept = layer(
                x, self_mask, memory, cross_mask, cache[index] if cache else None
            )
            self_patterns.append(self_pattern)
            longer.append(kept)
            if cross_pattern is not None:
                cross_patterns.append(cross_pattern)
        return DecoderOutput(self.norm(x), tuple(self_patterns), tuple(cross_patterns), tuple(longer))


class TokenEmbedding(nn.Module):
    """Token vectors scaled by √d_model plus the positional encoding (sections 3.4 and 3.5)."""

    positions: Tensor  # [max_len, d_model], computed and not saved

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.drop = config.dropout
        self.scale = math.sqrt(config.d_model)
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.register_buffer("positions", sinusoidal(config.max_len, config.d_model), persistent=False)

    def forward(self, ids: Tensor, start: int = 0) -> Tensor:
        """Embed ``[batch, position]``, whose first position is number ``start``.

        Raises:
            ValueError: a position lies at or beyond ``max_len``.
        """
        end = start + ids.size(1)
        if end > len(self.positions):
            raise ValueError(f"max_len is {len(self.positions)} tokens, but the text has {end}")
        embedded = self.tokens(ids) * self.scale + self.positions[start:end]
        return dropout(embedded, self.drop, self.training)


class Transformer(nn.Module):
    """Encoder, decoder and one embedding matrix shared by source, target and output (section 3.4)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config)
        self.encoder = TransformerEncoder(config)
        self.decoder = TransformerDecoder(config)
        self.apply(_initialise)

    def forward(self, source: Tensor, target: Tensor) -> TransformerOutput:
        """Teacher-forced pass over ids ``[batch, source]`` and ``[batch, target]``, padded with ``PAD_ID``."""
        source_mask = padding_mask(source, PAD_ID)
        encoded = self.encode(source, source_mask)
        decoded = self.decode(target, encoded.hidden, source_mask)
        return TransformerOutput(decoded.hidden, encoded.patterns, decoded.self_patterns, decoded.cross_patterns)

    def encode(self, source: Tensor, source_mask: Tensor | None) -> EncoderOutput:
        """Ids ``[batch, source]`` and their padding mask (None: no padding) to hidden states and patterns."""
        return self.encoder(self.embedding(source), source_mask)

    def decode(
        self, target: Tensor, memory: Tensor, source_mask: Tensor | None, cache: tuple[LayerCache, ...] = ()
    ) -> DecoderOutput:
        """Ids ``[batch, target]`` that follow the cached positions (none at first) to hidden states.

        Padding stands after the tokens, where the causal mask hides it, so it needs no mask of its own.
        """
        past = cache[0].self_attention.key.size(2) if cache else 0
        n = target.size(1)
        mask = causal_mask(n, past + n, target.device) if n > 1 else None  # the last position may look at all
        return self.decoder(self.embedding(target, past), mask, memory, source_mask, cache)

    def unembed(self, hidden: Tensor) -> Tensor:
        """Hidden states ``[..., d_model]`` to logits ``[..., vocab]``, with the embedding's weights."""
        return F.linear(hidden, self.embedding.tokens.weight)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        # With the scale √d_model of section 3.4 the token vectors then have unit variance.
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)

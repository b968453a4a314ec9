"""The encoder-decoder Transformer (Vaswani et al. 2017), in the paper's order.

Attention patterns are return values of every call: what is trained is what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import ModelConfig
from model.network.attention import NOWHERE, MultiHeadAttention, causal_mask, padding_mask
from model.network.capabilities import Capability
from model.network.dropout import dropout
from model.network.positional import ENCODINGS, OnScores
from model.network.taps import UNTAPPED, Stack, Taps
from model.text.tokenizer import PAD_ID

Patterns = tuple[Tensor, ...]
"""One ``[batch, head, query, key]`` for each layer."""


class EncoderOutput(NamedTuple):
    hidden: Tensor  # [batch, source, d_model]
    patterns: Patterns


class DecoderOutput(NamedTuple):
    hidden: Tensor  # [batch, target, d_model]
    self_patterns: Patterns
    cross_patterns: Patterns  # empty without cross-attention


class TransformerOutput(NamedTuple):
    hidden: Tensor  # [batch, target, d_model]; Transformer.unembed turns it into logits
    encoder_patterns: Patterns
    decoder_patterns: Patterns
    cross_patterns: Patterns


def activation(config: ModelConfig) -> Callable[[Tensor], Tensor]:
    """The function between the two maps of the feed-forward layer."""
    return {"relu": F.relu, "gelu": F.gelu}[config.activation]


class FeedForward(nn.Module):
    """Two linear maps with an activation in between, the same at every position (section 3.3)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.activation = activation(config)
        self.inner = nn.Linear(config.d_model, config.d_ff)
        self.outer = nn.Linear(config.d_ff, config.d_model)

    def forward(self, x: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """``[batch, position, d_model]`` to the same shape."""
        return taps("output", self.outer(taps("hidden", self.activation(self.inner(x)))))


class Residual(nn.Module):
    """The connection around a sublayer: its input is added to its output and normalised.

    ``post`` normalises the sum, ``LayerNorm(x + sublayer(x))``, as in the paper (section 3.1); ``pre``
    normalises the sublayer's input, ``x + sublayer(LayerNorm(x))`` (Xiong et al. 2020). A sublayer's forward pass
    reads: ``enter``, the sublayer, ``leave``.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre = config.norm == "pre"
        self.drop = config.dropout
        self.norm = nn.LayerNorm(config.d_model)

    def enter(self, x: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        return taps("input", self.norm(x) if self.pre else x)

    def leave(self, x: Tensor, sublayer_output: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        total = x + dropout(sublayer_output, self.drop, self.training)
        return taps("residual", total if self.pre else self.norm(total))


class EncoderLayer(nn.Module):
    cross_attention = cross_attention_residual = None

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(config)
        self.self_attention_residual = Residual(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_residual = Residual(config)

    def forward(
        self, x: Tensor, mask: Tensor | None, on_scores: OnScores = NOWHERE, taps: Taps = UNTAPPED
    ) -> tuple[Tensor, Tensor]:
        """``[batch, position, d_model]`` to the same shape, and the pattern of the self-attention."""
        here = taps.within("self_attention")
        inner = self.self_attention_residual.enter(x, here)
        attended, pattern = self.self_attention(inner, inner, mask, on_scores, here)
        x = self.self_attention_residual.leave(x, attended, here)

        here = taps.within("feed_forward")
        forwarded = self.feed_forward(self.feed_forward_residual.enter(x, here), here)
        return self.feed_forward_residual.leave(x, forwarded, here), pattern


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
        on_scores: OnScores = NOWHERE,
        taps: Taps = UNTAPPED,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """``[batch, position, d_model]`` to the same shape, and the patterns of both attentions."""
        here = taps.within("self_attention")
        inner = self.self_attention_residual.enter(x, here)
        attended, self_pattern = self.self_attention(inner, inner, self_mask, on_scores, here)
        x = self.self_attention_residual.leave(x, attended, here)

        cross_pattern = None
        if self.cross_attention is not None and self.cross_attention_residual is not None:
            if memory is None:
                raise ValueError("a decoder layer with cross-attention needs the encoder's output, but memory is None")
            here = taps.within("cross_attention")
            inner = self.cross_attention_residual.enter(x, here)
            attended, cross_pattern = self.cross_attention(inner, memory, cross_mask, taps=here)
            x = self.cross_attention_residual.leave(x, attended, here)

        here = taps.within("feed_forward")
        forwarded = self.feed_forward(self.feed_forward_residual.enter(x, here), here)
        return self.feed_forward_residual.leave(x, forwarded, here), self_pattern, cross_pattern


class TransformerEncoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.n_layers))
        self.layers = cast("Sequence[EncoderLayer]", layers)  # nn.ModuleList does not say what it holds
        self.norm = nn.LayerNorm(config.d_model) if config.norm == "pre" else nn.Identity()

    def forward(
        self, x: Tensor, mask: Tensor | None = None, on_scores: OnScores = NOWHERE, taps: Taps = UNTAPPED
    ) -> EncoderOutput:
        """``x`` is embedded, ``[batch, source, d_model]``; ``mask`` as in :func:`model.network.attention.attention`.

        ``on_scores`` is what the positional encoding does in every layer.
        """
        patterns = []
        for n, layer in enumerate(self.layers):
            x, pattern = layer(x, mask, on_scores, taps.within(n))
            patterns.append(pattern)
        return EncoderOutput(taps("final", self.norm(x)), tuple(patterns))


class TransformerDecoder(nn.Module):
    """A stack of decoder layers; with ``cross_attention=False`` it serves a decoder-only model."""

    def __init__(self, config: ModelConfig, *, cross_attention: bool = True) -> None:
        super().__init__()
        layers = nn.ModuleList(DecoderLayer(config, cross_attention=cross_attention) for _ in range(config.n_layers))
        self.layers = cast("Sequence[DecoderLayer]", layers)
        self.norm = nn.LayerNorm(config.d_model) if config.norm == "pre" else nn.Identity()

    def forward(
        self,
        x: Tensor,
        self_mask: Tensor | None = None,
        memory: Tensor | None = None,
        cross_mask: Tensor | None = None,
        on_scores: OnScores = NOWHERE,
        taps: Taps = UNTAPPED,
    ) -> DecoderOutput:
        """``x`` is embedded, ``[batch, target, d_model]``; the masks as in :func:`model.network.attention.attention`.

        ``on_scores`` is what the positional encoding does in the self-attention of every layer.
        """
        self_patterns, cross_patterns = [], []
        for n, layer in enumerate(self.layers):
            x, self_pattern, cross_pattern = layer(x, self_mask, memory, cross_mask, on_scores, taps.within(n))
            self_patterns.append(self_pattern)
            if cross_pattern is not None:
                cross_patterns.append(cross_pattern)
        return DecoderOutput(taps("final", self.norm(x)), tuple(self_patterns), tuple(cross_patterns))


class TokenEmbedding(nn.Module):
    """Token vectors scaled by √d_model plus what the positional encoding adds (sections 3.4 and 3.5).

    It holds the encoding even if that acts on the scores.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.drop = config.dropout
        self.scale = math.sqrt(config.d_model)
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.positional = ENCODINGS[config.positional](config)

    @property
    def positions(self) -> Tensor:
        """What is added at each position, ``[max_len, d_model]``; zeros if the encoding acts elsewhere."""
        return self.positional.added()

    def forward(self, ids: Tensor) -> Tensor:
        """Embed ``[batch, position]``.

        Raises:
            ValueError: there are more than ``max_len`` positions.
        """
        positions = self.positions
        if ids.size(1) > len(positions):
            raise ValueError(f"max_len is {len(positions)} tokens, but the text has {ids.size(1)}")
        embedded = self.tokens(ids) * self.scale + positions[: ids.size(1)].to(ids.device)
        return dropout(embedded, self.drop, self.training)

    def on_scores(self, ids: Tensor, *, causal: bool) -> OnScores:
        """What the encoding does to the self-attention of ``[batch, position]``, ``causal`` in a decoder."""
        positions = torch.arange(ids.size(1), device=ids.device)
        return self.positional.on_scores(positions, causal=causal, lengths=lambda: (ids != PAD_ID).sum(1))


class Transformer(nn.Module):
    """Encoder, decoder and one embedding matrix shared by source, target and output (section 3.4)."""

    can = frozenset(Capability)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config)
        self.encoder = TransformerEncoder(config)
        self.decoder = TransformerDecoder(config)
        self.apply(initialise)

    def forward(self, source: Tensor, target: Tensor) -> TransformerOutput:
        """Teacher-forced pass over ids ``[batch, source]`` and ``[batch, target]``, padded with ``PAD_ID``."""
        source_mask = padding_mask(source, PAD_ID)
        encoded = self.encode(source, source_mask)
        decoded = self.decode(target, encoded.hidden, source_mask)
        return TransformerOutput(decoded.hidden, encoded.patterns, decoded.self_patterns, decoded.cross_patterns)

    def encode(self, source: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED) -> EncoderOutput:
        """Ids ``[batch, source]`` and their padding mask (None: no padding) to hidden states and patterns."""
        here, on_scores = taps.within("encoder"), self.embedding.on_scores(source, causal=False)
        return self.encoder(here("embedding", self.embedding(source)), source_mask, on_scores, here)

    def decode(
        self, target: Tensor, memory: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED
    ) -> DecoderOutput:
        """Ids ``[batch, target]`` to hidden states and patterns, all positions at once.

        Padding comes after the tokens, where the causal mask hides it, so it needs no mask of its own.
        """
        mask, here = causal_mask(target.size(1), target.device), taps.within("decoder")
        on_scores = self.embedding.on_scores(target, causal=True)
        x = here("embedding", self.embedding(target))
        return self.decoder(x, mask, memory, source_mask, on_scores, here)

    def unembed(self, hidden: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """Hidden states ``[..., d_model]`` to logits ``[..., vocab]``, with the embedding's weights."""
        return taps("logits", F.linear(hidden, self.embedding.tokens.weight))

    def layers(self, stack: Stack) -> Sequence[EncoderLayer | DecoderLayer]:
        """The layers of the encoder or the decoder."""
        return self.encoder.layers if stack == "encoder" else self.decoder.layers

    def rows(self, source: Tensor, target: Tensor) -> Tensor:
        """The ids that the decoder reads, ``[batch, position]``: those of the target."""
        return target

    def read(self, ids: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """The output of the stack that reads the source, the encoder, for ids ``[batch, position]`` without padding.

        Returns:
            ``[batch, position, d_model]``.
        """
        return self.encode(ids, None, taps).hidden


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        # With the scale √d_model of section 3.4, token vectors then have unit variance.
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)

"""Decoding one position at a time, with the keys and values of the earlier ones kept.

The same arithmetic as :class:`model.transformer.TransformerDecoder`, for one new position in each row. For
so little data the time of a step goes into calls, not into sums, so there are few of them: one product for
queries, keys and values together, caches written in place, and no module between.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import KeyValue, attention
from model.positional import Rotation, rotated
from model.transformer import DecoderLayer, Patterns, Transformer, activation

Affine = tuple[Tensor, Tensor]
"""Weight and bias, of a linear map or of a LayerNorm."""


class DecoderStep(NamedTuple):
    """What one step gave."""

    logits: Tensor  # [batch, vocab]
    self_patterns: Patterns  # a layer each, [batch, head, 1, positions so far]
    cross_patterns: Patterns  # a layer each, [batch, head, 1, source]


class _Layer(NamedTuple):
    query_key_value: Affine
    self_output: Affine
    self_norm: Affine
    cross_query: Affine
    cross_output: Affine
    cross_norm: Affine
    inner: Affine
    outer: Affine
    feed_forward_norm: Affine
    memory: KeyValue  # [batch, head, source, d_head]


class IncrementalDecoder:
    """The decoder of a Transformer in eval mode, over one batch of sources."""

    def __init__(self, model: Transformer, memory: Tensor, source_mask: Tensor | None, n_positions: int) -> None:
        """
        Args:
            model: in eval mode.
            memory: the encoder's output, ``[batch, source, d_model]``.
            source_mask: as in :func:`model.attention.attention`; None without padding.
            n_positions: the most steps that will be taken.
        """
        config = model.config
        self.pre_norm = config.norm == "pre"
        self.activation = activation(config)
        self.embedding, self.scale = model.embedding.tokens.weight, model.embedding.scale
        self.positions = model.embedding.positions
        positional, places = model.embedding.positional, torch.arange(n_positions)
        self.rotation = positional.rotation(places)
        # Of the last query to each key. A bias knows only the distance, so an earlier query's is the end of it.
        self.bias = positional.bias(places[-1:], places, causal=True)  # [head, 1, key]
        self.final_norm = model.decoder.norm
        self.source_mask = source_mask
        self.layers = [_layer(layer, memory) for layer in model.decoder.layers if isinstance(layer, DecoderLayer)]
        shape = (config.n_layers, len(memory), config.n_heads, n_positions, config.d_head)
        self.keys, self.values = memory.new_empty(shape), memory.new_empty(shape)
        self.length = 0  # positions decoded so far

    def step(self, ids: Tensor) -> DecoderStep:
        """Feed one token to each row, ``[batch]``, and move on by one position."""
        _, batch, n_heads, _, d_head = self.keys.shape
        x = torch.add(self.positions[self.length], self.embedding[ids], alpha=self.scale)  # [batch, d_model]
        rotation = self.rotation and Rotation(*(part[self.length] for part in self.rotation))
        self.length += 1
        bias = None if self.bias is None else self.bias[:, :, -self.length :]
        self_patterns, cross_patterns = [], []
        for layer, keys, values in zip(self.layers, self.keys, self.values, strict=True):
            projected = F.linear(self._enter(x, layer.self_norm), *layer.query_key_value)
            query, key, value = projected.view(batch, 3, n_heads, d_head).unbind(1)  # each [batch, head, d_head]
            if rotation is not None:
                query, key = rotated(query, rotation), rotated(key, rotation)
            keys[:, :, self.length - 1], values[:, :, self.length - 1] = key, value
            past = keys[:, :, : self.length], values[:, :, : self.length]
            attended, pattern = attention(query[:, :, None], *past, bias=bias)
            self_patterns.append(pattern)
            x = self._leave(x, F.linear(attended.flatten(1), *layer.self_output), layer.self_norm)

            query = F.linear(self._enter(x, layer.cross_norm), *layer.cross_query).view(batch, n_heads, 1, d_head)
            attended, pattern = attention(query, *layer.memory, self.source_mask)
            cross_patterns.append(pattern)
            x = self._leave(x, F.linear(attended.flatten(1), *layer.cross_output), layer.cross_norm)

            hidden = self.activation(F.linear(self._enter(x, layer.feed_forward_norm), *layer.inner))
            x = self._leave(x, F.linear(hidden, *layer.outer), layer.feed_forward_norm)
        logits = F.linear(self.final_norm(x), self.embedding)
        return DecoderStep(logits, tuple(self_patterns), tuple(cross_patterns))

    def reorder(self, rows: Tensor) -> None:
        """Make row ``i`` the present row ``rows[i]``, which must be of the same source (beam search)."""
        past = slice(0, self.length)
        self.keys[:, :, :, past] = self.keys[:, rows, :, past]
        self.values[:, :, :, past] = self.values[:, rows, :, past]

    def _enter(self, x: Tensor, norm: Affine) -> Tensor:
        return _normalised(x, norm) if self.pre_norm else x

    def _leave(self, x: Tensor, sublayer_output: Tensor, norm: Affine) -> Tensor:
        total = x + sublayer_output
        return total if self.pre_norm else _normalised(total, norm)


def _layer(layer: DecoderLayer, memory: Tensor) -> _Layer:
    own, cross, forward = layer.self_attention, layer.cross_attention, layer.feed_forward
    if cross is None or layer.cross_attention_residual is None:
        raise ValueError("incremental decoding of an encoder-decoder needs cross-attention, but a layer has none")
    projections = (own.query, own.key, own.value)
    return _Layer(
        query_key_value=(torch.cat([p.weight for p in projections]), torch.cat([p.bias for p in projections])),
        self_output=_affine(own.output),
        self_norm=_affine(layer.self_attention_residual.norm),
        cross_query=_affine(cross.query),
        cross_output=_affine(cross.output),
        cross_norm=_affine(layer.cross_attention_residual.norm),
        inner=_affine(forward.inner),
        outer=_affine(forward.outer),
        feed_forward_norm=_affine(layer.feed_forward_residual.norm),
        memory=KeyValue(*(part.contiguous() for part in cross.keys_values(memory))),
    )


def _affine(module: nn.Linear | nn.LayerNorm) -> Affine:
    return module.weight, module.bias


def _normalised(x: Tensor, norm: Affine) -> Tensor:
    return F.layer_norm(x, (x.size(-1),), *norm)

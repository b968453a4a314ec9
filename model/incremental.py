"""Decoding one position at a time, with the keys and values of the earlier ones kept.

The same arithmetic as :class:`model.transformer.TransformerDecoder`, for one new position in each row. For
so little data the time of a step goes into calls, not into sums. So there are few of them, and they are
NumPy's: its calls cost about half of torch's, and its product of a matrix and a vector a third.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.positional import Rotation, rotated
from model.transformer import DecoderLayer, Transformer

LOWEST = np.finfo(np.float32).min


class DecoderStep(NamedTuple):
    """What one step gave."""

    logits: Tensor  # [batch, vocab]
    self_pattern: np.ndarray  # [layer, batch, head, positions so far]
    cross_pattern: np.ndarray  # [layer, batch, head, source]


class _Affine(NamedTuple):
    """A linear map, ``x @ weight + bias``."""

    weight: np.ndarray  # [in, out]
    bias: np.ndarray  # [out]


class _Norm(NamedTuple):
    """A LayerNorm over the last axis."""

    weight: np.ndarray  # [d_model]
    bias: np.ndarray
    mean: np.ndarray  # [d_model], 1 / d_model: a product with it is the mean, in one call
    epsilon: float


class _Layer(NamedTuple):
    query_key_value: _Affine  # queries divided by √d_head
    self_output: _Affine
    self_norm: _Norm
    cross_query: _Affine  # divided by √d_head
    cross_output: _Affine
    cross_norm: _Norm
    inner: _Affine
    outer: _Affine
    feed_forward_norm: _Norm
    memory_keys: np.ndarray  # [batch, head, source, d_head]
    memory_values: np.ndarray


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
        self.activation = {"relu": _relu, "gelu": _gelu}[config.activation]
        self.embedding, self.scale = _array(model.embedding.tokens.weight), np.float32(model.embedding.scale)
        self.positions = _array(model.embedding.positions)
        positional, places = model.embedding.positional, torch.arange(n_positions)
        self.rotation = positional.rotation(places)
        # Of the last query to each key. A bias knows only the distance, so an earlier query's is the end of it.
        bias = positional.bias(places[-1:], places, causal=True)
        self.bias = None if bias is None else _array(bias[:, 0])  # [head, key]
        self.final_norm = _norm(model.decoder.norm) if isinstance(model.decoder.norm, nn.LayerNorm) else None
        self.hidden = None if source_mask is None else ~source_mask[:, :, 0].numpy()  # [batch, 1, source]
        self.layers = [_layer(layer, memory) for layer in model.decoder.layers if isinstance(layer, DecoderLayer)]
        shape = (config.n_layers, len(memory), config.n_heads, n_positions, config.d_head)
        self.keys, self.values = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self.length = 0  # positions decoded so far

    def step(self, ids: Tensor) -> DecoderStep:
        """Feed one token to each row, ``[batch]``, and move on by one position."""
        n_layers, batch, n_heads, _, d_head = self.keys.shape
        x = self.embedding[ids.numpy()] * self.scale + self.positions[self.length]  # [batch, d_model]
        rotation = self.rotation and Rotation(*(part[self.length] for part in self.rotation))
        self.length += 1
        bias = None if self.bias is None else self.bias[:, -self.length :]
        self_pattern = np.empty((n_layers, batch, n_heads, self.length), np.float32)
        cross_pattern = np.empty((n_layers, batch, n_heads, self.layers[0].memory_keys.shape[2]), np.float32)
        for i, layer in enumerate(self.layers):
            projected = _apply(self._enter(x, layer.self_norm), layer.query_key_value)
            query, key, value = projected.reshape(batch, 3, n_heads, d_head).swapaxes(0, 1)
            if rotation is not None:
                query, key = (rotated(torch.from_numpy(part), rotation).numpy() for part in (query, key))
            self.keys[i, :, :, self.length - 1], self.values[i, :, :, self.length - 1] = key, value
            past = self.keys[i, :, :, : self.length], self.values[i, :, :, : self.length]
            attended, self_pattern[i] = _attention(query, *past, bias=bias)
            x = self._leave(x, _apply(attended, layer.self_output), layer.self_norm)

            query = _apply(self._enter(x, layer.cross_norm), layer.cross_query).reshape(batch, n_heads, d_head)
            attended, cross_pattern[i] = _attention(query, layer.memory_keys, layer.memory_values, hidden=self.hidden)
            x = self._leave(x, _apply(attended, layer.cross_output), layer.cross_norm)

            inner = self.activation(_apply(self._enter(x, layer.feed_forward_norm), layer.inner))
            x = self._leave(x, _apply(inner, layer.outer), layer.feed_forward_norm)
        if self.final_norm is not None:
            x = _normalised(x, self.final_norm)
        return DecoderStep(torch.from_numpy(x @ self.embedding.T), self_pattern, cross_pattern)

    def reorder(self, rows: Tensor) -> None:
        """Make row ``i`` the present row ``rows[i]``, which must be of the same source (beam search)."""
        order, past = rows.numpy(), slice(0, self.length)
        self.keys[:, :, :, past] = self.keys[:, order, :, past]
        self.values[:, :, :, past] = self.values[:, order, :, past]

    def _enter(self, x: np.ndarray, norm: _Norm) -> np.ndarray:
        return _normalised(x, norm) if self.pre_norm else x

    def _leave(self, x: np.ndarray, sublayer_output: np.ndarray, norm: _Norm) -> np.ndarray:
        sublayer_output += x
        return sublayer_output if self.pre_norm else _normalised(sublayer_output, norm)


def _attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    *,
    bias: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """:func:`model.attention.attention` of one query a row, already divided by √d_head.

    Args:
        query: ``[batch, head, d_head]``.
        key: ``[batch, head, key, d_head]``.
        value: as ``key``.
        bias: ``[head, key]``.
        hidden: ``[batch, 1, key]``, True where attention is not allowed.

    Returns:
        ``[batch, head * d_head]`` and the weights ``[batch, head, key]``.
    """
    pattern = np.matvec(key, query)
    if bias is not None:
        pattern += bias
    if hidden is not None:
        np.copyto(pattern, LOWEST, where=hidden)
    pattern -= np.maximum.reduce(pattern, axis=-1, keepdims=True)
    np.exp(pattern, out=pattern)
    pattern /= np.add.reduce(pattern, axis=-1, keepdims=True)
    return np.vecmat(pattern, value).reshape(len(query), -1), pattern


def _layer(layer: DecoderLayer, memory: Tensor) -> _Layer:
    own, cross, forward = layer.self_attention, layer.cross_attention, layer.feed_forward
    if cross is None or layer.cross_attention_residual is None:
        raise ValueError("incremental decoding of an encoder-decoder needs cross-attention, but a layer has none")
    keys, values = cross.keys_values(memory)
    scale = keys.size(-1) ** -0.5
    projections = (_affine(own.query, scale), _affine(own.key), _affine(own.value))
    return _Layer(
        query_key_value=_Affine(
            np.concatenate([part.weight for part in projections], axis=1),
            np.concatenate([part.bias for part in projections]),
        ),
        self_output=_affine(own.output),
        self_norm=_norm(layer.self_attention_residual.norm),
        cross_query=_affine(cross.query, scale),
        cross_output=_affine(cross.output),
        cross_norm=_norm(layer.cross_attention_residual.norm),
        inner=_affine(forward.inner),
        outer=_affine(forward.outer),
        feed_forward_norm=_norm(layer.feed_forward_residual.norm),
        memory_keys=_array(keys.contiguous()),
        memory_values=_array(values.contiguous()),
    )


def _affine(linear: nn.Linear, scale: float = 1.0) -> _Affine:
    weight, bias = _array(linear.weight).T, _array(linear.bias)
    return _Affine(weight, bias) if scale == 1 else _Affine(weight * np.float32(scale), bias * np.float32(scale))


def _norm(norm: nn.LayerNorm) -> _Norm:
    n = norm.weight.numel()
    return _Norm(_array(norm.weight), _array(norm.bias), np.full(n, 1 / n, np.float32), norm.eps)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _apply(x: np.ndarray, affine: _Affine) -> np.ndarray:
    x = x @ affine.weight
    x += affine.bias
    return x


def _normalised(x: np.ndarray, norm: _Norm) -> np.ndarray:
    x = x - np.vecdot(x, norm.mean)[..., None]
    x /= np.sqrt(np.vecdot(x, x) * norm.mean[0] + norm.epsilon)[..., None]
    x *= norm.weight
    x += norm.bias
    return x


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0, out=x)


def _gelu(x: np.ndarray) -> np.ndarray:
    return torch.nn.functional.gelu(torch.from_numpy(x)).numpy()

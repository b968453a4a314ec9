"""Decoding one position at a time, with the keys and values of the earlier ones kept.

The same arithmetic as :class:`model.network.transformer.TransformerDecoder`, for one new position in each row. For
so little data the time of a step goes into calls, not into sums. So there are few of them, and they are
NumPy's: its calls cost about half of torch's, and its product of a matrix and a vector a third.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.network.decoder_only import LanguageModel
from model.network.positional import Rotation, rotated, seen_back
from model.network.transformer import DecoderLayer, Transformer

LOWEST = np.finfo(np.float32).min
NO_PATTERN = np.empty((0, 0, 0, 0), np.float32)
"""Of a kind of attention that a model has not."""


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


class _Cross(NamedTuple):
    """The attention to the encoder's output, whose keys and values stay."""

    query: _Affine  # divided by √d_head
    output: _Affine
    norm: _Norm
    keys: np.ndarray  # [batch, head, source, d_head]
    values: np.ndarray


class _Layer(NamedTuple):
    query_key_value: _Affine  # queries divided by √d_head
    self_output: _Affine
    self_norm: _Norm
    cross: _Cross | None
    inner: _Affine
    outer: _Affine
    feed_forward_norm: _Norm


class IncrementalDecoder:
    """The decoder of a Transformer in eval mode, over one batch of sources; also one without an encoder."""

    def __init__(
        self,
        model: Transformer | LanguageModel,
        memory: Tensor | None,
        source_mask: Tensor | None,
        n_positions: int,
        begins: Tensor | None = None,
    ) -> None:
        """
        Args:
            model: in eval mode.
            memory: the encoder's output, ``[batch, source, d_model]``; None for a model without one.
            source_mask: as in :func:`model.network.attention.attention`; None without padding.
            n_positions: the most steps that will be taken.
            begins: the step at which each row begins, ``[batch]``; what is fed to it before is never looked at.
                None: at the first. Without ``memory`` it gives the size of the batch.
        """
        config = model.config
        self.pre_norm = config.norm == "pre"
        self.activation = {"relu": _relu, "gelu": _gelu}[config.activation]
        self.embedding, self.scale = _array(model.embedding.tokens.weight), np.float32(model.embedding.scale)
        self.positions = _array(model.embedding.positions)
        positional, places = model.embedding.positional, torch.arange(n_positions)
        self.rotation = positional.rotation(places)
        factor = positional.factor(lambda: seen_back(places))
        self.factor = None  # [head, query]
        if factor is not None:
            self.factor = _array(factor.expand(1, config.n_heads, n_positions, 1)[0, :, :, 0])
        # Of the last query to each key. A bias knows only the distance, so an earlier query's is the end of it.
        bias = positional.bias(places[-1:], places, causal=True)
        self.bias = None if bias is None else _array(bias[:, 0])  # [head, key]
        self.final_norm = _norm(model.decoder.norm) if isinstance(model.decoder.norm, nn.LayerNorm) else None
        self.hidden = None if source_mask is None else ~source_mask[:, :, 0].numpy()  # [batch, 1, source]
        self.layers = [_layer(layer, memory) for layer in model.decoder.layers]
        self.begins = None if begins is None else begins.numpy()
        self.unread = None if begins is None else (places < begins[:, None, None]).numpy()  # [batch, 1, position]
        batch = next(len(rows) for rows in (memory, begins) if rows is not None)
        shape = (config.n_layers, batch, config.n_heads, n_positions, config.d_head)
        self.keys, self.values = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self.length = 0  # positions decoded so far

    def step(self, ids: Tensor) -> DecoderStep:
        """Feed one token to each row, ``[batch]``, and move on by one position."""
        n_layers, batch, n_heads, _, d_head = self.keys.shape
        now, self.length = self.length, self.length + 1
        place = now if self.begins is None else np.maximum(now - self.begins, 0)
        bias = None if self.bias is None else self.bias[:, -self.length :]
        factor = None if self.factor is None else self.factor[:, place].T[..., None]  # [batch, head, 1] or [head, 1]
        unread = None if self.unread is None else self.unread[:, :, : self.length]
        self_pattern = np.empty((n_layers, batch, n_heads, self.length), np.float32)
        cross_patterns = []

        def attend(i: int, projected: np.ndarray) -> np.ndarray:
            query, key, value = projected.reshape(batch, 3, n_heads, d_head).swapaxes(0, 1)
            # A rotation counts distances only, so it may count from where the batch begins.
            query, self.keys[i, :, :, now] = self._rotated(query, now), self._rotated(key, now)
            self.values[i, :, :, now] = value
            past = self.keys[i, :, :, : self.length], self.values[i, :, :, : self.length]
            attended, self_pattern[i] = _attention(query, *past, factor=factor, bias=bias, hidden=unread)
            return attended

        def attend_to_source(cross: _Cross, query: np.ndarray) -> np.ndarray:
            query = query.reshape(batch, n_heads, d_head)
            attended, pattern = _attention(query, cross.keys, cross.values, hidden=self.hidden)
            cross_patterns.append(pattern)
            return attended

        logits = self._forward(ids.numpy(), place, attend, attend_to_source)
        return DecoderStep(logits, self_pattern, np.stack(cross_patterns) if cross_patterns else NO_PATTERN)

    def read(self, ids: Sequence[int]) -> list[DecoderStep]:
        """What :meth:`step` would give for one token after the other, in one pass; only for a batch of one text
        without padding."""
        n_heads, d_head, n = self.keys.shape[2], self.keys.shape[4], len(ids)
        now, self.length = slice(self.length, self.length + n), self.length + n
        places = np.arange(self.length)
        later = places > places[now, None]  # [position, position so far]
        self_patterns, cross_patterns = [], []

        def attend(i: int, projected: np.ndarray) -> np.ndarray:
            query, key, value = projected.reshape(n, 3, n_heads, d_head).transpose(1, 2, 0, 3)  # [head, position, …]
            query, self.keys[i, 0, :, now] = self._rotated(query, now), self._rotated(key, now)
            self.values[i, 0, :, now] = value
            scores = query @ self.keys[i, 0, :, : self.length].swapaxes(1, 2)
            if self.factor is not None:
                scores *= self.factor[:, now, None]
            if self.bias is not None:  # by distance, from the end
                scores += self.bias[:, np.minimum(places - places[now, None] - 1, -1)]
            np.copyto(scores, LOWEST, where=later)
            self_patterns.append(_softmax(scores))
            return (scores @ self.values[i, 0, :, : self.length]).swapaxes(0, 1).reshape(n, -1)

        def attend_to_source(cross: _Cross, query: np.ndarray) -> np.ndarray:
            scores = query.reshape(n, n_heads, d_head).swapaxes(0, 1) @ cross.keys[0].swapaxes(1, 2)
            cross_patterns.append(_softmax(scores))
            return (scores @ cross.values[0]).swapaxes(0, 1).reshape(n, -1)

        logits = self._forward(np.array(ids), places[now], attend, attend_to_source)
        own = np.stack(self_patterns)  # [layer, head, position, position so far]
        cross = np.stack(cross_patterns) if cross_patterns else np.empty((0, 0, n, 0), np.float32)
        return [
            DecoderStep(logits[i : i + 1], own[:, None, :, i, : place + 1], cross[:, None, :, i])
            for i, place in enumerate(places[now])
        ]

    def _forward(
        self,
        ids: np.ndarray,
        places: int | np.ndarray,
        attend: Callable[[int, np.ndarray], np.ndarray],
        attend_to_source: Callable[[_Cross, np.ndarray], np.ndarray],
    ) -> Tensor:
        """The layers over rows of one position each, to logits ``[row, vocab]``; what a row looks at is not said here.

        Args:
            ids: ``[row]``.
            places: the position of each row.
            attend: the self-attention of a layer, from its number and the projections ``[row, 3 * d_model]``.
            attend_to_source: the cross-attention, from the queries ``[row, d_model]``.
        """
        x = self.embedding[ids] * self.scale + self.positions[places]  # [row, d_model]
        for i, layer in enumerate(self.layers):
            attended = attend(i, _apply(self._enter(x, layer.self_norm), layer.query_key_value))
            x = self._leave(x, _apply(attended, layer.self_output), layer.self_norm)
            if layer.cross is not None:
                query = _apply(self._enter(x, layer.cross.norm), layer.cross.query)
                x = self._leave(x, _apply(attend_to_source(layer.cross, query), layer.cross.output), layer.cross.norm)
            inner = self.activation(_apply(self._enter(x, layer.feed_forward_norm), layer.inner))
            x = self._leave(x, _apply(inner, layer.outer), layer.feed_forward_norm)
        if self.final_norm is not None:
            x = _normalised(x, self.final_norm)
        return torch.from_numpy(x @ self.embedding.T)

    def _rotated(self, x: np.ndarray, places: int | slice) -> np.ndarray:
        """Queries or keys ``[…, d_head]``, turned where the positional encoding turns them."""
        if self.rotation is None:
            return x
        turn = Rotation(*(part[places] for part in self.rotation))
        return rotated(torch.from_numpy(x), turn).numpy()

    def rewind(self, length: int) -> None:
        """Forget all positions after the first ``length``."""
        self.length = length

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
    factor: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """:func:`model.network.attention.attention` of one query a row, already divided by √d_head.

    Args:
        query: ``[batch, head, d_head]``.
        key: ``[batch, head, key, d_head]``.
        value: as ``key``.
        factor: ``[batch, head, 1]`` or ``[head, 1]``.
        bias: ``[head, key]``.
        hidden: ``[batch, 1, key]``, True where attention is not allowed.

    Returns:
        ``[batch, head * d_head]`` and the weights ``[batch, head, key]``.
    """
    pattern = np.matvec(key, query)
    if factor is not None:
        pattern *= factor
    if bias is not None:
        pattern += bias
    if hidden is not None:
        np.copyto(pattern, LOWEST, where=hidden)
    return np.vecmat(_softmax(pattern), value).reshape(len(query), -1), pattern


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Over the last axis, in place."""
    scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= np.add.reduce(scores, axis=-1, keepdims=True)
    return scores


def _layer(layer: DecoderLayer, memory: Tensor | None) -> _Layer:
    own, forward = layer.self_attention, layer.feed_forward
    scale = (own.query.out_features // own.n_heads) ** -0.5
    projections = (_affine(own.query, scale), _affine(own.key), _affine(own.value))
    return _Layer(
        query_key_value=_Affine(
            np.concatenate([part.weight for part in projections], axis=1),
            np.concatenate([part.bias for part in projections]),
        ),
        self_output=_affine(own.output),
        self_norm=_norm(layer.self_attention_residual.norm),
        cross=_cross(layer, memory),
        inner=_affine(forward.inner),
        outer=_affine(forward.outer),
        feed_forward_norm=_norm(layer.feed_forward_residual.norm),
    )


def _cross(layer: DecoderLayer, memory: Tensor | None) -> _Cross | None:
    attention, residual = layer.cross_attention, layer.cross_attention_residual
    if attention is None or residual is None or memory is None:
        if attention is residual is memory:
            return None
        raise ValueError("cross-attention needs the encoder's output, and that needs cross-attention; one is missing")
    keys, values = attention.keys_values(memory)
    return _Cross(
        query=_affine(attention.query, keys.size(-1) ** -0.5),
        output=_affine(attention.output),
        norm=_norm(residual.norm),
        keys=_array(keys.contiguous()),
        values=_array(values.contiguous()),
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

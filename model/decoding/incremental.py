"""Decoding one position at a time, with the keys and values of earlier positions kept.

The same arithmetic as :class:`model.network.transformer.TransformerDecoder`, for one new position in each row. With so
little data, the time of a step goes into calls, not arithmetic. So there are few calls, and they are NumPy's: they cost
about half as much as torch's, and a matrix-vector product a third. With many rows, when positions are read ahead or
several texts are decoded together, NumPy's product takes twice as long, so then torch's is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.decoding.parts import (
    LOWEST,
    Affine,
    Norm,
    apply,
    array,
    attention_of_one,
    gelu,
    layer_parts,
    linear_map,
    norm_parts,
    normalised,
    relu,
    softmax,
)
from model.network.decoder_only import LanguageModel
from model.network.positional import Rotation, rotated, seen_back
from model.network.transformer import Transformer

NO_PATTERN = np.empty((0, 0, 0, 0), np.float32)
"""The pattern of a kind of attention that a model does not have."""


class DecoderStep(NamedTuple):
    """The result of one step."""

    logits: Tensor  # [batch, vocab]
    self_pattern: np.ndarray  # [layer, batch, head, positions so far]
    cross_pattern: np.ndarray  # [layer, batch, head, source]


class IncrementalDecoder:
    """The decoder of a Transformer in eval mode, over one batch of sources; the model may be decoder-only."""

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
            begins: the step at which each row begins, ``[batch]``; what is fed to it earlier is never attended to.
                None: the first. Without ``memory`` it gives the size of the batch.
        """
        config = model.config
        self.pre_norm = config.norm == "pre"
        self.activation = {"relu": relu, "gelu": gelu}[config.activation]
        self.embedding, self.scale = array(model.embedding.tokens.weight), np.float32(model.embedding.scale)
        self.unembedding = linear_map(model.embedding.tokens.weight, None)
        self.shrink = np.float32(config.d_head**-0.5)
        self.positions = array(model.embedding.positions)
        positional, places = model.embedding.positional, torch.arange(n_positions)
        self.rotation = positional.rotation(places)
        factor = positional.factor(lambda: seen_back(places))
        self.factor = None  # [head, query]
        if factor is not None:
            self.factor = array(factor.expand(1, config.n_heads, n_positions, 1)[0, :, :, 0])
        # From the last query to each key. A bias depends only on distance, so an earlier query's is the tail of it.
        bias = positional.bias(places[-1:], places, causal=True)
        self.bias = None if bias is None else array(bias[:, 0])  # [head, key]
        self.final_norm = norm_parts(model.decoder.norm) if isinstance(model.decoder.norm, nn.LayerNorm) else None
        self.hidden = None if source_mask is None else ~source_mask[:, :, 0].numpy()  # [batch, 1, source]
        self.layers = [layer_parts(layer, memory) for layer in model.decoder.layers]
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

        def attend(i: int, *projected: np.ndarray) -> np.ndarray:
            query, key, value = (part.reshape(batch, n_heads, d_head) for part in projected)
            # Only distances matter to a rotation, so positions may be counted from where the batch begins.
            query, self.keys[i, :, :, now] = self.rotated(query, now), self.rotated(key, now)
            self.values[i, :, :, now] = value
            past = self.keys[i, :, :, : self.length], self.values[i, :, :, : self.length]
            attended, self_pattern[i] = attention_of_one(query, *past, factor=factor, bias=bias, hidden=unread)
            return attended

        def attend_to_source(i: int, query: np.ndarray) -> np.ndarray:
            cross = self.layers[i].cross
            assert cross is not None
            query = query.reshape(batch, n_heads, d_head)
            attended, pattern = attention_of_one(query, cross.keys, cross.values, hidden=self.hidden)
            cross_patterns.append(pattern)
            return attended

        logits = self.forward(ids.numpy(), place, attend, attend_to_source)
        return DecoderStep(logits, self_pattern, np.stack(cross_patterns) if cross_patterns else NO_PATTERN)

    def read(self, ids: Sequence[int]) -> list[DecoderStep]:
        """What :meth:`step` would return for one token after another, in one pass; only for a batch of one text
        without padding."""
        return read_together([self], [ids])[0]

    def _read_on(self, ids: Sequence[int]) -> _Reading:
        """Make room for more positions, for the pass now under way."""
        now, self.length = slice(self.length, self.length + len(ids)), self.length + len(ids)
        places = np.arange(self.length)
        return _Reading(self, now, later=places > places[now, None], own=[], cross=[])

    def forward(
        self,
        ids: np.ndarray,
        places: int | np.ndarray,
        attend: Callable[[int, np.ndarray, np.ndarray, np.ndarray], np.ndarray],
        attend_to_source: Callable[[int, np.ndarray], np.ndarray],
    ) -> Tensor:
        """The layers over rows of one position each, to logits ``[row, vocab]``; what a row attends to is left to the
        caller.

        Args:
            ids: ``[row]``.
            places: the position of each row.
            attend: the self-attention of a layer, from its number, queries, keys and values ``[row, d_model]``. Queries
                are already divided by √d_head, here and in the next.
            attend_to_source: the cross-attention, from the queries ``[row, d_model]``.
        """
        x = self.embedding[ids] * self.scale + self.positions[places]  # [row, d_model]
        for i, layer in enumerate(self.layers):
            entered = self._enter(x, layer.self_norm)
            query = self._query(entered, layer.query)
            attended = attend(i, query, apply(entered, layer.key), apply(entered, layer.value))
            x = self._leave(x, apply(attended, layer.self_output), layer.self_norm)
            if layer.cross is not None:
                query = self._query(self._enter(x, layer.cross.norm), layer.cross.query)
                x = self._leave(x, apply(attend_to_source(i, query), layer.cross.output), layer.cross.norm)
            inner = self.activation(apply(self._enter(x, layer.feed_forward_norm), layer.inner))
            x = self._leave(x, apply(inner, layer.outer), layer.feed_forward_norm)
        if self.final_norm is not None:
            x = normalised(x, self.final_norm)
        return torch.from_numpy(apply(x, self.unembedding))

    def _query(self, x: np.ndarray, affine: Affine) -> np.ndarray:
        query = apply(x, affine)
        query *= self.shrink
        return query

    def rotated(self, x: np.ndarray, places: int | slice) -> np.ndarray:
        """Queries or keys ``[…, d_head]``, turned where the positional encoding turns them."""
        if self.rotation is None:
            return x
        turn = Rotation(*(part[places] for part in self.rotation))
        return rotated(torch.from_numpy(x), turn).numpy()

    def rewind(self, length: int) -> None:
        """Forget all positions after the first ``length``."""
        self.length = length

    def reorder(self, rows: Tensor) -> None:
        """Replace row ``i`` by the current row ``rows[i]``, which must have the same source (beam search)."""
        order, past = rows.numpy(), slice(0, self.length)
        self.keys[:, :, :, past] = self.keys[:, order, :, past]
        self.values[:, :, :, past] = self.values[:, order, :, past]

    def _enter(self, x: np.ndarray, norm: Norm) -> np.ndarray:
        return normalised(x, norm) if self.pre_norm else x

    def _leave(self, x: np.ndarray, sublayer_output: np.ndarray, norm: Norm) -> np.ndarray:
        sublayer_output += x
        return sublayer_output if self.pre_norm else normalised(sublayer_output, norm)


class _Reading(NamedTuple):
    """Positions of one text, read in one pass."""

    decoder: IncrementalDecoder
    now: slice
    later: np.ndarray  # [position, position so far]
    own: list[np.ndarray]  # of each layer, [head, position, position so far]
    cross: list[np.ndarray]  # [head, position, source]

    def attend(self, i: int, *projected: np.ndarray) -> np.ndarray:
        """The self-attention of layer ``i``: ``[position, d_model]`` from three of that shape."""
        decoder, now = self.decoder, self.now
        n_heads, d_head = decoder.keys.shape[2], decoder.keys.shape[4]
        query, key, value = (part.reshape(-1, n_heads, d_head).swapaxes(0, 1) for part in projected)
        query, decoder.keys[i, 0, :, now] = decoder.rotated(query, now), decoder.rotated(key, now)
        decoder.values[i, 0, :, now] = value
        scores = query @ decoder.keys[i, 0, :, : now.stop].swapaxes(1, 2)
        if decoder.factor is not None:
            scores *= decoder.factor[:, now, None]
        if decoder.bias is not None:  # by distance, from the end
            places = np.arange(now.stop)
            scores += decoder.bias[:, np.minimum(places - places[now, None] - 1, -1)]
        np.copyto(scores, LOWEST, where=self.later)
        self.own.append(softmax(scores))
        return (scores @ decoder.values[i, 0, :, : now.stop]).swapaxes(0, 1).reshape(len(projected[0]), -1)

    def attend_to_source(self, i: int, query: np.ndarray) -> np.ndarray:
        """The cross-attention of layer ``i``, of queries ``[position, d_model]``."""
        cross = self.decoder.layers[i].cross
        assert cross is not None
        scores = query.reshape(len(query), len(cross.keys[0]), -1).swapaxes(0, 1) @ cross.keys[0].swapaxes(1, 2)
        self.cross.append(softmax(scores))
        return (scores @ cross.values[0]).swapaxes(0, 1).reshape(len(query), -1)

    def steps(self, logits: Tensor) -> list[DecoderStep]:
        """Position by position, from the logits ``[position, vocab]``."""
        own, n = np.stack(self.own), self.now.stop - self.now.start
        cross = np.stack(self.cross) if self.cross else np.empty((0, 0, n, 0), np.float32)
        return [
            DecoderStep(logits[i : i + 1], own[:, None, :, i, : place + 1], cross[:, None, :, i])
            for i, place in enumerate(range(self.now.start, self.now.stop))
        ]


def read_together(decoders: Sequence[IncrementalDecoder], ids: Sequence[Sequence[int]]) -> list[list[DecoderStep]]:
    """What each decoder's ``read`` would return, in one pass for all of them.

    Args:
        decoders: of one model, with one text each and no padding.
        ids: what each of them reads, at least one token.
    """
    readings = [decoder._read_on(some) for decoder, some in zip(decoders, ids, strict=True)]
    ends = [*accumulate(len(some) for some in ids)]
    parts = [slice(end - len(some), end) for end, some in zip(ends, ids, strict=True)]

    def each(attend: Callable[..., np.ndarray], i: int, *projected: np.ndarray) -> np.ndarray:
        if len(readings) == 1:
            return attend(readings[0], i, *projected)
        found = np.empty_like(projected[0])
        for one, part in zip(readings, parts, strict=True):
            found[part] = attend(one, i, *(rows[part] for rows in projected))
        return found

    logits = decoders[0].forward(
        np.concatenate(ids),
        np.concatenate([np.arange(one.now.start, one.now.stop) for one in readings]),
        partial(each, _Reading.attend),
        partial(each, _Reading.attend_to_source),
    )
    return [one.steps(part) for one, part in zip(readings, logits.split([len(some) for some in ids]), strict=True)]

"""The recurrent decoder, one position at a time, in NumPy: what :class:`model.network.recurrent.RecurrentDecoder` does.

NumPy for the reason that :mod:`model.decoding.incremental` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.decoding.incremental import DecoderStep
from model.decoding.parts import LOWEST, array
from model.network.recurrent import Recurrent


class _Layer(NamedTuple):
    """One LSTM: ``(x, state) @ weight + bias`` are its gates: input, forget, cell and output."""

    weight: np.ndarray  # [in + d_ff, 4 * d_ff]
    bias: np.ndarray  # [4 * d_ff]


class RecurrentSteps:
    """The decoder of a recurrent model in eval mode, over one batch of sources."""

    def __init__(self, model: Recurrent, memory: Tensor, source_mask: Tensor | None) -> None:
        """
        Args:
            model: in eval mode.
            memory: the encoder's states, ``[batch, source, d_ff]``.
            source_mask: ``[batch, 1, 1, source]``, True where there is a token; None without padding.
        """
        decoder, attention = model.decoder, model.decoder.attention
        self.embedding, self.scale = array(model.embedding.tokens.weight), np.float32(model.embedding.scale)
        self.layers = [_layer(layer) for layer in decoder.layers if isinstance(layer, nn.LSTM)]
        self.query, self.query_bias = array(attention.query.weight).T, array(attention.query.bias)
        self.score = array(attention.score.weight)[0]
        self.output, self.output_bias = array(decoder.output.weight).T, array(decoder.output.bias)
        self.memory, self.keys = array(memory), array(attention.key(memory))
        self.hidden = None if source_mask is None else ~source_mask[:, 0, 0].numpy()  # [batch, source]
        self.states = array(decoder.start_states(memory)).copy()  # [layer, batch, d_ff]
        self.cells = np.zeros_like(self.states)
        self.length = 0  # positions decoded so far

    def step(self, ids: Tensor) -> DecoderStep:
        """Feed one token to each row, ``[batch]``, and move on by one position."""
        self.length += 1
        x = self._advance(0, self.embedding[ids.numpy()] * self.scale)
        pattern = self._pattern(x)
        context = np.vecmat(pattern, self.memory)  # [batch, d_ff]
        for i in range(1, len(self.layers)):
            x = self._advance(i, np.concatenate((x, context), axis=1))
        x = np.tanh(np.concatenate((x, context), axis=1) @ self.output + self.output_bias)
        own = np.empty((0, len(x), 1, self.length), np.float32)
        return DecoderStep(torch.from_numpy(x @ self.embedding.T), own, pattern[None, :, None])

    def reorder(self, rows: Tensor) -> None:
        """Replace row ``i`` by the current row ``rows[i]``, which must have the same source (beam search)."""
        self.states, self.cells = self.states[:, rows.numpy()], self.cells[:, rows.numpy()]

    def read(self, ids: Sequence[int]) -> list[DecoderStep]:
        """An empty list: it must go step by step."""
        return []

    def rewind(self, length: int) -> None:
        """
        Raises:
            ValueError: always; nothing was read ahead, and earlier states cannot be recovered from a later one.
        """
        raise ValueError("a recurrent decoder keeps no earlier states to go back to")

    def _advance(self, i: int, x: np.ndarray) -> np.ndarray:
        """Take one step of layer ``i`` on ``[batch, in]``; returns its state, ``[batch, d_ff]``."""
        gates = np.concatenate((x, self.states[i]), axis=1) @ self.layers[i].weight + self.layers[i].bias
        enter, keep, new, leave = np.split(gates, 4, axis=1)
        self.cells[i] = _sigmoid(keep) * self.cells[i] + _sigmoid(enter) * np.tanh(new)
        self.states[i] = _sigmoid(leave) * np.tanh(self.cells[i])
        return self.states[i]

    def _pattern(self, state: np.ndarray) -> np.ndarray:
        """The attention weights of a state, ``[batch, d_ff]``, over the source, ``[batch, source]``."""
        scores = np.tanh((state @ self.query + self.query_bias)[:, None] + self.keys) @ self.score
        if self.hidden is not None:
            np.copyto(scores, LOWEST, where=self.hidden)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return scores


def _layer(lstm: nn.LSTM) -> _Layer:
    own = {name: array(parameter) for name, parameter in lstm.named_parameters()}
    weight = np.concatenate((own["weight_ih_l0"], own["weight_hh_l0"]), axis=1)
    return _Layer(np.ascontiguousarray(weight.T), own["bias_ih_l0"] + own["bias_hh_l0"])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return (np.tanh(x / 2) + 1) / 2  # without the overflow of exp(-x)

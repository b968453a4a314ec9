"""The decoder-only Transformer: source and target read as one sequence (Radford et al. 2018).

It is the decoder of :mod:`model.network.transformer` without cross-attention. The sequence is
``<s> source <s> target </s>``: the second ``<s>`` marks the end of the source, and the first token of the target
follows it just as the first token of the source follows the first ``<s>``. The model learns to predict the target; the
source is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import ModelConfig
from model.network.attention import causal_mask
from model.network.capabilities import OWN, Capability
from model.network.taps import UNTAPPED, Stack, Taps
from model.network.transformer import (
    DecoderLayer,
    DecoderOutput,
    EncoderOutput,
    TokenEmbedding,
    TransformerDecoder,
    TransformerOutput,
    initialise,
)
from model.text.tokenizer import BOS_ID, PAD_ID


class LanguageModel(nn.Module):
    """A stack of decoder layers and one embedding matrix for what is read and what is written.

    ``max_len`` bounds the source and the target separately, so there are twice as many positions.
    """

    can = OWN | {Capability.HEADS, Capability.POSITIONS}

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(replace(config, architecture="transformer", max_len=2 * config.max_len))
        self.decoder = TransformerDecoder(config, cross_attention=False)
        self.apply(initialise)

    def forward(self, source: Tensor, target: Tensor) -> TransformerOutput:
        """Teacher-forced pass over ids ``[batch, source]`` and ``[batch, target]``, padded with ``PAD_ID``."""
        hidden, patterns, _ = self.decode(target, source, None)
        return TransformerOutput(hidden, (), patterns, ())

    def encode(self, source: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED) -> EncoderOutput:
        """Nothing is computed from a source alone: all the decoder needs are its ids."""
        return EncoderOutput(source, ())

    def decode(
        self, target: Tensor, memory: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED
    ) -> DecoderOutput:
        """Hidden states at the target's positions, and the patterns of the whole sequences.

        Args:
            target: ids ``[batch, target]``, each row begun by ``<s>``.
            memory: the ids of the sources, ``[batch, source]``, each row ended by ``</s>`` and padded.
            source_mask: not needed.
            taps: watch the points of the pass (:mod:`model.network.taps`).

        Returns:
            Hidden states ``[batch, target, d_model]``, patterns ``[batch, head, position, position]``.
        """
        ids, places = joined(memory, target)
        decoded = self._run(ids, taps)
        hidden = decoded.hidden.gather(1, places[..., None].expand(-1, -1, decoded.hidden.size(2)))
        return DecoderOutput(hidden, decoded.self_patterns, ())

    def _run(self, ids: Tensor, taps: Taps) -> DecoderOutput:
        """Sequences ``[batch, position]`` to hidden states and patterns. Padding comes after the tokens."""
        mask, on_scores = causal_mask(ids.size(1), ids.device), self.embedding.on_scores(ids, causal=True)
        here = taps.within("decoder")
        return self.decoder(here("embedding", self.embedding(ids)), mask, on_scores=on_scores, taps=here)

    def unembed(self, hidden: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """Hidden states ``[..., d_model]`` to logits ``[..., vocab]``, with the embedding's weights."""
        return taps("logits", F.linear(hidden, self.embedding.tokens.weight))

    def layers(self, stack: Stack) -> Sequence[DecoderLayer]:
        """The layers of the decoder; there is no encoder."""
        return self.decoder.layers if stack == "decoder" else ()

    def rows(self, source: Tensor, target: Tensor) -> Tensor:
        """The ids that the decoder reads, ``[batch, position]``: source and target as one, see :func:`joined`."""
        return joined(source, target)[0]

    def read(self, ids: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """The output of the stack that reads the source, the decoder, for ids ``[batch, position]`` without padding.

        Returns:
            ``[batch, position, d_model]``.
        """
        return self._run(ids, taps).hidden


def joined(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Source and target as one sequence, ``<s> source`` and then the target, without padding between them.

    Args:
        source: ids ``[batch, source]``, each row ended by ``</s>`` and padded.
        target: ids ``[batch, target]``, each row begun by ``<s>``.

    Returns:
        Ids ``[batch, position]``, padded, and the place in them of each target position, ``[batch, target]``.
    """
    places = (source != PAD_ID).sum(1, keepdim=True) + torch.arange(target.size(1), device=source.device)
    ids = F.pad(source[:, :-1], (1, target.size(1)), value=PAD_ID)  # a row's </s>, if still there, is overwritten
    ids[:, 0] = BOS_ID
    return ids.scatter(1, places, target), places

"""What a model is to everything that runs, reads or draws it, whatever its architecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from model.config import ModelConfig
from model.network.capabilities import Capability
from model.network.taps import UNTAPPED, Stack, Taps
from model.network.transformer import (
    DecoderLayer,
    DecoderOutput,
    EncoderLayer,
    EncoderOutput,
    TokenEmbedding,
    TransformerOutput,
)


class Model(Protocol):
    """One of those in :mod:`model.network.build`, or another with the same interface.

    Ids are ``[batch, source]`` and ``[batch, target]``, padded with ``PAD_ID`` at the end. ``memory`` is what
    :meth:`encode` returned as ``hidden``. ``taps`` watch the pass (:mod:`model.network.taps`).
    """

    config: ModelConfig
    embedding: TokenEmbedding

    @property
    def can(self) -> frozenset[Capability]:
        """What the model has that a page may need."""
        ...

    def __call__(self, source: Tensor, target: Tensor) -> TransformerOutput:
        """A teacher-forced pass over a batch."""
        ...

    def encode(self, source: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED) -> EncoderOutput:
        """Read the sources; ``source_mask`` is ``[batch, 1, 1, source]``, None without padding."""
        ...

    def decode(
        self, target: Tensor, memory: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED
    ) -> DecoderOutput:
        """Targets, each begun by ``<s>``, to hidden states ``[batch, target, d_model]`` and patterns."""
        ...

    def unembed(self, hidden: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """Hidden states ``[..., d_model]`` to logits ``[..., vocab]``."""
        ...

    def layers(self, stack: Stack) -> Sequence[EncoderLayer | DecoderLayer]:
        """The layers of a stack, where they are made of heads."""
        ...

    def rows(self, source: Tensor, target: Tensor) -> Tensor:
        """The ids in the rows of the decoder, ``[batch, position]``: of the target, or of source and target as one."""
        ...

    def read(self, ids: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """Run ids ``[batch, position]`` without padding through the stack that reads the source.

        That is the encoder; without one it is the decoder, and the ids are those of :meth:`rows`.

        Returns:
            Hidden states ``[batch, position, …]``.
        """
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """As in PyTorch."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """As in PyTorch."""
        ...

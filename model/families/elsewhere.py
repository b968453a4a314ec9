"""What a model that is not this project's own is to the rest of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from model.families.proof import HeadPass
from model.trace import Kind, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes of any model, by the names that :class:`model.config.ModelConfig` has for them.

    ``architecture`` is what its own authors call its family; ``n_key_heads`` are the heads of keys and values, each of
    which serves as many query heads; ``max_len`` is the most tokens that are read here.
    """

    architecture: str
    vocab_size: int
    n_layers: int
    n_heads: int
    n_key_heads: int
    d_model: int
    d_head: int
    max_len: int
    n_parameters: int


class Elsewhere(Protocol):
    """A model that traces itself."""

    def trace(self, name: str, source: str, target: str | None, *, prefix: Sequence[int] = (), more: int = 0) -> Trace:
        """What :func:`model.capture.capture` gives. ``more`` is how many tokens a model that reads and writes in one
        shall go on with at most."""
        ...

    @property
    def mask(self) -> str | None:
        """The token that it fills, as one types it; None where it fills none."""
        ...

    def masked(self, text: str, row: int) -> str:
        """The text with the mask in place of the word that the token of this row, from 0, is of."""
        ...

    def parts(self, source: str, second: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Where in a pair of texts the tokens of each stand, [from, to); None where it reads no pairs."""
        ...

    def likely(self, source: Sequence[int], target: Sequence[int]) -> Tensor:
        """The log-probability of every token at each position of ``target``, ``[target, vocab]``."""
        ...

    def head(self, trace: Trace, kind: Kind, layer: int, head: int) -> HeadPass:
        """What stood in the attention of one head, from 0, in the pass that ``trace`` is of.

        Raises:
            ValueError: it gives no queries and keys.
        """
        ...

    def configuration(self) -> Mapping[str, object]:
        """Its config as its file has it."""
        ...

    def card(self) -> Mapping[str, str]:
        """What is to be said of it, by names."""
        ...

    def close(self) -> None:
        """Give back the memory of what is large in it, whoever still refers to it; it cannot be used any more."""
        ...

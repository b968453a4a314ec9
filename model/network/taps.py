"""The named points of a forward pass: what a caller may read there or replace.

Every module hands each named value to the :class:`Taps` of the pass and goes on with what it gets back. In training,
and wherever nobody watches, that is the same tensor, so the pass does what it would do without them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Literal, get_args

from torch import Tensor

Name = Literal[
    "embedding", "input", "query", "key", "value", "turned_query", "turned_key", "scores", "pattern", "head_output",
    "hidden", "output", "residual", "final", "logits",
]  # fmt: skip
Stack = Literal["encoder", "decoder"]
Sublayer = Literal["self_attention", "cross_attention", "feed_forward"]
Point = tuple[str | int, ...]
"""Where a value is found, its name last; layers count from 0: ``("encoder", 0, "self_attention", "query")``."""

POINTS: Mapping[Name, tuple[str, ...]] = MappingProxyType(
    {
        # of a stack
        "embedding": ("batch", "position", "d_model"),  # tokens and positions: what layer 0 reads
        "final": ("batch", "position", "d_model"),  # the stack's output, after the last LayerNorm of a pre-norm model
        # of each sublayer
        "input": ("batch", "query", "d_model"),  # what the sublayer itself reads: normalised in a pre-norm model
        "output": ("batch", "query", "d_model"),  # its output, before it is added to the residual stream
        "residual": ("batch", "query", "d_model"),  # the residual stream after it
        # of each attention
        "query": ("batch", "head", "query", "d_head"),
        "key": ("batch", "head", "key", "d_head"),
        "value": ("batch", "head", "key", "d_head"),
        "turned_query": ("batch", "head", "query", "d_head"),  # only if a positional encoding turns them
        "turned_key": ("batch", "head", "key", "d_head"),
        "scores": ("batch", "head", "query", "key"),  # what softmax will see, but for the mask
        "pattern": ("batch", "head", "query", "key"),  # after softmax, before dropout
        "head_output": ("batch", "head", "query", "d_head"),
        # of each feed-forward layer
        "hidden": ("batch", "query", "d_ff"),  # after the activation
        # of the model
        "logits": ("batch", "query", "vocab_size"),
    }
)
"""Every name, with the axes of the value there; ``query`` counts the positions of the stack itself."""


class Taps:
    """The points of a pass that nobody watches: each returns what it is given."""

    def __call__(self, name: Name, value: Tensor) -> Tensor:
        return value

    def within(self, *place: str | int) -> Taps:
        """The points of one part: of a stack, a layer in it, or a sublayer in that."""
        return self


UNTAPPED = Taps()


class Tapped(Taps):
    """Hands each point and its value to ``visit``; the pass goes on with what that returns."""

    def __init__(self, visit: Callable[[Point, Tensor], Tensor], place: Point = ()) -> None:
        self.visit, self.place = visit, place

    def __call__(self, name: Name, value: Tensor) -> Tensor:
        return self.visit((*self.place, name), value)

    def within(self, *place: str | int) -> Taps:
        return Tapped(self.visit, (*self.place, *place))


class Seen(dict[Point, Tensor]):
    """The values at the points of a pass, or of several passes in turn."""

    def within(self, *place: str | int) -> dict[str, Tensor]:
        """The values of one part by name: for ``("encoder", 0, "self_attention")`` query, key, …"""
        return {str(point[-1]): value for point, value in self.items() if point[:-1] == place}


def reading(seen: Seen, names: Collection[Name] = get_args(Name)) -> Taps:
    """Keep in ``seen`` the values at the points with these names, by default all; nothing is changed."""

    def visit(point: Point, value: Tensor) -> Tensor:
        if point[-1] in names:
            seen[point] = value
        return value

    return Tapped(visit)


def replacing(changes: Mapping[Point, Callable[[Tensor], Tensor]]) -> Taps:
    """Replace the value at each of these points by what its function makes of it.

    Raises:
        ValueError: there is no point with such a name.
    """
    for point in changes:
        if point[-1] not in POINTS:
            raise ValueError(f"no point is called {point[-1]!r}; there are {', '.join(POINTS)}")

    def visit(point: Point, value: Tensor) -> Tensor:
        return changes[point](value) if point in changes else value

    return Tapped(visit)

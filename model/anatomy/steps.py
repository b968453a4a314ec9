"""A computation as a sequence of steps, each with its numbers and what they were computed from. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from model.trace import Kind

Axis = Literal["token", "source", "key", "head", "d_model", "d_head", "d_ff"]
"""``token`` counts the positions of the query's own sequence, ``key`` those it may attend to."""

TOLERANCE = 1e-5
"""How far a number may be from its second opinion; for numbers above 1, relative to the largest.

A float32 has about seven digits, so a dot product of 300 cannot be exact to five decimals.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: ``value`` is what the model's modules computed, float32, with a name for each axis.

    ``function``, called with the values of the earlier steps ``inputs`` and with ``parameters`` (weights as
    ``[in, out]``, positions from 0), gives the value again; None for a step taken from elsewhere in the model.
    ``formula`` is LaTeX.
    """

    name: str
    formula: str
    value: np.ndarray
    axes: tuple[Axis, ...]
    function: Callable[..., np.ndarray] | None = None
    inputs: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        value = np.array(self.value, dtype=np.float32)
        value.setflags(write=False)
        object.__setattr__(self, "value", value)
        if value.ndim != len(self.axes):
            raise ValueError(f"the step {self.name} has axes {self.axes}, but its value has the shape {value.shape}")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def largest(self) -> float:
        """The largest finite number, in absolute value."""
        return float(np.abs(self.value[np.isfinite(self.value)]).max(initial=0.0))

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The parameters that are arrays."""
        return {name: value for name, value in self.parameters.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """One query of one head, from the token to the output of its layer; layer, head and query count from 0.

    ``tokens`` are the positions of the query's own sequence, ``keys`` those it may attend to, ``source`` those of the
    encoder. In a decoder, ``predicted`` is what is written from ``tokens``.
    """

    kind: Kind
    layer: int
    head: int
    query: int
    tokens: tuple[str, ...]
    keys: tuple[str, ...]
    source: tuple[str, ...]
    predicted: tuple[str, ...] | None
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        """
        Raises:
            KeyError: there is no such step in this kind of layer.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step {name!r}; there are {', '.join(step.name for step in self.steps)}")

    def labels(self, axis: Axis) -> tuple[str, ...] | None:
        """The tokens along an axis; None for an axis of plain numbers."""
        return {"token": self.tokens, "key": self.keys, "source": self.source}.get(axis)

    def recompute(self, step: Step) -> np.ndarray | None:
        """``step`` computed in float64 from the values that the earlier steps show and from its parameters.

        None for a step that is taken from elsewhere.
        """
        if step.function is None:
            return None
        return step.function(*(self.step(name).value for name in step.inputs), **step.parameters)

    def difference(self, step: Step) -> float | None:
        """The largest difference between ``step`` and :meth:`recompute`; infinite if only one of them is."""
        again = self.recompute(step)
        return None if again is None else largest_difference(step.value, again)


def agrees(step: Step, difference: float) -> bool:
    """Whether a :meth:`Anatomy.difference` is no more than rounding."""
    return difference <= TOLERANCE * max(1.0, step.largest)


def largest_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Over all cells; equal infinities do not differ.

    Raises:
        ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"the shapes {a.shape} and {b.shape} differ")
    differing = a != b
    return float(np.abs(a[differing].astype(np.float64) - b[differing]).max(initial=0.0))

"""The measurements that compare architectures, and what they amount to; no PyTorch.

The measuring is in :mod:`model.compare.steps`, :mod:`model.compare.distance` and :mod:`model.compare.cost`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

ARCHITECTURES = ("transformer", "lstm")
TRANSFORMER, LSTM, ATTENDING = "Transformer", "LSTM, through its state", "LSTM, through its attention"
CONTENDERS = (TRANSFORMER, LSTM, ATTENDING)
SYMBOLS = 8
SELF, RECURRENT, CONVOLUTION = "self-attention", "recurrent (LSTM)", "convolutional, width 3"
FUSED = "self-attention, fused"
"""The same result without the weights ever being stored as a whole (Dao et al. 2022, FlashAttention)."""
LAYERS = (SELF, FUSED, RECURRENT, CONVOLUTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """A training step (forward, backward, update) on texts of ``n`` source and ``n`` target tokens.

    ``in_sequence`` counts the steps of the forward pass that must wait for each other: see :func:`steps_in_sequence`.
    """

    architecture: str
    parameters: int
    n: int
    texts: int
    seconds: float
    in_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceScore:
    """The share of unseen sequences, from 0 to 1, whose letter a trained model writes.

    ``chosen_by`` is the same share of other sequences, used to choose the learning rate.
    """

    contender: str
    parameters: int
    distance: int
    learning_rate: float
    seed: int
    chosen_by: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """One forward pass of a layer over a text of ``n`` tokens; ``peak_bytes`` are held at once, beyond its input."""

    layer: str
    n: int
    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """``value ≈ factor · n ** exponent``, fitted to the lengths from ``low`` to ``high``."""

    exponent: float
    factor: float
    low: int
    high: int

    def at(self, n: float) -> float:
        return self.factor * n**self.exponent


def fit_growth(lengths: Sequence[int], values: Sequence[float]) -> Growth:
    """The least-squares straight line through the points on logarithmic axes.

    Raises:
        ValueError: there are fewer than two lengths, or a number is not above 0.
    """
    if len(set(lengths)) < 2 or len(lengths) != len(values):
        raise ValueError(f"a power needs at least two lengths, a value each, but got {lengths} and {values}")
    if min(*lengths, *values) <= 0:
        raise ValueError(f"a power needs lengths and values above 0, but got {lengths} and {values}")
    x, y = [math.log(n) for n in lengths], [math.log(value) for value in values]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    exponent = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)
    return Growth(
        exponent=exponent, factor=math.exp(mean_y - exponent * mean_x), low=min(lengths), high=max(lengths)
    )  # fmt: skip


def by_distance(scores: Sequence[DistanceScore]) -> dict[str, list[tuple[int, float]]]:
    """For each contender the accuracy at each distance: the mean over the seeds, at its best learning rate.

    The best is chosen on different sequences from those the accuracy is measured on; otherwise it would be too good.
    """
    found: dict[str, dict[int, dict[float, list[DistanceScore]]]] = {}
    for score in scores:
        rates = found.setdefault(score.contender, {}).setdefault(score.distance, {})
        rates.setdefault(score.learning_rate, []).append(score)
    return {
        name: [(distance, _at_the_best(rates.values())) for distance, rates in sorted(per.items())]
        for name, per in found.items()
    }


def _at_the_best(rates: Iterable[Sequence[DistanceScore]]) -> float:
    best = max(rates, key=lambda seeds: fmean(score.chosen_by for score in seeds))
    return fmean(score.accuracy for score in best)


def reaches(curve: Sequence[tuple[int, float]], enough: float) -> int:
    """The distance up to which a contender is right in at least ``enough`` of all cases; 0 if there is none."""
    until = 0
    for distance, accuracy in curve:
        if accuracy < enough:
            break
        until = distance
    return until


def doublings(costs: Sequence[LayerCost], what: Callable[[LayerCost], float]) -> list[tuple[int, float]]:
    """The factor by which a cost grows from one length to the next, with that next length."""
    return [(b.n, what(b) / what(a)) for a, b in pairwise(costs)]


def by_architecture(points: Sequence[StepTime]) -> dict[str, list[StepTime]]:
    """The step times of each architecture, shortest texts first."""
    return {name: sorted((p for p in points if p.architecture == name), key=lambda p: p.n) for name in ARCHITECTURES}


def by_layer(points: Sequence[LayerCost]) -> dict[str, list[LayerCost]]:
    """The costs of each layer, shortest text first."""
    return {name: sorted((p for p in points if p.layer == name), key=lambda p: p.n) for name in LAYERS}


def halves(costs: Sequence[LayerCost], what: Callable[[LayerCost], float]) -> tuple[Growth, Growth]:
    """How a cost of one layer grows over the shorter half of the lengths, and over the longer; the middle is in both.

    Raises:
        ValueError: there are fewer than three lengths.
    """
    middle = len(costs) // 2
    parts = costs[: middle + 1], costs[middle:]
    short, long = (fit_growth([cost.n for cost in part], [what(cost) for cost in part]) for part in parts)
    return short, long

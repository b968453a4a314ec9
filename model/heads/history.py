"""What training changed for one text: every kept checkpoint of a run reads it, with one in memory at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model.capture import capture
from model.checkpoint import Checkpoint, CheckpointError
from model.decoding.search import translate
from model.heads.habits import MOSTLY
from model.heads.measures import NAMED, Measure, measure
from model.trace import Kind, Trace

MOST_CHECKPOINTS = 80
MOST_TOKENS = 48
"""The longest text whose patterns are kept at every step; for a longer one only the measures are."""
LEAST_CHANGE = 0.25
"""A head forms only if its measure changes by this fraction of its range, or by 1 if it is unbounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One text as read by the checkpoint of one step.

    ``written`` is what the model writes by itself. For each kind of attention, ``measures`` are those of
    :func:`model.heads.measures.measure`, ``[layer, head]``; ``levels`` the pattern in 255ths, uint8 ``[layer, head,
    query, key]``, empty where the text is longer than :data:`MOST_TOKENS`.
    """

    step: int
    digest: str
    written: str
    measures: Mapping[Kind, Mapping[str, np.ndarray]]
    levels: Mapping[Kind, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A text over the steps of a run; the first ``n_read`` of ``files``, each (step, path), have been read.

    Every checkpoint is fed the target ``fed``, so that a row is the same token at every step. ``skipped`` holds the
    steps whose file cannot be used, and why.
    """

    files: tuple[tuple[int, Path], ...]
    source: str
    fed: str
    n_read: int = 0
    moments: tuple[Moment, ...] = ()
    skipped: tuple[tuple[int, str], ...] = ()

    @property
    def done(self) -> bool:
        return self.n_read == len(self.files)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of the moments."""
        return tuple(moment.step for moment in self.moments)

    def values(self, kind: Kind) -> dict[str, np.ndarray]:
        """Each measure of a kind of attention over the steps, ``[step, layer, head]``, NaN where undefined; empty until
        a checkpoint has been read."""
        found = [moment.measures[kind] for moment in self.moments]
        return {name: np.stack([measures[name] for measures in found]) for name in (found[0] if found else ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Formation:
    """The measure ``name`` of a head (layer and head from 0) goes from ``start`` to ``end``; ``value`` at ``step``.

    ``named``: most of the head's weight is there from this step on, so that it can be named after what it does.
    """

    name: str
    layer: int
    head: int
    step: int
    start: float
    value: float
    end: float
    named: bool = False


def thinned(files: Sequence[tuple[int, Path]], most: int = MOST_CHECKPOINTS) -> tuple[tuple[int, Path], ...]:
    """At most ``most`` of the checkpoints: the first, then evenly spaced ones, and the last."""
    if len(files) <= most:
        return tuple(files)
    every = -(-(len(files) - 1) // (most - 1))
    return (*files[:-1:every], files[-1])


def read_moment(opened: Checkpoint, step: int, source: str, fed: str) -> Moment:
    """What one checkpoint makes of a text."""
    return moment_of(capture(opened, source, fed), step, opened.digest, next(translate(opened, [source]))[1])


def moment_of(trace: Trace, step: int, digest: str, written: str) -> Moment:
    """The part of a trace that is kept."""
    short = max(size for one in trace.maps for size in one.pattern.shape[2:]) <= MOST_TOKENS
    return Moment(
        step=step,
        digest=digest,
        written=written,
        measures={one.kind: measure(one) for one in trace.maps},
        levels={one.kind: np.rint(255 * one.pattern).astype(np.uint8) for one in trace.maps} if short else {},
    )


def advance(history: History, read: Callable[[int, Path, str, str], Moment], seconds: float) -> History:
    """The history after reading on for about ``seconds``, or at least one checkpoint if any is left.

    ``read`` returns the moment for a step, a file, a source and the target it is fed; where it raises
    :class:`CheckpointError`, that step is skipped.
    """
    until = time.monotonic() + seconds
    while not history.done:
        step, path = history.files[history.n_read]
        history = replace(history, n_read=history.n_read + 1)
        try:
            moment = read(step, path, history.source, history.fed)
        except CheckpointError as error:
            history = replace(history, skipped=(*history.skipped, (step, str(error))))
        else:
            history = replace(history, moments=(*history.moments, moment))
        if time.monotonic() >= until:
            break
    return history


def least_change(one: Measure) -> float:
    """How much a measure must change for a head to have formed."""
    return 1.0 if one.high is None else LEAST_CHANGE * (one.high - one.low)


def is_named(one: Measure, start: float, end: float) -> bool:
    """Whether a head can be named after what it does: it gives most of its weight there at the end, but not at
    first."""
    return bool(one.becomes) and start <= MOSTLY < end


def formed_at(steps: Sequence[int], values: Sequence[float] | np.ndarray, one: Measure) -> int | None:
    """The step where a head forms: the first from which its measure stays on the side of its last value.

    For a measure with a name for it, the sides meet at half of the head's weight, if the head passes that
    (:func:`is_named`); otherwise halfway between the first value v₀ and the last v_T:
    min { s_k : (v_j - (v₀ + v_T) / 2) · (v_T - v₀) ≥ 0 for all j ≥ k }. That is the instant at which a transition
    passes its 50% reference level (IEEE Std 181-2011), for good. None if |v_T - v₀| is below :func:`least_change`,
    or either is undefined (NaN); a value undefined in between is on neither side. The step is known only as closely
    as checkpoints were kept: the head formed after the previous checkpoint, and by this step.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2 or not abs(change := values[-1] - values[0]) >= least_change(one):
        return None
    if is_named(one, values[0], values[-1]):
        over = values > MOSTLY
    else:
        over = (values - (values[0] + values[-1]) / 2) * change >= 0
    wrong = np.flatnonzero(~over)
    return steps[int(wrong[-1]) + 1 if len(wrong) else 0]


def formations(steps: Sequence[int], values: Mapping[str, np.ndarray]) -> list[Formation]:
    """Every measure of every head that forms, ``values`` ``[step, layer, head]`` by name: first the heads that can be
    named after what they do, then by change, largest first, relative to the least that counts."""
    found = []
    for name, over_steps in values.items():
        one = NAMED[name]
        for layer, head in np.ndindex(over_steps.shape[1:]):
            of_head = over_steps[:, layer, head]
            if (step := formed_at(steps, of_head, one)) is not None:
                start, value, end = (float(of_head[i]) for i in (0, list(steps).index(step), -1))
                formed = Formation(
                    name=name, layer=layer, head=head, step=step, start=start, value=value, end=end,
                    named=is_named(one, start, end),
                )  # fmt: skip
                found.append((not formed.named, -abs(end - start) / least_change(one), formed))
    return [formed for *_, formed in sorted(found, key=lambda item: item[:2])]

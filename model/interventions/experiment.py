"""Experiments on one text: the same model without a head, without the scale of its scores, or without positions, and
what it then writes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, get_args

import numpy as np
from torch import Tensor

from model.capture import attention_at, capture
from model.checkpoint import Checkpoint
from model.interventions.ablation import without_head
from model.interventions.positions import without_positions
from model.network.taps import UNTAPPED, Taps, replacing
from model.trace import Kind, Trace

What = Literal["head", "scale", "positions"]
WHAT: tuple[What, ...] = get_args(What)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A text before and after something was removed from the model.

    ``forced`` is the changed model on the target that the unchanged one wrote, ``own`` its own trace.
    """

    before: Trace
    forced: Trace
    own: Trace

    @property
    def same(self) -> bool:
        """Whether the changed model writes the same."""
        return self.own.target == self.before.target

    @property
    def n_compared(self) -> int:
        """How many tokens of the first output the changed model was fed unchanged: its text may be tokenised
        differently, and an output that was cut at its limit is ended here."""
        pairs = zip(self.before.predicted_ids, self.forced.predicted_ids, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    @property
    def log_probabilities(self) -> np.ndarray:
        """The change in the log-probability of each token of the first output, in nats, ``[n_compared]``."""
        before, after = self.before.probabilities, self.forced.probabilities
        if before is None or after is None:
            raise ValueError("a trace without probabilities cannot say what changed")
        n = self.n_compared
        return np.log(after[:n].astype(np.float64)) - np.log(before[:n].astype(np.float64))


def without_scale(before: Trace) -> Taps:
    """Undo the division of all scores by √d_head (Vaswani et al. 2017, section 3.2.1) by making queries √d_head times
    as long; what a positional encoding adds to the scores stays as it is.

    ``before`` is any trace of the model; it tells which attention there is.
    """

    def longer(query: Tensor) -> Tensor:  # [batch, head, query, d_head]
        return query * math.sqrt(query.size(-1))

    places: list[tuple[Kind, int]] = [
        (kind, layer) for kind in before.kinds for layer in range(before.map(kind).n_layers)
    ]
    return replacing({(*attention_at(*place), "query"): longer for place in places})


def experiment(checkpoint: Checkpoint, before: Trace, what: What, kind: Kind, layer: int, head: int) -> Experiment:
    """Run the text of ``before``, the model's own trace, once more without ``what``.

    Args:
        checkpoint: one of ours, with heads.
        before: the model's own trace.
        what: "head" is :func:`model.interventions.ablation.without_head`, "scale" :func:`without_scale`, "positions"
            :func:`model.interventions.positions.without_positions`.
        kind, layer, head: which head, from 0.

    Raises:
        ValueError: there is no such head.
    """
    changed = without_positions(checkpoint) if what == "positions" else checkpoint
    taps = UNTAPPED
    if what == "head":
        taps = without_head(before, kind, layer, head)
    elif what == "scale":
        taps = without_scale(before)
    return Experiment(
        before=before,
        forced=capture(changed, before.source, before.target, taps=taps),
        own=capture(changed, before.source, draft=before.predicted_ids, taps=taps),
    )

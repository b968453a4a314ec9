"""How much of its weight a head gives to each habit; NumPy only.

The weight of a habit is the mean, over every row that has a choice, of the attention on the keys that the habit is
about; a row without such a key counts with 0, so that no share is claimed that the head as a whole does not give.
Chance is what uniform rows of the same lengths would give. All of these are sums that add up over texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from model.heads import rows as of
from model.heads.rows import Rows
from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap, Kind, RowNames


class Sums(NamedTuple):
    """The sums of one habit, each float64 ``[layer, head]``: weight and chance over the rows that count, and how many
    of these rows have a key that the habit is about."""

    weight: np.ndarray
    chance: np.ndarray
    able: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """Cells of a pattern that a head may favour.

    ``words`` name them, seen from the token that is read; where a row is named by both of its tokens, or only by the
    one that is written, other words may be needed.
    """

    name: str
    words: str
    both: str = ""
    predicted: str = ""
    cells: Callable[[Rows], np.ndarray]  # boolean [query, key]
    within: tuple[str, ...] = ()
    """The habits whose cells include all of this one's; for the first token, only where it is a special one."""

    def said(self, rows: RowNames) -> str:
        """The cells in words that are true of rows named this way."""
        return {"both": self.both, "predicted": self.predicted, "fed in": self.words}[rows] or self.words


HABITS = (
    Habit(
        name="previous", words="the previous token", both="the token before the one just read",
        predicted="the token two before the one it writes", cells=of.at_offset(-1),
    ),
    Habit(
        name="second before", words="the token two before it", both="the token two before the one just read",
        predicted="the token three before the one it writes", cells=of.at_offset(-2),
    ),
    Habit(name="next", words="the next token", cells=of.at_offset(1)),
    Habit(name="second after", words="the token two after it", cells=of.at_offset(2)),
    Habit(
        name="itself", words="the token itself", both="the token just read",
        predicted="the token before the one it writes", cells=of.at_offset(0),
    ),
    Habit(name="first", words="the first token", cells=of.at_first, within=("special",)),
    Habit(name="special", words="special tokens", cells=of.at_tokens(SPECIAL.__contains__)),
    Habit(name="punctuation", words="punctuation", cells=of.at_tokens(of.is_punctuation)),
)  # fmt: skip
INDUCTION = Habit(name="induction", words="", cells=of.at_followers)
"""Judged only by the rows that can have it, whose number is stated."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is needed to describe the heads of one kind of attention, over one or more texts.

    ``counted`` and the other arrays are float64 ``[layer, head]``: rows with a choice; sums over them of entropy
    (bits), evenness and distance (tokens; only in self-attention); in cross-attention, over all ``pairs`` of the
    ``ordered`` rows, which write text, how often the later row's key lies further to the ``right`` and to the ``left``,
    for the key that gets the most among those that are text. ``overlaps`` are sums, over the rows with a choice, of the
    weight on cells that two habits share.
    """

    kind: Kind
    n_keys: int  # that are text, the most in any text
    counted: np.ndarray
    entropy: np.ndarray
    evenness: np.ndarray
    distance: np.ndarray | None
    ordered: np.ndarray
    right: np.ndarray
    left: np.ndarray
    pairs: np.ndarray
    order: np.ndarray  # the denominator of the measure "monotonicity" for these rows and keys
    habits: Mapping[str, Sums]
    overlaps: Mapping[frozenset[str], np.ndarray]

    def __add__(self, other: Observed) -> Observed:
        """The sums over the texts of both, which must be of one kind and model."""
        if self.kind != other.kind:
            raise ValueError(f"{self.kind} and {other.kind} attention cannot be described as one")
        return Observed(
            self.kind,
            max(self.n_keys, other.n_keys),
            *(
                None if mine is None or theirs is None else mine + theirs
                for mine, theirs in zip(self._arrays, other._arrays, strict=True)
            ),  # type: ignore[arg-type]
            habits={
                name: Sums(*(mine + theirs for mine, theirs in zip(sums, other.habits[name], strict=True)))
                for name, sums in self.habits.items()
            },
            overlaps={names: mine + other.overlaps[names] for names, mine in self.overlaps.items()},
        )

    @property
    def _arrays(self) -> tuple[np.ndarray | None, ...]:
        return (
            *(self.counted, self.entropy, self.evenness, self.distance),
            *(self.ordered, self.right, self.left, self.pairs, self.order),
        )


def observe(attention_map: AttentionMap, more: Sequence[Habit] = ()) -> Observed:
    """What :func:`describe_heads` needs to know of one text; ``more`` are habits beyond those all heads are checked
    for."""
    rows = Rows(attention_map)
    counted = rows.counted.sum(-1, dtype=np.float64)
    text = _of_text(attention_map) if attention_map.kind == "cross" else rows.pattern[:, :, :0]
    ordered = np.full(counted.shape, float(text.shape[2]))
    right, left = of.concordance(_strongest(text))
    cells = {habit.name: habit.cells(rows) & rows.allowed for habit in (*HABITS, *more, INDUCTION)}
    return Observed(
        kind=attention_map.kind,
        n_keys=text.shape[3],
        counted=counted,
        entropy=of.entropy(rows)[0],
        evenness=of.evenness(rows)[0],
        distance=None if attention_map.kind == "cross" else of.distance(rows)[0],
        ordered=ordered,
        right=right,
        left=left,
        pairs=ordered * (ordered - 1) / 2,
        order=of.most_concordance(ordered, text.shape[3]),
        habits={name: _sums(rows, wanted) for name, wanted in cells.items()},
        overlaps={
            frozenset((one, other)): _weight(rows, cells[one] & cells[other]) for one, other in combinations(cells, 2)
        },
    )


def _of_text(attention_map: AttentionMap) -> np.ndarray:
    """What the rows that write text give to the keys that are text, ``[layer, head, row, key]``."""
    queries, keys = (
        [place for place, token in enumerate(tokens) if token not in SPECIAL]
        for tokens in (attention_map.row_tokens, attention_map.looked_at)
    )
    return attention_map.pattern[:, :, queries][..., keys]


def _strongest(weights: np.ndarray) -> np.ndarray:
    """1 where a row ``[…, key]`` has its largest weight (the first, in a tie), if it has any; else 0."""
    if not weights.shape[-1]:
        return weights
    return np.eye(weights.shape[-1])[weights.argmax(-1)] * (weights.max(-1, keepdims=True) > 0)


def _sums(rows: Rows, wanted: np.ndarray) -> Sums:
    chance = wanted.sum(-1) / np.maximum(rows.allowed.sum(-1), 1)
    return Sums(_weight(rows, wanted), rows.counted @ chance, rows.counted @ wanted.any(-1).astype(np.float64))


def _weight(rows: Rows, wanted: np.ndarray) -> np.ndarray:
    """The sum, over the rows that count, of the weight on the ``wanted`` cells ``[query, key]``."""
    if not wanted.any():
        return np.zeros(rows.pattern.shape[:2])
    return np.einsum("lhqk,qk,lhq->lh", rows.pattern, wanted.astype(np.float32), rows.counted, dtype=np.float64)

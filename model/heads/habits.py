"""What a head does, in words: a habit is named by its share of the head's whole weight, and only if above chance; NumPy
only.

See :mod:`model.heads.observed` for how habits are measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from model.heads import rows as of
from model.heads.observed import HABITS, Habit, Observed, observe
from model.heads.rows import Rows
from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap, RowNames

MOSTLY, PARTLY, SMALL = 0.5, 0.25, 0.15
UNEVEN, EVEN, QUITE_EVEN = 0.75, 0.9, 0.98
IN_ORDER, PARTLY_IN_ORDER = 0.7, 0.4
FEW = 4
"""With fewer rows that have a choice, their number is stated."""
CLEARLY, FAR = 1.5, 2
"""How many times chance a share must be to be named, and to be named even though it is small when nothing else is."""
FOCUSED = 3
"""A head without a habit is sharp if, by its entropy, it looks at fewer tokens than this."""
ALMOST = 0.9
"""A share at least this fraction of the largest is named beside it, even if a little under a quarter."""
AS_GOOD = 0.95
"""If the narrower of two habits has this fraction of the wider one's weight, the narrower one is named."""
ROUNDING = 1e-6
SMALLEST = 0.005
"""The smallest share that is stated; less is 0%."""


def describe(attention_map: AttentionMap, layer: int, head: int, rows: RowNames = "both") -> str:
    """What one head (layer and head from 0) does on one text, such as «gives 71% of its attention to the previous
    token»: the end of a sentence that begins with "it". ``rows`` says what a decoder's rows are named by."""
    pattern = attention_map.pattern[layer : layer + 1, head : head + 1]
    alone = replace(attention_map, pattern=pattern, n_key_heads=0, layer_numbers=())
    more = _one_token(alone)
    return _said(observe(alone, more), 0, 0, rows if attention_map.predicted_tokens else "fed in", more)


def describe_heads(observed: Observed, rows: RowNames = "both") -> list[str]:
    """:func:`describe` for each head over all texts, layer by layer."""
    return [_said(observed, layer, head, rows) for layer, head in np.ndindex(observed.counted.shape)]


class _Share(NamedTuple):
    name: str
    words: str
    weight: float
    chance: float
    within: tuple[str, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Clearly more than chance gives, or more than halfway from chance to all of the weight."""
        return self.weight > min(CLEARLY * self.chance, (1 + self.chance) / 2) + ROUNDING


def _one_token(alone: AttentionMap) -> list[Habit]:
    """The habits of looking at one key, wherever it is: at each that gets a quarter or more from a map's only head, or
    at the one that gets the most, or two that tie when rounded; with more than two there is no habit."""
    rows = Rows(alone)
    counted = rows.counted[0, 0]
    if not counted.any():
        return []
    shares = counted @ alone.pattern[0, 0] / counted.sum()
    most = [key for key, share in enumerate(shares) if percent(share) == percent(shares.max())]
    told = [key for key, share in enumerate(shares) if share >= PARTLY] or (most if len(most) <= 2 else [])
    return [_to_key(alone, rows, key) for key in told]


def _to_key(alone: AttentionMap, rows: Rows, key: int) -> Habit:
    token, wanted = alone.key_tokens[key], np.zeros_like(rows.allowed)
    wanted[:, key] = True
    wider = ["special"] if token in SPECIAL else ["punctuation"] if of.is_punctuation(token) else []
    which = f" (token {key + 1})" if alone.key_tokens.count(token) > 1 else ""
    words = f"“{token.strip() or token}”{which}"
    within = (*wider, "first") if key == 0 else tuple(wider)
    return Habit(name=f"token {key}", words=words, cells=lambda rows: wanted, within=within)


def _said(observed: Observed, layer: int, head: int, rows: RowNames, more: Sequence[Habit] = ()) -> str:
    at = (layer, head)
    n = int(observed.counted[at])
    if n == 0:
        return "has no choice: every row may see one token only"
    few = "" if n >= FEW else f" (on {n} row{'s' * (n > 1)} that {'have' if n > 1 else 'has'} a choice)"
    if (evenness := observed.evenness[at] / n) >= EVEN:
        return f"spreads its attention {'' if evenness >= QUITE_EVEN else 'fairly '}evenly over all it may see{few}"
    named = _named(observed, at, rows, more)
    order, shares = _order(observed, at), _shares(observed, at, named)
    clauses = [*order, *shares, *_induction(observed, at, rows, named)]
    if clauses == order and (tokens := _tokens(observed, at)) >= FOCUSED:
        clauses += [f"spreads each row over about {tokens:.1f} tokens"] if order else []
    return "; it ".join(clauses or [_spread(observed, at, rows, more)]) + few


def _order(observed: Observed, at: tuple[int, int]) -> list[str]:
    """Whether a cross-attention head follows the source, with the numbers that say so."""
    if observed.kind != "cross" or observed.ordered[at] < FEW or observed.n_keys < FEW - 1:
        return []
    order = (observed.right[at] - observed.left[at]) / observed.order[at]
    if abs(order) < PARTLY_IN_ORDER:
        return []
    right, left = (counts[at] / observed.pairs[at] for counts in (observed.right, observed.left))
    how = "follows" if abs(order) >= IN_ORDER else "roughly follows"
    way, one, other = "from left to right", (right, "right"), (left, "left")
    if order < 0:
        way, one, other = "from right to left", other, one
    against = "" if percent(other[0]) == percent(0) else f", {other[1]} in {percent(other[0])}"
    what = f"later rows peak further {one[1]} in {percent(one[0])} of pairs{against}"
    return [f"{how} the source {way} ({what}, special tokens aside)"]


def _named(observed: Observed, at: tuple[int, int], rows: RowNames, more: Sequence[Habit]) -> list[_Share]:
    """The largest shares that are clearly above chance and a quarter or more, or almost as large as the largest: two,
    or more if they tie; and before a smaller one goes any that is larger, whatever chance gives."""
    shares = _all_shares(observed, at, rows, more)
    clear = [share for share in shares if share.is_clear]
    most = max((share.weight for share in clear if share.weight >= PARTLY), default=1.0)
    told = _largest(observed, at, [share for share in clear if share.weight >= min(PARTLY, ALMOST * most)])
    if not told:
        return []
    least = told[-1].weight + ROUNDING
    return _largest(observed, at, [*told, *(one for one in shares if not one.is_clear and one.weight > least)])


def _largest(observed: Observed, at: tuple[int, int], shares: Sequence[_Share]) -> list[_Share]:
    """The two largest, or more if they tie, none of which lies within a larger one."""
    found: list[_Share] = []
    for share in sorted(_once(shares), key=lambda share: -share.weight):
        within = (observed.overlaps[frozenset((share.name, one.name))][at] / observed.counted[at] for one in found)
        if all(overlap < AS_GOOD * share.weight for overlap in within):
            found.append(share)
    return [share for share in found if percent(share.weight) in {percent(one.weight) for one in found[:2]}]


def _all_shares(observed: Observed, at: tuple[int, int], rows: RowNames, more: Sequence[Habit]) -> list[_Share]:
    """What a head gives to each habit."""
    n = observed.counted[at]
    return [
        _Share(
            habit.name,
            habit.said(rows if observed.kind == "decoder" else "fed in"),
            observed.habits[habit.name].weight[at] / n,
            observed.habits[habit.name].chance[at] / n,
            habit.within,
        )
        for habit in (*HABITS, *more)
    ]


def _shares(observed: Observed, at: tuple[int, int], named: Sequence[_Share]) -> list[str]:
    """The named shares, as a clause."""
    if not named:
        return []
    n = observed.counted[at]
    both = _both([observed.overlaps[frozenset((a.name, b.name))][at] / n for a, b in combinations(named, 2)])
    if len(named) > 1 and len({percent(share.weight) for share in named}) == 1:
        words = _listed([one.words for one in named])
        return [f"gives {percent(named[0].weight)} of its attention each to {words}{both}"]
    whose = [" of its attention", *[""] * len(named)]
    said = [f"{percent(share.weight)}{part} to {share.words}" for share, part in zip(named, whose, strict=False)]
    return [f"gives {_listed(said)}{both}"]


def _both(overlaps: Sequence[float]) -> str:
    """A note that some weight is counted twice, where the same weight belongs to more than one named share."""
    if max(overlaps, default=0) < SMALLEST:
        return ""
    return f" ({percent(overlaps[0])} counts as both)" if len(overlaps) == 1 else " (some of it counts twice)"


def _once(shares: Sequence[_Share]) -> list[_Share]:
    """Only one of a habit and a narrower one: the narrower if it makes up nearly all of the wider."""
    by_name = {share.name: share for share in shares}
    dropped = set()
    for share in shares:
        for name in share.within & by_name.keys():
            wide = by_name[name]
            if share.weight <= wide.weight + ROUNDING:  # otherwise the first token is not a special one
                dropped.add(name if share.weight >= AS_GOOD * wide.weight else share.name)
    return [share for share in shares if share.name not in dropped]


def _induction(observed: Observed, at: tuple[int, int], rows: RowNames, named: Sequence[_Share]) -> list[str]:
    """What a head gives to the token that followed an earlier occurrence, unless half of that is stated already: in
    “abab” what followed “a” may also be the token before it."""
    sums, n = observed.habits["induction"], observed.counted[at]
    able = sums.able[at]
    told = max((observed.overlaps[frozenset((share.name, "induction"))][at] for share in named), default=0.0)
    if told >= sums.weight[at] / 2:
        return []
    if not able or sums.weight[at] < MOSTLY * able:
        return []
    if not _Share("", "", sums.weight[at] / able, sums.chance[at] / able).is_clear:
        return []
    # A row may be named by what it writes, but it is what it has read that occurred before.
    which = "a token repeats" if rows == "fed in" or observed.kind != "decoder" else "the token just read repeats"
    return [
        f"gives, where {which} ({able:.0f} of {n:.0f} rows; special tokens that repeat do not count), "
        f"{percent(sums.weight[at] / able)} to what followed it before"
    ]


def _spread(observed: Observed, at: tuple[int, int], rows: RowNames, more: Sequence[Habit]) -> str:
    """For a head without a habit: how widely and how far it looks, and where most, if that is much or far above
    chance."""
    n, tokens = observed.counted[at], _tokens(observed, at)
    wide = f"spreads each row over about {tokens:.1f} tokens"
    if tokens < FOCUSED and observed.evenness[at] / n < UNEVEN:
        wide = f"focuses on about {tokens:.1f} tokens per row (not the same in every row)"
    far = [] if observed.distance is None else [f"looks {observed.distance[at] / n:.1f} tokens away"]
    shares = [
        share
        for share in _all_shares(observed, at, rows, more)
        if share.weight >= PARTLY or share.weight > FAR * share.chance + ROUNDING
    ]
    most = max(_once(shares), key=lambda share: share.weight, default=None)
    if most is not None and most.weight >= SMALL:
        far.append(f"gives the most, {percent(most.weight)}, to {most.words}")
    return _listed([wide, *far])


def _tokens(observed: Observed, at: tuple[int, int]) -> float:
    """Over how many tokens a row spreads, by its entropy."""
    return 2 ** (observed.entropy[at] / observed.counted[at])


def percent(share: float) -> str:
    """A share in whole percent, as people read it."""
    return f"{100 * share:.0f}%"


def _listed(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"

"""How byte-level BPE puts a word together, merge by merge (Sennrich et al. 2016, section 3.2)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Pair = tuple[str, str]


class Merged(NamedTuple):
    """The pieces of a word after a merge; ``number`` is the merge's place among those that were learned, from 1."""

    number: int
    pair: Pair
    pieces: tuple[str, ...]


def merge_steps(pieces: Sequence[str], ranks: Mapping[Pair, int]) -> tuple[Merged, ...]:
    """Merge neighbours until no learned pair is left: always the pair that was learned first, wherever it occurs.

    Args:
        pieces: the word as single characters.
        ranks: when each pair was learned, from 0.
    """
    pieces, steps = list(pieces), []
    while known := [pair for pair in itertools.pairwise(pieces) if pair in ranks]:
        pair = min(known, key=ranks.__getitem__)
        pieces = _merged(pieces, pair)
        steps.append(Merged(ranks[pair] + 1, pair, tuple(pieces)))
    return tuple(steps)


def _merged(pieces: Sequence[str], pair: Pair) -> list[str]:
    """Every occurrence of ``pair`` as one piece, from the left."""
    merged: list[str] = []
    place = 0
    while place < len(pieces):
        together = tuple(pieces[place : place + 2]) == pair
        merged.append("".join(pair) if together else pieces[place])
        place += 2 if together else 1
    return merged

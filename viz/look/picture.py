"""What a picture of attention shows: a map, with the rows, columns and scale that a person chose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, get_args

import numpy as np

from model.text.tokenizer import SPECIAL, joined, label_bytes
from model.text.words import begins_word
from model.trace import AttentionMap, Kind, RowNames, named_by_both

Scale = Literal["linear", "square root", "logarithm"]
ROW_NAMES: tuple[RowNames, ...] = get_args(RowNames)
SCALES: tuple[Scale, ...] = get_args(Scale)
DECADES = 3
"""The logarithmic scale goes down to 10^-3; what is smaller has the colour of 0."""

Zoom = tuple[tuple[int, int], tuple[int, int]]
"""The rows and the columns of a picture that are in view, [from, to)."""
Places = tuple[tuple[int, ...], ...]
"""For each row or column of a picture, the positions in the map that it is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How a person wants to see attention: what :func:`picture` takes, the colour scale, and what the overview adds."""

    rows: RowNames = "both"
    words: bool = False
    special: bool = True
    scale: Scale = "linear"
    each_head: bool = False
    means: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A map as it is drawn: ``pattern`` is float32 ``[layer, head, row, column]`` with a name for each row and column.

    ``row_places`` and ``column_places`` say which positions of the map each is made of. ``notes`` say
    in words what was changed.
    """

    kind: Kind
    pattern: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_places: Places
    column_places: Places
    notes: tuple[str, ...] = ()
    layer_numbers: tuple[int, ...] = ()  # in their model, from 1; empty: all of its layers are here
    n_sharing: int = 1  # heads beside each other that have the same keys and values
    n_tokens: int | None = None  # in a decoder: keys beyond these are no tokens, and every row may see them

    def holds(self, zoom: Zoom) -> bool:
        """Whether there are such rows and columns."""
        sizes = (len(self.rows), len(self.columns))
        return all(0 <= begin < end <= size for (begin, end), size in zip(zoom, sizes, strict=True))

    def n_visible(self, row: int) -> int:
        """How many columns a row may see: in a decoder those that begin no later than the row ends."""
        if self.kind != "decoder":
            return len(self.columns)
        last = self.row_places[row][-1]
        n = len(self.column_places) if self.n_tokens is None else self.n_tokens
        return sum(places[0] <= last or places[0] >= n for places in self.column_places)

    def row_of(self, position: int) -> int | None:
        """The row that shows a position of the map; None if it is hidden."""
        return next((row for row, places in enumerate(self.row_places) if position in places), None)


def picture(
    attention_map: AttentionMap, *, rows: RowNames = "both", words: bool = False, special: bool = True
) -> Picture:
    """The map as a person wants to see it.

    Args:
        attention_map: the map.
        rows: what names a row of a decoder.
        words: make one row or column of the tokens of a word. The weights on the keys of a word are summed,
            those of its queries averaged (Clark et al. 2019, section 4.1), so a row still sums to 1.
        special: show the special tokens. Without them, each row is divided by the sum of what is left of it; a
            row of which nothing is left is hidden as well. Where there are no others, they are shown.
    """
    rows = rows_named(attention_map, rows)
    names = attention_map.query_tokens if rows == "fed in" else attention_map.row_tokens
    special = special or any(set(tokens) <= SPECIAL for tokens in (names, attention_map.key_tokens))
    row_places, column_places = _places(names, words, special), _places(attention_map.key_tokens, words, special)
    notes = []
    pattern = attention_map.pattern
    if words:
        notes.append("the tokens of a word are merged: keys summed, queries averaged")
    if words or not special:
        pattern = _gathered(pattern, row_places, column_places)
    if not special:
        sums = pattern.sum(-1, keepdims=True)
        pattern = np.divide(pattern, sums, out=np.zeros_like(pattern), where=sums > 0)
        seen = (sums[..., 0] > 0).any(axis=(0, 1))  # [row]
        pattern = pattern[:, :, seen]
        row_places = tuple(place for place, kept in zip(row_places, seen, strict=True) if kept)
        notes.append("special tokens are hidden and each row is scaled to sum to 1 again")
    return Picture(
        kind=attention_map.kind,
        pattern=pattern,
        rows=_joined(names, row_places) if rows != "both" else _both(attention_map, row_places, words=words),
        columns=_joined(attention_map.key_tokens, column_places),
        row_places=row_places,
        column_places=column_places,
        notes=tuple(notes),
        layer_numbers=attention_map.layer_numbers,
        n_sharing=attention_map.n_sharing,
        n_tokens=len(attention_map.looked_at),
    )


def layer_number(layer: int, numbers: Sequence[int] = ()) -> int:
    """What a layer (from 0) is called, from 1; ``numbers`` as :class:`model.trace.AttentionMap` has them."""
    return numbers[layer] if numbers else layer + 1


def rows_named(attention_map: AttentionMap, rows: RowNames) -> RowNames:
    """What the rows are named by: where nothing is written, only what was fed in can name them."""
    return rows if attention_map.predicted_tokens else "fed in"


def rows_shown(attention_map: AttentionMap, display: Display) -> RowNames:
    """What the rows are named by on screen, as :meth:`model.trace.AttentionMap.row_names` names them."""
    by = rows_named(attention_map, display.rows)
    return "predicted" if by == "both" and attention_map.kind == "cross" else by


def displayed(attention_map: AttentionMap, display: Display) -> Picture:
    """:func:`picture` with what a display says of it."""
    return picture(attention_map, rows=rows_shown(attention_map, display), words=display.words, special=display.special)


def scaled(weights: np.ndarray, scale: Scale) -> np.ndarray:
    """Weights from 0 to 1 on a colour scale from 0 to 1."""
    if scale == "square root":
        return np.sqrt(weights)
    if scale == "logarithm":
        return 1 + np.log10(np.maximum(weights, 10.0**-DECADES)) / DECADES
    return weights


def mean_over_heads(pattern: np.ndarray) -> np.ndarray:
    """The mean pattern of each layer, ``[layer, row, column]``; its rows sum to 1 like those of a head."""
    return pattern.mean(axis=1)


def _places(names: Sequence[str], words: bool, special: bool) -> Places:
    shown = [place for place, name in enumerate(names) if special or name not in SPECIAL]
    if not words:
        return tuple((place,) for place in shown)
    numbers = np.cumsum(_begins_word(names))
    return tuple(tuple(group) for _, group in groupby(shown, key=lambda place: int(numbers[place])))


def _begins_word(names: Sequence[str]) -> list[bool]:
    """For each token whether a word begins with it, as words begin in the text of all tokens between special ones."""
    begins: list[bool] = []
    for special, run in groupby(names, key=SPECIAL.__contains__):
        labels = list(run)
        begins += [True] * len(labels) if special else begins_word(list(map(label_bytes, labels)))
    return begins


def _gathered(pattern: np.ndarray, row_places: Places, column_places: Places) -> np.ndarray:
    rows = _membership(row_places, pattern.shape[2])
    rows /= rows.sum(-1, keepdims=True)
    return rows @ pattern @ _membership(column_places, pattern.shape[3]).T


def _membership(places: Places, n: int) -> np.ndarray:
    """Float32 ``[group, position]``: 1 where the position belongs to the group."""
    members = np.zeros((len(places), n), dtype=np.float32)
    for group, positions in enumerate(places):
        members[group, list(positions)] = 1
    return members


def _both(attention_map: AttentionMap, places: Places, *, words: bool) -> tuple[str, ...]:
    """The names of rows by what was read when each begins, whole words or tokens, and by what is written in it."""
    fed = attention_map.query_tokens
    begun = np.cumsum(_begins_word(fed)) if words else np.arange(len(fed))
    last = (range(int((begun == begun[row[0]]).argmax()), row[0] + 1) for row in places)
    return named_by_both(_joined(fed, last), _joined(attention_map.row_tokens, places))


def _joined(names: Sequence[str], places: Iterable[Sequence[int]]) -> tuple[str, ...]:
    return tuple(joined(names[place] for place in positions) for positions in places)

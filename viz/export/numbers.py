"""The numbers under a picture, as files: CSV, NPZ and JSON, each with what they were computed from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.heads.links import Links, Pair, Sharpest
from viz.export.provenance import Provenance
from viz.look.picture import layer_number

HEADS = ("layer", "head")  # axes whose names are numbers from 1
FORMULA = "=+-@\t\r"
"""Excel computes a cell that begins with one of these, so it gets an apostrophe before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Numbers under their names: ``values`` has an axis for each entry of ``names``, in order."""

    what: str
    values: np.ndarray
    names: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        shape = tuple(len(names) for names in self.names.values())
        if self.values.shape != shape:
            raise ValueError(f"the numbers must be {shape} as their names are, but they are {self.values.shape}")


def head_numbers(pattern: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> Numbers:
    """The weights of one head, ``[query, key]``."""
    return Numbers(what="attention weight", values=pattern, names={"query": rows, "key": columns})


def overlaid_numbers(pattern: np.ndarray, heads: Sequence[int], rows: Sequence[str], columns: Sequence[str]) -> Numbers:
    """The weights ``[head, query, key]`` of some ``heads``, from 0, of a layer."""
    names = {"head": [str(head + 1) for head in heads], "query": rows, "key": columns}
    return Numbers(what="attention weight", values=pattern, names=names)


def all_numbers(
    pattern: np.ndarray, rows: Sequence[str], columns: Sequence[str], layers: Sequence[int] = ()
) -> Numbers:
    """The weights of all heads, ``[layer, head, query, key]``; ``layers`` are what the layers are called,
    as :func:`viz.look.picture.layer_number` takes it."""
    names = {**_heads(pattern.shape, layers), "query": rows, "key": columns}
    return Numbers(what="attention weight", values=pattern, names=names)


def measure_numbers(values: Mapping[str, np.ndarray], layers: Sequence[int] = ()) -> Numbers:
    """What each head does: measures ``[layer, head]`` by name; NaN where one is undefined; ``layers`` as above."""
    stacked = np.stack(list(values.values()), axis=-1)
    return Numbers(what="measure", values=stacked, names={**_heads(stacked.shape, layers), "measure": list(values)})


def to_csv(numbers: Numbers, made: Provenance) -> bytes:
    """Rows ``# name, text`` on where the numbers come from, an empty one, and the table; UTF-8 with a mark for Excel.

    The last axis lies across, the others down, each with its number from 1 beside its name, since tokens repeat.
    An undefined number is an empty cell.
    """
    *down, (last, across) = numbers.names.items()
    titles = [
        title for name, _ in down for title in ((name,) if name in ("layer", "head") else (f"{name} number", name))
    ]
    rows: list[Sequence[str]] = [[*titles, *map(_cell, across)] if last == "measure" else [*titles, *_numbered(across)]]
    for place in np.ndindex(numbers.values.shape[:-1]):
        names = [cell for (name, all_), i in zip(down, place, strict=True) for cell in _places(name, all_, i)]
        rows.append([*names, *map(_number, numbers.values[place])])
    return _csv(rows, made)


def links_csv(
    links: Links, sentences: Sequence[str], n_heads: int, made: Provenance, layers: Sequence[int] = ()
) -> bytes:
    """Of every head, ``n_heads`` a layer, the sentences in which it looks most sharply and the pairs of tokens to which
    it gives most attention, best first; as :func:`to_csv` writes tables."""
    rows: list[Sequence[str]] = [("layer", "head", "what", "rank", "query", "key", "weight", "times", "sentence")]
    for place, sharpest in enumerate(links.sharpest):
        layer, number = divmod(place, n_heads)
        head = [str(layer_number(layer, layers)), str(number + 1)]
        rows += [
            [*head, "sharpest in a sentence", str(rank), *_link(one), "", _cell(sentences[one.text])]
            for rank, one in enumerate(sharpest, start=1)
        ]
        rows += [
            [*head, "pair", str(rank), *_link(one), str(one.times), ""]
            for rank, one in enumerate(links.pairs(place), start=1)
        ]
    return _csv(rows, made)


def _link(one: Sharpest | Pair) -> tuple[str, str, str]:
    return _cell(one.query), _cell(one.key), _number(np.float32(one.weight))


def _csv(rows: Sequence[Sequence[str]], made: Provenance) -> bytes:
    """Where a table comes from, and the table."""
    head = [["# " + name, _cell(text)] for name, text in made.items().items()]
    head.insert(0, ["# the table begins at line", str(len(head) + 3)])
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows([*head, [], *rows])
    return file.getvalue().encode("utf-8-sig", "backslashreplace")


def to_npz(numbers: Numbers, made: Provenance) -> bytes:
    """``values`` float32, the names of each axis as ``layer``, ``head``, ``query``, ``key`` or ``measure``, and
    ``provenance``, JSON; opens without unpickling. A token that ends in NUL shows it as ␀: NumPy would drop it."""
    file = io.BytesIO()
    axes = {
        name: np.array([int(text) if name in HEADS else text.replace("\0", "␀") for text in texts])
        for name, texts in numbers.names.items()
    }
    described = np.array(json.dumps({**made.items(), "axes": list(numbers.names)}))
    np.savez_compressed(file, allow_pickle=False, values=numbers.values, provenance=described, **axes)
    return file.getvalue()


def to_json(numbers: Numbers, made: Provenance) -> bytes:
    """``provenance``, ``what``, ``axes`` (names, in order) and ``values``, nested lists; null where undefined."""
    return json.dumps(as_json(numbers, made), ensure_ascii=True).encode("ascii")


def as_json(numbers: Numbers, made: Provenance) -> dict[str, Any]:
    """What :func:`to_json` writes."""
    return {
        "provenance": dict(made.items()),
        "what": numbers.what,
        "axes": {name: list(texts) for name, texts in numbers.names.items()},
        "values": shortest(numbers.values),
    }


def shortest(values: np.ndarray) -> list[Any]:
    """Nested lists of the shortest numbers that are these float32 again; None where there is none (NaN)."""
    if values.ndim > 1:
        return [shortest(part) for part in values]
    return [None if value != value else float(str(value)) for value in values.astype(np.float32)]


def _heads(shape: Sequence[int], layers: Sequence[int]) -> dict[str, list[str]]:
    numbers = [layer_number(layer, layers) for layer in range(shape[0])]
    return {"layer": list(map(str, numbers)), "head": [str(head + 1) for head in range(shape[1])]}


def _places(name: str, names: Sequence[str], i: int) -> Iterable[str]:
    return (names[i],) if name in HEADS else (str(i + 1), _cell(names[i]))


def _numbered(names: Sequence[str]) -> list[str]:
    return [f"{i} {name}" for i, name in enumerate(names, start=1)]


def _cell(text: str) -> str:
    return f"'{text}" if len(text) > 1 and text[0] in FORMULA else text


def _number(value: np.floating) -> str:
    return "" if value != value else str(np.float32(value))

"""What a heatmap shows, in words, computed from the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.heads.habits import MOSTLY, PARTLY, percent
from model.heads.links import A_CHOICE
from model.text.tasks import TASKS, TRANSLATION
from model.text.tokenizer import SPECIAL
from model.trace import READ_THEN_WRITTEN, Kind, RowNames, Trace
from viz.look.doubt import LIKELY, SURE, Certainty
from viz.look.picture import Picture
from viz.look.theme import show_token
from viz.look.view import View

KIND_NAMES: dict[Kind, str] = {
    "encoder": "Encoder self-attention",
    "decoder": "Decoder self-attention",
    "cross": "Cross-attention",
}
SHORT_KIND_NAMES: dict[Kind, str] = {"encoder": "Encoder self", "decoder": "Decoder self", "cross": "Cross"}
KEYS: dict[Kind, str] = {
    "encoder": "each token of the source, itself included",
    "decoder": "each token before it",
    "cross": "each token of the source",
}
ROWS: dict[RowNames, str] = {
    "both": "the token being written",
    "predicted": "the token being written",
    "fed in": "the token read last, after which the next one is written",
}
NAMED_BY: dict[RowNames, str] = {**ROWS, "both": "the token read last ▸ the token written next"}
BOTH = " A row “a ▸ b”: the model has just read “a” and writes “b”."
UNITS = {TRANSLATION: "word", **dict.fromkeys(TASKS, "character")}
"""By task: what people take the tokens for; for other tasks it is not known."""
DOUBTS = 3  # words, from which on it is said what a model has read
CLEAREST = 3
CHOOSES = "word that may see three tokens or more"
SINGULAR = ("looks", "has", "spreads its", "it")
PLURAL = ("look", "have", "spread their", "they")
MOST_NAMED = 4  # rows that are explained together
CLICK = {
    "row": "Click a row to explain it; Shift-click others (on a touch screen, press and hold them) to see where they "
    "look on average.",
    "token": "Click a token to explain it; Shift-click others to see where they look on average.",
}
SMALLEST, EQUAL = 0.005, 0.0005  # weight that is said: less is 0%; difference that is none


def reading(kind: Kind, view: View, rows: RowNames = "both", *, text: str = "source") -> str:
    """What a mark of a view of a head of this kind means, and what can be done with it; ``text`` is what an encoder
    reads: the "source" of something, or a "text"."""
    query = f"a token of the {text}" if kind == "encoder" else ROWS[rows]
    key = "itself and each token before it" if kind == "decoder" and rows == "fed in" else KEYS[kind]
    key = key.replace("source", text)
    adds_up = "row sums" if view.unit == "row" else "token adds up"
    both = BOTH if kind != "encoder" and rows == "both" else ""
    alignment = "which word translates which, nor " if kind == "cross" else ""
    masked = " Later tokens are masked: their weight is exactly 0." if kind == "decoder" else ""
    no_more = f"A high weight shows where the head looks, not {alignment}how much the output depends on it."
    return (
        f"{view.mark}: how much attention {query} ({view.query}) pays to {key} ({view.key}), from 0 to 1: "
        f"{view.strength}. The attention of a {adds_up} to 1.{masked}{both} {no_more} {CLICK[view.unit]}"
    )


def meaning(
    kind: Kind,
    view: View,
    rows: RowNames = "both",
    *,
    unit: str,
    source: str = "",
    target: str = "",
    reads_in_decoder: bool = False,
    dark: bool = False,
) -> str:
    """What a view of a head shows, for someone who knows none of the terms.

    Args:
        kind, view, rows: what is on show.
        unit: what a token is taken for, one of :data:`UNITS`.
        source, target: the languages, such as "English"; "" if there are none or they are not known.
        reads_in_decoder: the model has no encoder; its decoder reads the source as well.
        dark: the background is.
    """
    read, written = f"{source} {unit}".strip(), f"{target} {unit}".strip()
    if kind == "encoder":
        query, keys = f"{_a(read)} of your text" if not source else _a(read), f"the {read}s"
    else:
        done = "just read or written" if reads_in_decoder else "just written"
        to_come = "to come next" if reads_in_decoder else "being written"
        query = f"{_a(written)} {done if rows == 'fed in' else to_come}{' (after ▸)' if rows == 'both' else ''}"
        earlier = f"the {written}s up to it" if rows == "fed in" else f"the earlier {written}s"
        keys = f"the {read}s{'' if source else ' of your text'}" if kind == "cross" else earlier
    return view.meaning.format(query=query, keys=keys, strong="bright" if dark else "dark")


def axes(kind: Kind, rows: RowNames) -> tuple[str, str]:
    """What the columns and the rows of a heatmap are, for someone who knows none of the terms, with arrows along
    them."""
    across = "Looks at →" if kind != "decoder" or rows == "fed in" else "Looks back at →"
    down = "Reading ↓" if kind == "encoder" else "Just read ↓" if rows == "fed in" else "Writing ↓"
    return across, down


def unit_of(task: str) -> str:
    """What people take the tokens of a task for."""
    return UNITS.get(task, "token")


def sureness(sure: Certainty, unit: str) -> str:
    """How sure a model is of what it wrote; empty if that is not known."""
    if sure.whole is None:
        return ""
    n, unsure = sure.n_words, sure.n_unsure
    if not n:
        return f"probability {share(sure.whole)}"
    many, limit = f"of {n} {unit}{'s' * (n != 1)}", percent(SURE)
    each = f"{unsure} {many} < {limit} likely (underlined)" if unsure else f"{n} {many} ≥ {limit} likely"
    return f"{each} · whole output {share(sure.whole)}"


def how_sure(sure: Certainty) -> str:
    """Where the numbers of :func:`sureness` come from, and what they are not."""
    if sure.whole is None or sure.per_token is None:
        return ""
    n = sure.n_tokens
    return (
        f"The product of the probabilities that the model gave to the {n} token{'s' * (n != 1)} of its output, "
        f"including the end token; their geometric mean is {share(sure.per_token)}. Underlined: less than "
        f"{percent(SURE)} (dots) or {percent(LIKELY)} (waves). This shows doubt, not error: the model can be sure yet "
        "wrong."
    )


def has_read(sure: Certainty, what: str) -> str:
    """What a model read in training (``what``), if it is unsure of several words; else empty."""
    return f"It was trained only on {what}." if sure.n_unsure >= DOUBTS and what else ""


def share(probability: float) -> str:
    """A probability in whole percent; one that is not quite 0 or 1 is not rounded to it."""
    if 0 < probability < SMALLEST:
        return "<1%"
    return ">99%" if 1 - SMALLEST <= probability < 1 else percent(probability)


def clearest(picture: Picture, layer: int, head: int) -> str:
    """The rows of a head that give most of their attention to one key, such as «“fille” → “girl” 99%», both of them
    text, out of three keys or more that the row may see. A row of another kind that would be among them is named as
    left out."""
    weights = picture.pattern[layer, head]  # [row, column]
    choosing = [i for i in range(len(picture.rows)) if picture.n_visible(i) > 1]
    keys = [j for j, name in enumerate(picture.columns) if not _is_special(name)]
    links = [(i, keys[int(weights[i, keys].argmax())]) for i in choosing if keys]
    clear = sorted((link for link in links if weights[link] > MOSTLY), key=lambda link: -weights[link])
    text = [i for i in choosing if not _is_special(picture.rows[i]) and picture.n_visible(i) >= A_CHOICE]
    first = [link for link in clear if link[0] in text][:CLEAREST]
    least = weights[first[-1]] if len(first) == CLEAREST else MOSTLY
    others = [_row(picture, i) for i, j in clear if i not in text and weights[i, j] > least]
    aside = f" (aside from the row{'s' * (len(others) > 1)} {' and '.join(others)})" if others else ""
    if first:
        said = [f"{_row(picture, i)} → {_column(picture, j)} {percent(weights[i, j])}" for i, j in first]
        return f"{', '.join(said)}{aside}."
    which = "word" if all(i in text or _is_special(name) for i, name in enumerate(picture.rows)) else CHOOSES
    return f"none: no {which} gives more than half of its attention to a single word{aside}."


def cut_mark(cut: bool) -> str:
    """Said beside an output that did not reach its end."""
    return " (cut at its limit)" if cut else ""


def where_cut(trace: Trace) -> str:
    """In a sentence, where writing stopped although the model had not ended; empty where it had."""
    if not trace.target_cut:
        return ""
    return f"Cut after {len(trace.predicted_ids)} tokens, the most allowed for this text; the model had not finished."


def describe_row(picture: Picture, layer: int, head: int, row: int) -> str:
    """Where one row looks, such as «“bleue” looks mostly at “blue” (71%), then at “dress” (12%)»."""
    weights = picture.pattern[layer, head, row]
    return _described(_row(picture, row), weights, picture.n_visible(row), picture)


def describe_rows(picture: Picture, layer: int, head: int, rows: Sequence[int]) -> str:
    """Where two rows or more look on average, such as «On average, “robe” and “bleue” look mostly at …»."""
    weights = picture.pattern[layer, head, list(rows)].mean(axis=0)
    names = [_row(picture, row) for row in rows]
    named = f"{', '.join(names[:-1])} and {names[-1]}"
    if len(names) > MOST_NAMED:
        named = f"{len(names)} rows from {names[0]} to {names[-1]}"
    return _described(f"On average, {named}", weights, max(map(picture.n_visible, rows)), picture, several=True)


def _described(name: str, weights: np.ndarray, n_visible: int, picture: Picture, *, several: bool = False) -> str:
    """Where what is called ``name`` looks, whose ``weights`` ``[column]`` lie on at most ``n_visible`` columns."""
    looks, has, spreads, it = PLURAL if several else SINGULAR
    order = [int(key) for key in np.argsort(-weights, kind="stable")]
    said = [percent(float(weights[key])) for key in order]
    keys = [_column(picture, key, share) for key, share in zip(order[:2], said, strict=False)]
    largest = weights[order[0]]
    if largest == 0:
        return f"{name} {has} nothing to look at here."
    if n_visible == 1:
        return f"{name} {looks} at {keys[0]}, the only token {it} may see."
    equal = said[0] == said[1] and abs(largest - weights[order[1]]) < EQUAL
    if equal and (n_equal := sum(abs(largest - weight) < EQUAL for weight in weights)) > 2:
        return f"{name} {spreads} attention: no token gets more than {said[0]}, and {n_equal} get that much."
    if equal and largest >= PARTLY:
        return f"{name} {looks} equally at {_column(picture, order[0])} and {keys[1][:-1]} each)."
    if largest > MOSTLY:
        then = f", then at {keys[1]}" if weights[order[1]] >= SMALLEST else ""
        return f"{name} {looks} mostly at {keys[0]}{then}."
    if largest >= PARTLY:
        return f"{name} {looks} partly at {keys[0]}, then at {keys[1]}."
    rest = n_visible - 2
    others = f", the rest over {rest} other{'s' * (rest > 1)}" if rest else ""
    return f"{name} {spreads} attention: most at {keys[0]} and {keys[1]}{others}."


def _row(picture: Picture, row: int) -> str:
    """What a row is called: its name, and its number where others have the same."""
    repeats = picture.rows.count(picture.rows[row]) > 1
    return _named(picture.rows[row], [f"row {picture.row_places[row][0] + 1}"] if repeats else [])


def _column(picture: Picture, column: int, *more: str) -> str:
    """What a column is called: its name, its number where others have the same, and ``more``."""
    repeats = picture.columns.count(picture.columns[column]) > 1
    number = [f"token {picture.column_places[column][0] + 1}"] if repeats else []
    return _named(picture.columns[column], [*number, *more])


def _named(name: str, more: Sequence[str]) -> str:
    return f"{_quoted(name)} ({', '.join(more)})" if more else _quoted(name)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'AEIOUaeiou' else 'a'} {noun}"


def _is_special(name: str) -> bool:
    return name.rpartition(READ_THEN_WRITTEN)[2] in SPECIAL  # of a row with two names, what is written


def _quoted(token: str) -> str:
    return f"“{show_token(token)}”"

"""What a heatmap shows, in words, computed from the same numbers."""

from __future__ import annotations

import numpy as np

from model.text.tokenizer import SPECIAL_TOKENS
from model.trace import Kind
from viz.look.picture import Picture, RowNames, View
from viz.look.theme import show_token

KIND_NAMES: dict[Kind, str] = {
    "encoder": "Encoder self-attention",
    "decoder": "Decoder self-attention",
    "cross": "Cross-attention",
}
SHORT_KIND_NAMES: dict[Kind, str] = {"encoder": "Encoder self", "decoder": "Decoder self", "cross": "Cross"}
QUERIES: dict[Kind, str] = {"encoder": "a token of the source", "decoder": "{row}", "cross": "{row}"}
KEYS: dict[Kind, str] = {
    "encoder": "each token of the source, itself included",
    "decoder": "each token before it",
    "cross": "each token of the source",
}
ROWS: dict[RowNames, str] = {
    "predicted": "the token being written",
    "fed in": "the token read last, after which the next one is written",
}
PLACES: dict[View, tuple[str, str, str]] = {
    "Heatmap": ("Each cell", "left", "above"),
    "Lines": ("Each line", "left", "right"),
    "Lines across": ("Each line", "above", "below"),
    "Text": ("Each colour", "framed", "shaded"),
}
"""By view: what carries a weight, and where its query and its key stand."""
STRENGTH: dict[View, str] = {
    "Heatmap": "the stronger the colour, the more",
    "Lines": "the wider, the more",
    "Lines across": "the wider, the more",
    "Text": "the stronger, the more",
}
LACKS = {
    "decoder": "a decoder-only Transformer: it has self-attention, but no encoder and no cross-attention",
    "lstm": "an LSTM: it reads word by word and has one attention, from each word it writes to the source; it has no "
    "layers of heads, no queries, keys and values, and no positional encoding",
}
"""By architecture: what a model is, and what it has not, that is no Transformer with encoder and decoder."""
MOSTLY, PARTLY = 0.5, 0.25
CLEAREST = 3
SMALLEST = 0.005  # weight that is said: less is 0.00


def reading(kind: Kind, rows: RowNames = "predicted", view: View = "Heatmap") -> str:
    """What a cell, a line or a colour of a head of this kind means, and what can be done with it."""
    what, here, there = PLACES[view]
    query = QUERIES[kind].format(row=ROWS[rows])
    key = "itself and each token before it" if kind == "decoder" and rows == "fed in" else KEYS[kind]
    row, adds_up = ("row", "row sums") if view == "Heatmap" else ("token", "token adds up")
    return (
        f"{what}: how much attention {query} ({here}) pays to {key} ({there}), from 0 to 1; {STRENGTH[view]}. The "
        f"attention of a {adds_up} to 1. Click a {row} to explain it."
    )


def clearest(picture: Picture, layer: int, head: int) -> str:
    """The rows of a head that look at one key most, such as «“fille” → “girl” 0.99», both of them text."""
    weights = picture.pattern[layer, head]  # [row, column]
    text = [i for i, name in enumerate(picture.rows) if name not in SPECIAL_TOKENS]
    keys = [j for j, name in enumerate(picture.columns) if name not in SPECIAL_TOKENS]
    pairs = ((i, keys[int(weights[i, keys].argmax())]) for i in text if keys)
    clear = sorted((weights[pair], *pair) for pair in pairs if weights[pair] >= MOSTLY)
    best = {(picture.rows[i], picture.columns[j]): weight for weight, i, j in clear}  # tokens repeat
    first = sorted(best.items(), key=lambda one: -one[1])[:CLEAREST]
    said = [f"{_quoted(row)} → {_quoted(column)} {weight:.2f}" for (row, column), weight in first]
    return f"{', '.join(said)}." if said else "none; no token gives half of its attention to another."


def describe_row(picture: Picture, layer: int, head: int, row: int) -> str:
    """Where one row looks, such as «“bleue” looks mostly at “blue” (0.71), then at “dress” (0.12)»."""
    weights = picture.pattern[layer, head, row]
    name = _quoted(picture.rows[row])
    top = np.argsort(-weights)[:2]
    keys = [f"{_quoted(picture.columns[key])} ({weights[key]:.2f})" for key in top]
    largest = weights.max()
    if largest == 0:
        return f"{name} may look at nothing here."
    if len(weights) == 1:
        return f"{name} looks at {keys[0]}, the only token there is."
    if largest >= MOSTLY:
        then = f", then at {keys[1]}" if weights[top[1]] >= SMALLEST else ""
        return f"{name} looks mostly at {keys[0]}{then}."
    if largest >= PARTLY:
        return f"{name} looks partly at {keys[0]} and at {keys[1]}."
    return f"{name} spreads its attention: most at {keys[0]} and {keys[1]}, the rest over {len(weights) - 2} others."


def _quoted(token: str) -> str:
    return f"“{show_token(token)}”"

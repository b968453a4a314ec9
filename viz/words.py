"""What a heatmap shows, in words, computed from the same numbers."""

from __future__ import annotations

import numpy as np

from model.trace import Kind
from viz.picture import Picture, RowNames
from viz.theme import show_token

KIND_NAMES: dict[Kind, str] = {
    "encoder": "Encoder self-attention",
    "decoder": "Decoder self-attention",
    "cross": "Cross-attention",
}
SHORT_KIND_NAMES: dict[Kind, str] = {"encoder": "Encoder self", "decoder": "Decoder self", "cross": "Cross"}
READING: dict[Kind, str] = {
    "encoder": "{here}: a token of the source text. {there}: the source tokens it gathers information from.",
    "decoder": "{here}: {row}. {there}: the tokens before it, which are all it may look at.",
    "cross": "{here}: {row}. {there}: the source tokens it is written from.",
}
ROWS: dict[RowNames, str] = {
    "predicted": "the token being written",
    "fed in": "the token read last, after which the next one is written",
}
LACKS = {
    "decoder": "a decoder-only Transformer: it has self-attention, but no encoder and no cross-attention",
    "lstm": "an LSTM: it reads word by word and has one attention, from each word it writes to the source; it has no "
    "layers of heads, no queries, keys and values, and no positional encoding",
}
"""By architecture: what a model is, and what it has not, that is no Transformer with encoder and decoder."""
MOSTLY, PARTLY = 0.5, 0.25


def reading(kind: Kind, rows: RowNames = "predicted", *, drawn: bool = True) -> str:
    """Which way to read a head of this kind, and, where it is ``drawn`` as a heatmap, what its colour means."""
    here, there = ("Row", "Columns") if drawn else ("From", "To")
    what = READING[kind].format(row=ROWS[rows], here=here, there=there)
    if not drawn:
        return f"{what} The weights of a token sum to 1. Click a token to explain it."
    return (
        f"{what} The stronger the colour, the more attention (0 to 1); each row sums to 1. Click a row to explain it."
    )


def describe_row(picture: Picture, layer: int, head: int, row: int) -> str:
    """Where one row looks, such as «“bleue” looks mostly at “blue” (0.71), then at “dress” (0.12)»."""
    weights = picture.pattern[layer, head, row]
    name = _quoted(picture.rows[row])
    keys = [f"{_quoted(picture.columns[key])} ({weights[key]:.2f})" for key in np.argsort(-weights)[:2]]
    largest = weights.max()
    if largest == 0:
        return f"{name} may look at nothing here."
    if len(weights) == 1:
        return f"{name} looks at {keys[0]}, the only token there is."
    if largest >= MOSTLY:
        return f"{name} looks mostly at {keys[0]}, then at {keys[1]}."
    if largest >= PARTLY:
        return f"{name} looks partly at {keys[0]} and at {keys[1]}."
    return f"{name} spreads its attention: most at {keys[0]} and {keys[1]}, the rest over {len(weights) - 2} others."


def _quoted(token: str) -> str:
    return f"“{show_token(token)}”"

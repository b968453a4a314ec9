"""The weights of a head from elsewhere, computed again by NumPy from its queries and keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from model.families.proof import HeadPass
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.look.theme import for_markdown, show_token
from viz.state import tracing

AGREES = 1e-5


def proof_panel(look: Look) -> None:
    """The formula, the difference, and the numbers of the framed row."""
    try:
        found = tracing.head_pass(look.opened, look.trace, look.kind, look.layer, look.head)
    except ValueError as error:
        st.info(for_markdown(str(error)))
        return
    st.markdown(_badge(found))
    st.latex(found.formula)
    named = show_token(look.attention_map.row_names()[look.row])
    forbids = " −∞ stands for a key that the mask forbids." if np.isinf(found.scores[look.row]).any() else ""
    st.markdown(f"The framed row, “{for_markdown(named)}”, key by key.{forbids}")
    st.dataframe(_row(look, found), hide_index=True, height=320)


def _badge(found: HeadPass) -> str:
    n, m = found.pattern.shape
    worst = power_of_ten(found.difference)
    if found.difference > AGREES:
        return f":red-badge[:material/error: NumPy differs] by {worst}: the pattern does not follow from these numbers."
    return (
        f":green-badge[:material/check: All {n} × {m} weights agree] with NumPy, which computes them from this head’s "
        f"queries and keys, to within {worst}."
    )


def _row(look: Look, found: HeadPass) -> dict[str, list[Any]]:
    row, keys = look.row, [show_token(token) for token in look.attention_map.key_tokens]
    scores, products = found.scores[row], found.query[row] @ found.key.T
    sinks: list[Any] = [None] * (len(keys) - len(scores))  # a learned sink has a score and no key
    return {
        "key": keys,
        "q · k": [*map(float, products), *sinks],
        "score": [*map(_score, scores), *([_score(found.sink)] if found.sink is not None else [])],
        "weight from NumPy": [*map(float, found.computed[row])],
        "weight in the model": [*map(float, found.pattern[row])],
    }


def _score(score: float) -> str:
    return "−∞" if np.isinf(score) else f"{score:.4f}"

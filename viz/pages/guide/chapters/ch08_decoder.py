"""The decoder: masking and teacher forcing."""

from __future__ import annotations

import numpy as np
import streamlit as st

from model.network.attention import causal_mask
from model.network.transformer import Transformer
from viz.figures.side_by_side import weights_panel
from viz.look.hatching import masked
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, among, chart, head_query, numbered, quoted
from viz.pages.guide.chapters.openings import masked_head, masked_row
from viz.state import session, tracing

IDEA = """
The decoder writes from left to right. At each position it **is fed** the previous token and **predicts** the next one;
the first position is fed `<s>`. The mask hides what comes later, so a row may look at its own and earlier positions
only. It is not a recurrent network either: no memory is passed along; the tokens themselves are read again.

During training the right translation is known, so all positions are fed at once, each with the right token before it,
whatever the model would have written. That is **teacher forcing**. Thanks to the mask, one pass gives the same numbers
as going token by token, and the model cannot simply copy the answer. It comes at a price: the model never practises
carrying on after a mistake of its own (exposure bias, Ranzato et al. 2016).

**Mistake: reading a row as the wrong token.** A row has two names: the token fed in, and the token predicted there.
They are one position apart. Here both are written: “a ▸ b” is fed “a” and predicts “b”.
"""
EQUATION = r"\text{mask}_{tj}=\begin{cases}0&j\le t\\-\infty&j>t\end{cases}"


def show(look: Look) -> None:
    shown = look.attention_map
    pattern, names = shown.pattern[look.layer, look.head], (shown.row_names(), shown.key_tokens)
    hidden = masked(look.attention_map)
    panel = weights_panel(pattern, *names, "fed in ▸ predicted", framed=look.row, masked=hidden, theme=session.theme())
    chart(panel, "decoder", share=0.85, wide=True)
    n = len(pattern)
    st.markdown(f"The mask hides {n * (n - 1) // 2} of the {n} × {n} cells.")
    forced = tracing.trace(look.opened, look.trace.source, look.trace.target)
    own, again = look.trace.probabilities, forced.probabilities
    if own is not None and again is not None and forced.predicted_ids == look.trace.predicted_ids:
        st.caption(
            f"The probabilities computed token by token and those from a single teacher-forced pass differ by at most "
            f"{power_of_ten(float(np.abs(own - again).max()))}."
        )


def ask(look: Look) -> Question | None:
    shown = look.attention_map
    written, row = shown.predicted_tokens or (), look.row
    if len(written) < 3:
        return None
    return among(
        f"Row {row + 1} is fed {quoted(shown.query_tokens[row])}. Which token does it predict? (Numbers count the "
        "tokens of the output; `<s>` is not counted.)",
        numbered(written),
        row,
        f"From {quoted(shown.query_tokens[row])} the model predicts {quoted(written[row])}; the next row is fed "
        "that token.",
        f"Row {row + 1} is framed, and its name has both tokens: the one it is fed, then the one it predicts.",
    )


def further(look: Look) -> Further:
    return Further(
        label="The decoder, step by step, in Explore", page="explore", query=head_query(look) | {"panel": "Decoder"}
    )


CHAPTER = Chapter(
    title="The decoder, masking and teacher forcing", idea=IDEA, equation=EQUATION, show=show,
    sources=(causal_mask, Transformer.decode), ask=ask, further=further, kinds=("decoder",), chooses_head=True,
    opens_on=masked_head, opens_row=masked_row,
)  # fmt: skip

"""What a Transformer is for."""

from __future__ import annotations

import numpy as np
import streamlit as st

from model.network.transformer import Transformer
from model.trace import Trace
from viz.figures.side_by_side import weights_panel
from viz.look.look import Look
from viz.look.theme import LIGHT
from viz.pages.guide.chapters.chapter import (
    Chapter,
    Further,
    Question,
    among,
    chart,
    head_query,
    numbered,
    probability,
    quoted,
    row_name,
)
from viz.state import session

IDEA = """
A Transformer reads one text and writes another: a translation, an answer, the next word. For each word it writes, it
has to find what matters in the text it reads.

**Recurrent networks** came first. They read word by word and keep one vector as their memory, so the whole sentence has
to fit into it. Bahdanau, Cho and Bengio (preprint 2014, published 2015) gave them **attention**: while writing
a word, look back at every word that was read, and draw most on the ones that matter. In 2017 Vaswani and others kept
the attention and dropped the recurrence. (Others had put convolutions in its place: Gehring et al. 2017.) That is the
Transformer.

The picture is one head of this model on your sentence. Each row is a word being written; the colours show how much
attention it pays to each word that was read. (Strictly, to the encoder’s vector for that word, which already holds
something of the whole sentence.)

Such a model writes one token after another, each given the source and all the tokens before it. So the probability of
the whole text is a product with one factor per token: that is all the formula says. A recurrent translator has the same
formula; what differs is how each factor is computed.
"""
SHOWN = 12
"""Factors of the formula that are written out."""
EQUATION = r"p(y_1,\dots,y_m\mid x)=\prod_{t=1}^{m}p(y_t\mid y_1,\dots,y_{t-1},\,x_1,\dots,x_n)"


def show(look: Look) -> None:
    shown = look.attention_map
    title = f"layer {look.layer + 1}, head {look.head + 1}: tokens written (rows), tokens read (columns)"
    pattern, names = shown.pattern[look.layer, look.head], (shown.row_names(), shown.key_tokens)
    chart(
        weights_panel(pattern, *names, title, framed=look.row, theme=session.theme()), "purpose", share=0.85, wide=True
    )
    if look.trace.probabilities is not None:
        st.markdown(_factors(look.trace))


def _factors(trace: Trace) -> str:
    """The formula with the numbers of this output."""
    assert trace.probabilities is not None
    factors = [f"{p:.2f}" for p in trace.probabilities]
    product = " · ".join(factors if len(factors) <= SHOWN else [*factors[: SHOWN - 1], "…", factors[-1]])
    whole = float(np.prod(trace.probabilities, dtype=np.float64))
    return (
        f"**The formula applied to your sentence**, one factor for each token written: {product} = "
        f"{probability(whole)}."
    )


def ask(look: Look) -> Question | None:
    shown = look.attention_map
    weights = shown.pattern[look.layer, look.head, look.row]
    if len(weights) < 2:
        return None
    best, name = int(weights.argmax()), row_name(look)
    return among(
        f"Choose a row, or type another sentence. To which token does this head attend most in row {look.row + 1}, "
        f"{name}?",
        numbered(shown.key_tokens),
        best,
        f"It gives {quoted(shown.key_tokens[best])} a weight of {weights[best]:.3f}; the whole row sums to 1.",
        f"Find the framed row, {name}, and in it the {'darkest' if session.theme() is LIGHT else 'brightest'} cell. "
        "The token at the head of its column is the answer.",
    )


def further(look: Look) -> Further:
    return Further(label="All heads of this model in Explore", page="explore", query=head_query(look))


CHAPTER = Chapter(
    title="What a Transformer is for", idea=IDEA, equation=EQUATION, show=show,
    sources=(Transformer.forward, Transformer.unembed), ask=ask, further=further,
    kinds=("cross", "decoder"), chooses_head=True,
)  # fmt: skip

"""Encoder and decoder together: cross-attention and decoding."""

from __future__ import annotations

import numpy as np
import streamlit as st

from model.decoding.search import greedy_steps
from model.network.transformer import DecoderLayer
from viz.figures.bars import beside_bars
from viz.figures.decoder import brings_spaces, candidate_bars
from viz.look.look import Look
from viz.pages.guide.chapters.chapter import (
    Chapter,
    Further,
    Question,
    among,
    chart,
    head_query,
    numbered,
    quoted,
    row_name,
)
from viz.state import decoder as decoding
from viz.state import session

IDEA = """
The encoder reads the source once. In every layer of the decoder, **cross-attention** looks at the result: queries come
from what is being written, keys and values from what was read. That is how a translation stays true to its source.

At the end the decoder’s vector $z_t$ is compared with the embedding of every token; softmax turns the scores into
probabilities. In the formula $h_t$ is a vector inside the decoder, $m_j$ the encoder’s output (biases are omitted).
**Greedy decoding** writes the likeliest token, feeds it back in and goes on until that token is `</s>`, the end.
**Beam search** keeps several beginnings, since the best first word does not always begin the best sentence.
"""
EQUATION = (
    r"\begin{gathered}q_t=h_t\,W_Q\quad k_j=m_j\,W_K\quad v_j=m_j\,W_V\\"
    r"p(\cdot\mid y_{\le t},x)=\text{softmax}\big(W_E\,z_t\big)\end{gathered}"
)
BEST = 5


def show(look: Look) -> None:
    shown, theme = look.attention_map, session.theme()
    written, probabilities = shown.row_tokens, look.trace.probabilities
    weights = shown.pattern[look.layer, look.head, look.row]
    st.markdown(
        f"**In step {look.row + 1} (row {row_name(look)}) the model writes {quoted(written[look.row])}.** At that "
        "step, this head attends to:"
    )
    chart(
        beside_bars(shown.key_tokens, {"attention weight of each source token": weights}, theme=theme),
        "cross_row",
        share=0.65,
    )
    step = decoding.steps(look.opened, look.trace, BEST)[look.row]
    others = look.opened.config.vocab_size - 2 - len(step.best)  # <pad> and <s> are never written
    with st.container():  # no column ends between them
        st.markdown("What the model could have written instead:")
        chart(candidate_bars(step, others, spaced=brings_spaces(look.opened.tokenizer), theme=theme), "candidates")
    if probabilities is not None:
        columns = {"probability of each token written": probabilities}
        chart(beside_bars(written, columns, framed=look.row, theme=theme), "sureness", share=0.62)


def ask(look: Look) -> Question | None:
    written, probabilities = look.attention_map.row_tokens, look.trace.probabilities
    if probabilities is None or len(written) < 2:
        return None
    least = int(np.argmin(probabilities))
    best = decoding.steps(look.opened, look.trace, BEST)[least].best
    second = f" Its second choice was {quoted(best[1].label)}, with {best[1].probability:.3f}." if len(best) > 1 else ""
    return among(
        "At which step was the model least sure of what it wrote?",
        numbered(written),
        least,
        f"It gave {quoted(written[least])} a probability of {probabilities[least]:.3f}.{second}",
        "The last picture has a bar for each step: the probability of the token written there. The shortest bar is "
        "where it was least sure.",
    )


def further(look: Look) -> Further:
    query = head_query(look) | {"panel": "Decoder", "step": str(look.row + 1)}
    return Further(label="Choose a different token, or watch beam search, in Explore", page="explore", query=query)


CHAPTER = Chapter(
    title="Encoder and decoder together, and when it stops", idea=IDEA, equation=EQUATION, show=show,
    sources=(DecoderLayer.forward, greedy_steps),
    ask=ask, further=further, kinds=("cross",), chooses_head=True,
)  # fmt: skip

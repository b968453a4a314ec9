"""Tokens and embeddings."""

from __future__ import annotations

import streamlit as st

from model.interventions.influence import states
from model.network.transformer import TokenEmbedding
from viz.figures.side_by_side import common_limit, vectors_panel
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.look.theme import code_for_markdown, for_markdown, show_token
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, chart, ids, reader
from viz.state import session

IDEA = """
A network computes with numbers, so the text is cut into **tokens**: words, parts of words, or characters, from a
fixed list, the vocabulary. A rare word is split into several tokens. This tokenizer falls back on single bytes, so no
word is ever unknown to it. `</s>` ends the sentence.
A punctuation mark is a token, too: add a full stop and the pictures change, because in
the encoder every other token now sees it.

Each token has a number, its **id**, and each id has a row of numbers, its **embedding**, learned in training. Words
used in similar ways end up with similar rows. The same table is used again at the end, to score what could be written
next. (The $p_i$ in the formula tells the model the position; see chapter 6.)
"""
EQUATION = r"x_i=\sqrt{d_\text{model}}\;W_E[\text{id}_i]+p_i"


def show(look: Look) -> None:
    tokens = reader(look).key_tokens
    st.markdown(
        " ".join(
            f"{code_for_markdown(show_token(token))}:small[{number}]"
            for token, number in zip(tokens, ids(look), strict=True)
        )
    )
    embedded = states(look.opened, ids(look))[0]
    added = look.opened.model.embedding.positions[: len(tokens)].numpy()
    vectors = embedded - added
    figure = vectors_panel(
        tokens, vectors, "embedding of each token, times √d", common_limit([vectors]), theme=session.theme()
    )
    chart(figure, "embedding")
    twice = [token for token in dict.fromkeys(tokens) if tokens.count(token) > 1]
    if twice:
        first, second = [i for i, token in enumerate(tokens) if token == twice[0]][:2]
        difference = abs(vectors[first] - vectors[second]).max()
        st.caption(
            f"“{for_markdown(show_token(twice[0]))}” is token {first + 1} and token {second + 1}: the two rows differ "
            f"by at most {power_of_ten(difference)}, which is rounding error. An embedding does not depend "
            "on where its token is."
        )


def ask(look: Look) -> Question:
    n, config = len(ids(look)), look.opened.config
    return amount(
        "How many numbers go into the first layer for your sentence? Count the tokens above: each has a row of "
        f"{config.d_model} numbers. Then add a word and see.",
        n * config.d_model,
        (n, config.d_model, n * config.vocab_size),
        f"{n} tokens, including the end marker, with {config.d_model} numbers each. The vocabulary has "
        f"{config.vocab_size:,} tokens, but only the rows of those in the sentence are looked up.",
        f"Multiply: the number of tokens above the picture, `</s>` included, times {config.d_model}. The size of the "
        "vocabulary does not matter.",
    )


def further(look: Look) -> Further:
    return Further(
        label="In Positions, see what is added to the embedding",
        page="positions",
        query={"part": "Added to your sentence"},
    )


CHAPTER = Chapter(
    title="Tokens and embeddings", idea=IDEA, equation=EQUATION, show=show, sources=(TokenEmbedding.forward,), ask=ask,
    further=further,
)  # fmt: skip

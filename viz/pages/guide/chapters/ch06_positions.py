"""How the model knows the order of the words."""

from __future__ import annotations

import numpy as np
import streamlit as st

from model.interventions.influence import states
from model.interventions.moving import Change, displace, moved
from model.network.positional import sinusoidal
from viz.figures.side_by_side import common_limit, vectors_panel
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES, SHORT_KIND_NAMES
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, ids, reader
from viz.state import opening, session

IDEA = """
Attention compares every token with every other and ignores where they are. Shuffle the words, and each still finds the
same partners: to an encoder’s attention alone, “dog bites man” and “man bites dog” are the same. (A decoder’s mask
already gives away some of the order.)

So the model must be told each word’s position. Vaswani et al. (2017) add to each embedding a vector that belongs to
the **position**: sines and cosines of many wavelengths, like the hands of many clocks. Other models learn these
vectors (Gehring et al. 2017), rotate queries and keys by an angle (rotary, Su et al. 2021), make scores fall with
distance (ALiBi, Press et al. 2022) or learn a bias for each range of distances (T5, Raffel et al. 2020).
"""
EQUATION = (
    r"\begin{aligned}p_{i,2c}&=\sin\!\big(i/10000^{2c/d_\text{model}}\big)\\"
    r"p_{i,2c+1}&=\cos\!\big(i/10000^{2c/d_\text{model}}\big)\end{aligned}"
)
WITHOUT = Change(off_before=True, off_after=True, shuffle=1)
NOTICED = 1e-3  # of the attention of a row


def show(look: Look) -> None:
    tokens, own = reader(look).key_tokens, look.opened.config.positional
    total = states(look.opened, ids(look))[0]
    added = look.opened.model.embedding.positions[: len(total)].numpy()
    parts = {"token embedding": total - added, f"encoding ({own})": added, "their sum, the input of layer 1": total}
    if not look.opened.model.embedding.positional.adds:
        st.markdown(f"The encoding of this model, {own}, adds nothing here: it acts on the scores, if on anything.")
        parts = {"token embedding, the input of layer 1": total}
    limit = common_limit(parts.values())
    for name, part in parts.items():
        chart(vectors_panel(tokens, part, name, limit, theme=session.theme()), f"sum_{name}", share=0.48)
    if len(parts) == 3:
        word, place = (float(np.linalg.norm(part, axis=1).mean()) for part in (total - added, added))
        more, less, times = ("word", "position", word / place) if word > place else ("position", "word", place / word)
        st.markdown(
            f"**On average, an embedding has length {word:.1f} and an encoding {place:.1f}:** in the sum, the {more} "
            f"counts {times:.1f} times as much as the {less}."
        )


def ask(look: Look) -> Question | None:
    if len(look.trace.source_ids) < 3:
        return None
    kind = reader(look).kind
    without = opening.displaced(look.opened, look.trace, WITHOUT)
    if without.after is None or without.text_after == without.before.source:
        return None
    share = moved(without.before.map(kind).pattern, without.after.map(kind).pattern).max()
    told = opening.displaced(look.opened, look.trace, Change(shuffle=1))
    after = "" if told.after is None else (
        f" With the encoding on, it is up to "
        f"{moved(told.before.map(kind).pattern, told.after.map(kind).pattern).max():.1%}."
    )  # fmt: skip
    return Question(
        text="Remove the encoding and shuffle the sentence into "
        f"“{for_markdown(without.text_after)}”. Does any token attend to different tokens than before, "
        f"in {KIND_NAMES[kind].lower()}?",
        options=("Yes", "No"),
        answer=0 if share > NOTICED else 1,
        why=f"Without the encoding a row sends at most {share:.1%} of its attention elsewhere.{after} Try it on the "
        "page Positions.",
        hint="With no encoding, does anything that goes into a query or key say where the token is? (In a decoder the "
        "mask does.) The link below tries it on your sentence.",
    )


def further(look: Look) -> Further:
    query = {
        "part": "Change the positions",
        "off": "before and after",
        "shuffle": "1",
        "kind": SHORT_KIND_NAMES[reader(look).kind],
    }
    return Further(label="Change the positions in your sentence", page="positions", query=query)


CHAPTER = Chapter(
    title="Positional encoding", idea=IDEA, equation=EQUATION, show=show, sources=(sinusoidal, displace), ask=ask,
    further=further,
)  # fmt: skip

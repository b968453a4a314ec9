"""Encoder-only, decoder-only, encoder–decoder: is this ChatGPT?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from model import checkpoint
from model.network.attention import causal_mask
from model.network.decoder_only import LanguageModel
from model.text.tokenizer import ASCII
from model.trace import AttentionMap, Kind
from viz.figures.side_by_side import weights_panel
from viz.look.hatching import masked
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, beside, chart, head_query
from viz.state import opening, session, tracing

IDEA = """
**“Is this ChatGPT?”** No, but it is a relative. The same layers make three kinds of Transformer:

- **Encoder-only** (BERT, Devlin et al. 2019). Every token looks at the whole text. It reads but does not write: it
classifies texts, finds passages and fills gaps.
- **Decoder-only** (GPT, Radford et al. 2018; also what ChatGPT runs on). There is a single text, and each token looks
  only at itself and those before it. It predicts the next token. Your question is the beginning of a text that it
  continues.
- **Encoder–decoder** (Vaswani et al. 2017; T5, Raffel et al. 2020; this model). One text is read and another written;
  cross-attention connects the two.

**Mistake: thinking that a model without an encoder cannot read.** It reads with the same masked attention that it
writes with. The fourth picture shows such a model, called `repeat`, reading the first letters of your text.

A chatbot is far larger, has read far more, and was then trained further: on answers that people wrote, and on which of
its own answers people prefer (Ouyang et al. 2022).
"""
EQUATION = (
    r"\begin{aligned}\text{encoder:}&\quad j\in\{1,\dots,n\}\\\text{decoder:}&\quad j\le t\\"
    r"\text{cross:}&\quad j\in\{1,\dots,n\}\text{ of the source}\end{aligned}"
)
DECODER_ONLY, LETTERS = "repeat", 8


def on_later(attention_map: AttentionMap) -> float:
    """The share of the weight of all heads that goes to tokens after the row's own; self-attention only."""
    pattern = attention_map.pattern
    return float(np.triu(pattern, 1).sum() / pattern.sum())


def _head_of(look: Look, kind: Kind) -> tuple[int, int]:
    """The layer and head, from 0, whose picture tells the kinds apart: in the encoder one that looks ahead."""
    shown = look.trace.map(kind)
    if kind != "encoder":
        return opening.first_head(look.opened, kind)
    layer, head = divmod(int(np.triu(shown.pattern, 1).sum((-2, -1)).argmax()), shown.n_heads)
    return layer, head


def first_letters(text: str) -> str:
    """As many printable ASCII characters as fill a small picture."""
    return "".join(letter for letter in text if letter in ASCII and letter.isprintable())[:LETTERS]


def show(look: Look) -> None:
    columns = beside(2)
    for place, kind in enumerate(look.trace.kinds):
        with columns[place % 2]:
            _picture(look.trace.map(kind), *_head_of(look, kind), KIND_NAMES[kind])
    later = {kind: on_later(look.trace.map(kind)) for kind in look.trace.kinds if kind != "cross"}
    said = [f"{share:.2f} in this model’s {kind}" for kind, share in later.items()]
    if DECODER_ONLY in checkpoint.pretrained():
        with columns[1]:
            said.append(f"{_decoder_only(look):.2f} in `{DECODER_ONLY}`")
    st.markdown(
        f"**Share of the attention, over all heads, that goes to tokens after the row’s own:** {', '.join(said)}."
    )


def _decoder_only(look: Look) -> float:
    """The decoder-only model that ships, at work on the reader's letters; returns :func:`on_later` of it."""
    opened = opening.open_shared(DECODER_ONLY)
    trace = tracing.trace(opened, first_letters(look.trace.source))
    kind: Kind = "decoder"
    _picture(trace.map(kind), *opening.first_head(opened, kind), f"{DECODER_ONLY}: one text")
    st.caption(f"It read “{for_markdown(trace.source)}”, then wrote “{for_markdown(trace.target)}”.")
    return on_later(trace.map(kind))


def _picture(shown: AttentionMap, layer: int, head: int, name: str) -> None:
    pattern = shown.pattern[layer, head]
    title = f"{name} (L{layer + 1}H{head + 1})"
    key = f"kinds_{name}"
    panel = weights_panel(
        pattern, shown.row_names(), shown.key_tokens, title, masked=masked(shown), bar=False, theme=session.theme()
    )
    chart(panel, key, share=0.42)


def ask(look: Look) -> Question | None:
    n = len(look.trace.map("encoder").key_tokens)
    if n < 3:
        return None
    allowed = int(causal_mask(n).sum())
    return amount(
        f"Your text has {n} tokens, so each head of the encoder has {n} × {n} = {n * n} attention weights. How many of "
        "them would the mask of a decoder-only model leave visible?",
        allowed,
        {n * n, n * n - allowed, n} - {allowed},
        f"1 + 2 + … + {n} = {allowed}: each token sees itself and those before it. This encoder puts "
        f"{on_later(look.trace.map('encoder')):.0%} of its weight on the other {n * n - allowed}.",
        "Count by rows: the first token may see 1 cell, the second 2, and so on. The cells form a triangle that "
        "includes the diagonal.",
    )


def further(look: Look) -> Further:
    text = first_letters(look.trace.source)
    if DECODER_ONLY not in checkpoint.pretrained() or not text:
        return Further(label="The three kinds of attention in Explore", page="explore", query=head_query(look))
    label = f"The decoder-only model “{DECODER_ONLY}” in Explore"
    return Further(label=label, page="explore", query={"checkpoint": DECODER_ONLY, "source": text})


CHAPTER = Chapter(
    title="Three kinds of Transformer, and ChatGPT", idea=IDEA, equation=EQUATION, show=show,
    sources=(causal_mask, on_later, LanguageModel._run), ask=ask, further=further, kinds=("encoder",),
)  # fmt: skip

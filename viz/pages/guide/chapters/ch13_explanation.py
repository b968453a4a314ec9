"""How far attention explains a prediction."""

from __future__ import annotations

from collections import Counter

import numpy as np
import streamlit as st

from model.interventions.ablation import Ablated, ablate, ablate_all, uniform_head
from viz.figures.bars import beside_bars
from viz.figures.side_by_side import weights_panel
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES, cut_mark
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, head_query
from viz.pages.guide.chapters.measuring import with_progress
from viz.state import session

IDEA = """
A heatmap looks like a reason: “it wrote *robe* because it looked at *dress*”. Is it one? **Jain and Wallace (2019)**
gave trained recurrent classifiers other attention weights and often got the same answers: then the first weights alone
cannot be the reason. **Wiegreffe and Pinter (2019)** answered that an explanation need not be the only one, and that
it depends on the test: weights that training could not have found prove little. Both studied models with a single
layer of attention; here many heads and residual connections stand in for each other.

So do not believe a picture, **change the model and see**. Here one head's pattern becomes uniform: it attends equally
to every token it may see. If the output stays, this head's pattern was not needed *by itself*; other heads can stand
in for it. If it changes, it mattered, which is still not to say that it alone was the reason. Besides, layers above
the first see vectors that are mixed already, and what a head adds depends on its values too (Kobayashi et al. 2020).

**Three different things:** where a head *looks* (attention), which word *translates* which (alignment), and what the
output *depends on* (importance). The head with the neatest picture need not be the one the output depends on most.
"""
EQUATION = r"\alpha_{tj}\;\longrightarrow\;\frac{1}{|\{j:\ j\text{ allowed}\}|}"


def one_head(look: Look) -> Ablated:
    return ablate(look.opened, look.trace, look.kind, look.layer, look.head)


def show(look: Look) -> None:
    theme, found = session.theme(), one_head(look)
    where = f"{KIND_NAMES[look.kind]}, layer {look.layer + 1}, head {look.head + 1}"
    uniform = st.toggle("Make this head's pattern uniform", key="uniform", bind="query-params")
    if uniform:
        pattern = found.forced.map(look.kind).pattern[look.layer, look.head]
        title = f"{where}, made uniform"
    else:
        pattern, title = look.attention_map.pattern[look.layer, look.head], f"{where}, as trained"
    rows = look.attention_map.row_names()
    chart(weights_panel(pattern, rows, look.attention_map.key_tokens, title, theme=theme), "uniform_head")
    if uniform:
        st.markdown(
            f"As trained: **{_said(look.trace.target)}**{cut_mark(look.trace.target_cut)}\n\n"
            f"Made uniform: **{_said(found.output)}**{cut_mark(found.own.target_cut)}"
        )
        if look.trace.probabilities is not None and found.forced.probabilities is not None:
            n = min(len(look.trace.probabilities), len(found.forced.probabilities))
            columns = {
                "p as trained": look.trace.probabilities[:n],
                "p made uniform": found.forced.probabilities[:n],
            }
            st.markdown("How likely the model finds each token of its first output:")
            chart(
                beside_bars(look.opened.tokenizer.labels(look.trace.predicted_ids)[:n], columns, theme=theme),
                "uniform_p",
            )
    _all_heads(look)


def _all_heads(look: Look) -> None:
    """Each head in turn: how many leave the output as it is."""
    each = look.attention_map.n_layers * look.attention_map.n_heads
    n = len(look.trace.kinds) * each
    name = f"{look.opened.digest} {look.trace.source_ids}"
    if st.button(f"Measure all {n} heads, one after the other", icon=":material/speed:", key="measure_heads"):
        found = with_progress(ablate_all(look.opened, look.trace), n, "Making one head after the other uniform …")
        session.keep("ablation", (name, [(result.kind, result.same) for result in found]))
    kept = session.kept("ablation")
    if kept is None or kept[0] != name:
        return
    same = Counter(kind for kind, stayed in kept[1] if stayed)
    st.markdown(
        f"**Of {n} heads, {sum(same.values())} can be made uniform, one at a time, and the output stays the same:** "
        + ", ".join(f"{same[kind]} of {each} in {KIND_NAMES[kind].lower()}" for kind in look.trace.kinds)
        + "."
    )


def _said(text: str) -> str:
    return for_markdown(text.strip()) or "(nothing)"


def ask(look: Look) -> Question:
    found = one_head(look)
    before, after = look.trace.probabilities, found.forced.probabilities
    moved = ""
    if before is not None and after is not None:
        n = min(len(before), len(after))
        moved = f" The mean probability of its tokens goes from {np.mean(before[:n]):.3f} to {np.mean(after[:n]):.3f}."
    return Question(
        text="Look at the head. Will the output change if its pattern is made uniform? Say so, then try.",
        options=("It stays the same", "It changes"),
        answer=0 if found.same else 1,
        why=f"The model then writes “{_said(found.output)}”.{moved}",
    )


def further(look: Look) -> Further:
    return Further(label="This head in Explore", page="explore", query=head_query(look))


CHAPTER = Chapter(
    title="Does attention explain?", idea=IDEA, equation=EQUATION, show=show, sources=(uniform_head, ablate), ask=ask,
    further=further, kinds=("cross", "decoder"), chooses_head=True, chooses_kind=True,
)  # fmt: skip

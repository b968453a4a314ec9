"""How far attention explains a prediction."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from model.interventions.ablation import Ablated, ablate, ablate_all, uniform_head
from model.trace import Kind
from viz.figures.bars import beside_bars
from viz.figures.side_by_side import weights_panel
from viz.look.choice import telling_head
from viz.look.hatching import masked
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES, cut_mark
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, head_query, quoted, signed
from viz.pages.guide.chapters.measuring import with_progress
from viz.state import session

IDEA = """
A heatmap looks like a reason: “it wrote *robe* because it looked at *dress*”. Is it one? **Jain and Wallace (2019)**
gave trained recurrent classifiers different attention weights and often got the same answers, so the original weights
alone cannot be the reason. **Wiegreffe and Pinter (2019)** answered that an explanation need not be the only one, and
that much depends on the test: weights that training could not have found prove little. Both studied models with a
single layer of attention; here many heads and residual connections stand in for each other.

So do not trust the picture alone: **change the model and see**. Here one head’s pattern becomes uniform: it attends
equally to every token it may see. (Explore’s “Without this head” goes further: it sets the head’s output to 0.) If the
output stays the same, this head’s pattern was not needed *by itself*; other heads can stand in for it. If it changes,
it mattered, which is still not to say that it alone was the reason. Besides, layers above the first see vectors that
are already mixed, so a column there no longer stands for one word (Abnar and Zuidema 2020 trace the mixing back); and
what a head adds also depends on its values (Kobayashi et al. 2020).

**Three different things:** where a head *looks* (attention), which word *translates* which (alignment), and what the
output *depends on* (importance). The head with the neatest picture need not be the one the output depends on most.

Is a Transformer *less* interpretable than a recurrent or convolutional network, as some articles say? Such networks
show no attention weights at all unless attention is added to them. Here there is more to look at; whether it explains
anything has to be tested.
"""
NOTICED = 0.005
"""Nats, less than which no sentence tells."""
EQUATION = r"\alpha_{tj}\;\longrightarrow\;\frac{1}{|\{j:\ j\text{ allowed}\}|}"


def one_head(look: Look) -> Ablated:
    return ablate(look.opened, look.trace, look.kind, look.layer, look.head)


def show(look: Look) -> None:
    found = one_head(look)
    uniform = st.toggle("Make this head’s pattern uniform", key="uniform", bind="query-params")
    pictures = {"as trained": look.attention_map.pattern[look.layer, look.head]}
    if uniform:
        pictures["made uniform"] = found.forced.map(look.kind).pattern[look.layer, look.head]
    rows, keys = look.attention_map.row_names(), look.attention_map.key_tokens
    for column, (name, pattern) in zip(st.columns(len(pictures)), pictures.items(), strict=True):
        title = name if uniform else f"{_name(look.kind, look.layer, look.head)}, {name}"
        panel = weights_panel(
            pattern, rows, keys, title, framed=look.row, masked=masked(look.attention_map), bar=not uniform,
            theme=session.theme(),
        )  # fmt: skip
        with column:
            chart(panel, f"head_{name}", share=0.7, wide=not uniform)
    if uniform:
        _effect(look, found)
    _all_heads(look)


def _effect(look: Look, found: Ablated) -> None:
    """What a uniform head changes in the output, in words and token by token."""
    st.markdown(
        f"As trained: **{_said(look.trace.target)}**{cut_mark(look.trace.target_cut)}\n\n"
        f"Made uniform: **{_said(found.output)}**{cut_mark(found.own.target_cut)}"
    )
    before, after = look.trace.probabilities, found.forced.probabilities
    if before is None or after is None:
        return
    n, written = min(len(before), len(after)), look.opened.tokenizer.labels(look.trace.predicted_ids)
    least = int((after[:n] - before[:n]).argmin())
    lost = lost_by(found)
    st.markdown(
        f"**The output {'stays the same' if found.same else 'changes'}. The first output is "
        f"{f'{math.exp(-lost):.2g} times as likely' if abs(lost) >= NOTICED else 'as likely as before'}** (its "
        f"log-probability changes by {signed(-lost)} nats). The token that loses most is {quoted(written[least])}: "
        f"{before[least]:.2f} → {after[least]:.2f}."
    )
    columns = {"p as trained": before[:n], "p with a uniform pattern": after[:n]}
    figure = beside_bars(written[:n], columns, framed=least, one_scale=True, theme=session.theme())
    chart(figure, "uniform_p")


def lost_by(found: Ablated) -> float:
    """The log-probability that the first output loses when the head is made uniform, in nats; 0 where it is not
    known."""
    before, after = found.before.probabilities, found.forced.probabilities
    if before is None or after is None:
        return 0.0
    n = min(len(before), len(after))
    smallest = np.finfo(np.float32).tiny
    return float(np.log(np.maximum(before[:n], smallest)).sum() - np.log(np.maximum(after[:n], smallest)).sum())


class Effect(NamedTuple):
    """What making one head uniform does to the output; ``lost`` is :func:`lost_by`."""

    kind: Kind
    layer: int
    head: int
    same: bool
    lost: float


def _all_heads(look: Look) -> None:
    """Each head in turn: how many leave the output as it is, and which one it depends on most."""
    each = look.attention_map.n_layers * look.attention_map.n_heads
    n = len(look.trace.kinds) * each
    name = f"{look.opened.digest} {look.trace.source_ids}"
    if st.button(f"Measure all {n} heads, one after another", icon=":material/speed:", key="measure_heads"):
        found = with_progress(ablate_all(look.opened, look.trace), n, "Making one head after another uniform …")
        effects = [Effect(one.kind, one.layer, one.head, one.same, lost_by(one)) for one in found]
        session.keep("ablation", (name, effects))
    kept = session.kept("ablation")
    if kept is None or kept[0] != name:
        return
    effects: list[Effect] = kept[1]
    same = Counter(effect.kind for effect in effects if effect.same)
    most = max(effects, key=lambda effect: effect.lost)
    st.markdown(
        f"**Of {n} heads, {sum(same.values())} can be made uniform, one at a time, and the output stays the same:** "
        + ", ".join(f"{same[kind]} of {each} in {KIND_NAMES[kind].lower()}" for kind in look.trace.kinds)
        + f". The output depends most on {_in_a_sentence(_name(*most[:3]))}: without its pattern the log-probability "
        f"falls by {most.lost:.2f} nats. {_neatest(look, effects)}"
    )


def _neatest(look: Look, effects: Sequence[Effect]) -> str:
    """What the head with the neatest picture of the kind on show counts for among those of its kind."""
    neatest = (look.kind, *telling_head(look.attention_map))
    ranked = sorted((one for one in effects if one.kind == look.kind), key=lambda one: -one.lost)
    place = next(i for i, one in enumerate(ranked, start=1) if one[:3] == neatest)
    return (
        f"The neatest picture in {KIND_NAMES[look.kind].lower()} is that of layer {neatest[1] + 1}, head "
        f"{neatest[2] + 1}; by this measure it is number {place} of {len(ranked)}."
    )


def _name(kind: Kind, layer: int, head: int) -> str:
    return f"{KIND_NAMES[kind]}, layer {layer + 1}, head {head + 1}"


def _in_a_sentence(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"


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
        text="Look at the head. Will the output change if its pattern is made uniform? Make a prediction, then try it.",
        options=("It stays the same", "It changes"),
        answer=0 if found.same else 1,
        why=f"The model then writes “{_said(found.output)}”.{moved}",
        hint="A picture alone cannot tell you. Switch on “Make this head’s pattern uniform” and compare the two "
        "outputs.",
    )


def further(look: Look) -> Further:
    return Further(label="This head in Explore", page="explore", query=head_query(look))


CHAPTER = Chapter(
    title="Attention, alignment, importance", idea=IDEA, equation=EQUATION, show=show, sources=(uniform_head, ablate),
    ask=ask,
    further=further, kinds=("cross", "decoder"), chooses_head=True, chooses_kind=True,
)  # fmt: skip

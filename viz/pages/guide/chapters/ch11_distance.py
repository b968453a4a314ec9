"""Long-range dependencies."""

from __future__ import annotations

import numpy as np
import streamlit as st

from model.compare.costs import Cost, layer_costs
from model.interventions.influence import by_distance, influence, influences
from viz.figures.architectures import distance_figure
from viz.figures.bars import curves
from viz.look.architecture_words import describe_distance
from viz.look.look import Look
from viz.look.words import KIND_NAMES
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, chart, ids, reader
from viz.pages.guide.chapters.measuring import with_progress
from viz.pages.guide.chapters.recorded import architectures, show_recorded
from viz.state import session

IDEA = """
“The **keys** that I left on the table in the hall **are** gone.” To write *are*, a network must still remember *keys*.
A recurrent network rewrites that memory at every word in between, and the signal it learns from has to travel back the
same way. Both fade.

In self-attention any two tokens are **one step** apart, however far apart they stand in the text. The path has
length 1. That does not mean the model uses it, but you can measure whether it does: change one token and see how much
the vectors far from it change.

(Convolutions reach ⌈log n⌉ only if they are *dilated*, each wider than the last; otherwise the path grows with n/k:
Vaswani et al. 2017, section 4.)
"""
EQUATION = (
    r"\begin{aligned}\text{recurrent: }&O(n)\\ \text{self-attention: }&O(1)\\"
    r"\text{dilated convolutions: }&O(\log_k n)\end{aligned}"
)

SHOWS = 0.01
"""A relative change that counts."""
NOTICED = 0.05
"""Tokens, less than which the mean distance is the same."""


def attended(pattern: np.ndarray) -> np.ndarray:
    """The share of attention at each distance, the mean over layers, heads and rows; ``[distance]``, sums to 1."""
    mean = pattern.mean((0, 1))  # [query, key]
    n = len(mean)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n))
    return np.bincount(distance.ravel(), weights=mean.ravel(), minlength=n) / n


def _paths(costs: tuple[Cost, ...], n: int) -> str:
    """How long the longest path is in each kind of layer, in a sentence."""
    paths = ", ".join(f"**{cost.path}** ({cost.name})" for cost in costs)
    return (
        f"**Your sentence: n = {n} tokens.** The longest path between two of them: {paths}. What such layers compute "
        "for it is in the table in chapter 10."
    )


def show(look: Look) -> None:
    theme, n = session.theme(), len(ids(look))
    st.markdown(_paths(layer_costs(n, look.opened.config.d_model), n))
    distances = list(range(n))
    pattern, kind = reader(look).pattern, reader(look).kind
    allowed = np.tri(n) if kind == "decoder" else np.ones((n, n))
    share = {
        f"all heads of {KIND_NAMES[kind].lower()}": attended(pattern),
        "even attention": attended((allowed / allowed.sum(1, keepdims=True))[None, None]),
    }
    st.markdown(
        "**How far this model looks**: the share of its attention at each distance. The line for even attention falls "
        "too, because fewer pairs of tokens are far apart; what counts is the difference between the two lines."
    )
    chart(curves(distances, share, "distance in tokens", "share of attention", theme=theme), "far")
    st.markdown(_nearer(*share.values()))
    show_recorded(
        "distance", "How far back a model learns to look",
        lambda points: distance_figure(points, theme=theme), describe_distance,
    )  # fmt: skip
    name = f"influence {look.opened.digest} {ids(look)}"
    if st.button("Measure how far a change reaches", icon=":material/speed:", key="measure_reach"):
        rows = with_progress(influences(look.opened, ids(look)), n, "Changing one token after another …")
        session.keep("influence", (name, np.array(list(rows))))
    found = session.kept("influence")
    if found is None or found[0] != name:
        return
    reach = {f"change of the {reader(look).kind}'s vector": by_distance(found[1])}
    chart(curves(distances, reach, "distance from the changed token", "relative change", theme=theme), "reach")
    reached = reach_of(by_distance(found[1]))
    st.markdown(
        f"**A change can still be seen at a distance of {reached} token{'s' * (reached != 1)}"
        f"{', across the whole sentence' if reached == n - 1 else ''}.**"
    )
    st.caption(
        f"{n} runs: each token is replaced once by a different one, all vectors are compared, and the mean is taken "
        "at each distance."
    )


def reach_of(changes: np.ndarray) -> int:
    """The largest distance at which vectors change by 1% of their length or more, on average."""
    return int(np.flatnonzero(changes >= SHOWS).max(initial=0))


def _nearer(own: np.ndarray, even: np.ndarray) -> str:
    """How far a model looks on average, beside even attention."""
    mean, chance = (float(np.arange(len(share)) @ share) for share in (own, even))
    if abs(mean - chance) < NOTICED:
        return f"**On average it looks {mean:.1f} tokens away, as far as even attention.**"
    return (
        f"**On average it looks {mean:.1f} tokens away; even attention would look {chance:.1f} away.** This model "
        f"looks {'closer by' if mean < chance else 'further away'}."
    )


def ask(look: Look) -> Question | None:
    n = len(ids(look))
    if n < 4:
        return None
    attention, recurrent, convolution, _ = layer_costs(n, look.opened.config.d_model)
    return amount(
        "From the first to the last token of your sentence: how long is the path in *self-attention*?",
        attention.path,
        {recurrent.path, convolution.path, n * n} - {attention.path},
        f"Each query meets each key directly. A recurrent layer takes {recurrent.path} steps, dilated convolutions of "
        f"width 3 {convolution.path} (counted from the input at one end to the output at the other).",
        "See the paths above the picture. How many steps must a signal take, if every token can look at every other "
        "directly?",
    )


def further(look: Look) -> Further:
    return architectures("Long range")


CHAPTER = Chapter(
    title="Long-range dependencies", idea=IDEA, equation=EQUATION, show=show,
    sources=(attended, influence, by_distance), ask=ask, further=further,
)  # fmt: skip

"""What attention costs."""

from __future__ import annotations

import streamlit as st

from model.compare.cost import CostPlan, peak_bytes
from model.compare.points import SELF, halves
from model.network.attention import attention
from viz.figures.architectures import cost_figure
from viz.figures.bars import curves
from viz.look.architecture_words import describe_cost, mebibytes, milliseconds
from viz.look.look import Look
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, chart, ids, reader
from viz.pages.guide.chapters.measuring import measured_costs
from viz.pages.guide.chapters.recorded import architectures, show_recorded
from viz.state import session

IDEA = """
Every token looks at every token, so n tokens make n² scores in each head of each layer. Twice the text, four times the
scores: four times the time to compute them and the memory to keep them.

For a sentence this hardly matters: the weight matrices cost more. For a book it dominates, so people have found ways
around it: look only nearby (Beltagy et al. 2020), or at a summary (Wang et al. 2020). FlashAttention (Dao et al. 2022)
never writes the scores to memory. That saves memory and memory traffic, but the arithmetic still grows with n².
"""
EQUATION = (
    r"\begin{aligned}\text{scores}&=n_\text{layers}\cdot n_\text{heads}\cdot n^2\\"
    r"\text{operations}&\sim n^2\,d+n\,d^2\end{aligned}"
)
FLOAT = 4  # bytes


def show(look: Look) -> None:
    shown = {kind: look.trace.map(kind).pattern for kind in look.trace.kinds}
    n, first = len(ids(look)), reader(look).kind
    st.markdown(
        f"**Your sentence: n = {n} tokens.** The {first} computed {shown[first].size:,} attention weights for it; all "
        f"kinds together come to {sum(pattern.size for pattern in shown.values()):,}, which take "
        f"{sum(pattern.nbytes for pattern in shown.values()) / 1024:,.1f} KiB. For a book of 100,000 tokens the "
        f"{first} alone would compute {shown[first].size // n**2 * 100_000**2 * FLOAT / 2**30:,.0f} GiB of them."
    )
    show_recorded(
        "cost", "How long one layer takes, by kind",
        lambda points: cost_figure(points, (), milliseconds, "milliseconds", theme=session.theme()), describe_cost,
    )  # fmt: skip
    measured = measured_costs(look)
    if not measured:
        return
    theme, costs = session.theme(), measured[SELF]
    x = [cost.n for cost in costs]
    seconds = {"one attention layer": [cost.seconds for cost in costs]}
    size = {"the memory it takes": [mebibytes(cost) for cost in costs]}
    chart(curves(x, seconds, "tokens", "seconds", logarithmic=True, theme=theme), "cost_time")
    chart(curves(x, size, "tokens", "MiB", logarithmic=True, theme=theme), "cost_memory")
    (_, time), (_, memory) = halves(costs, milliseconds), halves(costs, mebibytes)
    st.markdown(
        f"From {time.low:,} to {time.high:,} tokens memory grows as the length to the power {memory.exponent:.2f}, "
        f"time to the power {time.exponent:.2f}. Part of both grows only with n, which flattens the curve for short "
        "texts; scores that no longer fit the processor’s cache make long ones slower still."
    )


def ask(look: Look) -> Question:
    pattern = reader(look).pattern
    layers, heads, n, _ = pattern.shape
    twice = layers * heads * (2 * n) ** 2
    return amount(
        f"The {reader(look).kind} computed {pattern.size:,} attention weights for {n} tokens. How many would it "
        f"compute for {2 * n} tokens?",
        twice,
        {2 * pattern.size, pattern.size + n, 8 * pattern.size} - {twice},
        f"{layers} layers × {heads} heads × {2 * n} × {2 * n}: {twice // pattern.size} times as many.",
        "A head’s map is a square with a row and a column for each token. With twice the tokens it is twice as wide "
        "and twice as high.",
    )


def further(look: Look) -> Further:
    return architectures("Cost")


CHAPTER = Chapter(
    title="What it costs", idea=IDEA, equation=EQUATION, show=show, sources=(attention, CostPlan.measure, peak_bytes),
    ask=ask, further=further,
)  # fmt: skip

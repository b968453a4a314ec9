"""What parallel computation buys."""

from __future__ import annotations

import streamlit as st

from model.compare.cost import CostPlan
from model.compare.costs import Cost, layer_costs
from model.compare.points import RECURRENT, SELF
from viz.figures.architectures import step_figure
from viz.figures.bars import curves
from viz.look.architecture_words import describe_steps
from viz.look.look import Look
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, chart, ids
from viz.pages.guide.chapters.measuring import measured_costs
from viz.pages.guide.chapters.recorded import architectures, show_recorded
from viz.state import session

IDEA = """
A recurrent network needs the memory after word 5 before it can read word 6. However many processors there are, n words
take n steps, one after another. A layer of self-attention has no such order: all queries, keys and values come from
one matrix product, and all scores from another.

So it may do **more work** and still **finish sooner**, if there are processors to share it. That is what made it
possible to train on so much text. Only writing goes step by step: each token is needed before the next one can be
computed.
"""
EQUATION = (
    r"\begin{aligned}\text{recurrent: }h_t&=f(h_{t-1},x_t)\\"
    r"\text{self-attention: }[\,z_1\dots z_n\,]&=f(x_1\dots x_n)\end{aligned}"
)


def table(costs: tuple[Cost, ...]) -> str:
    """The costs as a table in Markdown."""
    rows = [
        f"| {c.name} | {_count(c.operations_formula, c.operations)} "
        f"| {_count(c.sequential_formula, c.sequential)} | {_count(c.path_formula, c.path)} |"
        for c in costs
    ]
    head = "| layer | operations | sequential steps | path |"
    return "\n".join([head, "| --- | --- | --- | --- |", *rows])


def _count(formula: str, number: int) -> str:
    return f"{number:,}" if formula == str(number) else f"${formula}$ = {number:,}"


def show(look: Look) -> None:
    n, config = len(ids(look)), look.opened.config
    st.markdown(
        f"**Your sentence: n = {n} tokens, d = {config.d_model}.** By the formulas of Vaswani et al. 2017, table 1:"
    )
    st.markdown(table(layer_costs(n, config.d_model)))
    st.caption(
        "As in the paper, the four projections of self-attention (W_Q, W_K, W_V, W_O) are left out: another "
        f"{4 * n * config.d_model**2:,} operations for your sentence. Counts show how the work grows, not how long it "
        "takes."
    )
    show_recorded(
        "steps", "A training step for whole models of the same size",
        lambda points: step_figure(points, theme=session.theme()), describe_steps,
    )  # fmt: skip
    costs = measured_costs(look)
    if not costs:
        return
    lines = {name: [cost.seconds for cost in costs[name]] for name in (SELF, RECURRENT)}
    x = [cost.n for cost in costs[SELF]]
    chart(curves(x, lines, "tokens", "seconds", logarithmic=True, theme=session.theme()), "parallel")
    faster = [
        n for n, attention, recurrent in zip(x, lines[SELF], lines[RECURRENT], strict=True) if attention < recurrent
    ]
    said = f"faster at {', '.join(map(str, faster))} tokens" if faster else "faster at no length"
    st.markdown(
        f"Here the attention layer was {said}. This server computes with one thread, so it gains only what one large "
        "matrix product gains over many small ones; a GPU does far more at once."
    )


def ask(look: Look) -> Question:
    n, d = len(ids(look)), look.opened.config.d_model
    now, longer = ([cost.sequential for cost in layer_costs(length, d)[:2]] for length in (n, 2 * n))
    attention, recurrent = longer[0] - now[0], longer[1] - now[1]
    return amount(
        f"Take a sentence twice as long, with {2 * n} tokens. How many *more* sequential steps does a *recurrent* "
        "layer need?",
        recurrent,
        {attention, 2 * n, n * n} - {recurrent},
        f"{now[1]} before, {longer[1]} after. Self-attention needs {longer[0]}, as before.",
        f"See “sequential steps” in the table: {now[1]} for {n} tokens. How many more steps would {2 * n} tokens need?",
    )


def further(look: Look) -> Further:
    return architectures("Parallel computation")


CHAPTER = Chapter(
    title="What parallel computation buys", idea=IDEA, equation=EQUATION, show=show,
    sources=(layer_costs, CostPlan.measure), ask=ask, further=further,
)  # fmt: skip

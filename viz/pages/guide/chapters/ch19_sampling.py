"""Sampling beside greedy: temperature, top-k, top-p, seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from model.decoding.sampling import narrowed, next_logits, sample
from viz.figures.bars import beside_bars
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, chart, quoted
from viz.state import choosing, session

IDEA = """
The model gives a probability to every token. Which of them is written is a separate decision. **Greedy** decoding takes
the likeliest each time, so the text is always the same. **Sampling** draws at random: a token with p = 0.07 comes up
about 7 times in 100.

- **Temperature** T divides the scores before the softmax. Below 1 the likely tokens gain (near 0 it is greedy); above 1
  the unlikely ones do.
- **Top-k** keeps only the k likeliest tokens (Fan et al. 2018).
- **Top-p** keeps the likeliest tokens that together have a probability of at least p (Holtzman et al. 2020): few where
  the model is sure, many where it is not.
- The **seed** fixes the random numbers: the same seed gives the same text.

**Mistake: thinking that a higher temperature makes the model more creative.** It makes the model more often pick tokens
that it considers unlikely. Move T up and read what comes out. And a fluent text can be wrong at any temperature:
probable does not mean true.
"""
EQUATION = r"p_T(y)=\frac{e^{z_y/T}}{\sum_{y'}e^{z_{y'}/T}}"
SHOWN, SAMPLES, TOP_P_STEP = 10, 3, 0.05


class Settings(NamedTuple):
    """What the sliders say; ``top_k`` 0 leaves out nothing."""

    temperature: float
    top_k: int
    top_p: float


def _step(look: Look) -> int:
    """The step to look at, from 0: the one that was chosen, or at first the one with the least certain token."""
    n = len(look.trace.predicted_ids)
    probabilities = look.trace.probabilities
    first = int(probabilities.argmin()) if probabilities is not None else 0
    choosing.keep_choice("sample_step", list(range(1, n + 1)), first + 1)
    if n < 2:
        return 0
    return st.slider("Output token", 1, n, first + 1, key="sample_step") - 1


def _settings() -> Settings:
    left, middle, right = st.columns(3)
    with left:
        temperature = st.slider("Temperature", 0.1, 3.0, 1.0, 0.1, key="temperature", bind="query-params")
    with middle:
        top_k = st.slider("Top-k (0: all tokens)", 0, 20, 0, key="top_k", bind="query-params")
    with right:
        top_p = st.slider("Top-p", 0.05, 1.0, 1.0, TOP_P_STEP, key="top_p", bind="query-params")
    return Settings(temperature, top_k, top_p)


def show(look: Look) -> None:
    step, chosen = _step(look), _settings()
    logits = next_logits(look.opened, look.trace.source_ids, look.trace.predicted_ids)[step]
    before, after = narrowed(logits).numpy(), narrowed(logits, *chosen).numpy()
    best = np.argsort(-before, kind="stable")[:SHOWN]
    names = look.opened.tokenizer.labels(best.tolist())
    columns = {"the model’s probability": before[best], "probability used for sampling": after[best]}
    chart(beside_bars(names, columns, framed=0, one_scale=True, theme=session.theme()), "sampling")
    st.markdown(
        f"**{np.count_nonzero(after):,} of {len(after):,} tokens can be drawn here.** The likeliest, "
        f"{quoted(names[0])}, has p = {before[best[0]]:.2f} in the model and {after[best[0]]:.2f} for sampling."
    )
    _texts(look, chosen)


def _texts(look: Look, chosen: Settings) -> None:
    """Greedy, and whole texts drawn with these settings."""
    first = st.slider("Seed", 1, 100, 1, key="sample_seed", bind="query-params")
    lines = [f"greedy: {_said(look.trace.target)}"]
    for seed in range(first, first + SAMPLES):
        drawn = sample(look.opened, look.trace.source_ids, *chosen, seed)
        lines.append(f"seed {seed}: {_said(look.opened.tokenizer.decode(drawn))}")
    st.markdown("\n".join(f"- {line}" for line in lines))


def _said(text: str) -> str:
    return for_markdown(text.strip()) or "(nothing)"


def left_by(logits: torch.Tensor, top_p: float) -> int:
    """How many tokens top-p leaves."""
    return int(torch.count_nonzero(narrowed(logits, top_p=top_p)))


def ask(look: Look) -> Question | None:
    """About the step whose token is the least certain."""
    if look.trace.probabilities is None:
        return None
    step = int(look.trace.probabilities.argmin())
    logits = next_logits(look.opened, look.trace.source_ids, look.trace.predicted_ids)[step]
    likely = narrowed(logits)
    # The first setting for which the likeliest alone is not enough, where there is one.
    top_p = min(0.95, round((int(likely.max() / TOP_P_STEP) + 1) * TOP_P_STEP, 2))
    left = left_by(logits, top_p)
    together = likely.sort(descending=True).values[:left].sum().item()
    return amount(
        f"Go to token {step + 1}. Set the temperature to 1, top-k to 0 and top-p to 1. Add up the bars: how many "
        f"tokens would top-p = {top_p} keep?",
        left,
        {1, left + 1, len(likely)} - {left},
        f"The first {f'{left} bars add' if left > 1 else 'bar adds'} up to {together:.3f}, which is at least {top_p}"
        f"{'; one fewer would not be enough' if left > 1 else ''}.",
        f"Begin with the longest bar and add the next ones in order until the sum reaches {top_p}. The last one you "
        "needed is kept.",
    )


def further(look: Look) -> Further:
    label = "Each step’s likeliest tokens, and beam search, in Explore"
    return Further(label=label, page="explore", query={"panel": "Decoder"})


CHAPTER = Chapter(
    title="Sampling: temperature and top-p", idea=IDEA, equation=EQUATION, show=show, sources=(narrowed, sample),
    ask=ask, further=further, kinds=("decoder",),
)  # fmt: skip

"""How a model learns: loss, gradient, teacher forcing and its price."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from model.text.tasks import TASKS
from model.trace import Trace
from model.training.loop import batch_loss
from viz.figures.bars import beside_bars
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, probability, quoted
from viz.state import decoder, link, session, tracing

IDEA = r"""
At first all parameters are random, and the model writes nonsense. Training shows it pairs of a source and the right
target. At each position the model gives every token of its vocabulary a probability $p$. The **loss** there is $-\ln p$
of the right token, the **cross-entropy**: 0 if the model was certain of that token, and larger the less likely it found
it.

The **gradient** says, for each parameter, which way the loss goes up. Training moves every parameter a little the other
way, thousands of times: **gradient descent**. The pull on the right token’s score $z$ (its *logit*) is $1-p$: the
further off the model was, the harder the pull. **Backpropagation** passes the pull on to every weight matrix. Nobody
ever tells a head where to look.

**Mistake: thinking that the loss counts wrong words.** A token may be written correctly and still cost something,
because its probability was below 1.

With **teacher forcing** each position is fed the correct preceding tokens, so the model learns from all positions in
one pass. The price: the model never practises carrying on after a mistake of its own (exposure bias, Ranzato et al.
2016). The last lines on this page show what it does when it has to.
"""
EQUATION = (
    r"\begin{aligned}\ell_t&=-\ln p(y_t\mid y_{<t},x)&L&=\frac1m\sum_{t=1}^{m}\ell_t\\"
    r"-\frac{\partial \ell_t}{\partial z_{y_t}}&=1-p(y_t\mid y_{<t},x)\end{aligned}"
)
SMALLEST = np.finfo(np.float32).tiny
"""In place of a probability of 0, which has no logarithm."""


def losses(probabilities: np.ndarray) -> np.ndarray:
    """The cross-entropy of each right token in nats, from the probability that the model gave it; without the label
    smoothing of training."""
    return -np.log(np.maximum(probabilities, SMALLEST))


def learned_from(look: Look) -> Trace:
    """The target on show: the one that the reader typed, fed token by token, or the model's own."""
    reference = link.asked("reference").strip()
    return tracing.trace(look.opened, look.trace.source, reference) if reference else look.trace


def show(look: Look) -> None:
    st.text_input(
        "The correct output, if you know it", key="reference", live="0ms", bind="query-params",
        placeholder="Nothing typed: whatever the model writes counts as right",
    )  # fmt: skip
    shown = learned_from(look)
    if shown.probabilities is None:
        return
    cost = losses(shown.probabilities)
    columns = {"p of the right token": shown.probabilities, "loss −ln p": cost, "pull 1 − p": 1 - shown.probabilities}
    names = shown.map("decoder").predicted_tokens or ()
    chart(beside_bars(names, columns, framed=int(cost.argmax()), theme=session.theme()), "losses")
    vocab = look.opened.config.vocab_size
    st.markdown(
        f"**The loss on this text is the mean, {cost.mean():.3f} nats.** An untrained model that finds all {vocab:,} "
        f"tokens equally likely would have a loss of ln {vocab:,} = {math.log(vocab):.2f}."
    )
    _price(look)


def _price(look: Look) -> None:
    """What the model does after a first token that it would not have chosen."""
    first = decoder.steps(look.opened, look.trace, 2)[0]
    other = next(one for one in first.best if one.token_id != first.written.token_id)
    astray = tracing.trace(look.opened, look.trace.source, None, (other.token_id,))
    st.markdown(
        f"**The price of teacher forcing.** Left to itself, the model writes {_sentence(look.trace)} Made to begin "
        f"with {quoted(other.label)} (p = {probability(other.probability)}) instead of {quoted(first.written.label)}, "
        f"it goes on to write {_sentence(astray)} In training, teacher forcing would have given it the right token "
        "next, so it never practises recovering from a mistake of its own."
    )


def _sentence(trace: Trace) -> str:
    """What a trace wrote, quoted, at the end of a sentence."""
    stop = "" if trace.target.strip().endswith((".", "!", "?")) else "."
    return f"“{_said(trace)}”{stop}"


def _said(trace: Trace) -> str:
    return for_markdown(trace.target.strip()) or "(nothing)"


def ask(look: Look) -> Question | None:
    """About the step at which the model was least certain."""
    shown = learned_from(look)
    if shown.probabilities is None:
        return None
    place = int(shown.probabilities.argmin())
    step = decoder.steps(look.opened, shown, 2)[place]
    other = next(one for one in step.best if one.token_id != step.written.token_id)
    right = f"{-other.log_probability:z.2f}"
    wrong = (f"{1 - other.probability:.2f}", f"{other.probability:.2f}", f"{-step.written.log_probability:z.2f}")
    options = tuple(dict.fromkeys(sorted((right, *wrong), key=float)))
    if len(options) < 2:
        return None
    return Question(
        text=f"At token {place + 1} the model gives {quoted(step.written.label)} p = "
        f"{probability(step.written.probability)} and {quoted(other.label)} p = "
        f"{probability(other.probability)}. What would this token cost if {quoted(other.label)} were the right one?",
        options=options,
        answer=options.index(right),
        why=f"−ln {probability(other.probability)} = {right}; with {quoted(step.written.label)} it is "
        f"{-step.written.log_probability:z.2f}. Only the probability of the right token counts.",
        hint=f"The loss is −ln p of the token that counts as right, here {quoted(other.label)}: take its p, not that "
        f"of {quoted(step.written.label)}. A small p gives a large loss.",
    )


def further(look: Look) -> Further:
    task = look.opened.task if look.opened.task in TASKS else "reverse"
    return Further(label=f"Train a model yourself in minutes: “{task}”", page="train", query={"task": task})


CHAPTER = Chapter(
    title="How it learns", idea=IDEA, equation=EQUATION, show=show, sources=(losses, batch_loss), ask=ask,
    further=further, kinds=("decoder",),
)  # fmt: skip

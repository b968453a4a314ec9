"""The decoder at work: step by step with the other candidates, after what a person wrote, or by beam search."""

from __future__ import annotations

import html

import streamlit as st

from model.decoding.beam_tree import BeamTree
from model.decoding.candidates import Step
from model.text.tokenizer import EOS_ID
from viz.figures.beam import tree_html
from viz.figures.decoder import (
    brings_spaces,
    candidate_bars,
    log_probability,
    names,
    perplexity,
    written_html,
)
from viz.look.choice import AUTO, row_options
from viz.look.elsewhere_words import what_it_writes
from viz.look.forcing import BEAM
from viz.look.look import Look
from viz.look.numbers import fixed, short_probability
from viz.look.theme import for_markdown, show_token
from viz.look.words import cut_mark
from viz.pages.shared.forcing import choose_forcing
from viz.pages.shared.frame import chart
from viz.state import decoder as decoding
from viz.state import link, session

N_CANDIDATES = 8
BEAM_WIDTHS = range(1, 9)
ORDINALS = {1: "the likeliest", 2: "the second likeliest", 3: "the third likeliest"}


def decoder_panel(look: Look) -> None:
    """Step through what the model wrote, take another candidate, or watch beam search."""
    mode = choose_forcing(look.opened, look.trace)
    if not look.trace.predicted_ids:
        st.info(
            "The model has read your text and written nothing yet. Let it continue, above, and its steps appear here."
            if decoding.goes_on(look.opened)
            else "This model does not report which tokens it chose from, so there are no steps to show."
        )
    elif mode == BEAM:
        _beam(look)
    else:
        _steps(look)


def _steps(look: Look) -> None:
    """The target with its probabilities, and one step of it."""
    trace = look.trace
    steps = decoding.steps(look.opened, trace, N_CANDIDATES)
    written, chooser = st.container(), st.container()
    with chooser:
        number = _choose_step(look, len(steps))
    with written:
        st.html(written_html(steps, number - 1, trace.n_forced, session.theme()))
        st.caption(_totals(steps, trace.n_forced))
    step, spaced = steps[number - 1], brings_spaces(look.opened.tokenizer)
    st.markdown(_step_in_words(look, steps, number))
    left, right = st.columns(2, gap="medium")
    with left:
        never = 2 if look.opened.elsewhere is None else 0  # our own never write <pad> and <s>
        n_others = len(look.opened.tokenizer) - never - len(step.best)
        figure = candidate_bars(step, n_others, spaced=spaced, theme=session.theme())
        chart(figure, "bars")
    with right:
        _take_another(look, step, number, spaced=spaced)


def _choose_step(look: Look, n: int) -> int:
    """The step on show, from 1. It is the framed row of the heatmap, unless another step was asked for."""
    names = row_options(look.attention_map) if look.kind != "encoder" else []
    rows = names[-n:]  # without those in which a decoder-only model reads the source
    if rows and (link.asked("token", AUTO) != AUTO or not link.asked("step")):
        decoding.show_step(max(1, look.row + 1 - len(names) + n))
    asked = decoding.asked_step()
    number = min(max(asked, 1), n)
    if number != asked:
        st.warning(f"There is no step {asked} here: this is step {number} of {n}.")
    decoding.show_step(number)
    if n == 1:
        return 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, icon, to in (("Previous", "arrow_back", number - 1), ("Next", "arrow_forward", number + 1)):
            st.button(
                name, key=f"step_{name.lower()}", icon=f":material/{icon}:", disabled=not 1 <= to <= n,
                on_click=decoding.step_chosen, args=(rows, to),
            )  # fmt: skip
        st.slider("Step", 1, n, key="step", bind="query-params", on_change=decoding.step_slid, args=(rows, number))
    return number


def _totals(steps: tuple[Step, ...], n_forced: int) -> str:
    end = "" if steps[-1].written.token_id != EOS_ID else ", `</s>` included"
    given = " A dotted line marks what was given, not chosen by the model." if n_forced else ""
    return (
        f"Below each token: its probability, given everything before it. Together: {len(steps)} tokens{end}, "
        "log-probability "
        f"{fixed(log_probability(steps), 2)}, perplexity {perplexity(steps):.2f} per token.{given}"
    )


def _step_in_words(look: Look, steps: tuple[Step, ...], number: int) -> str:
    step = steps[number - 1]
    before = look.opened.tokenizer.decode(look.trace.predicted_ids[: number - 1])
    place = f"After “{for_markdown(before)}”" if before else "At the beginning"
    written = for_markdown(show_token(step.written.label))
    who = "you wrote" if number <= look.trace.n_forced else "the model wrote"
    rank = ORDINALS.get(step.rank, f"number {step.rank} by probability")
    return f"**Step {number}.** {place} {who} “{written}”, {rank}: {short_probability(step.written.probability)}."


def _take_another(look: Look, step: Step, number: int, *, spaced: bool) -> None:
    """A button for each candidate."""
    st.markdown("**Choose a different token**: the model then continues from it.")
    before = look.trace.predicted_ids[: number - 1]
    labels = names([candidate.label for candidate in step.best], spaced=spaced)
    with st.container(horizontal=True, key="candidates"):
        for place, (candidate, label) in enumerate(zip(step.best, labels, strict=True)):
            st.button(
                f"{for_markdown(label)} {short_probability(candidate.probability)}",
                key=f"candidate_{place}",
                disabled=candidate.token_id == step.written.token_id,
                on_click=decoding.take,
                args=(look.opened, (*before, candidate.token_id)),
            )
    if any(label.startswith("…") for label in labels):
        st.caption("… marks a token that continues the previous word.")


def _beam(look: Look) -> None:
    """The tree of beam search and the targets it found."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        beam = st.select_slider("Beam width", BEAM_WIDTHS, value=4, key="beam", bind="query-params")
        penalty = st.slider("Length penalty", 0.0, 2.0, 1.0, 0.1, key="length_penalty", bind="query-params")
        discarded = st.toggle("Show what was discarded", key="discarded", bind="query-params")
    tree = decoding.search(look.opened, look.trace, beam, penalty)
    st.html(tree_html(tree, discarded=discarded, theme=session.theme()))
    st.caption(
        f"At each step the search continues with the {beam} likeliest beginnings. A finished target’s score is its "
        "log-probability divided by its number of tokens to the power of the length penalty; higher is better. "
        f"The pictures above show the model’s own, greedy {what_it_writes(look.opened)} until you choose another."
    )
    _ranking(look, tree)


def _ranking(look: Look, tree: BeamTree) -> None:
    """The targets that were found, best first; a click shows the attention of writing one."""
    for rank, (hypothesis, leaf) in enumerate(zip(tree.hypotheses, tree.leaves, strict=True), start=1):
        text = html.escape(look.opened.tokenizer.decode(hypothesis.ids))
        cut = cut_mark(not hypothesis.ended)
        path = tuple(tree.nodes[place].token_id for place in tree.path(leaf))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("See its attention", key=f"hypothesis_{rank}", on_click=decoding.take, args=(look.opened, path))
            st.html(
                f"<b>{rank}.</b> <bdi>{text or '(nothing)'}</bdi> <small>score {fixed(hypothesis.score, 3)}, "
                f"log-probability {fixed(tree.nodes[leaf].total, 2)}, {len(path)} tokens{cut}</small>",
                width="stretch",
            )

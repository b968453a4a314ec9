"""The part of the page Positions that compares six small models which differ only in their encoding."""

from __future__ import annotations

import html
import itertools
from collections.abc import Mapping, Sequence

import streamlit as st

from model.checkpoint import Checkpoint, CheckpointError
from model.compare.lengths import PREFIX, LengthScore, recorded
from model.config import POSITIONALS
from model.interventions.positions import stretched
from model.text.tasks import TASKS
from model.trace import KINDS, Kind, Trace
from viz.figures.side_by_side import length_curves, weights_panel
from viz.look.theme import code_for_markdown, for_markdown
from viz.look.words import SHORT_KIND_NAMES, cut_mark
from viz.pages.shared.frame import chart
from viz.state import opening, session, tracing

SIXTH = (600, 342)
"""Pixels, in a presentation, of each of six pictures on one screen."""
LONGEST = 60
AGAIN = 100
MEASURES = {"characters": "characters in the right position", "exact": "whole strings"}


def show_six() -> None:
    """Their accuracy by length."""
    models = _models()
    if not models:
        st.info("The six small models are not on this server.")
        return
    config, task = next(iter(models.values())).config, next(iter(models.values())).task
    st.markdown(
        f"The same task (*{task}*: {TASKS[task].summary}), the same size ({config.n_layers} layer, {config.n_heads} "
        f"heads, d_model {config.d_model}), seed, data and steps; only the encoding differs."
    )
    _curves(models, TASKS[task].longest)


def show_string() -> None:
    """Their attention for one string, and what they write for it."""
    models = _models()
    if models:
        first = next(iter(models.values()))
        _attention(models, first.task, first.config.n_heads)


def _models() -> dict[str, Checkpoint]:
    models = {}
    for name in POSITIONALS:
        try:
            models[name] = opening.open_checkpoint(f"{PREFIX}{name}")
        except CheckpointError:
            continue
    return models


def _curves(models: dict[str, Checkpoint], trained: int) -> None:
    try:
        measured = recorded()
    except (OSError, ValueError):
        st.info("Their recorded accuracy is not on this server; you can measure it here.")
        measured = None
    with st.container(key="controls_lengths").container(horizontal=True, vertical_alignment="bottom"):
        measure = st.segmented_control(
            "Count as right", MEASURES, format_func=MEASURES.__getitem__, default="characters", required=True,
            key="measure", bind="query-params",
        )  # fmt: skip
        again = st.button(f"Measure here again ({AGAIN} other strings per length)", icon=":material/speed:")
    if again:
        with st.spinner("Measuring …"):
            session.measure_lengths(models, AGAIN)
    here = session.measured_lengths()
    points = _points(measured.curves if measured else {}, measure)
    rings = _points(here, measure)
    if not points and not rings:
        return
    chart(length_curves(points, trained, again=rings, theme=session.theme()), room=(1850, 720))
    if measured:
        st.caption(
            f"Measured by {code_for_markdown(measured.command)} on {measured.strings} held-out strings per length, "
            f"{for_markdown(f'{measured.date}, {measured.machine}')}. A model with a learned "
            "encoding cannot read longer strings at all." + (" Rings: measured here, just now." if here else "")
        )


def _points(curves: Mapping[str, Sequence[LengthScore]], measure: str) -> dict[str, list[tuple[int, float]]]:
    return {
        name: [(score.length, getattr(score, measure)) for score in curves[name]]
        for name in POSITIONALS
        if name in curves
    }


def _attention(models: dict[str, Checkpoint], task: str, n_heads: int) -> None:
    with st.container(key="controls_string"):
        left, middle, right = st.columns((5, 4, 2), gap="medium")
    with left:
        text = st.text_input(
            "String", TASKS[task].example, key="string", live="0ms", bind="query-params", max_chars=LONGEST
        )
    with middle:
        kind: Kind = st.segmented_control(
            "Attention", KINDS, format_func=SHORT_KIND_NAMES.__getitem__, default=KINDS[-1], required=True,
            key="kind", bind="query-params",
        )  # fmt: skip
    with right:
        head = st.selectbox("Head", range(1, n_heads + 1), key="six_head", bind="query-params") - 1
    answer = TASKS[task].answer(text)
    answer = text if answer is None else answer
    traces = {name: _trace(model, text, answer) for name, model in models.items()}
    own = {name: _trace(model, text, None) for name, model in models.items()}
    _outputs(own, answer)
    read = {name: trace for name, trace in traces.items() if trace is not None}
    if not read:
        return
    maps = {name: trace.map(kind) for name, trace in read.items()}
    first = next(iter(maps.values()))
    rows, keys, theme = first.row_names(), first.key_tokens, session.theme()
    columns = itertools.cycle(st.columns(3, gap="small"))
    for column, (name, attention_map) in zip(columns, maps.items(), strict=False):
        figure = weights_panel(attention_map.pattern[0, head], rows, keys, name, theme=theme)
        with column:
            chart(figure, f"six_{name}", room=SIXTH)
    st.caption("Here each model is given the right answer, so that each row stands for the same token in all pictures.")


def _trace(model: Checkpoint, text: str, answer: str | None) -> Trace | None:
    """The trace of a string of any length; None where a learned table is too short for it."""
    room = max(model.config.max_len, 2 * 4 * LONGEST + 20)  # a character has up to four bytes
    try:
        longer = stretched(model, room)
    except ValueError:
        trace = tracing.trace(model, text, answer)
        return None if trace.source_dropped or trace.target_dropped else trace
    return tracing.trace(longer, text, answer)


def _outputs(own: Mapping[str, Trace | None], answer: str) -> None:
    """What each writes by itself, with the characters that are wrong marked."""
    cells = []
    for name, trace in own.items():
        said = "<i>cannot read so many characters</i>" if trace is None else _marked(trace.target, answer)
        right = "" if trace is None else " ✓" if trace.target == answer else cut_mark(trace.target_cut)
        cells.append(f"<div><label>{name}{right}</label><p>{said or '&nbsp;'}</p></div>")
    st.html(f'<div class="six">{"".join(cells)}</div>')


def _marked(output: str, answer: str) -> str:
    """The output with each character that is not the answer's at its place, and a sign for what is missing."""
    marked = [
        html.escape(character) if character == answer[i : i + 1] else f"<mark>{html.escape(character)}</mark>"
        for i, character in enumerate(output)
    ]
    return "".join(marked) + ("<mark>…</mark>" if len(output) < len(answer) else "")

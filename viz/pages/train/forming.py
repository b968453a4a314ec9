"""The attention of a run's newest checkpoint on the visitor's own sentence."""

from __future__ import annotations

import html
from functools import partial

import streamlit as st

from model.checkpoint import CheckpointError
from model.text.tasks import TASKS
from model.trace import AttentionMap, Kind, Trace
from model.training.folder import RunView
from viz.components.head import head as head_component
from viz.components.overview import overview, overview_data
from viz.components.views import HEATMAP
from viz.look.choice import AUTO, first_kind, row_asked, row_options, telling_head
from viz.look.picture import Display, Picture, displayed
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES, SHORT_KIND_NAMES, cut_mark, describe_row, reading
from viz.pages.shared.choices import left_out_notice
from viz.pages.shared.frame import WIDTHS
from viz.state import link, opening, session, tracing
from viz.state import train as lab


@st.fragment
def forming(run: RunView, *, pictures: bool) -> None:
    """Type a text, and see what the newest checkpoint makes of it. Drawn anew when there is a newer one.

    Without ``pictures`` it is only typed: another part of the page shows them, of any checkpoint.
    """
    found = lab.newest(run)
    if found is None:
        st.info("There is no checkpoint yet; the first one comes with the first step.")
        return
    step, path = found
    try:
        opened = opening.open_shared(path)
    except CheckpointError as error:
        st.error(f"The newest checkpoint cannot be opened. {for_markdown(str(error))}")
        return
    left, right = st.columns(WIDTHS, gap="medium")
    with left:
        text = type_text(run)
        if not pictures:
            return
        own = tracing.trace(opened, text)
        answer = right_answer(run, text)
        trace = own if answer is None else tracing.trace(opened, text, answer)
        _output(own, step, answer)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            kind = _choose_kind(trace)
            layer, head = _choose_head(trace.map(kind))
        shown = displayed(trace.map(kind), Display())
        data = overview_data(shown, layer, head, theme=session.theme())
        overview(data, key=lab.OVERVIEW, on_choose=lab.head_clicked)
    with right:
        _head(trace, shown, kind, layer, head)


def type_text(run: RunView) -> str:
    """The visitor's sentence, from the address or as it was typed; at first the task's example."""
    example = lab.example(run)
    link.begin_text(lab.TEXT, example)
    text = st.text_input("Your sentence", link.asked(lab.TEXT), key=lab.TEXT, live="0ms")
    link.write_text(lab.TEXT, example)
    return text


def right_answer(run: RunView, text: str) -> str | None:
    """What the task asks for; None where nobody knows."""
    task = TASKS.get(run.data.task or "")
    return None if task is None else task.answer(text)


def _output(trace: Trace, step: int, answer: str | None) -> None:
    """What the model writes by itself."""
    right = "" if answer is None else " ✓" if trace.target == answer else " – not right yet"
    right += cut_mark(trace.target_cut)
    st.html(
        f'<div class="target"><label>What the model writes on its own at step {step:,}{right}</label>'
        f"<p>{html.escape(trace.target) or '(nothing)'}</p></div>"
    )
    if answer is not None:
        st.caption(
            "For the pictures the decoder is given the right answer, so that each row stands for the same "
            "token at every training step."
        )
    left_out_notice(trace)


def _choose_kind(trace: Trace) -> Kind:
    return st.segmented_control(
        "Attention", trace.kinds, format_func=SHORT_KIND_NAMES.__getitem__, default=first_kind(trace), required=True,
        key=lab.KIND, bind="query-params",
    )  # fmt: skip


def _choose_head(shown: AttentionMap) -> tuple[int, int]:
    """Layer and head, from 0: the ones chosen, else the head that says most now."""
    heads = {
        lab.head_name(layer, head): (layer, head) for layer in range(shown.n_layers) for head in range(shown.n_heads)
    }
    asked = st.selectbox("Head", [AUTO, *heads], key=lab.CHOSEN, bind="query-params")
    return heads[asked] if asked in heads else telling_head(shown)


def _head(trace: Trace, shown: Picture, kind: Kind, layer: int, head: int) -> None:
    options = [AUTO, *row_options(trace.map(kind))]
    row = row_asked(trace.map(kind), link.asked(lab.ROW, AUTO), layer, head)
    where = f"{KIND_NAMES[kind]}, layer {layer + 1}, head {head + 1}."
    said = describe_row(shown, layer, head, row)
    with st.container(key="run_words"):
        st.html(f"<p><strong>{where}</strong> {html.escape(said)}</p><p>{reading(kind, HEATMAP)}</p>")
    with st.container(key="run_head"):
        head_component(
            shown, layer, head, pinned=row, scale="linear", description=f"{where} {said}", theme=session.theme(),
            key=lab.HEAD, on_pin=partial(lab.row_clicked, options),
        )  # fmt: skip

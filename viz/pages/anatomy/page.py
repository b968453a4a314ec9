"""Anatomy: one query of one head, step by step, with the formula of each step and its numbers beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
import pandas as pd
import streamlit as st

from model.anatomy.bench import AnatomyError
from model.anatomy.steps import Anatomy, Step
from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from viz.components.followed import said
from viz.components.path import path
from viz.components.strips import strip_component
from viz.look.anatomy_words import TITLES, explanation, stages, weight_name
from viz.look.choice import AUTO
from viz.look.theme import for_markdown, show_token
from viz.pages.anatomy.parts import INTRODUCTION, TOTAL, Place, strip_of
from viz.pages.anatomy.parts import parts as following
from viz.pages.shared import live
from viz.pages.shared.choices import (
    choose_checkpoint,
    choose_head,
    choose_kind,
    cut_notice,
    left_out_notice,
    type_source,
)
from viz.pages.shared.forcing import forcing_notice
from viz.pages.shared.frame import WIDTHS, style, title_beside, to_come
from viz.pages.shared.needs_transformer import has
from viz.state import decoder as decoding
from viz.state import link, session

BESIDE = 3  # steps side by side
HOVER = (
    ":material/arrow_selector_tool: **Point at any number below, or tap it,** to see how it was computed. The steps "
    "follow one another from the tokens to the output of the layer."
)
PART = "way_"  # the key of a part, before its number
PARTS = f"[class*='st-key-{PART}']"
STOPS = f"{PARTS} .stHorizontalBlock"
STYLE = """
[data-testid="stLayoutWrapper"]:has(> .st-key-path) {
  position: sticky; top: var(--header); z-index: 5; background: var(--page);
}
[class*="st-key-way_"] .stColumn { position: relative; }
[class*="st-key-way_"] .stColumn:not(:last-child)::after {
  content: "→" / ""; position: absolute; top: 50%; right: -1rem; width: 1rem; text-align: center; color: var(--muted);
}
[class*="st-key-way_"]:not([class*="st-key-way_last"])::after {
  content: "↓" / ""; align-self: center; color: var(--muted);
}
@media (max-width: 900px) {
  [class*="st-key-way_"] .stColumn:not(:last-child)::after { content: "↓" / ""; top: 100%; right: 50%; line-height: 1; }
}
:is(.st-key-said_introduction, .st-key-said_total) { min-height: 3.2rem; }
[class*="st-key-step_"] p { margin-bottom: 0.3rem; }
[class*="st-key-step_"] .katex-display { margin: 0.4rem 0; }
"""


def page() -> None:
    """The whole page; what changes with the text, or with what is chosen, is a fragment of its own."""
    style(STYLE)
    with title_beside("Anatomy", "One head and one token, number by number."):
        opened = choose_checkpoint()
    if opened is not None and has(opened, Capability.HEADS, "Anatomy takes heads apart"):
        _live(opened)


@st.fragment
def _live(opened: Checkpoint) -> None:
    """What changes with the text, which while someone types is ahead of the page, and with every choice."""
    left, right = st.columns(WIDTHS, gap="medium")
    with left:
        decoding.begin()
        forced = decoding.forced(opened)
        trace = type_source(opened, forced, followed=True)
        link.write_source(opened)
        follower = st.container(key="followed")
        left_out_notice(trace)
        cut_notice(trace)
        forcing_notice(opened, trace, forced)
        with st.container(key="controls_kind"):
            kind = choose_kind(opened, trace)
    with right:
        with st.container(key="controls_head"):
            layer, head, _ = choose_head(opened, trace, trace.map(kind))
        place = Place(
            opened=opened, kind=kind, layer=layer, head=head, row_name=link.asked("token", AUTO), theme=session.theme()
        )
        try:
            with to_come():
                look, anatomy = place.dissected(trace)
        except AnatomyError as error:
            st.info(for_markdown(str(error)))
            return
        said(INTRODUCTION)
        st.markdown(_letters(opened))
        st.markdown(HOVER)
        said(TOTAL)
    with follower:
        live.show_parts(following(look, anatomy, place.theme), opened, place.parts, forced)
    numbers, parts = count(1), stages(anatomy)
    with st.container(key="path"):
        path([heading for heading, _ in parts], parts=PARTS, stops=STOPS, key="path_shown")
    for at, (heading, steps) in enumerate(parts, start=1):
        with st.container(key=f"{PART}{'last' if at == len(parts) else at}"):
            _stage(anatomy, heading, steps, numbers)
    _tables(anatomy)


def _letters(opened: Checkpoint) -> str:
    """What the letters in the formulas mean."""
    config = opened.config
    return (
        f"$j$ runs over the keys, $c$ over the numbers of a vector. $d_\\text{{model}}={config.d_model}$, "
        f"$d_\\text{{head}}={config.d_head}$, $d_\\text{{ff}}={config.d_ff}$."
    )


def _stage(anatomy: Anatomy, heading: str, steps: Sequence[Step], numbers: Iterator[int]) -> None:
    st.subheader(heading)
    n = 4 if len(steps) == 4 else min(len(steps), BESIDE)
    for start in range(0, len(steps), n):
        for column, step in zip(st.columns(n, gap="small"), steps[start : start + n], strict=False):
            with column.container(border=True, height="stretch", key=f"step_{step.name}"):
                what = f"**{next(numbers)} · {TITLES[step.name][0]}.** {explanation(anatomy, step)}"
                st.markdown(f"{what}\n\n$$\n{step.formula}\n$$")
                strip_component(strip_of(step))


def _tables(anatomy: Anatomy) -> None:
    """All numbers of a step on demand, and those of all steps as a file."""
    with st.expander("The numbers", key="numbers_open", on_change="rerun", icon=":material/table:") as area:
        if not area.open:
            return
        names = [step.name for step in anatomy.steps]
        chosen = st.selectbox(
            "Step", names, format_func=lambda name: f"{names.index(name) + 1} · {TITLES[name][0]}", key="numbers_of"
        )
        step = anatomy.step(chosen)
        arrays = {"result": step.value, **{weight_name(step, name): part for name, part in step.weights.items()}}
        shown = st.segmented_control("Array", list(arrays), default="result", required=True, key="numbers_array")
        array = arrays[shown]
        labels = anatomy.labels(step.axes[0]) if shown == "result" else None
        st.dataframe(table(array, labels))
        st.download_button(
            "All steps and parameters (.npz)", lambda: archive(anatomy), "anatomy.npz", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip


def table(array: np.ndarray, labels: Sequence[str] | None) -> pd.DataFrame:
    """An array as a table; rows are numbered from 1, with their token where they have one. A vector is a column."""
    rows = array if array.ndim == 2 else np.reshape(array, (-1, 1))
    names = [f"{n} {show_token(labels[n - 1])}" if labels else str(n) for n in range(1, len(rows) + 1)]
    return pd.DataFrame(rows, index=names, columns=[str(n) for n in range(1, rows.shape[1] + 1)])


def archive(anatomy: Anatomy) -> bytes:
    """Every step and its parameters as arrays in one NumPy file: ``query``, ``query.weight`` …"""
    arrays = {step.name: step.value for step in anatomy.steps}
    arrays |= {f"{step.name}.{name}": part for step in anatomy.steps for name, part in step.weights.items()}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()

"""Positions: how a Transformer is told where a word stands, and what happens when it is told otherwise."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from model.checkpoint import Checkpoint
from model.trace import Trace
from viz.pages.positions.encoding import show_encoding, show_sum
from viz.pages.positions.moved import show_experiment
from viz.pages.positions.six_encodings import show_six
from viz.pages.shared.choices import choose_checkpoint, left_out_notice, type_source
from viz.pages.shared.needs_transformer import is_transformer

WIDTHS = (5, 6)
STYLE = """<style>
.stMainBlockContainer { padding-top: 4rem; padding-bottom: 2rem; }
h1.headlight { font-size: 1.75rem; line-height: 1.2; padding: 0; }
h1.headlight small { font-size: 1rem; font-weight: 400; opacity: 0.7; }
.run label, .six label { font-size: 0.875rem; opacity: 0.8; }
.run p, .six p { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
.run small { opacity: 0.7; }
.six { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.25rem 1.5rem; }
.six p { font-family: monospace; white-space: pre-wrap; }
</style>"""
TITLE = '<h1 class="headlight">Positions <small>How a model that sees all words at once knows their order.</small></h1>'
PARTS: dict[str, Callable[[Checkpoint, Trace], None]] = {
    "The encoding": show_encoding,
    "Added to your sentence": show_sum,
    "Change the positions": show_experiment,
    "Six encodings, one task": lambda opened, trace: show_six(),
}


def page() -> None:
    """The whole page; what a keystroke changes is a fragment of its own."""
    st.html(STYLE)
    left, right = st.columns(WIDTHS, gap="medium", vertical_alignment="bottom")
    left.html(TITLE)
    with right:
        opened = choose_checkpoint()
    if opened is None:
        return
    if is_transformer(opened, "Positions experiments with a Transformer that has an encoder."):
        _live(opened)
    else:
        show_six()


@st.fragment
def _live(opened: Checkpoint) -> None:
    trace = type_source(opened)
    left_out_notice(trace)
    names = list(PARTS)
    part = st.segmented_control(
        "Part", names, default=names[0], required=True, key="part", bind="query-params", label_visibility="collapsed"
    )
    PARTS[part](opened, trace)

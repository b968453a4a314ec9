"""Positions: how a Transformer is told where a word stands, and what happens when it is told otherwise."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from model.trace import Trace
from viz.pages.positions.added import show_sum
from viz.pages.positions.encoding import show_encoding
from viz.pages.positions.moved import show_experiment
from viz.pages.positions.six_encodings import show_six, show_string
from viz.pages.shared import live
from viz.pages.shared.choices import choose_checkpoint, cut_notice, left_out_notice, type_source
from viz.pages.shared.frame import choose_part, style, title_beside, to_come
from viz.pages.shared.live import Draw, nothing
from viz.pages.shared.needs_transformer import has
from viz.state import link
from viz.state.presentation import presenting

STYLE = """
.st-key-moved_maps .head-map { height: 22rem; }
[class*="st-key-map_"] { min-height: 22rem; }
.run label, .six label { font-size: var(--type-small); opacity: 0.8; }
.run p, .six p { font-size: var(--type-heading); margin: 0; overflow-wrap: anywhere; }
.run small { opacity: 0.7; }
.six { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 0.25rem 1.5rem; }
.six mark { background: color-mix(in srgb, var(--accent) 35%, transparent); color: inherit; }
.six p { font-family: monospace; white-space: pre-wrap; }
"""
SLIDE = """
[class*="st-key-map_"] { min-height: 0; }
.st-key-moved_maps .head-map { height: max(15rem, min(19rem, 31vh)); }
.st-key-moved_maps [data-testid="stMarkdownContainer"] { margin-bottom: -0.75rem; }
.said > p { font-size: max(18px, 0.85rem); line-height: 1.3; margin: 0 0 0.2rem; }
"""
PARTS: dict[str, Callable[[Checkpoint, Trace], Draw]] = {
    "The encoding": show_encoding,
    "Added to your sentence": show_sum,
    "Change the positions": show_experiment,
    "Six encodings, one task": lambda opened, trace: _still(show_six),
    "Six encodings, one string": lambda opened, trace: _still(show_string),
}


def page() -> None:
    """The whole page; what changes with the text, or with what is chosen, is a fragment of its own."""
    style(STYLE + SLIDE if presenting() else STYLE)
    with title_beside("Positions", "How a model that sees all words at once knows their order."):
        opened = choose_checkpoint()
    if opened is None:
        return
    if has(opened, Capability.POSITIONS, "This page moves words around"):
        _live(opened)
    else:
        show_six()
        show_string()


@st.fragment
def _live(opened: Checkpoint) -> None:
    with st.container(key="controls_source"):
        trace = type_source(opened, followed=True)
    link.write_source(opened)
    follower = st.container(key="followed")
    left_out_notice(trace)
    cut_notice(trace)
    part = choose_part(PARTS)
    with to_come(height=400):
        draw = PARTS[part](opened, trace)
    with follower:
        live.show_parts(draw(trace), opened, draw)


def _still(show: Callable[[], None]) -> Draw:
    """What is shown does not follow the text."""
    show()
    return nothing

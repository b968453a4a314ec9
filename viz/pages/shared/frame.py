"""What all pages look like: their style and title, the widths of two columns, and how a figure is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from viz.pages.shared.header import TOP, turner
from viz.state import session
from viz.state.presentation import presenting

if TYPE_CHECKING:
    import plotly.graph_objects as go

WIDTHS = (5, 6)
STYLE = """
h1.headlight { font-size: var(--type-title); line-height: 1.2; padding: 0; }
[data-behind] .stPlotlyChart { opacity: 0.4; }
h1.headlight small { font-size: var(--type-body); font-weight: 400; opacity: 0.7; }
"""


def style(own: str = "") -> None:
    """The style of every page, and what this one has besides, as CSS."""
    st.html(f"<style>{STYLE}{own}</style>")


def title(name: str, says: str) -> None:
    """A page's name and, smaller, what it is about; both are HTML."""
    with st.container(key=TOP):
        _title(name, says)


def title_beside(name: str, says: str) -> DeltaGenerator:
    """:func:`title`; what a page asks first goes beside it, into the column that is returned."""
    with st.container(key=TOP):
        left, right = st.columns(WIDTHS, gap="medium", vertical_alignment="bottom")
    with left:
        _title(name, says)
    return right


def _title(name: str, says: str) -> None:
    st.html(f'<h1 class="headlight">{name} <small>{says}</small></h1>')


def choose_part(names: Iterable[str]) -> str:
    """Which part of a page is open; at first the first one. In a presentation a clicker turns them."""
    names = list(names)
    turner("part", names)
    return st.segmented_control(
        "Part", names, default=names[0], required=True, key="part", bind="query-params", label_visibility="collapsed"
    )


def to_come(height: int = 200) -> AbstractContextManager[object]:
    """Around what takes its time: a placeholder, ``height`` pixels high, where it will stand, while the page loads. A
    keystroke leaves on screen what there is.

    Its place in the page is kept when nothing stands there: if what follows moved up, Streamlit would make it anew, and
    its widgets would no longer be bound to the address.
    """
    if session.visitor().loading:
        return st.skeleton(height)
    st.empty()
    return nullcontext()


def chart(
    figure: go.Figure,
    key: str | None = None,
    on_click: Callable[[], None] | None = None,
    *,
    room: tuple[float, float] | None = None,
) -> None:
    """A figure in its own colours, without Plotly's buttons; in a presentation, enlarged to its ``room``, width and
    height in pixels. With ``on_click``, its points can be clicked: which, the state of ``key`` then says."""
    if presenting():
        from viz.figures.plot import presented

        figure = presented(figure, room)
    st.plotly_chart(
        figure,
        theme=None,
        config={"displayModeBar": False},
        key=key,
        on_select=on_click or "ignore",
        selection_mode="points",
    )

"""What is recorded on the page Architectures, in the chapters that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from model.compare.record import recorded_part
from viz.look.theme import for_markdown
from viz.pages.guide.chapters.chapter import Further, chart


def show_recorded(
    part: str, title: str, draw: Callable[[Any], go.Figure], describe: Callable[[Any], Sequence[str]]
) -> None:
    """A recorded measurement, drawn and in words; nothing where it is not on this server."""
    measured = recorded_part(part)
    if measured is None:
        return
    with st.container():  # no column ends between them
        st.markdown(f"**{title}**")
        chart(draw(measured.points), f"recorded_{part}")
    st.markdown("\n".join(f"- {sentence}" for sentence in describe(measured.points)))
    st.caption(f"Not measured on your sentence. Recorded on {measured.date}: {for_markdown(measured.machine)}.")


def architectures(part: str) -> Further:
    """The link to where it is measured; ``part`` as its button there says."""
    return Further(
        label="More on this, and a button to measure it on this server: Architectures",
        page="architectures",
        query={"part": part},
    )

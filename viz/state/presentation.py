"""Presentation: whether the page is shown on a wall, and what a clicker turns there. All of it stands in the link."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from viz.state import link

PRESENTATION, CONTROLS = "presentation", "controls"
ON, OFF = "on", "off"


def presenting() -> bool:
    """Whether everything is enlarged for a projector."""
    return link.asked(PRESENTATION) == ON


def controls_shown() -> bool:
    """Whether what is chosen can be seen: in a presentation only where it is asked for."""
    return not presenting() or link.asked(CONTROLS) == ON


def begin() -> None:
    """Before the page is drawn: what the link or the page before said goes on, and into the address."""
    for key in (PRESENTATION, CONTROLS):
        link.begin_text(key, OFF)
        link.write_text(key, OFF)


def switch(key: str) -> None:
    """Turn on what is off, or off what is on; only from a callback, before the page is drawn."""
    st.session_state[key] = OFF if link.asked(key) == ON else ON


def place(key: str, options: Sequence[object]) -> int:
    """Which of its ``options``, from 0, the widget ``key`` has, also where it stands further down on the page."""
    asked = link.asked(key, str(options[0]))
    return next((at for at, option in enumerate(options) if str(option) == asked), 0)


def turn(key: str, options: Sequence[object], at: int, then: Callable[[], None] | None = None) -> None:
    """Choose the option at a place, from 0, and ``then`` do what belongs to it; only from a callback."""
    st.session_state[key] = options[at]
    if then is not None:
        then()

"""What stands beside the names of the pages, the same on every page: presentation, and what can be done in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from viz.components.presentation import hear_keys
from viz.look.theme import css_tokens
from viz.pages.shared import styles
from viz.state import link, presentation, session

TOP = "page_top"
"""The key of a page's title, and of what is chosen beside it."""
SWITCHES = (
    (presentation.CONTROLS, "tune", "Controls", "Hide controls"),
    (presentation.PRESENTATION, "present_to_all", "Present", "End presentation"),
)
"""The key of each, its icon, and what a click does where it is off or on."""
PARTS = ("chapter", "part")
"""Keys of widgets that choose what part of a page is open: another one begins at its top."""
BACK, FORTH = "turn_back", "turn_on"


def header(page: str) -> None:
    """The switches, and the style of all pages in their mode.

    Args:
        page: the one on show.
    """
    presentation.begin()
    shown = presentation.presenting()
    mode = (styles.ON_A_WALL if shown else styles.ON_SCREEN) + ("" if presentation.controls_shown() else styles.FOLDED)
    st.html(f"<style>{css_tokens(session.theme(), presenting=shown)}{styles.ALL}{mode}</style>")
    with st.container(key="switches"):
        for key, icon, off, on in SWITCHES:
            label = on if link.asked(key) == presentation.ON else off
            st.button(label, key=f"switch_{key}", icon=f":material/{icon}:", on_click=presentation.switch, args=(key,))
    place = "/".join([page, *map(link.asked, PARTS)])
    hear_keys(presenting=shown, place=place, back=BACK, on=FORTH, end=f"switch_{presentation.PRESENTATION}")


def turner(key: str, options: Sequence[object], then: Callable[[], None] | None = None) -> None:
    """In a presentation: buttons, and keys, that go through the ``options`` of the widget ``key``; ``then`` is called
    when one is turned."""
    at = presentation.place(key, options)
    with st.container(key="turner"):
        for name, icon, label, to in ((BACK, "arrow_back", "Back", at - 1), (FORTH, "arrow_forward", "On", at + 1)):
            st.button(
                label, key=name, icon=f":material/{icon}:", type="tertiary", disabled=not 0 <= to < len(options),
                on_click=presentation.turn, args=(key, options, to, then),
            )  # fmt: skip
            if name == BACK:
                st.markdown(f"{at + 1} / {len(options)}")

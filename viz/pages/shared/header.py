"""What stands beside the names of the pages, the same on every page: presentation, and what can be done in one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from viz.components.presentation import hear_keys
from viz.look.theme import css_tokens
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
STYLE = """
[data-testid="stHeader"], [data-testid="stToolbar"] { height: var(--header); min-height: 0; }
[data-testid="stToolbar"] > div { justify-content: flex-start; }
[data-testid="stTopNav"] { max-width: calc(100vw - 15rem); }
[data-testid="stTopNavLink"] span, [data-testid="stTopNavLink"] p { color: var(--text); }
[data-testid="stExpandSidebarButton"] { width: auto; padding: 0 0.5rem; gap: 0.25rem; color: var(--text); }
[data-testid="stExpandSidebarButton"]::after { content: "Pages" / ""; }
[data-testid="stCaptionContainer"] code { font-size: 0.9em; }
.st-key-switches {
  position: fixed; z-index: 999991; top: 0; right: 3.5rem; width: auto; height: var(--header);
  display: flex; flex-flow: row nowrap; align-items: center; gap: var(--space-near);
}
[data-testid="stLayoutWrapper"]:has(> :is(.st-key-switches, .st-key-turner)) { position: absolute; }
.st-key-switches .stElementContainer { width: auto; }
.st-key-switches button { min-height: 2rem; padding: 0 0.75rem; white-space: nowrap; }
.st-key-turner { display: none; }
"""
ON_SCREEN = """
:root { --header: 3.75rem; }
.stMainBlockContainer { padding-top: 4rem; padding-bottom: 2rem; }
.st-key-switch_controls { display: none; }
"""
ON_A_WALL = """
:root { --header: 2.75rem; }
.stMainBlockContainer { padding: 3.25rem 1.5rem 0.5rem; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.75rem; }
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-aside_"]) { display: none; }
[data-testid="stTopNav"] { max-width: calc(100vw - 26rem); }
[data-testid="stTopNavLink"] > span:has([data-testid="stIconMaterial"]) { display: none; }
[data-testid="stTopNavLink"] { padding: 0.1rem 0.4rem; }
.st-key-turner {
  position: fixed; z-index: 3; right: 1rem; bottom: 0.5rem; width: auto; padding: 0 0.75rem; border-radius: 1rem;
  display: flex; flex-flow: row nowrap; align-items: center; gap: 0.75rem;
  background: var(--page); border: 1px solid var(--faint);
}
.st-key-turner .stElementContainer, .st-key-turner .stMarkdown { width: auto; margin: 0; }
.st-key-turner [data-testid="stMarkdownContainer"] { margin: 0; }
.st-key-turner button { min-height: 2rem; }
.st-key-turner p { margin: 0; white-space: nowrap; font-variant-numeric: tabular-nums; }
"""
FOLDED = """
:is([data-testid="stLayoutWrapper"], .stElementContainer):has(> :is(.st-key-page_top, [class*="st-key-controls_"])),
[class*="st-key-controls_"] { display: none; }
"""


def header(page: str) -> None:
    """The switches, and the style of all pages in their mode.

    Args:
        page: the one on show.
    """
    presentation.begin()
    shown = presentation.presenting()
    mode = (ON_A_WALL if shown else ON_SCREEN) + ("" if presentation.controls_shown() else FOLDED)
    st.html(f"<style>{css_tokens(session.theme(), presenting=shown)}{STYLE}{mode}</style>")
    with st.container(key="switches"):
        for key, icon, off, on in SWITCHES:
            label = on if link.asked(key) == presentation.ON else off
            st.button(label, key=f"switch_{key}", icon=f":material/{icon}:", on_click=presentation.switch, args=(key,))
    place = "/".join([page, *map(link.asked, PARTS)])
    hear_keys(presenting=shown, place=place, back=BACK, on=FORTH, end=f"switch_{presentation.PRESENTATION}")


def turner(key: str, options: Sequence[object]) -> None:
    """In a presentation: buttons, and keys, that go through the ``options`` of the widget ``key``."""
    at = presentation.place(key, options)
    with st.container(key="turner"):
        for name, icon, label, to in ((BACK, "arrow_back", "Back", at - 1), (FORTH, "arrow_forward", "On", at + 1)):
            st.button(
                label, key=name, icon=f":material/{icon}:", type="tertiary", disabled=not 0 <= to < len(options),
                on_click=presentation.turn, args=(key, options, to),
            )  # fmt: skip
            if name == BACK:
                st.markdown(f"{at + 1} / {len(options)}")

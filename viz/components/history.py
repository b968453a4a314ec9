"""The entries of the browser's history: one for each choice."""

from __future__ import annotations

from streamlit.components.v2 import component

from viz.components.sources import script

KEY = "history"
_component = component(
    "headlight_history",
    html="<i></i>",
    css=f".st-key-{KEY} {{ display: none; }}",
    js=script("history"),
    isolate_styles=False,
)


def one_entry_a_choice() -> None:
    """From now on, for as long as this tab is open."""
    _component(key=KEY)

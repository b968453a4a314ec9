"""Dark or light: where the browser turns while a page is open, the page is drawn anew in the other colours."""

from __future__ import annotations

from streamlit.components.v2 import component

from viz.components.sources import script

KEY = "scheme"
_component = component(
    "headlight_scheme",
    html="<i></i>",
    css=f".st-key-{KEY} {{ display: none; }}",
    js=script("scheme"),
    isolate_styles=False,
)


def turn_with_browser() -> None:
    """From now on, for as long as this tab is open."""
    _component(key=KEY, on_turned_change=lambda: None)

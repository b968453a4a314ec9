"""Dark or light: where the browser turns while a page is open, the page is drawn anew in the other colours."""

from __future__ import annotations

from viz.components.sources import unseen

KEY = "scheme"


def turn_with_browser() -> None:
    """From now on, for as long as this tab is open."""
    unseen("scheme", KEY)(key=KEY, on_turned_change=lambda: None)

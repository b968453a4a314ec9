"""The entries of the browser's history: one for each choice."""

from __future__ import annotations

from viz.components.sources import unseen

KEY = "history"


def one_entry_a_choice() -> None:
    """From now on, for as long as this tab is open."""
    unseen("history", KEY)(key=KEY)

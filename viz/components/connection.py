"""The connection to the server: a page whose server is gone takes up where it was when there is one again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from viz.components.sources import unseen

KEY = "connection"


class ConnectionData(TypedDict):
    """Selectors of the page: of the ``app``, whose attributes tell how it stands, and of the text ``fields``, by their
    parameters in the address."""

    app: str
    fields: dict[str, str]


def keep_typed(keys: Iterable[str]) -> None:
    """From now on, for as long as this tab is open, what is typed in the fields with these keys outlasts the server."""
    fields = {key: f".st-key-{key} :is(input, textarea)" for key in keys}
    unseen("connection", KEY)(key=KEY, data=ConnectionData(app='[data-testid="stApp"]', fields=fields))

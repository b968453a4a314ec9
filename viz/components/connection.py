"""The connection to the server: a page whose server is gone takes up where it was when there is one again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from streamlit.components.v2 import component

from viz.components.sources import script

KEY = "connection"
_component = component(
    "headlight_connection",
    html="<i></i>",
    css=f".st-key-{KEY} {{ display: none; }}",
    js=script("connection"),
    isolate_styles=False,
)


class ConnectionData(TypedDict):
    """Selectors of the page: of the ``app``, whose attributes tell how it stands, and of the text ``fields``, by their
    parameters in the address."""

    app: str
    fields: dict[str, str]


def keep_typed(keys: Iterable[str]) -> None:
    """From now on, for as long as this tab is open, what is typed in the fields with these keys outlasts the server."""
    fields = {key: f".st-key-{key} :is(input, textarea)" for key in keys}
    _component(key=KEY, data=ConnectionData(app='[data-testid="stApp"]', fields=fields))

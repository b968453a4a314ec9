"""The document that a browser gets first: Streamlit's own, which shows a page when all of it stands.

Streamlit sends a page in pieces and its browser loads the script of each kind of piece when the first of it comes, so
what is on screen is pushed about for a second or two. A style that comes with the page itself would come too late.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from viz.components.sources import bundle, style

NAME = "Headlight"
ANEW = {"Cache-Control": "no-cache"}


@cache
def document() -> str:
    """As HTML, with this app's name from the start."""
    theirs = (Path(streamlit.__file__).parent / "static/index.html").read_text(encoding="utf-8")
    ours = f"<style>{style('arrival')}</style><script>{bundle('arrival')} $arrival.arrival();</script></head>"
    return theirs.replace("<title>Streamlit</title>", f"<title>{NAME}</title>").replace("</head>", ours, 1)


def answer(request: Request) -> Response:
    """The document, at the address of each page."""
    return HTMLResponse(document(), headers=ANEW)

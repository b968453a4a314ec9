"""The document that a browser gets first: Streamlit's own, which shows a page when all of it stands.

Streamlit sends a page in pieces and its browser loads the script of each kind of piece when the first of it comes, so
what is on screen is pushed about for a second or two. A style that comes with the page itself would come too late.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TypedDict

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from viz.components.presentation import TURNED
from viz.components.sources import bundle, style

NAME = "Headlight"
ANEW = {"Cache-Control": "no-cache"}


class ArrivalData(TypedDict):
    """Selectors of the page: what says that the script has ``finished``, or that only what stands below the pictures
    is still to come, which moves nothing; what is then ``shown`` in any case; what stands for what is still
    ``coming``, and that the script is ``running``. And ``turners``, the buttons that turn to another part of a page,
    and ``turned``, the event that says that it comes."""

    turned: str
    turners: str
    finished: str
    shown: str
    coming: str
    running: str


PAGE: ArrivalData = {
    "turned": TURNED,
    "turners": ":is(.st-key-chapter, .st-key-turner, .st-key-aside_neighbours, [class*=st-key-contents_]) "
    "button:not(:disabled, [aria-checked=true])",
    "finished": ".stApp[data-test-script-state=notRunning], .st-key-further [role=radiogroup]",
    "shown": "h1.headlight, [data-testid=stException], [data-testid=stAlert]",
    "coming": "[data-testid=stSkeleton]:not(.st-key-panel_body *), [data-testid=stAppSkeleton], .output label:empty",
    "running": ".stApp[data-test-script-state=running]",
}


@cache
def document() -> str:
    """As HTML, with this app's name from the start."""
    theirs = (Path(streamlit.__file__).parent / "static/index.html").read_text(encoding="utf-8")
    begins = f"{bundle('arrival')}\n$arrival.arrival({json.dumps(PAGE)});"
    ours = f"<style>{style('arrival')}</style><script>{begins}</script></head>"
    return theirs.replace("<title>Streamlit</title>", f"<title>{NAME}</title>").replace("</head>", ours, 1)


def answer(request: Request) -> Response:
    """The document, at the address of each page."""
    return HTMLResponse(document(), headers=ANEW)

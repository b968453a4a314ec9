"""What is typed is followed at once: the browser asks for the pictures of a text, and no page is run for it.

The page itself, with its link and its panels, follows when typing pauses. For whatever changes on a page Streamlit runs
a script, and its browser part builds the elements anew; that takes several times as long as the model and the drawing.
"""

from __future__ import annotations

import json
from weakref import WeakValueDictionary

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from viz.components.pictures import PicturesData, pictures_data
from viz.components.views import VIEWS
from viz.look.look import Chosen
from viz.look.scene import Scene, scene
from viz.state import opening, session
from viz.state.address import addresses
from viz.state.session import Visitor

LONGEST = 1_000_000  # bytes of a request; what is typed has a few hundred


@st.cache_resource
def _visitors() -> WeakValueDictionary[str, Visitor]:
    """By name, the visitors whose browsers may ask; who leaves is forgotten with their session."""
    return WeakValueDictionary()


def follow(chosen: Chosen) -> str:
    """From now on the browser may ask how other texts look, with what is ``chosen``; returns the name by which it
    does, which nobody can guess."""
    visitor = session.visitor()
    visitor.chosen = chosen
    _visitors()[visitor.name] = visitor
    return visitor.name


def drawn(seen: Scene, text: str) -> PicturesData:
    """What the browser draws of ``text``, as it was typed."""
    return pictures_data(seen, addresses(seen.chosen, seen.look, text, first_view=VIEWS[0].name), text)


async def answer(request: Request) -> Response:
    """Of a request ``{"visitor": …, "text": …}`` the data of :func:`viz.components.pictures.pictures_data`.

    The status is 400 if it cannot be understood, 404 if there is no such visitor (any more) and 413 if it is too long.
    """
    if int(request.headers.get("content-length", LONGEST + 1)) > LONGEST:
        return Response(status_code=413)
    try:
        asked = json.loads(await request.body())
        name, text = asked["visitor"], asked["text"]
    except (ValueError, TypeError, KeyError):
        return Response(status_code=400)
    if not isinstance(name, str) or not isinstance(text, str):
        return Response(status_code=400)
    if (visitor := _visitors().get(name)) is None or visitor.chosen is None:
        return Response(status_code=404)
    return JSONResponse(await run_in_threadpool(_answer, visitor, visitor.chosen, text))


def _answer(visitor: Visitor, chosen: Chosen, text: str) -> PicturesData:
    trace = opening.drafted_trace(visitor, chosen.opened, chosen.forced, text)
    return drawn(scene(chosen, chosen.look(trace)), text)

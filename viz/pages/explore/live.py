"""What is typed is followed at once: the browser asks for the pictures of a text, and no page is run for it.

The page itself, with its link and its panels, follows when typing pauses. For whatever changes on a page Streamlit runs
a script, and its browser part builds the elements anew; that takes several times as long as the model and the drawing.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from logging import getLogger
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from model.families.stopping import GivenUpError, given_up_when
from viz.components.pictures import PicturesData, pictures_data
from viz.components.views import VIEWS
from viz.look.look import Chosen
from viz.look.scene import Scene, scene
from viz.state import opening, session
from viz.state.address import addresses
from viz.state.session import Visitor

LONGEST = 100_000  # bytes of a request; what is typed has a few hundred, and at most 10,000 characters
COMPRESSION = 1  # of gzip: a third of the bytes already, for a tenth of the time that 9 takes
PAUSE = "The page follows when you pause."
SAYS = {
    400: f"The server could not read what your browser asked while you typed. {PAUSE}",
    403: f"The server takes this page for another site's, so it draws nothing while you type. {PAUSE}",
    404: "The server does not know this page any more. If nothing follows when you pause, reload it.",
    413: f"This text is too long to be drawn while you type. {PAUSE}",
    429: f"You type faster than this server draws. {PAUSE}",
    500: "The server failed to draw this text; its log says why.",
}
"""By status, what the visitor reads when there is no answer."""
LOG = getLogger(__name__)
OURS, ELSEWHERE = ThreadPoolExecutor(1, "live"), ThreadPoolExecutor(1, "live-elsewhere")
"""One answer after the other: two threads take the interpreter from each other in the midst of an answer, and both are
done later. Models from elsewhere may be large; who looks at one keeps nobody else waiting."""


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

    The status is 400 if it cannot be understood, 403 if another site's page asks, 404 if there is no such visitor (any
    more), 413 if it is too long, 429 if the visitor asks too often, or has asked for a newer text meanwhile, and 500 if
    the text could not be drawn; the answer is then ``{"says": …}`` of :data:`SAYS`.
    """
    if not _from_here(request):
        return _refused(403)
    if int(request.headers.get("content-length", LONGEST + 1)) > LONGEST:
        return _refused(413)
    try:
        asked = json.loads(await request.body())
        name, text = asked["visitor"], asked["text"]
    except (ValueError, TypeError, KeyError):
        return _refused(400)
    if not isinstance(name, str) or not isinstance(text, str):
        return _refused(400)
    if (visitor := _visitors().get(name)) is None or visitor.chosen is None:
        return _refused(404)
    if (turn := visitor.pace.turn()) is None:
        return _refused(429)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    queue = OURS if visitor.chosen.opened.elsewhere is None else ELSEWHERE
    running = asyncio.get_running_loop()
    try:
        body = await running.run_in_executor(queue, _answer, visitor, visitor.chosen, text, turn, zipped)
    except Exception:
        LOG.exception("a text that is typed could not be drawn")
        return _refused(500)
    if body is None:
        return _refused(429)
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"} if zipped else {}
    return Response(body, media_type="application/json", headers=headers)


def _from_here(request: Request) -> bool:
    """Whether no other site's page asks. A browser says whose page it is; other programs need not."""
    origin = request.headers.get("origin")
    allowed = st.get_option("server.corsAllowedOrigins") or ()
    return origin is None or urlsplit(origin).netloc == request.headers.get("host") or origin in allowed


def _refused(status: int) -> Response:
    headers = {"Retry-After": "1"} if status == 429 else {}
    return JSONResponse({"says": SAYS[status]}, status_code=status, headers=headers)


def _answer(visitor: Visitor, chosen: Chosen, text: str, turn: int, zipped: bool) -> bytes | None:
    """The bytes of the answer; None if a newer text was asked for before this one's turn came, or before a model from
    elsewhere, which may be large, was done with it."""
    if visitor.pace.superseded(turn):
        return None
    try:
        with given_up_when(lambda: visitor.pace.superseded(turn)):
            trace = opening.drafted_trace(visitor, chosen.opened, chosen.forced, text)
    except GivenUpError:
        return None
    data = drawn(scene(chosen, chosen.look(trace)), text)
    body = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return gzip.compress(body, COMPRESSION) if zipped else body

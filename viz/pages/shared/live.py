"""What is typed is followed at once: the browser asks for what is to be drawn of a text, and no page is run for it.

The page itself, with its link and its panels, follows when typing pauses. For whatever changes on a page Streamlit runs
a script, and its browser part builds the elements anew; that takes several times as long as the model and the drawing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from logging import getLogger
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from model.checkpoint import Checkpoint
from model.trace import Trace
from viz.components.followed import followed, packed
from viz.look.forcing import FREE, Forcing
from viz.pages.shared.answering import answered
from viz.state import link, session
from viz.state.session import Following

Draw = Callable[[Trace], Mapping[str, object]]
"""What follows the text on a page: of its trace, the parts by the names that their places have."""
LONGEST = 100_000  # bytes of a request; what is typed has a few hundred, and at most 10,000 characters
PAUSE = "The page will catch up when you pause."
SAYS = {
    400: f"The server could not read your browser’s request while you typed. {PAUSE}",
    403: f"The server thinks this page belongs to another site, so it draws nothing while you type. {PAUSE}",
    404: "The server no longer knows this page. If nothing changes when you pause, reload it.",
    413: f"This text is too long to be drawn while you type. {PAUSE}",
    429: f"You are typing faster than this server can draw. {PAUSE}",
    500: "The server failed to draw this text; its log says why.",
}
"""By status, what the visitor reads when there is no answer."""
LOG = getLogger(__name__)


def follow(following: Following) -> str:
    """From now on the browser may ask how other texts look on this page; returns the name by which it does, which
    nobody can guess."""
    visitor = session.visitor()
    visitor.following = following
    return visitor.name


def show_parts(
    parts: Mapping[str, object],
    opened: Checkpoint,
    draw: Draw,
    forced: Forcing = FREE,
) -> None:
    """Show what follows the text on a page: its parts, by the names that their places have (:func:`said`,
    :func:`strip_component`), and while someone types what ``draw`` makes of the trace of each text."""
    name = follow(Following(opened, forced, lambda trace, text: packed(draw(trace))))
    followed(link.source(), packed(parts), visitor=name, field="source", key="followed_text")


def nothing(trace: Trace) -> Mapping[str, object]:
    """Where nothing follows the text."""
    return {}


async def answer(request: Request) -> Response:
    """Of a request ``{"visitor": …, "text": …}`` what the visitor's page draws of the text
    (:class:`viz.state.session.Following`).

    The status is 400 if it cannot be understood, 403 if another site's page asks, 404 if there is no such visitor (any
    more), 413 if it is too long, 429 if the visitor asks too often, or has asked for a newer text or another model
    meanwhile, and 500 if the text could not be drawn; the answer is then ``{"says": …}`` of :data:`SAYS`.
    """
    if not _from_here(request):
        return _refused(403)
    if int(request.headers.get("content-length", LONGEST + 1)) > LONGEST:
        return _refused(413)
    try:
        said = json.loads(await request.body())
        name, text = said["visitor"], said["text"]
    except (ValueError, TypeError, KeyError):
        return _refused(400)
    if not isinstance(name, str) or not isinstance(text, str):
        return _refused(400)
    if (visitor := session.visitors().get(name)) is None:
        return _refused(404)
    if visitor.following is None:  # another model is being opened
        return _refused(429)
    if (turn := visitor.pace.turn()) is None:
        return _refused(429)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    try:
        body = await answered(visitor, visitor.following, text, turn, zipped)
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

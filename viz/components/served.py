"""The scripts that a browser gets from the app's own address (:func:`viz.components.sources.loaded`)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from viz.components import pictures
from viz.components.sources import script

FILES = {
    "pictures": lambda: pictures.SCRIPT,
    **{name: lambda name=name: script(name) for name in ("heatmap", "said", "strips")},
}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def answer(request: Request) -> Response:
    """The script that the path names; the status is 404 if there is none."""
    made = FILES.get(request.path_params["name"])
    if made is None:
        return Response(status_code=404)
    return Response(made(), media_type="text/javascript", headers=FOR_EVER)

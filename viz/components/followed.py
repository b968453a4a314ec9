"""What follows the text on a page, part by part: while someone types, its parts are ahead of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from viz.components.sources import component, loaded, script, style

LEAST = 64
"""Letters of a text that is worth being sent once instead of twice."""


class Answer(TypedDict):
    """What the browser is told of a text: the ``parts`` of the page by name, in which a long text is
    ``{"array": its place in arrays}``."""

    arrays: list[str]
    parts: dict[str, object]


class Follow(TypedDict):
    """Whose texts are followed: the ``visitor`` as the server knows them, and as a selector of the page the ``field``
    that is typed in."""

    visitor: str
    field: str


class FollowedData(TypedDict):
    """Whose texts to ``follow``, and the ``text`` on the page with what is ``shown`` of it."""

    follow: Follow
    text: str
    shown: Answer


class PartData(TypedDict):
    """The ``name`` of a part of the page."""

    name: str


def followed(text: str, shown: Answer, *, visitor: str, field: str, key: str) -> None:
    """Show the parts of this page, now and for each text that is typed from then on; why not, is said here.

    Args:
        text, shown: what was typed, and what is shown of it.
        visitor: of :func:`viz.pages.shared.live.follow`.
        field: the key of the text field.
        key: of the component.
    """
    follow = Follow(visitor=visitor, field=f".st-key-{field}")
    data = FollowedData(follow=follow, text=text, shown=shown)
    html = '<p class="followed" role="status"></p>'
    component("headlight_followed", html, style("followed"), script("followed"))(key=key, data=data)


def said(name: str) -> None:
    """The place of the part ``name``: HTML, in which whatever a person typed is escaped."""
    js = loaded("scripts/said.js", script("said"))
    component("headlight_said", '<div class="said"></div>', style("badge", "bars"), js)(
        key=f"said_{name}", data=PartData(name=name)
    )


def packed(parts: Mapping[str, object]) -> Answer:
    """What the browser is told of the parts of a page."""
    places: dict[str, int] = {}
    told = {name: _packed(part, places) for name, part in parts.items()}
    return {"arrays": list(places), "parts": told}


def _packed(value: object, places: dict[str, int]) -> object:
    match value:
        case str() if len(value) >= LEAST:
            return {"array": places.setdefault(value, len(places))}
        case Mapping():
            return {name: _packed(one, places) for name, one in value.items()}
        case list() | tuple():
            return [_packed(one, places) for one in value]
        case _:
            return value

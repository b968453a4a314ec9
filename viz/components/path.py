"""Where a person is on a page that is read from beginning to end: its parts in order, the one in view marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from viz.components.sources import component, script, style

HTML = """<nav class="path" aria-label="On this page">
<button type="button" class="back" aria-label="Back">‹</button>
<ol></ol>
<button type="button" class="on" aria-label="On">›</button>
</nav>"""
SCROLLS, STICKS = "[data-testid=stMain]", "[data-testid=stLayoutWrapper]"


class PathData(TypedDict):
    """What ``path.js`` follows: the ``titles`` of the parts; as selectors of the page, what ``scrolls``, the ``parts``
    in it and the ``stops`` in these, which are gone to one after another."""

    titles: list[str]
    scrolls: str
    parts: str
    stops: str


def path(titles: Sequence[str], *, parts: str, stops: str, key: str) -> None:
    """The way through a page; it stays in sight while the page scrolls.

    Args:
        titles: one for each part.
        parts: a selector of all parts, in their order.
        stops: one of what should be seen whole, in the same order.
        key: of the component.
    """
    data: PathData = {"titles": list(titles), "scrolls": SCROLLS, "parts": parts, "stops": stops}
    component("headlight_path", HTML, style("path"), script("path"))(key=key, data=data)

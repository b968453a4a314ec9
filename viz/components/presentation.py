"""The keys that turn a presentation, and the place on the page where another part of it begins."""

from __future__ import annotations

from typing import TypedDict

from viz.components.sources import unseen

KEY = "presentation_keys"
TURNED = "headlight.turned"
"""The event of the document when the page shows another part of itself."""


class PresentationData(TypedDict):
    """What ``presentation.js`` hears for: whether the page is shown on a wall and what ``place`` of the app it shows;
    as selectors of the page, what scrolls (``main``), what is ``open`` over it, and the buttons for ``back`` and ``on``
    and to ``end`` it. ``nearBack`` and ``nearOn`` are buttons of pictures, which come first where they are seen."""

    presenting: bool
    place: str
    main: str
    open: str
    back: str
    on: str
    nearBack: str
    nearOn: str
    end: str
    turned: str


def hear_keys(*, presenting: bool, place: str, back: str, on: str, end: str) -> None:
    """From now on turn by key, if ``presenting``; ``back``, ``on`` and ``end`` are keys of widgets. Where ``place`` is
    another than before, the page goes to its top."""
    data: PresentationData = {
        "presenting": presenting,
        "place": place,
        "main": "[data-testid=stMain]",
        "open": "[role=dialog], [role=listbox], [data-baseweb=popover]",
        "back": f".st-key-{back} button",
        "on": f".st-key-{on} button",
        "nearBack": ".film .back, .path .back",
        "nearOn": ".film .on, .path .on",
        "end": f".st-key-{end} button",
        "turned": TURNED,
    }
    unseen("presentation", KEY)(key=KEY, data=data)

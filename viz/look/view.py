"""A view of a head: a way to draw it, in one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from viz.look.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How it is read, and what draws it. All there are stand in :mod:`viz.components.views`.

    Args:
        name: on its button, and in a link.
        mark: what carries a weight, as a sentence begins: "Each cell".
        strength: by what a mark says that its weight is larger: "the stronger the colour, the higher the weight".
        query, key: where the query and the key of a mark stand, in a word.
        meaning: what is to be seen, in a sentence without a term, of a ``{query}`` ("a French word being written"), of
            the ``{keys}`` it looks at ("the English words"), and of what is ``{strong}``: "dark", or "bright" on black.
        unit: what is clicked to explain it, and adds up to 1.
        script: what draws it, a file of :mod:`viz.components` without its ending, and its function of that name. Views
            may share one; then their ``html`` and ``css`` are the same.
        html: what the script finds in the place that is its own.
        css: how that looks.
        data: what the script takes: a TypedDict.
    """

    name: str
    mark: str
    strength: str
    query: str
    key: str
    meaning: str
    unit: Literal["row", "token"] = "token"
    script: str
    html: str = ""
    css: str = ""
    data: Callable[[Scene], Mapping[str, object]]

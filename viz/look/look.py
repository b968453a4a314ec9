"""What is on screen: everything a picture, a panel or an export needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.trace import AttentionMap, Kind, Trace
from viz.look.choice import option_named, row_asked, row_options
from viz.look.forcing import Forcing
from viz.look.means import Mean
from viz.look.picture import Display, Picture, Zoom
from viz.look.theme import Theme
from viz.look.view import View

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one text: the model, its trace, and the kind, layer, head and row (from 0) that were chosen.

    ``others`` are rows that were chosen besides.
    """

    opened: Checkpoint
    trace: Trace
    kind: Kind
    layer: int
    head: int
    row: int
    others: tuple[int, ...] = ()

    def together(self, shown: Picture) -> tuple[int, ...]:
        """The rows of a picture of the map that are explained together, ascending; none where there is only one."""
        found = {shown.row_of(position) for position in (self.row, *self.others)} - {None}
        return tuple(sorted(row for row in found if row is not None)) if len(found) > 1 else ()

    @property
    def attention_map(self) -> AttentionMap:
        """The map of the chosen kind."""
        return self.trace.map(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """All that a person chose of what is on screen but the text: the same for one keystroke and the next.

    ``row_name`` is of :func:`viz.look.choice.row_options`, or ``AUTO``; ``others`` are rows, from 0, that were added to
    it; ``overlay`` the heads, from 0, whose lines lie over each other; ``mean`` what is on show in
    place of the head; ``zoom`` the part of the heatmap to show, where the text has it (None: all).
    """

    opened: Checkpoint
    forced: Forcing
    kind: Kind
    layer: int
    head: int
    row_name: str
    others: tuple[int, ...] = ()
    view: View
    overlay: tuple[int, ...]
    zoom: Zoom | None
    mean: Mean = ""
    display: Display
    theme: Theme

    def look(self, trace: Trace) -> Look:
        """At a text whose trace this is."""
        shown = trace.map(self.kind)
        row = row_asked(shown, self.row_name, self.layer, self.head)
        # Those that were added to a row go with it, when typing has made another one of it.
        pinned = option_named(row_options(shown), self.row_name) is not None
        return Look(
            opened=self.opened, trace=trace, kind=self.kind, layer=self.layer, head=self.head, row=row,
            others=tuple(other for other in self.others if pinned and other < len(shown.query_tokens)),
        )  # fmt: skip

"""What is on screen: everything a picture, a panel or an export needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.trace import AttentionMap, Kind, Trace
from viz.look.choice import row_asked
from viz.look.forcing import Forcing
from viz.look.means import Mean
from viz.look.picture import Display, Zoom
from viz.look.theme import Theme
from viz.look.view import View

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one text: the model, its trace, and the kind, layer, head and row (from 0) that were chosen."""

    opened: Checkpoint
    trace: Trace
    kind: Kind
    layer: int
    head: int
    row: int

    @property
    def attention_map(self) -> AttentionMap:
        """The map of the chosen kind."""
        return self.trace.map(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """All that a person chose of what is on screen but the text: the same for one keystroke and the next.

    ``row_name`` is of :func:`viz.look.choice.row_options`, or ``AUTO``; ``overlay`` the heads, from 0, whose lines lie
    over each other; ``mean`` what is on show in place of the head; ``zoom`` the part of the heatmap to show, where the
    text has it (None: all).
    """

    opened: Checkpoint
    forced: Forcing
    kind: Kind
    layer: int
    head: int
    row_name: str
    view: View
    overlay: tuple[int, ...]
    zoom: Zoom | None
    mean: Mean = ""
    display: Display
    theme: Theme

    def look(self, trace: Trace) -> Look:
        """At a text whose trace this is."""
        row = row_asked(trace.map(self.kind), self.row_name, self.layer, self.head)
        return Look(opened=self.opened, trace=trace, kind=self.kind, layer=self.layer, head=self.head, row=row)

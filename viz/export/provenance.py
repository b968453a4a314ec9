"""Where a picture or a table of numbers comes from, in words that travel with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.trace import Kind, Trace
from viz.look.geometry import COLUMNS_ARE, ROWS_ARE
from viz.look.picture import Display, Picture, layer_number, rows_shown
from viz.look.words import KIND_NAMES, NAMED_BY, where_cut

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What was read by what, and how it is shown.

    ``layer`` and ``head`` count from 1; None means all of them. ``overlaid`` are the heads of the layer that lie over
    each other, where that is not ``head`` alone.
    """

    checkpoint: str
    digest: str
    source: str
    target: str
    decoding: str
    kind: Kind
    layer: int | None
    head: int | None
    display: str
    notes: tuple[str, ...] = ()
    link: str = ""
    overlaid: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        """Which heads are shown, in words."""
        if self.head is None:
            return "all heads"
        return f"layer {self.layer}, {'heads' if len(self.overlaid) > 1 else 'head'} {self._heads}"

    @property
    def _heads(self) -> str:
        return ", ".join(map(str, self.overlaid or (self.head,)))

    def items(self) -> Mapping[str, str]:
        """Everything as text by name, in an order to read."""
        said = {
            "made with": "Headlight",
            "checkpoint": self.checkpoint,
            "digest": f"SHA-256 {self.digest}",
            "source": self.source,
            "output": self.target,
            "decoding": self.decoding,
            "attention": KIND_NAMES[self.kind],
            "layer": "all" if self.layer is None else str(self.layer),
            "head": "all" if self.head is None else self._heads,
            "rows of a pattern": ROWS_ARE,
            "columns of a pattern": COLUMNS_ARE,
            "display": self.display,
            "note": "; ".join(self.notes),
            "link": self.link,
        }
        return {name: text for name, text in said.items() if text or name in ("source", "output")}


def provenance(
    opened: Checkpoint,
    trace: Trace,
    shown: Picture,
    display: Display,
    head: tuple[int, int] | None,
    *,
    overlaid: Sequence[int] = (),
    link: str = "",
) -> Provenance:
    """Of a picture of one ``head`` (layer, head from 0), of several ``overlaid`` ones of its layer, or of all (None);
    ``link`` is the query that restores it."""
    return Provenance(
        checkpoint=opened.name,
        digest=opened.digest,
        source=trace.source,
        target=trace.target,
        decoding=_decoding(trace),
        kind=shown.kind,
        layer=None if head is None else layer_number(head[0], shown.layer_numbers),
        head=None if head is None else head[1] + 1,
        display=_display(shown, display, trace),
        notes=(*shown.notes, *_left_out(trace)),
        link=link,
        overlaid=tuple(number + 1 for number in overlaid),
    )


def file_name(made: Provenance, what: str, suffix: str) -> str:
    """A name that every file system takes, from what is in the file."""
    where = "" if made.head is None else f"-{made.where.replace(' ', '')}"
    whole = f"{made.checkpoint}-{made.kind}{where}-{what}".lower()
    # Begins with no dot, holds no separator, and no name that Windows keeps for a device is left alone.
    return f"headlight-{re.sub(r'[^a-z0-9]+', '-', whole).strip('-')[:LONGEST_NAME]}.{suffix}"


def _decoding(trace: Trace) -> str:
    if trace.teacher_forced:
        return "the output was given (teacher forcing)"
    if trace.n_forced:
        return f"the first {trace.n_forced} tokens of the output were given, the rest were decoded greedily"
    return "greedy"


def _display(shown: Picture, display: Display, trace: Trace) -> str:
    by = rows_shown(trace.map(shown.kind), display)
    rows = "" if shown.kind == "encoder" else f"; a row is named by {NAMED_BY[by]}"
    return f"colour scale: {display.scale}{rows}"


def _left_out(trace: Trace) -> tuple[str, ...]:
    dropped = {"source": trace.source_dropped, "target": trace.target_dropped}
    notes = [f"the last {n} tokens of the {part} were not read" for part, n in dropped.items() if n]
    return (*notes, *([f"output: {where_cut(trace)}"] if trace.target_cut else []))

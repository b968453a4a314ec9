"""What follows the text on the page Anatomy, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.anatomy.dissect import dissect
from model.anatomy.steps import Anatomy, Step
from model.checkpoint import Checkpoint
from model.trace import Kind, Trace
from viz.components.strips import StripData, strip_data
from viz.figures.strips import strip
from viz.look.anatomy_words import TITLES, introduction, total, verdict
from viz.look.choice import row_asked
from viz.look.look import Look
from viz.look.theme import Theme

INTRODUCTION, TOTAL = "introduction", "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is taken apart of whatever is typed: a row of one head, named as in :func:`viz.look.choice.row_options`, or
    ``AUTO``."""

    opened: Checkpoint
    kind: Kind
    layer: int
    head: int
    row_name: str
    theme: Theme

    def dissected(self, trace: Trace) -> tuple[Look, Anatomy]:
        """It, of a text whose trace this is; errors as of :func:`dissect`."""
        row = row_asked(trace.map(self.kind), self.row_name, self.layer, self.head)
        look = Look(opened=self.opened, trace=trace, kind=self.kind, layer=self.layer, head=self.head, row=row)
        return look, dissect(self.opened, trace, self.kind, self.layer, self.head, row)

    def parts(self, trace: Trace) -> Mapping[str, object]:
        """What follows the text of which this is the trace."""
        return parts(*self.dissected(trace), self.theme)


def parts(look: Look, anatomy: Anatomy, theme: Theme) -> Mapping[str, object]:
    """All parts: what is said of the whole, and the numbers of each step."""
    differences = {step.name: anatomy.difference(step) for step in anatomy.steps}
    said = {INTRODUCTION: introduction(look, anatomy), TOTAL: total(anatomy, differences)}
    return said | {strip_of(step): _strip(anatomy, step, differences[step.name], theme) for step in anatomy.steps}


def strip_of(step: Step) -> str:
    """The name of the part with the numbers of a step."""
    return f"strip_{step.name}"


def _strip(anatomy: Anatomy, step: Step, difference: float | None, theme: Theme) -> StripData:
    shape = " by ".join(map(str, step.shape))
    return strip_data(
        strip(anatomy, step),
        description=f"{TITLES[step.name][0]}: {shape} numbers. Use the arrow keys to choose one.",
        verdict=verdict(anatomy, step, difference),
        theme=theme,
    )

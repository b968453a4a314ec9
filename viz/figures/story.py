"""A training over its steps: pure functions from what was logged and measured to a figure, and to words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from model.heads.measures import NAMED, Measure
from model.training.folder import LogPoint
from viz.figures.plot import LEGEND, Points, axis, colours, curve, figure, note, thinned, upright
from viz.look.geometry import head_name
from viz.look.numbers import fixed
from viz.look.theme import LIGHT, Theme, for_plotly

if TYPE_CHECKING:
    from model.heads.history import Formation

HEIGHT = 560
PANELS = ((0.72, 1.0), (0.41, 0.66), (0.0, 0.33))  # accuracy, loss, measure; from below


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One run in the chart: what was logged, one measure of its heads ``[step, layer, head]`` at ``steps``, the
    head (from 0) and the step on show, and the step where that head forms."""

    name: str
    log: Sequence[LogPoint]
    at: int
    steps: Sequence[int] = ()
    values: np.ndarray | None = None
    head: tuple[int, int] = (0, 0)
    formed: int | None = None


def story_figure(stories: Sequence[Story], measure: Measure | None, *, theme: Theme = LIGHT) -> go.Figure:
    """Accuracy, loss and one measure of every head over the same steps, below each other, so that what happens
    at once stands at one place. A line marks the step on show, a dotted one where the head on show forms."""
    data = [
        trace for place, story in enumerate(stories) for trace in _lines(story, place, len(stories), measure, theme)
    ]
    last = max((step for story in stories for step in (*story.steps, *(p.step for p in story.log[-1:]))), default=1)
    accuracy, loss, measured = PANELS
    bounds = _bounds(measure)
    return figure(
        data,
        theme,
        height=HEIGHT,
        margin={"l": 62, "r": 16, "t": 30, "b": 44},
        xaxis=axis("step", theme, range=[-0.01 * last, 1.01 * last], anchor="y3"),
        yaxis=axis("right tokens", theme, domain=accuracy, range=[0, 1.05], tickformat=".0%"),
        yaxis2=axis("loss (nats)", theme, domain=loss, rangemode="tozero"),
        yaxis3=axis(measure.name if measure else "", theme, domain=measured, **bounds),
        shapes=[mark for place, story in enumerate(stories) for mark in _marks(story, place, theme)],
        annotations=_notes(stories, theme),
        showlegend=True,
        legend={**LEGEND, "y": 1.01},
        uirevision="story",
    )


def _bounds(measure: Measure | None) -> dict[str, Any]:
    if measure is None or measure.high is None:
        return {"rangemode": "tozero"}
    return {"range": [measure.low - 0.03, measure.high + 0.05]}


def _lines(story: Story, place: int, n: int, measure: Measure | None, theme: Theme) -> list[dict[str, Any]]:
    colour = colours(theme)[place]
    name = for_plotly(story.name)
    of = f" · {name}" if n > 1 else ""
    scored = [(p.step, p.valid_accuracy) for p in story.log if p.valid_accuracy is not None]
    lost = thinned([(p.step, p.loss) for p in story.log])
    unseen = [(p.step, p.valid_loss) for p in story.log if p.valid_loss is not None]
    share, said = (f"step %{{x:,}}: <b>%{{y:{form}}}</b><extra>%{{fullData.name}}</extra>" for form in (".1%", ".3f"))
    lines = [
        _line(f"right{of}", scored, share, colour, "y"),
        _line(f"loss on the batch{of}", lost, said, colour, "y2", opacity=0.45),
        _line(f"loss on unseen{of}", unseen, said, colour, "y2", dash="dot"),
    ]
    for line in lines:
        line["showlegend"] = False
    if n > 1:
        lines[0] |= {"showlegend": True, "name": name}
    if story.values is None or measure is None:
        return lines
    heads = sorted(np.ndindex(story.values.shape[1:]), key=lambda head: head == story.head)  # the chosen one on top
    for head in heads if place == 0 else [story.head]:
        points = [
            (step, None if np.isnan(value) else float(value))
            for step, value in zip(story.steps, story.values[:, head[0], head[1]], strict=True)
        ]
        chosen = head == story.head
        lines.append(
            _line(
                f"{head_name(*head)}{of}", points, said, colour if chosen else theme.faint, "y3",
                width=3 if chosen else 1.5, showlegend=chosen and n == 1,
            )
        )  # fmt: skip
    return lines


def _line(
    name: str, points: Points, hover: str, colour: str, panel: str, *, width: float = 2, dash: str = "solid",
    **options: Any,
) -> dict[str, Any]:  # fmt: skip
    line = {"color": colour, "width": width, "dash": dash}
    mode = "lines+markers" if len(points) < 2 else "lines"
    return curve(name, points, hover, mode=mode, yaxis=panel, line=line, **options)


def _marks(story: Story, place: int, theme: Theme) -> list[dict[str, Any]]:
    marks = [upright(story.at, color=theme.accent if place == 0 else colours(theme)[1], width=2)]
    if story.formed is not None:
        marks.append(upright(story.formed, color=colours(theme)[place], width=1.5, dash="dot"))
    return marks


def _notes(stories: Sequence[Story], theme: Theme) -> list[dict[str, Any]]:
    """Beside the dotted line, that the head forms there."""
    return [
        note(
            f"{head_name(*story.head)} forms", x=story.formed, y=PANELS[2][1], yref="paper", yanchor="bottom",
            xanchor="left" if 2 * story.formed < story.steps[-1] else "right", font={"color": colours(theme)[place]},
        )
        for place, story in enumerate(stories)
        if story.formed is not None
    ]  # fmt: skip


def describe_formation(formed: Formation, steps: Sequence[int]) -> str:
    """Such as «Layer 1, head 1 becomes anti-diagonal by step 304: its “anti-diagonal” measure is 0.08 at step 0, 0.54
    at step 304 and 0.97 at the end». The checkpoint before that step is named where there is one."""
    place = list(steps).index(formed.step)
    after = f" (somewhere between the checkpoints at {steps[place - 1]:,} and {formed.step:,})" if place else ""
    start, value, end = (fixed(value, 2) for value in (formed.start, formed.value, formed.end))
    return (
        f"Layer {formed.layer + 1}, head {formed.head + 1} {_happens(formed)} by step {formed.step:,}{after}: its "
        f"“{formed.name}” measure is {start} at step {steps[0]:,}, {value} at step {formed.step:,} and {end} at the end"
    )


def _happens(formed: Formation) -> str:
    measure = NAMED[formed.name]
    if formed.named:
        return measure.becomes
    return measure.rises if formed.end > formed.start else measure.falls


def formation_table(found: Sequence[Formation], steps: Sequence[int]) -> dict[str, list[Any]]:
    """A row for each formation."""
    return {
        "Head": [head_name(one.layer, one.head) for one in found],
        "What happens": [_happens(one) for one in found],
        "Step": [one.step for one in found],
        "Measure": [one.name for one in found],
        "First": [one.start for one in found],
        "Then": [one.value for one in found],
        "Last": [one.end for one in found],
    }

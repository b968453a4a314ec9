"""The curves of a training: pure functions from what was logged to a Plotly figure, and to words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from model.training.folder import LogPoint
from viz.figures.plot import Points, axis, colours, curve, figure, thinned
from viz.look.theme import LIGHT, Theme

HEIGHT = 220
MARGIN = {"l": 56, "r": 12, "t": 26, "b": 40}


def loss_curves(
    points: Sequence[LogPoint], steps: int, *, logarithmic: bool = False, theme: Theme = LIGHT
) -> go.Figure:
    """The loss of the batches, and on unseen examples, over the step; the axis reaches to the last of ``steps``."""
    first, second, *_ = colours(theme)
    hover = "step %{x:,}<br>loss <b>%{y:.4f}</b><extra>%{fullData.name}</extra>"
    lost = thinned([(point.step, point.loss) for point in points])
    unseen = [(point.step, point.valid_loss) for point in points if point.valid_loss is not None]
    lines = [
        _line("on the batch", lost, hover, first, "lines", len(points)),
        _line("on unseen examples", unseen, hover, second, "lines+markers", len(points)),
    ]
    options = {"type": "log", "dtick": "D2"} if logarithmic else {"rangemode": "tozero"}
    return figure(
        lines,
        theme,
        height=HEIGHT,
        margin=MARGIN,
        xaxis=_steps(steps, theme),
        yaxis=axis("loss (nats per token)", theme, **options),
        showlegend=True,
        uirevision="loss",
    )


def accuracy_curve(points: Sequence[LogPoint], steps: int, *, theme: Theme = LIGHT) -> go.Figure:
    """The share of tokens of unseen examples that are predicted right, in percent, over the step."""
    scored = [(point.step, 100 * point.valid_accuracy) for point in points if point.valid_accuracy is not None]
    hover = "step %{x:,}<br><b>%{y:.2f}%</b> right<extra></extra>"
    return figure(
        [_line("on unseen examples", scored, hover, colours(theme)[1], "lines+markers", len(scored))],
        theme,
        height=HEIGHT,
        margin=MARGIN,
        xaxis=_steps(steps, theme),
        yaxis=axis("right tokens (%)", theme, range=[0, 104]),
        showlegend=True,
        uirevision="accuracy",
    )


def describe_loss(points: Sequence[LogPoint], vocab_size: int) -> str:
    """The loss at the last logged step, beside what guessing would cost."""
    if not points:
        return "No step has been taken yet."
    last = points[-1]
    guessing = (
        f"guessing uniformly among the {vocab_size:,} tokens of the vocabulary would give {math.log(vocab_size):.2f}"
    )
    return f"Step {last.step:,}: {last.loss:.3f} nats per token; {guessing}."


def describe_accuracy(points: Sequence[LogPoint], validate_every: int) -> str:
    """The accuracy at the last validation."""
    scored = [point for point in points if point.valid_accuracy is not None]
    if not scored:
        return f"Measured every {validate_every:,} steps, and at the last one."
    last = scored[-1]
    return (
        f"Step {last.step:,}: {100 * (last.valid_accuracy or 0):.1f}% of the tokens in unseen examples are predicted "
        "correctly, given the tokens before them."
    )


def _line(name: str, points: Points, hover: str, colour: str, mode: str, n: int) -> dict[str, Any]:
    mode = "lines+markers" if n == 1 else mode  # a line of one point cannot be seen
    line, marker = {"color": colour, "width": 2}, {"color": colour, "size": 6}
    return curve(name, points, hover, mode=mode, line=line, marker=marker)


def _steps(steps: int, theme: Theme) -> dict[str, Any]:
    return axis("step", theme, range=[0, steps], rangemode="tozero")

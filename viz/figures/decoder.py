"""Pictures of decoding: the likeliest tokens of one step, and a target with the probability of each token."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from model.text.tokenizer import Tokenizer
from viz.figures.plot import across_bars, figure, named_ticks
from viz.look.numbers import number, short_probability
from viz.look.theme import FONT, LIGHT, Theme, for_plotly, show_token

if TYPE_CHECKING:
    from model.decoding.candidates import Candidate, Step

BAR_HEIGHT, MARGIN = 27, {"l": 112, "r": 52, "t": 8, "b": 44}
FONT_SIZE = 13


def candidate_name(label: str) -> str:
    """A token as it is offered: a piece that goes on with the word before it starts with ``…``."""
    text = show_token(label)
    return f"…{text}" if label[:1].isalnum() else text


def names(labels: Sequence[str], *, spaced: bool) -> list[str]:
    """:func:`candidate_name` for a vocabulary where words bring their space (``spaced``), else the tokens alone."""
    return [candidate_name(label) if spaced else show_token(label) for label in labels]


def brings_spaces(tokenizer: Tokenizer) -> bool:
    """Whether the first token of a word brings the space before it; else a space is a token like any other."""
    return tokenizer.labels(tokenizer.encode("a"))[0].startswith(" ")


def candidate_bars(step: Step, n_others: int, *, spaced: bool, theme: Theme = LIGHT) -> go.Figure:
    """The likeliest tokens of a step as bars, the one that was written in the accent colour, and all others as one.

    Args:
        step: with its likeliest tokens, best first.
        n_others: how many tokens there are besides them.
        spaced: as in :func:`names`.
        theme: the colours.
    """
    shown = list(step.best)
    if step.rank > len(shown):
        shown.append(step.written)
        n_others -= 1
    labels = names([candidate.label for candidate in shown], spaced=spaced)
    values = [candidate.probability for candidate in shown]
    colours = [theme.accent if candidate == step.written else theme.scale[5] for candidate in shown]
    hover = [f"“{for_plotly(name)}”: {number(value, 4)}" for name, value in zip(labels, values, strict=True)]
    if n_others > 0:
        rest = max(0.0, 1 - sum(values))
        labels, values, colours = [*labels, f"{n_others:,} others"], [*values, rest], [*colours, theme.faint]
        hover.append(f"all {n_others:,} others together: {number(rest, 4)}")
    bars = across_bars(
        values, "%{hovertext}<extra></extra>", text=[short_probability(value) for value in values],
        marker={"color": colours}, hovertext=hover,
    )  # fmt: skip
    return figure(
        [bars],
        theme,
        height=BAR_HEIGHT * len(values) + MARGIN["t"] + MARGIN["b"],
        margin=MARGIN,
        bargap=0.25,
        font={"family": FONT, "size": FONT_SIZE, "color": theme.text},
        xaxis={
            "range": [0, 1],
            "fixedrange": True,
            "title": {"text": "probability"},
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "gridcolor": theme.faint,
            "zeroline": False,
        },
        yaxis={"autorange": "reversed", "fixedrange": True, "ticks": "", **named_ticks(labels)},
        showlegend=False,
    )


def written_html(steps: Sequence[Step], current: int, n_forced: int, theme: Theme = LIGHT) -> str:
    """A target, each token shaded by its probability and with the number below; ``current``, from 0, is framed.

    Tokens that were given have a dotted line below them.
    """
    tokens = [
        _token_html(step.written, framed=place == current, given=place < n_forced, theme=theme)
        for place, step in enumerate(steps)
    ]
    return (
        "<style>.written { line-height: 1; display: flex; flex-wrap: wrap; row-gap: 0.5rem; }"
        ".written span { display: inline-flex; flex-direction: column; align-items: center; padding: 0 1px; }"
        ".written bdi { padding: 0.3rem 0.35rem; border-radius: 3px; white-space: pre; font-size: 1.05rem; }"
        ".written small { font-size: 0.72rem; padding-top: 0.25rem; }"
        f".written .now bdi {{ outline: 3px solid {theme.accent}; position: relative; z-index: 1; }}"
        f".written .given small {{ border-top: 2px dotted {theme.text}; margin-top: 0.2rem; }}</style>"
        f'<div class="written">{"".join(tokens)}</div>'
    )


def log_probability(steps: Sequence[Step]) -> float:
    """Of the whole target: the sum over its tokens, natural logarithm."""
    return sum(step.written.log_probability for step in steps)


def perplexity(steps: Sequence[Step]) -> float:
    """The exponential of the mean negative log-probability of a token: among how many it was as if to guess."""
    mean = -log_probability(steps) / len(steps)
    return math.exp(mean) if mean < 700 else math.inf


def _token_html(written: Candidate, *, framed: bool, given: bool, theme: Theme) -> str:
    colour, ink = _shade(written.probability, theme)
    classes = " ".join(["now"] * framed + ["given"] * given)
    return (
        f'<span class="{classes}" title="probability {number(written.probability, 4)}">'
        f'<bdi style="background:{colour};color:{ink}">{html.escape(show_token(written.label))}</bdi>'
        f"<small>{short_probability(written.probability)}</small></span>"
    )


def _shade(probability: float, theme: Theme) -> tuple[str, str]:
    """The colour of the scale for a probability, and that of text which can be read on it."""
    place = min(int(probability * len(theme.scale)), len(theme.scale) - 1)
    return theme.scale[place], theme.scale[-1 if place < len(theme.scale) // 2 else 0]

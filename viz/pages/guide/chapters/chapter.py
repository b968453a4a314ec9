"""What a chapter of the Guide is, and what the chapters share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model.capture import reading_ids
from model.trace import AttentionMap, Kind
from viz.look.choice import Telling, telling_head, telling_row
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.look.theme import for_markdown, show_token
from viz.look.words import SHORT_KIND_NAMES
from viz.pages.guide.listing import Source
from viz.pages.shared import frame
from viz.state.presentation import presenting

Parts = Callable[[Look], Mapping[str, object]]
"""What follows the text in a chapter, by the names that its places have."""
SLIDE = (1150, 920)
"""Pixels for the figures of a chapter beside its text, at 1920 × 1080."""
SMALL = 0.001
"""A probability below which it is written with a power of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with its answers, both Markdown; ``answer`` is the place of the right one, from 0.

    ``why`` is what the model says to it, ``hint`` where a reader who missed it should look. All of it is computed from
    the look at the reader's own sentence.
    """

    text: str
    options: tuple[str, ...]
    answer: int
    why: str
    hint: str

    def __post_init__(self) -> None:
        if len(set(self.options)) < len(self.options) or not 0 <= self.answer < len(self.options):
            raise ValueError(f"the options must differ and one of them be right: {self.options}, {self.answer}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """Where to go on: a page of the app and what its address asks for besides checkpoint and sentence."""

    label: str
    page: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One chapter. ``idea`` is Markdown, ``equation`` LaTeX; ``sources`` is the code that computes the figure.

    ``show`` draws the live figure and what is named a mistake. ``kinds`` are those of attention that it can look at:
    the first that the model has, unless the reader ``chooses_kind``; the reader also ``chooses_head`` (layer, head and
    row) where it says so, and finds the ones that show the chapter's point: ``opens_on`` is the layer and head of the
    model's example, ``opens_row`` the row of the text on show, all from 0. ``ask`` gives None
    where the sentence is too short for the question.

    A chapter that ``follows`` is drawn ahead of the page while someone types (:mod:`viz.pages.shared.live`): its
    ``show`` lays out the places of parts, and returns what makes the parts of a look.
    """

    title: str
    idea: str
    equation: str
    show: Callable[[Look], Parts | None]
    sources: tuple[Source, ...]
    ask: Callable[[Look], Question | None]
    further: Callable[[Look], Further]
    kinds: tuple[Kind, ...] = ("encoder", "decoder")
    chooses_head: bool = False
    chooses_kind: bool = False
    opens_on: Callable[[AttentionMap], tuple[int, int]] = telling_head
    opens_row: Telling = telling_row
    follows: bool = False


def chart(figure: go.Figure, key: str, *, share: float = 0.9, wide: bool = False) -> None:
    """A figure. In a presentation it takes at most a ``share`` of the slide's height, and half of its width unless it
    is ``wide``."""
    width, height = SLIDE
    with st.container(key=f"{'wide' if wide else 'half'}_{key}"):
        frame.chart(figure, key, room=(width if wide else width / 2, share * height))


def beside(n: int) -> Sequence[DeltaGenerator]:
    """Places beside each other; in a presentation they flow with the other parts of the slide."""
    return [st.container() for _ in range(n)] if presenting() else st.columns(n)


def quoted(token: str) -> str:
    """A token in Markdown."""
    return f"“{for_markdown(show_token(token))}”"


def signed(number: float) -> str:
    """With two decimals, a plus or a true minus."""
    return f"{number:+z.2f}".replace("-", "−")


def probability(p: float) -> str:
    """With two digits that count."""
    return power_of_ten(p) if p < SMALL else f"{p:.2g}"


def numbered(tokens: Sequence[str]) -> list[str]:
    """Tokens in Markdown, by number, since they repeat."""
    return [f"{place} {quoted(token)}" for place, token in enumerate(tokens, start=1)]


def choice(right: int, n: int, most: int = 4) -> list[int]:
    """The right one of ``n`` places and at most ``most - 1`` others, in their order; the same ones each time."""
    others = [place for place in range(n) if place != right]
    return sorted([right, *random.Random(n).sample(others, min(most - 1, len(others)))])


def among(text: str, names: Sequence[str], right: int, why: str, hint: str) -> Question:
    """A question whose answer is one of ``names``."""
    places = choice(right, len(names))
    options = tuple(names[i] for i in places)
    return Question(text=text, options=options, answer=places.index(right), why=why, hint=hint)


def amount(text: str, right: int, others: Iterable[int], why: str, hint: str) -> Question:
    """A question whose answer is a number; ``others`` are what a mistake would give."""
    numbers = sorted({right, *others})
    options = tuple(f"{number:,}" for number in numbers)
    return Question(text=text, options=options, answer=numbers.index(right), why=why, hint=hint)


def row_name(look: Look, row: int | None = None) -> str:
    """What the row on show, or another one, is called in the pictures and in the list of rows; Markdown."""
    return quoted(look.attention_map.row_names()[look.row if row is None else row])


def head_query(look: Look) -> dict[str, str]:
    """What a link says of the head on show."""
    return {
        "kind": SHORT_KIND_NAMES[look.kind],
        "layer_number": str(look.layer + 1),
        "head_number": str(look.head + 1),
    }


def ids(look: Look) -> tuple[int, ...]:
    """The ids that the encoder reads, or a model without one, source and target in one."""
    return reading_ids(look.opened, look.trace)


def reader(look: Look) -> AttentionMap:
    """The attention of what reads these ids."""
    return look.trace.maps[0]

"""What the model made of a text, and how sure it was of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from viz.components.sources import style
from viz.look.doubt import Mark, Word
from viz.look.scene import Output
from viz.look.theme import show_token
from viz.look.words import share

HTML = (
    '<div class="output"><p class="name"><label></label> <span class="sure"></span></p>'
    '<p class="target"></p><p class="note"></p></div>'
)
"""Where on the page the component writes it."""
CSS = style("output")


class WordData(TypedDict):
    """A part of the text, how it is to be marked, and what a mark means."""

    text: str
    mark: Mark
    says: str


class OutputData(TypedDict):
    """What ``output.js`` writes: the text, its ``label``, how ``sure`` the model was and ``how`` that was computed, and
    a ``note`` where it was unsure of much."""

    label: str
    sure: str
    how: str
    note: str
    target: Sequence[WordData]


def output_data(output: Output) -> OutputData:
    """What ``output.js`` writes of an output."""
    return {
        "label": output.label,
        "sure": output.sure,
        "how": output.how,
        "note": output.note,
        "target": [WordData(text=word.text, mark=word.mark, says=_says(word)) for word in output.certainty.words],
    }


def _says(word: Word) -> str:
    if not word.mark or word.probability is None:
        return ""
    return f"“{show_token(word.text)}”: the model gave it a probability of {share(word.probability)}"

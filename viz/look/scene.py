"""What follows the text on the page Explore, as values and words, made once for whatever draws it."""

from __future__ import annotations

import html
from dataclasses import dataclass

from model.heads.habits import describe
from model.text.tasks import TRANSLATION
from model.trace import RowNames
from viz.look.doubt import Certainty, Word, certainty
from viz.look.elsewhere_words import in_place, why_no_output
from viz.look.examples import what_was_read
from viz.look.look import Chosen, Look
from viz.look.picture import Picture, displayed, rows_named
from viz.look.words import (
    KIND_NAMES,
    clearest,
    describe_row,
    has_read,
    how_sure,
    reading,
    sureness,
    unit_of,
    where_cut,
)

HIDDEN = "the row to explain is hidden with the special tokens; click another one."
TOKENS = (
    "A token is a word, a piece of one, or a character; <b>&lt;s&gt;</b> marks the beginning of a text, "
    "<b>&lt;/s&gt;</b> its end."
)
OWN_MARKS = (
    "A token is a word, a piece of one, or a character; a tokenizer may add marks of its own, such as "
    "<b>[CLS]</b> or <b>&lt;s&gt;</b>."
)
MEANS = "<b>mean</b>, <b>all</b>: over the heads of a layer, and over every head."


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the model wrote, under a ``label``, and how sure it was: of each word, in a few words, and ``how`` they were
    computed; a ``note`` where it was unsure of much."""

    label: str
    certainty: Certainty
    sure: str
    how: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A look at a text, with what was chosen, as it is drawn.

    Args:
        chosen, look: what to look at, and how.
        shown: the map as it is drawn.
        row: the row of ``shown`` that is explained, from 0; None where it is hidden.
        output: what the model wrote.
        description: the head and its row in words, for who does not see the picture.
        words: the same and more as HTML, in which whatever a person typed is escaped.
        reading: how to read the picture, and what was done to it, as HTML.
    """

    chosen: Chosen
    look: Look
    shown: Picture
    row: int | None
    output: Output
    description: str
    words: str
    reading: str


def scene(chosen: Chosen, look: Look) -> Scene:
    """The scene of a look."""
    shown = displayed(look.attention_map, chosen.display)
    row = shown.row_of(look.row)
    where = f"{KIND_NAMES[look.kind]}, layer {look.layer + 1}, head {look.head + 1}."
    selected = HIDDEN if row is None else describe_row(shown, look.layer, look.head, row)
    return Scene(
        chosen=chosen,
        look=look,
        shown=shown,
        row=row,
        output=_output(look),
        description=f"{where} {selected}",
        words=_paragraphs(
            {
                where: f"On this text it {describe(look.attention_map, look.layer, look.head, chosen.display.rows)}.",
                "Strongest links:": clearest(shown, look.layer, look.head),
                "Selected:": selected,
            }
        ),
        reading=_reading(chosen, shown, rows_named(look.attention_map, chosen.display.rows)),
    )


def _output(look: Look) -> Output:
    """The model's output, and where it was cut; of a model that wrote nothing, what it gives instead."""
    task = look.opened.task
    if look.opened.elsewhere is not None and not look.trace.predicted_ids:
        return _instead(look)
    label = "Translation" if task == TRANSLATION else f"Output of the task {task}" if task else "Output"
    cut = where_cut(look.trace)
    sure = certainty(look.trace, by_word=task == TRANSLATION)
    return Output(
        label=f"{label}. {cut}" if cut else label,
        certainty=sure,
        sure=sureness(sure, unit_of(task)),
        how=how_sure(sure),
        note=has_read(sure, what_was_read(look.opened)),
    )


def _instead(look: Look) -> Output:
    """What stands in the place of an output where there is none: the likeliest tokens at one place, or why none."""
    guesses = look.trace.guesses
    if not guesses:
        text = Word(text=why_no_output(look.opened))
        return Output(label="No output", certainty=Certainty(words=(text,)), sure="", how="", note="")
    label = "Likely next" if look.kind == "decoder" else "Likely in place of the mask"
    words = [Word(text=" · ".join(map(in_place, guesses)))]
    return Output(label=label, certainty=Certainty(words=tuple(words)), sure="", how="", note="")


def _paragraphs(said: dict[str, str]) -> str:
    return "".join(f"<p><strong>{name}</strong> {html.escape(text)}</p>" for name, text in said.items())


def _reading(chosen: Chosen, shown: Picture, rows: RowNames) -> str:
    how = reading(shown.kind, chosen.view, rows)
    notes = "".join(f"<p><strong>Note:</strong> {note}.</p>" for note in shown.notes)
    tokens = TOKENS if chosen.opened.elsewhere is None else OWN_MARKS
    return f"{notes}<p>{how}</p><p>{tokens} {MEANS if chosen.display.means else ''}</p>"

"""What follows the text on the page Explore, as values and words, made once for whatever draws it."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace

from model.heads.habits import describe
from model.network.capabilities import Capability
from model.text.tasks import TRANSLATION
from model.trace import RowNames
from viz.look.doubt import Certainty, Word, certainty
from viz.look.elsewhere_words import in_place, what_it_writes, why_no_output
from viz.look.examples import what_was_read
from viz.look.look import Chosen, Look
from viz.look.means import alone, on_show
from viz.look.picture import Picture, displayed, rows_shown
from viz.look.words import (
    KIND_NAMES,
    clearest,
    describe_row,
    describe_rows,
    has_read,
    how_sure,
    reading,
    sureness,
    unit_of,
    where_cut,
)

HIDDEN = "this row is hidden along with the special tokens; click another one."
TOKENS = (
    "A token is a word, a piece of one, or a character. <b>&lt;s&gt;</b> marks the beginning of a text, "
    "<b>&lt;/s&gt;</b> its end."
)
OWN_MARKS = (
    "A token is a word, a piece of one, or a character. A tokenizer may add marks of its own, such as "
    "<b>[CLS]</b> or <b>&lt;s&gt;</b>."
)
SHARING = "Heads that stand together share their keys and values."
MEANS = "<b>mean</b>: the average of a layer’s heads. <b>all</b>: the average of all heads."


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
        large: of it the one head, or the mean, that is drawn large: it has one layer and one head.
        row: the row of ``shown`` that is explained, from 0; None where it is hidden.
        together: the rows that are explained together, where there is more than one.
        output: what the model wrote.
        description: the head and its row in words, for who does not see the picture.
        words: the same and more as HTML, in which whatever a person typed is escaped.
        reading: how to read the picture, and what was done to it, as HTML.
    """

    chosen: Chosen
    look: Look
    shown: Picture
    large: Picture
    row: int | None
    together: tuple[int, ...]
    output: Output
    description: str
    words: str
    reading: str


def scene(chosen: Chosen, look: Look) -> Scene:
    """The scene of a look."""
    shown = displayed(look.attention_map, chosen.display)
    large = replace(shown, pattern=alone(shown.pattern, look.layer, look.head, chosen.mean))
    alone_on_show = alone(look.attention_map.pattern, look.layer, look.head, chosen.mean)
    measured = replace(look.attention_map, pattern=alone_on_show, n_key_heads=0, layer_numbers=())
    row = shown.row_of(look.row)
    where = f"{KIND_NAMES[look.kind]}, {on_show(look.layer, look.head, chosen.mean, shown.layer_numbers)}."
    together = look.together(shown)
    if together:
        selected = describe_rows(large, 0, 0, together)
    else:
        selected = HIDDEN if row is None else describe_row(large, 0, 0, row)
    return Scene(
        chosen=chosen,
        look=look,
        shown=shown,
        large=large,
        row=row,
        together=together,
        output=_output(look),
        description=f"{where} {selected}",
        words=_paragraphs(
            {
                where: f"On this text it {describe(measured, 0, 0, rows_shown(look.attention_map, chosen.display))}.",
                "Selected:": selected,
            }
        ),
        reading=_paragraphs({"Strongest links in the text:": clearest(large, 0, 0)})
        + _reading(chosen, shown, rows_shown(look.attention_map, chosen.display)),
    )


def _output(look: Look) -> Output:
    """The model's output, and where it was cut; of a model that wrote nothing, what it gives instead."""
    task = look.opened.task
    if look.opened.elsewhere is not None and not look.trace.predicted_ids:
        return _instead(look)
    label = what_it_writes(look.opened).capitalize()
    if task and task != TRANSLATION:
        label = f"{label} of the task {task}"
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
    label = "Likely next" if look.kind == "decoder" else "Likely words for the mask"
    words = [Word(text=" · ".join(map(in_place, guesses)))]
    return Output(label=label, certainty=Certainty(words=tuple(words)), sure="", how="", note="")


def _paragraphs(said: dict[str, str]) -> str:
    return "".join(f"<p><strong>{name}</strong> <span>{html.escape(text)}</span></p>" for name, text in said.items())


def _reading(chosen: Chosen, shown: Picture, rows: RowNames) -> str:
    alone = chosen.opened.elsewhere is not None and Capability.CROSS_ATTENTION not in chosen.opened.model.can
    how = reading(shown.kind, chosen.view, rows, text="text" if alone else "source")
    notes = "".join(f"<p><strong>Note:</strong> {note}.</p>" for note in shown.notes)
    tokens = TOKENS if chosen.opened.elsewhere is None else OWN_MARKS
    said = (tokens, SHARING if shown.n_sharing > 1 else "", MEANS if chosen.display.means else "")
    return f"{notes}<p>{how}</p><p>{' '.join(filter(None, said))}</p>"

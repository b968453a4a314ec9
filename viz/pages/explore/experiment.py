"""Beside the picture, the experiment: take something from the model and see what it writes then."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from model.checkpoint import Checkpoint
from model.interventions.experiment import WHAT, Experiment, What
from model.network.capabilities import Capability
from model.text.tasks import TRANSLATION
from viz.figures.small_map import small_map
from viz.look.changes import TAKEN, Part, compared, how_likely, less_likely, verdict, words_of
from viz.look.doubt import certainty
from viz.look.geometry import head_name
from viz.look.look import Chosen, Look
from viz.look.picture import displayed, scaled
from viz.look.thumbnails import thinned
from viz.look.words import cut_mark, unit_of
from viz.state import choosing, opening

AS_TRAINED = "As trained"
NEEDED = {Capability.HEADS, Capability.TYPING, Capability.WRITING}
CSS = """
.st-key-what_if { gap: 0.75rem; }
.st-key-what_if [data-testid="stRadio"] > div { gap: 0.25rem; }
.st-key-what_if .result { font-size: var(--type-body); line-height: 1.35; }
.st-key-what_if .result p { margin: 0 0 0.35rem; }
.st-key-what_if .result dl {
  display: grid; grid-template-columns: 3.25rem minmax(0, 1fr); gap: 0.15rem 0.5rem; margin: 0.2rem 0; padding: 0;
}
.st-key-what_if .result dt, .st-key-what_if .aside, .st-key-what_if figcaption {
  font-size: var(--type-small); opacity: 0.8;
}
.st-key-what_if .result dt { padding: 0; line-height: 1.55; }
.st-key-what_if .result dd { max-height: 5.4em; margin: 0; padding: 0; overflow: hidden auto; overflow-wrap: anywhere; }
.st-key-what_if .result del, .st-key-what_if .result ins {
  padding: 0 0.2em; border-radius: 0.2rem; text-decoration: none;
}
.st-key-what_if .result del { text-decoration: line-through; }
.st-key-what_if .result ins { font-weight: 600; }
.st-key-what_if .maps { display: flex; gap: 1rem; margin-top: 0.5rem; }
.st-key-what_if figure { flex: 1; min-width: 0; max-width: 9rem; margin: 0; }
.st-key-what_if img { display: block; width: 100%; image-rendering: pixelated; border-radius: 0.125rem; }
[data-behind] .st-key-what_if .result { opacity: 0.4; }
"""


def can_experiment(opened: Checkpoint) -> bool:
    """Whether there are experiments with this model."""
    return opened.elsewhere is None and opened.model.can >= NEEDED


def choose_experiment(opened: Checkpoint, layer: int, head: int) -> What | None:
    """What is taken from the model; None for nothing."""
    said: dict[What, str] = {
        "head": f"the output of {head_name(layer, head)} is set to 0",
        "scale": "scores are not divided by √d, so attention is sharper",
        "positions": "the model cannot tell the order of the words",
    }
    offered: list[What] = [what for what in WHAT if what != "positions" or opened.config.positional != "none"]
    names: dict[str, What] = {TAKEN[what]: what for what in offered}
    options = [AS_TRAINED, *names]
    choosing.keep_choice("experiment", options, AS_TRAINED)
    captions = ["nothing changed", *(said[what] for what in offered)]
    asked = st.radio("What if …", options, captions=captions, key="experiment", bind="query-params")
    return names.get(asked or AS_TRAINED)


def show_experiment(look: Look, chosen: Chosen, what: What | None) -> None:
    """The output before and after, and the head on show before and after."""
    if what is None:
        said = "Choose one, and the model writes its output again without it."
        st.html(f'<div class="result"><p class="aside">{said}</p></div>')
        return
    found = opening.experiment(look.opened, look.trace.source, what, look.kind, look.layer, look.head)
    said = _outputs(look, found, what)
    if what != "head":  # which has the same pattern as before, and nobody reads it
        said += _maps(look, chosen, found)
    st.html(f'<div class="result" role="status">{said}</div>{_colours(chosen)}')


def _outputs(look: Look, found: Experiment, what: What) -> str:
    by_word = look.opened.task == TRANSLATION
    texts = (words_of(certainty(trace, by_word=by_word)) for trace in (found.before, found.own))
    before, after = compared(*texts)
    told = [how_likely(found), less_likely(found, by_word=by_word)]
    return (
        f"<p><strong>{verdict(before, after, found, what, unit_of(look.opened.task))}</strong></p>"
        f"<dl><dt>before</dt><dd>{_marked(before, 'del')}{cut_mark(found.before.target_cut)}</dd>"
        f"<dt>after</dt><dd>{_marked(after, 'ins')}{cut_mark(found.own.target_cut)}</dd></dl>"
        + "".join(f'<p class="aside">{html.escape(said)}</p>' for said in told if said)
    )


def _marked(parts: Sequence[Part], tag: str) -> str:
    """The text as HTML; what the other one does not have is marked, but not the space before it."""
    said = []
    for changed, run in groupby(parts, key=lambda part: part.changed):
        text = "".join(part.text for part in run)
        words = text.lstrip()
        space, shown = text[: len(text) - len(words)], html.escape(words)
        said.append(f"{space}<{tag}>{shown}</{tag}>" if changed and words else f"{space}{shown}")
    return "".join(said) or "(nothing)"


def _maps(look: Look, chosen: Chosen, found: Experiment) -> str:
    """The head on show, small, in both models; both were fed the output of the first, so their rows are the same."""
    figures = []
    for name, trace in (("before", found.before), ("after", found.forced)):
        shown = displayed(trace.map(look.kind), chosen.display)
        levels = scaled(thinned(shown.pattern)[look.layer, look.head], chosen.display.scale)
        picture = small_map(levels, chosen.theme) if levels.size else ""
        caption = f"{head_name(look.layer, look.head)} {name}"
        figures.append(f'<figure><img alt="{caption}" src="{picture}"><figcaption>{caption}</figcaption></figure>')
    return f'<div class="maps">{"".join(figures)}</div>'


def _colours(chosen: Chosen) -> str:
    """Gone and new words take the two ends of the scale from less to more."""
    gone, new = chosen.theme.diverging[0], chosen.theme.diverging[-1]
    return f"""<style>
.st-key-what_if del {{ color: {gone}; background: color-mix(in srgb, {gone} 14%, transparent); }}
.st-key-what_if ins {{ color: {new}; background: color-mix(in srgb, {new} 14%, transparent); }}
</style>"""

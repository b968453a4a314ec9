"""Atlas, over many sentences: to read them, and what a head does in all of them."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from model.heads.links import Links
from model.heads.survey import MOST_SENTENCES, Survey
from model.network.capabilities import Capability
from viz.export.provenance import Provenance
from viz.look.geometry import head_name
from viz.look.look import Look
from viz.look.theme import for_markdown, shortened, show_token
from viz.look.words import share
from viz.state import atlas as surveys
from viz.state import choosing

PAUSE = 0.1  # seconds between two portions of a survey, when other visitors have their turn
LONGEST_SHOWN = 60  # characters of a sentence on a button


def choose_measured_on(look: Look) -> Survey | None:
    """What the measures are of: None for the sentence on screen; else, where the visitor has had many read and wants
    it, the survey of those."""
    survey = surveys.finished(look.opened)
    if survey is None:
        return None
    names = {"sentence": "this sentence", "survey": _sentences(len(survey.sentences))}
    asked = st.segmented_control(
        "Measured on", list(names), format_func=names.__getitem__, default="survey", required=True, key="atlas_on"
    )
    return survey if asked == "survey" else None


def survey_panel(look: Look) -> None:
    """Sentences typed or in a file, and how far they have been read."""
    if Capability.TYPING not in look.opened.model.can:
        st.info("This is a recording: it has read one text and cannot read any other.")
        return
    st.markdown(
        "What a head does on one sentence may be chance. Give more sentences, one per line, and each measure is the "
        f"mean over all their rows. At most {MOST_SENTENCES} are read."
    )
    typed, dropped = st.columns(2, gap="medium")
    typed.text_area("Sentences, one per line", key=surveys.TEXT, height=140)
    dropped.file_uploader("Or a text file in UTF-8, one sentence per line", key=surveys.FILE)
    if surveys.running(look.opened) is not None:
        _progress(look)
        return
    st.button("Measure", key="atlas_measure_all", on_click=surveys.start, args=(look.opened,), type="primary")
    if message := surveys.error():
        st.error(message)
    if (survey := surveys.finished(look.opened)) is not None:
        st.success(_outcome(survey))


@st.fragment(run_every=PAUSE)
def _progress(look: Look) -> None:
    """Read on a little; again and again until all is read or the visitor cancels."""
    survey = surveys.advance(look.opened)
    if survey is None:
        st.rerun()
    of_all = f"{survey.n_read} of {_sentences(len(survey.sentences))}"
    st.progress(survey.n_read / len(survey.sentences), text=f"Read {of_all}")
    st.button("Cancel", key="atlas_cancel", on_click=surveys.cancel)


def _outcome(survey: Survey) -> str:
    """What was measured, and what was not."""
    said = [f"Measured over {_sentences(len(survey.sentences))}."]
    if survey.n_left_out:
        said.append(f"{_sentences(survey.n_left_out)} more were left out.")
    if survey.n_cut:
        said.append(f"{_sentences(survey.n_cut)} had more tokens than the model reads; the rest of each was not read.")
    return " ".join(said)


def measured_over(made: Provenance, survey: Survey) -> Provenance:
    """Where the numbers of a survey come from: not from the text on screen."""
    n = len(survey.sentences)
    source = f"{_sentences(n)}; SHA-256 of them all, each followed by a line feed: {survey.digest}"
    return replace(made, source=source, target="", notes=(*made.notes, _outcome(survey)))


def in_all(look: Look, survey: Survey) -> None:
    """Where the head on show looks in the sentences of a survey: most sharply, and most of all."""
    found = survey.links[look.kind]
    name = head_name(look.layer, look.head, numbers=look.attention_map.layer_numbers)
    head = look.layer * look.attention_map.n_heads + look.head
    left, right = st.columns(2, gap="large")
    with left:
        _sharpest(found, head, survey, name)
    with right:
        _pairs(found, head, name)


def _sharpest(found: Links, head: int, survey: Survey, name: str) -> None:
    st.markdown(
        f"**Sentences in which {name} focuses most sharply**",
        help="For each sentence, the largest weight between two tokens of text, in rows that can see three tokens or "
        "more.",
    )
    once = {survey.sentences[one.text]: one for one in reversed(found.sharpest[head])}  # a file may repeat itself
    for place, (sentence, one) in enumerate(reversed(once.items())):
        st.button(
            f"{_arrow(one.query, one.key)} {share(one.weight)} · {for_markdown(shortened(sentence, LONGEST_SHOWN))}",
            key=f"atlas_sharpest_{place}",
            on_click=choosing.type_source,
            args=(sentence,),
            help="See this sentence above",
        )
    if not once:
        st.caption("None: none of their rows can choose between tokens of text.")


def _pairs(found: Links, head: int, name: str) -> None:
    st.markdown(
        f"**Token pairs to which {name} gives the most attention**",
        help="Each row is paired with the token of text that gets most of its attention, if that is a quarter or more. "
        "Pairs are sorted by the sum of their weights; their mean is shown.",
    )
    pairs = found.pairs(head)
    st.markdown("\n".join(f"1. {_arrow(one.query, one.key)} {share(one.weight)}, {_times(one.times)}" for one in pairs))
    if not pairs:
        st.caption("None: no row gives a quarter of its attention to a token of text.")


def _arrow(query: str, key: str) -> str:
    return " → ".join(f"“{for_markdown(show_token(token))}”" for token in (query, key))


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def _sentences(n: int) -> str:
    return f"{n:,} sentence{'' if n == 1 else 's'}"

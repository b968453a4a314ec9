"""Atlas: what each head does, in numbers and in words, on this sentence or over many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from model.heads.habits import describe_heads
from model.heads.measures import Tally, measures_of, similar, tally
from model.heads.survey import MOST_SENTENCES, Survey
from model.trace import Kind
from viz.figures.atlas import HEAD, WORDS, head_table, measure_heatmap
from viz.look.geometry import head_name
from viz.look.look import Look
from viz.look.picture import Display, rows_shown
from viz.look.words import KIND_NAMES
from viz.pages.shared.frame import chart
from viz.state import atlas as surveys
from viz.state import link, session

MOST_ALIKE = 5
ROWS_SHOWN = 16
PAUSE = 0.1  # seconds between two portions of a survey, when other visitors have their turn


def atlas_panel(look: Look, display: Display) -> None:
    """The table of all heads of one kind, one measure of it as a picture, and the heads like the chosen one."""
    with st.container():  # always there: what comes below keeps its place, so an open expander stays open
        found = _tally(look)
    values = found.values()
    _table(look, values, describe_heads(found.observed, rows_shown(look.attention_map, display)))
    left, right = st.columns(2, gap="medium")
    with left:
        _picture(look, values)
    with right:
        _alike(look)
    with st.expander("How each is defined"):
        _definitions(look.kind)
    with st.expander("Over many sentences"):
        _survey(look)


def _tally(look: Look) -> Tally:
    """The measures on the sentence, or, where there is a survey and the visitor wants it, over its sentences."""
    survey = surveys.finished(look.opened)
    if survey is not None:
        names = {"sentence": "this sentence", "survey": _sentences(len(survey.sentences))}
        asked = st.segmented_control(
            "Measured on", list(names), format_func=names.__getitem__, default="survey", required=True, key="atlas_on"
        )
        if asked == "survey":
            return survey.tallies[look.kind]
    return tally(look.attention_map)


def _table(look: Look, values: Mapping[str, np.ndarray], words: Sequence[str]) -> None:
    n_heads = look.attention_map.n_heads
    surveys.select_row(look.layer * n_heads + look.head)
    columns = {
        one.name: st.column_config.NumberColumn(
            one.name.capitalize(), format="%.2f", help=one.definition, width=max(56, 22 + 7 * len(one.name))
        )
        for one in measures_of(look.kind)
    }
    st.dataframe(
        head_table(values, words),
        hide_index=True,
        height=38 + 35 * min(ROWS_SHOWN, look.attention_map.n_layers * n_heads),
        placeholder="–",
        column_config={
            HEAD: st.column_config.TextColumn(pinned=True, width=64),
            WORDS: st.column_config.TextColumn(
                width=320, help="What it gives a quarter or more of its attention to, and clearly more than chance."
            ),
            **columns,
        },
        key=surveys.TABLE,
        on_select=partial(surveys.row_chosen, n_heads),
        selection_mode="single-row-required",
    )
    st.caption(f"{KIND_NAMES[look.kind]}. Click a column's name to sort; tick a row to see that head above.")


def _picture(look: Look, values: Mapping[str, np.ndarray]) -> None:
    by_name = {one.name: one for one in measures_of(look.kind)}
    name = st.selectbox(
        "Measure of all heads", list(by_name), format_func=str.capitalize, key="atlas_measure", bind="query-params"
    )
    figure = measure_heatmap(by_name[name], values[name], (look.layer, look.head), theme=session.theme())
    chart(figure, "atlas_picture")
    st.caption(by_name[name].definition)


def _alike(look: Look) -> None:
    found = similar(look.attention_map, look.layer, look.head, MOST_ALIKE)
    st.markdown(
        f"**Heads like {head_name(look.layer, look.head)}** on this sentence",
        help="Two heads are alike if their rows are. Similarity is 1 minus the mean, over the rows, of the "
        "Jensen-Shannon distance between them (1: the same rows, 0: no key in common).",
    )
    if not found:
        st.caption("None: there is no row with a choice of keys, or no other head.")
    with st.container(horizontal=True, gap="small"):
        for place, (layer, head, similarity) in enumerate(found):
            st.button(
                f"{head_name(layer, head)} · similarity {similarity:.2f}",
                key=f"atlas_alike_{place}",
                on_click=link.show_head,
                args=(layer, head),
            )


def _definitions(kind: Kind) -> None:
    st.markdown(
        "$A_{ij}$ is the attention weight of row $i$ (the query) on column $j$ (the key), in a pattern of $n$ rows and "
        "$m$ columns. Angle brackets are the mean over the rows. A row that may see a single key, such as a decoder's "
        "first, has no choice and is left out. A decoder's row $i$ is the token fed in there, so “itself” is that "
        "token. A dash means that the measure is undefined for this text."
    )
    for one in measures_of(kind):
        unit = f" ({one.unit})" if one.unit else ""
        source = f" *Source:* {one.source}." if one.source else ""
        st.markdown(f"**{one.name.capitalize()}**{unit}. {one.definition}{source}")
        st.latex(one.formula)


def _survey(look: Look) -> None:
    """Sentences typed or in a file, and how far they have been read."""
    st.markdown(
        "What a head does on one sentence may be chance. Give more, one per line, and each measure is the mean over "
        "the "
        f"rows of all of them. At most {MOST_SENTENCES} are read."
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
    said = [f"Measured over {_sentences(len(survey.sentences))}."]
    if survey.n_left_out:
        said.append(f"{_sentences(survey.n_left_out)} more were left out.")
    if survey.n_cut:
        said.append(f"{_sentences(survey.n_cut)} had more tokens than the model reads; the rest of each was not read.")
    return " ".join(said)


def _sentences(n: int) -> str:
    return f"{n:,} sentence{'' if n == 1 else 's'}"

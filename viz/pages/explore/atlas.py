"""Atlas: what each head does, in numbers and in words, on this sentence or over many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from model.heads.habits import describe_heads
from model.heads.measures import Measure, measures_of, similar, tally
from model.heads.survey import Survey
from model.trace import Kind
from viz.export.numbers import links_csv, measure_numbers, to_csv
from viz.export.provenance import Provenance, file_name, provenance
from viz.figures.atlas import HEAD, WORDS, head_table, measure_heatmap, measure_scatter
from viz.look.geometry import head_name
from viz.look.look import Look
from viz.look.picture import Display, displayed, rows_shown
from viz.look.words import KIND_NAMES
from viz.pages.explore.corpus import choose_measured_on, in_all, measured_over, survey_panel
from viz.pages.shared.frame import chart
from viz.state import atlas as surveys
from viz.state import choosing, session

MOST_ALIKE = 5
ROWS_SHOWN = 16


def atlas_panel(look: Look, display: Display) -> None:
    """The table of all heads of one kind, one measure and two of it as pictures, and what else is like the chosen one
    or is linked by it; all of it on the sentence on screen, or over many."""
    with st.container():  # always there: what comes below keeps its place, so an open expander stays open
        survey = choose_measured_on(look)
    with st.expander("Over many sentences", icon=":material/library_books:"):
        survey_panel(look)
    found = tally(look.attention_map) if survey is None else survey.tallies[look.kind]
    values = found.values()
    _table(look, values, describe_heads(found.observed, rows_shown(look.attention_map, display)))
    _take(look, display, values, survey)
    left, right = st.columns(2, gap="large")
    with left:
        _picture(look, values)
    with right:
        _scatter(look, values)
    with st.container(key="atlas_in_all"):
        if survey is not None:
            in_all(look, survey)
    _alike(look)
    with st.expander("How each is defined"):
        _definitions(look.kind)


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
        head_table(values, words, look.attention_map.layer_numbers),
        hide_index=True,
        height=38 + 35 * min(ROWS_SHOWN, look.attention_map.n_layers * n_heads),
        placeholder="–",
        column_config={
            HEAD: st.column_config.TextColumn(pinned=True, width=64),
            WORDS: st.column_config.TextColumn(
                width=320, help="What it gives a quarter or more of its attention to, clearly more than by chance."
            ),
            **columns,
        },
        key=surveys.TABLE,
        on_select=partial(surveys.row_chosen, n_heads, look.attention_map.layer_numbers),
        selection_mode="single-row-required",
    )
    st.caption(f"{KIND_NAMES[look.kind]}. Click a column name to sort; tick a row to see that head above.")


def _picture(look: Look, values: Mapping[str, np.ndarray]) -> None:
    by_name = {one.name: one for one in measures_of(look.kind)}
    one = _choose_measure("Measure shown for every head", "atlas_measure", by_name)
    numbers = look.attention_map.layer_numbers
    figure = measure_heatmap(one, values[one.name], (look.layer, look.head), numbers=numbers, theme=session.theme())
    chart(figure, "atlas_picture")
    st.caption(one.definition)


def _scatter(look: Look, values: Mapping[str, np.ndarray]) -> None:
    by_name = {one.name: one for one in measures_of(look.kind)}
    left, right = st.columns(2)
    with left:
        across = _choose_measure("Horizontal axis", "atlas_across", by_name)
    with right:
        up = _choose_measure("Vertical axis", "atlas_up", by_name, "special")
    numbers = look.attention_map.layer_numbers
    figure = measure_scatter(across, up, values, (look.layer, look.head), numbers=numbers, theme=session.theme())
    chart(figure, surveys.SCATTER, partial(surveys.point_chosen, look.attention_map.n_heads, numbers))
    missing = int((np.isnan(values[across.name]) | np.isnan(values[up.name])).sum())
    without = (
        f" {missing} heads have no point, because one of the two measures is undefined for them." if missing else ""
    )
    st.caption(f"Each point is a head; click one to see it above.{without}")


def _choose_measure(label: str, key: str, by_name: Mapping[str, Measure], first: str = "entropy") -> Measure:
    names = list(by_name)
    asked = st.selectbox(
        label, names, index=names.index(first), format_func=str.capitalize, key=key, bind="query-params"
    )
    return by_name[asked]


def _take(look: Look, display: Display, values: Mapping[str, np.ndarray], survey: Survey | None) -> None:
    """The numbers as files, with what they were measured on."""
    numbers = look.attention_map.layer_numbers
    made = provenance(look.opened, look.trace, displayed(look.attention_map, display), display, None)
    if survey is not None:
        made = measured_over(made, survey)
    with st.container(horizontal=True, key="atlas_take"):
        _download("Measures of all heads (CSV)", "atlas", made, lambda: to_csv(measure_numbers(values, numbers), made))
        if survey is not None:
            found, n_heads = survey.links[look.kind], look.attention_map.n_heads
            _download(
                "Sentences and token pairs of all heads (CSV)",
                "links",
                made,
                lambda: links_csv(found, survey.sentences, n_heads, made, numbers),
            )


def _download(label: str, what: str, made: Provenance, data: Callable[[], bytes]) -> None:
    st.download_button(
        label,
        data,
        file_name=file_name(made, what, "csv"),
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=f"atlas_download_{what}",
    )


def _alike(look: Look) -> None:
    numbers = look.attention_map.layer_numbers
    found = similar(look.attention_map, look.layer, look.head, MOST_ALIKE)
    st.markdown(
        f"**Heads like {head_name(look.layer, look.head, numbers=numbers)}** on this sentence",
        help="Two heads are similar if their rows are. Similarity is 1 minus the mean, over the rows, of the "
        "Jensen-Shannon distance between them (1: identical rows, 0: no key in common).",
    )
    if not found:
        st.caption("None: no row has a choice of keys, or there is no other head.")
    with st.container(horizontal=True, gap="small"):
        for place, (layer, head, similarity) in enumerate(found):
            st.button(
                f"{head_name(layer, head, numbers=numbers)} · similarity {similarity:.2f}",
                key=f"atlas_alike_{place}",
                on_click=choosing.show_head,
                args=(layer, head),
                kwargs={"numbers": numbers},
            )


def _definitions(kind: Kind) -> None:
    st.markdown(
        "$A_{ij}$ is the attention weight of row $i$ (the query) on column $j$ (the key), in a pattern of $n$ rows and "
        "$m$ columns. Angle brackets denote the mean over the rows. A row that may see only one key, such as a "
        "decoder’s first, has no choice and is left out. A decoder’s row $i$ is the token fed in there, so “itself” "
        "is that token. A dash means that the measure is undefined for this text."
    )
    for one in measures_of(kind):
        unit = f" ({one.unit})" if one.unit else ""
        source = f" *Source:* {one.source}." if one.source else ""
        st.markdown(f"**{one.name.capitalize()}**{unit}. {one.definition}{source}")
        st.latex(one.formula)

"""What Explore offers for models from elsewhere: to go on with a text, and to mask a word and see what fills it."""

from __future__ import annotations

import streamlit as st

from model.checkpoint import Checkpoint
from viz.look.look import Look
from viz.look.theme import for_markdown, show_token
from viz.state import choosing, clicked, link
from viz.state import decoder as decoding


def choose_more(opened: Checkpoint) -> None:
    """What a model reads or writes besides the text: a second text, or tokens that go on with it."""
    if decoding.reads_pairs(opened):
        _second_text(opened)
    if not decoding.goes_on(opened):
        return
    st.segmented_control(
        "Let the model continue by this many tokens",
        decoding.GOING_ON,
        key=decoding.MORE,
        bind="query-params",
    )


def _second_text(opened: Checkpoint) -> None:
    """The second text of a pair, and the part of the picture that runs from one text to the other."""
    elsewhere = opened.elsewhere
    with st.container(horizontal=True, vertical_alignment="bottom"):
        second = st.text_input(
            "A second text, read as a pair with the first", key=decoding.SECOND, bind="query-params", live="0ms",
            placeholder="None", on_change=clicked.zoom_to, args=(None,),
        )  # fmt: skip
        parts = elsewhere.parts(link.source(), second) if second and elsewhere is not None else None
        if parts is None:
            return
        first, last = parts
        for name, zoom in (("A → B", (first, last)), ("B → A", (last, first)), ("All", None)):
            st.button(name, key=f"pair_{name}", on_click=clicked.zoom_to, args=(zoom,))


def mask_button(look: Look) -> None:
    """Put the mask in place of the word whose row is selected."""
    elsewhere = look.opened.elsewhere
    if elsewhere is None or elsewhere.mask is None:
        return
    name = show_token(look.attention_map.query_tokens[look.row])
    masked = elsewhere.masked(link.source(), look.row)
    st.button(
        f"Mask “{for_markdown(name)}” and see what fills it",
        key="mask",
        icon=":material/visibility_off:",
        disabled=masked == link.source(),
        on_click=choosing.type_source,
        args=(masked,),
    )

"""What Explore offers for models from elsewhere: to go on with a text, and to mask a word and see what fills it."""

from __future__ import annotations

import streamlit as st

from model.checkpoint import Checkpoint
from viz.look.look import Look
from viz.look.theme import for_markdown, show_token
from viz.state import decoder as decoding
from viz.state import link


def choose_going_on(opened: Checkpoint) -> None:
    """How many tokens a model that goes on with texts shall write; it writes none unless asked."""
    if not decoding.goes_on(opened):
        return
    st.segmented_control(
        "Let the model go on with your text: tokens",
        decoding.GOING_ON,
        key=decoding.MORE,
        bind="query-params",
    )


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
        on_click=link.type_source,
        args=(masked,),
    )

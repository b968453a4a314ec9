"""What a page says of a model that has not what the page is about, and where to go on."""

from __future__ import annotations

import streamlit as st

from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from viz.look.elsewhere_words import why_not
from viz.look.theme import for_markdown
from viz.pages import link_to
from viz.state import choosing, opening


def has(opened: Checkpoint, capability: Capability, about: str) -> bool:
    """Whether the model has it; if not, say so in one sentence, and offer a model that has.

    ``about`` begins the sentence with what the page does.
    """
    if capability in opened.model.can:
        return True
    _says(opened, why_not(opened, capability), about)
    return False


def lacks(opened: Checkpoint, what: str, about: str) -> None:
    """Say that the model has no ``what``, and offer a Transformer."""
    _says(opened, f"has no {what}", about)


def _says(opened: Checkpoint, ends: str, about: str) -> None:
    st.info(f"{about}, but **{for_markdown(opened.name)}** {ends}.")
    other = opening.transformer_like(opened.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        if opened.elsewhere is not None:
            link_to("explore", "See its attention in Explore", icon="grid_view")
        if other is not None:
            st.button(
                f"Open {for_markdown(other)} here", key="open_transformer", icon=":material/arrow_forward:",
                on_click=choosing.choose_checkpoint, args=(other,),
            )  # fmt: skip

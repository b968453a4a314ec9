"""What a page about Transformers says when the model on screen is another one: what it is, and where to go on."""

from __future__ import annotations

import streamlit as st

from model.checkpoint import Checkpoint
from viz.look.theme import for_markdown
from viz.look.words import LACKS
from viz.state import link, opening


def is_transformer(opened: Checkpoint, wants: str) -> bool:
    """Whether the model is a Transformer with encoder and decoder; if not, say so, and offer one.

    ``wants`` says what the page needs one for, as a sentence.
    """
    lacks = LACKS.get(opened.config.architecture)
    if lacks is None:
        return True
    st.info(f"{wants} **{for_markdown(opened.name)}** is {lacks}. Its attention is in Explore.")
    other = opening.transformer_like(opened.name)
    if other is not None:
        st.button(
            f"Open {for_markdown(other)}", key="open_transformer", icon=":material/arrow_forward:",
            on_click=link.choose_checkpoint, args=(other,),
        )  # fmt: skip
    return False

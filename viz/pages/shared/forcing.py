"""What a person makes the decoder write: the choice, and the notice while it is in force."""

from __future__ import annotations

import streamlit as st

from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from model.trace import Trace
from viz.figures.decoder import brings_spaces
from viz.look.elsewhere_words import what_it_writes
from viz.look.forcing import BEAM, BEGINNING, MODES, OWN, TARGET, Forcing
from viz.look.theme import for_markdown
from viz.state import choosing
from viz.state import decoder as decoding


def choose_forcing(opened: Checkpoint, trace: Trace) -> str:
    """The mode, and the text it needs."""
    before = decoding.forced(opened)
    modes = [one for one in MODES if one != BEAM or Capability.SEARCH in opened.model.can]
    choosing.keep_choice("decoder_mode", modes, OWN)
    mode = st.segmented_control(
        "What the decoder writes",
        modes,
        default=OWN,
        required=True,
        key="decoder_mode",
        bind="query-params",
        on_change=decoding.mode_chosen,
        args=(trace.target,),
    )
    if mode == BEGINNING:
        st.text_input(
            f"Your beginning of the {what_it_writes(opened)}; the model continues from it",
            key="prefix",
            live="0ms",
            bind="query-params",
            on_change=decoding.prefix_typed,
            placeholder="Nothing typed: the model begins on its own",
        )
        if trace.n_forced and trace.predicted_ids[trace.n_forced - 1] == _lone_space(opened):
            st.caption("The space at the end is now a token of its own; normally a word includes the space before it.")
        with st.expander("Exactly these tokens"):
            st.text_input(
                "Token numbers separated by dots; if empty, the text is split by the tokenizer",
                key="tokens",
                bind="query-params",
                on_change=decoding.tokens_typed,
                args=(opened,),
            )
    elif mode == TARGET:
        st.text_input(
            "Your target: how likely does the model find it?",
            key="target",
            live="0ms",
            bind="query-params",
            placeholder="Nothing typed: how likely is it that the model ends at once?",
        )
    # Back in the browser changes the link, which is read only now, after the trace was made.
    if decoding.forced(opened) != before:
        st.rerun()
    return mode


def _lone_space(opened: Checkpoint) -> int | None:
    """The token that is a space alone, where words bring their spaces along."""
    tokenizer = opened.tokenizer
    return tokenizer.encode(" a ")[-1] if brings_spaces(tokenizer) else None


def forcing_notice(opened: Checkpoint, trace: Trace, forced: Forcing, *, chosen_below: bool = False) -> None:
    """Near what the model wrote: that it is not the model's own, and the way back; and the choice itself, unless it is
    ``chosen_below``."""
    if forced.problem:
        st.warning(for_markdown(forced.problem))
    if trace.target_dropped:
        st.warning(
            f"The model writes at most {opened.config.max_len} tokens, so the last {trace.target_dropped} of yours are "
            "left out."
        )
    if not (trace.n_forced or forced.problem):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="forced"):
        st.markdown(_given(trace), width="content")
        st.button("The model’s own", key="own_again", icon=":material/undo:", on_click=decoding.own_again)
        # A widget that is not on the page loses its place in the link, so the choice always is.
        if not chosen_below:
            with st.popover("Change"):
                choose_forcing(opened, trace)


def _given(trace: Trace) -> str:
    if trace.teacher_forced:
        return "**This target is yours.**"
    if trace.n_forced == 1:
        return "**The first token is yours.**"
    return f"**The first {trace.n_forced} tokens are yours.**"

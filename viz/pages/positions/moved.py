"""The part of the page Positions that changes the positions and compares: an experiment on the model on screen."""

from __future__ import annotations

import html

import streamlit as st

from model.checkpoint import Checkpoint
from model.interventions.moving import Change, Displaced, moved
from model.text.tasks import TRANSLATION
from model.trace import AttentionMap, Trace
from viz.figures.side_by_side import change_panel, weights_panel
from viz.look.picture import picture
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES, cut_mark, describe_row
from viz.pages.shared.choices import choose_head, choose_kind
from viz.pages.shared.frame import chart
from viz.state import opening, session

OFF = ("in neither", "after", "before and after")
FARTHEST_SHIFT = 60


def show_experiment(opened: Checkpoint, trace: Trace) -> None:
    """Choose a change, and see the output and one head before and after it."""
    change = _choose_change(opened)
    left, right = st.columns(2, gap="medium")
    with left:
        kind = choose_kind(opened, trace)
    try:
        result = opening.displaced(opened, trace.source, change)
    except ValueError as error:
        st.warning(f"That cannot be done: {for_markdown(str(error))}. Shift by less or type a shorter text.")
        return
    with right:
        layer, head, row = choose_head(opened, result.before, result.before.map(kind))
    _outputs(result)
    if result.after is None:
        st.info("The shuffled text splits into different tokens, so the pictures cannot be compared.")
        return
    _pictures(result.before.map(kind), result.after.map(kind), layer, head, row)


def _choose_change(opened: Checkpoint) -> Change:
    what = "words" if opened.task == TRANSLATION else "characters"
    off, shuffle, shift = st.columns(3, gap="medium")
    with off:
        where = st.segmented_control(
            "Encoding switched off", OFF, default="after", required=True, key="off", bind="query-params"
        )
    with shuffle:
        order = st.slider(f"Shuffle the {what} (shuffle no.)", 0, 20, 0, key="shuffle", bind="query-params")
    with shift:
        places = st.slider("Shift all positions by", 0, FARTHEST_SHIFT, 0, key="shift", bind="query-params")
        if places and where != OFF[0]:
            st.caption("A shift does nothing while the encoding is off.")
    return Change(off_before=where == OFF[2], off_after=where != OFF[0], shuffle=order, shift=places)


def _outputs(result: Displaced) -> None:
    left, right = st.columns(2, gap="medium")
    for column, title, source, target, cut in (
        (left, "Before", result.before.source, result.output_before, result.cut_before),
        (right, "After", result.text_after, result.output_after, result.cut_after),
    ):
        same = " (the same)" if column is right and target == result.output_before else ""
        column.html(
            f'<div class="run"><label>{title}: {html.escape(source) or "&nbsp;"}</label>'
            f"<p>{html.escape(target) or '&nbsp;'}<small>{same}{cut_mark(cut)}</small></p></div>"
        )


def _pictures(one: AttentionMap, other: AttentionMap, layer: int, head: int, row: int) -> None:
    shares = moved(one.pattern, other.pattern)  # [layer, head, query]
    most = divmod(int(shares.mean(-1).argmax()), shares.shape[1])
    st.markdown(
        f"**{KIND_NAMES[one.kind]}, layer {layer + 1}, head {head + 1}:** {shares[layer, head].mean():.1%} of its "
        f"attention went elsewhere; over all heads of this kind {shares.mean():.1%}, most in layer {most[0] + 1}, "
        f"head {most[1] + 1} ({shares.mean(-1).max():.1%}).\n\n"
        f"Before: {for_markdown(describe_row(picture(one), layer, head, row))} "
        f"After: {for_markdown(describe_row(picture(other), layer, head, row))}"
    )
    before, after = one.pattern[layer, head], other.pattern[layer, head]
    names, theme = (one.row_names(), one.key_tokens), session.theme()
    figures = (
        weights_panel(before, *names, "before", theme=theme),
        weights_panel(after, *names, "after", theme=theme),
        change_panel(after - before, *names, "after minus before", theme=theme),
    )
    for column, figure in zip(st.columns(3, gap="small"), figures, strict=True):
        with column:
            chart(figure)
    st.caption(
        "Both runs are fed the first one’s output, so that each row stands for the same token in both, and shuffled "
        "tokens are shown in their old order. In the last picture blue means more attention than before, orange less."
    )

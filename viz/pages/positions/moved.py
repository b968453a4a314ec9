"""The part of the page Positions that changes the positions and compares: an experiment on the model on screen."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial

import streamlit as st

from model.checkpoint import Checkpoint
from model.interventions.moving import Change, moved
from model.text.tasks import TRANSLATION
from model.trace import AttentionMap, Kind, Trace
from viz.components.followed import said
from viz.components.head import HeadData, change_data, head_part, matrix_data
from viz.look.choice import AUTO, row_asked, row_options
from viz.look.hatching import masked
from viz.look.picture import Display, displayed
from viz.look.theme import Theme, for_markdown
from viz.look.words import KIND_NAMES, cut_mark, describe_row
from viz.pages.shared.choices import choose_head, choose_kind
from viz.pages.shared.live import Draw, nothing
from viz.state import link, opening, session
from viz.state.clicked import row_of_part_pinned

OFF = ("in neither", "after", "before and after")
FARTHEST_SHIFT = 60
SPLIT = "<p>The shuffled text splits into different tokens, so the pictures cannot be compared.</p>"
BEFORE, AFTER, WORDS = "moved_before", "moved_after", "moved_words"
MAPS = {"before": "map_before", "after": "map_after", "after minus before": "map_change"}
"""The parts with a picture, by their titles."""


def show_experiment(opened: Checkpoint, trace: Trace) -> Draw:
    """Choose a change, and see the output and one head before and after it."""
    change = _choose_change(opened)
    with st.container(key="controls_head"):
        left, right = st.columns(2, gap="medium")
    with left:
        kind = choose_kind(opened, trace)
    try:
        result = opening.displaced(opened, trace, change)
    except ValueError as error:
        st.warning(for_markdown(_impossible(error)))
        return nothing
    with right:
        layer, head, _ = choose_head(opened, result.before, result.before.map(kind))
    for column, name in zip(st.columns(2, gap="medium"), (BEFORE, AFTER), strict=True):
        with column:
            said(name)
    said(WORDS)
    if result.after is not None:
        _pictures(row_options(result.before.map(kind)))
    return partial(_parts, opened, change, kind, layer, head, link.asked("token", AUTO), session.theme())


def _impossible(error: ValueError) -> str:
    return f"That cannot be done: {error}. Shift by less or type a shorter text."


def _parts(
    opened: Checkpoint, change: Change, kind: Kind, layer: int, head: int, row_name: str, theme: Theme, trace: Trace
) -> dict[str, object]:
    """The output before and after and what moved, as HTML, and the head before and after."""
    none = dict.fromkeys(MAPS.values())
    try:
        result = opening.displaced(opened, trace, change)
    except ValueError as error:
        return {WORDS: f"<p>{html.escape(_impossible(error))}</p>", **none}
    one, same = result.before.map(kind), " (the same)" if result.output_after == result.output_before else ""
    row = row_asked(one, row_name, layer, head)
    return {
        BEFORE: _output("Before", result.before.source, result.output_before, cut_mark(result.cut_before)),
        AFTER: _output("After", result.text_after, result.output_after, same + cut_mark(result.cut_after)),
        WORDS: SPLIT if result.after is None else _words(one, result.after.map(kind), layer, head, row),
        **(none if result.after is None else _maps(one, result.after.map(kind), layer, head, row, theme)),
    }


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


def _output(title: str, source: str, target: str, aside: str) -> str:
    return (
        f'<div class="run"><label>{title}: {html.escape(source) or "&nbsp;"}</label>'
        f"<p>{html.escape(target) or '&nbsp;'}<small>{aside}</small></p></div>"
    )


def _words(one: AttentionMap, other: AttentionMap, layer: int, head: int, row: int) -> str:
    """How much attention went elsewhere, and what the row looks at before and after."""
    shares = moved(one.pattern, other.pattern)  # [layer, head, query]
    most = divmod(int(shares.mean(-1).argmax()), shares.shape[1])
    return (
        f"<p><b>{KIND_NAMES[one.kind]}, layer {layer + 1}, head {head + 1}:</b> {shares[layer, head].mean():.1%} of "
        f"its attention went elsewhere; over all heads of this kind {shares.mean():.1%}, most in layer {most[0] + 1}, "
        f"head {most[1] + 1} ({shares.mean(-1).max():.1%}).</p>"
        f"<p>Before: {html.escape(describe_row(displayed(one, Display()), layer, head, row))} "
        f"After: {html.escape(describe_row(displayed(other, Display()), layer, head, row))}</p>"
    )


def _pictures(rows: Sequence[str]) -> None:
    """The places of the pictures; a click on a row chooses it."""
    with st.container(key="moved_maps"):
        for column, (title, place) in zip(st.columns(3, gap="small"), MAPS.items(), strict=True):
            with column:
                st.markdown(f"**{title}**")
                head_part(place, on_pin=partial(row_of_part_pinned, place, rows))
    st.caption(
        "Both runs are fed the first one’s output, so that each row stands for the same token in both, and shuffled "
        "tokens are shown in their old order. In the last picture blue means more attention than before, orange less."
    )


def _maps(one: AttentionMap, other: AttentionMap, layer: int, head: int, row: int, theme: Theme) -> dict[str, HeadData]:
    before, after = one.pattern[layer, head], other.pattern[layer, head]
    names, hidden = (one.row_names(), one.key_tokens), masked(one)
    size = f"{len(names[0])} queries by {len(names[1])} keys"
    maps = [
        matrix_data(part, *names, pinned=row, masked=hidden, description=f"The head {when}: {size}.", theme=theme)
        for part, when in ((before, "before the change"), (after, "after it"))
    ]
    change = change_data(after - before, *names, description=f"After minus before: {size}.", theme=theme)
    return dict(zip(MAPS.values(), (*maps, change), strict=True))

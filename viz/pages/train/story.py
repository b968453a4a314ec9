"""What all kept checkpoints of a run tell: the curves over its steps, what formed when, and the animation."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from model.heads.history import MOST_CHECKPOINTS, History, formations, formed_at
from model.heads.measures import Measure
from model.trace import Kind
from model.training.folder import RunView
from viz.figures.story import Story, describe_formation, formation_table, story_figure
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES
from viz.pages.shared.frame import chart
from viz.pages.train.play import play
from viz.pages.train.side import Side
from viz.state import link, session
from viz.state import time_machine as replay

PAUSE = 0.1  # seconds between two portions of reading, when other visitors have their turn
MOST_SAID = 3


def history_of(last: Side, text: str) -> History:
    """What is known of the steps so far, after reading on a little."""
    known = replay.history(last.run, text, last.fed)
    return known if known.done or replay.cancelled(last.run) else replay.read_on(last.run)


def story(
    histories: Sequence[tuple[Side, History]],
    steps: Sequence[int],
    heads: Sequence[tuple[int, int]],
    kind: Kind,
    one: Measure,
) -> None:
    """The curves over all steps."""
    stories = []
    for (last, history), step, head in zip(histories, steps, heads, strict=False):
        values = history.values(kind).get(one.name)
        formed = None
        if values is not None and history.done:
            formed = formed_at(history.steps, values[:, *head], one)
        stories.append(
            Story(
                name=last.run.name,
                log=last.run.log,
                at=step,
                steps=history.steps,
                values=values,
                head=head,
                formed=formed,
            )
        )
    chart(story_figure(stories, one, theme=session.theme()), "machine_story")
    st.caption(
        f"Loss: solid on the batch, dotted on unseen examples. {one.name.capitalize()} (this head in colour, the "
        f"others of this run grey): {one.definition}"
    )


def reading_on(histories: Sequence[tuple[Side, History]]) -> None:
    """How far the checkpoints are read, as long as they are not; it goes on by itself."""
    unread = [last.run for last, history in histories if not history.done]
    if not unread:
        return
    names = [run.name for run in unread]
    if all(replay.cancelled(run) for run in unread):
        read = sum(history.n_read for _, history in histories)
        st.caption(f"Reading was cancelled after {read} checkpoints; the curves end there.")
        st.button("Continue reading", key="machine_go_on", on_click=replay.go_on, args=names)
    else:
        _progress(tuple(unread))


@st.fragment(run_every=PAUSE)
def _progress(runs: tuple[RunView, ...]) -> None:
    """Read on a little; again and again until all is read or the visitor cancels."""
    found = [replay.replays().histories[run.name] if replay.cancelled(run) else replay.read_on(run) for run in runs]
    if all(one.done or replay.cancelled(run) for one, run in zip(found, runs, strict=True)):
        st.rerun()
    n_read, n = sum(one.n_read for one in found), sum(len(one.files) for one in found)
    st.progress(n_read / n, text=f"Your sentence at every step: {n_read} of {n} checkpoints have read it")
    st.button("Cancel", key="machine_cancel", on_click=replay.cancel, args=[run.name for run in runs])


def what_formed(history: History, kind: Kind, chosen: tuple[str, int, int]) -> None:
    """What formed when, in words: first the chosen measure and head, if it did."""
    if not history.done or len(history.moments) < 2:
        return
    found = formations(history.steps, history.values(kind))
    if not found:
        st.markdown("On this sentence no head of this kind has changed enough for us to say that it formed.")
        return
    first = sorted(found, key=lambda one: (one.name, one.layer, one.head) != chosen)[:MOST_SAID]
    st.markdown("\n".join(f"- {for_markdown(describe_formation(one, history.steps))}." for one in first))
    with st.expander(f"All patterns that formed in {KIND_NAMES[kind].lower()} ({len(found)})"):
        st.dataframe(
            formation_table(found, history.steps),
            hide_index=True,
            column_config={name: st.column_config.NumberColumn(format="%.2f") for name in ("First", "Then", "Last")},
        )
        st.caption(
            "A head counts as formed at the first saved checkpoint from which its measure stays past the midpoint. If "
            "the measure is a share of the head’s attention and crosses one half, the midpoint is one half; otherwise "
            "it is half-way between the first value and the last. Smaller changes are ignored: those under a quarter "
            "of the measure’s range, or under 1 bit or 1 token where a measure has no upper limit. The step is known "
            "only to within the gap between two checkpoints, and only for this sentence."
        )


def notes(histories: Sequence[tuple[Side, History]]) -> None:
    """What was left out."""
    for last, history in histories:
        name = for_markdown(last.run.name)
        for step, why in history.skipped:
            st.caption(f"{name}, step {step:,}, is left out: {for_markdown(why)}")
        if len(history.files) < len(last.run.checkpoints):
            st.caption(
                f"The curves use {len(history.files)} of the {len(last.run.checkpoints):,} checkpoints of {name} (at "
                f"most {MOST_CHECKPOINTS}); the slider has all of them."
            )


def play_head(history: History, last: Side, kind: Kind, head: tuple[int, int], one: Measure) -> None:
    if history.done and len(history.moments) >= 2:
        play(history, last.run.name, last.trace, kind, head, one, link=link.here())

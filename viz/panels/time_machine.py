"""The time machine of a run: any kept checkpoint reads the visitor's sentence again, and what formed when is marked."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from model.checkpoint import Checkpoint, CheckpointError
from model.folder import RunView
from model.history import MOST_CHECKPOINTS, History, formations, formed_at, least_change
from model.measures import Measure, measure, measures_of
from model.trace import Kind, Trace
from viz import lab, replay, state
from viz.atlas import measure_heatmap
from viz.choice import first_kind, telling_head, telling_row
from viz.components.forming import right_answer
from viz.components.head import head as head_component
from viz.components.overview import overview
from viz.history import Story, describe_formation, formation_table, story_figure
from viz.panels.play import play
from viz.picture import picture
from viz.theme import for_markdown
from viz.words import KIND_NAMES, SHORT_KIND_NAMES, describe_row

CHART = {"displaylogo": False, "displayModeBar": False}
PAUSE = 0.1  # seconds between two portions of reading, when other visitors have their turn
SETTLED = 1.0  # seconds between two looks at whether another sentence was typed
NOBODY = "no other run"
FAVOURITES: dict[Kind, str] = {"cross": "monotonicity", "decoder": "previous", "encoder": "entropy"}
MOST_SAID = 3
KEEP = (
    "This run keeps no checkpoints on its way, so there is nothing to go back to. A run that is started on this page "
    "keeps them; in a terminal, say how often: `python -m model train --keep-every 50 …`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One run at one step: the model, fed ``fed`` (``trace``), and what it writes by itself."""

    run: RunView
    fed: str
    step: int
    opened: Checkpoint
    trace: Trace
    written: str


def time_machine(run: RunView, text: str) -> None:
    """Everything that the kept checkpoints of a run tell about ``text``, once a person opens it."""
    st.markdown("#### Time machine")
    if not run.checkpoints:
        st.info(KEEP)
        return
    st.toggle(
        "Go back to an earlier step, and see when each head forms", replay.shown_at_first(run), key=replay.SHOWN,
        bind="query-params",
    )  # fmt: skip
    if replay.shown(run):
        _machine(run, text)


@st.fragment
def _machine(run: RunView, text: str) -> None:
    _watch_text(run, text)
    last = _newest(run, text)
    if last is None:
        st.error("None of the kept checkpoints of this run can be opened.")
        return
    step = _choose_step("Step", run, replay.STEP)
    kind, head, one, beside = _choose(run, last)
    other = None if beside is None else _newest(beside, text)
    other_head, other_step = head, step
    if beside is not None:
        other, other_head, other_step = _choose_other(beside, other, kind, step)
    sides = [(_at(run, text, last.fed, step), head, replay.HEAD)]
    if other is not None:
        sides.append((_at(other.run, text, other.fed, other_step), other_head, replay.OTHER_HEAD))
    _pictures([(side, chosen, key) for side, chosen, key in sides if side is not None], kind, one)
    st.caption(
        "Every step is fed the same output, "
        + ("the right one" if right_answer(run, text) is not None else "the one that the last checkpoint writes")
        + f", “{for_markdown(last.fed)}”, so that a row is the same token at every step."
    )
    histories = [(last, _history(last, text))] + ([(other, _history(other, text))] if other is not None else [])
    _story(histories, [step, other_step], [head, other_head], kind, one)
    _formed(histories[0][1], kind, (one.name, *head))
    _notes(histories)
    _play(histories[0][1], last, kind, head, one)


def _newest(run: RunView, text: str) -> Side | None:
    """The last checkpoint that can be opened, which says what all are fed."""
    for step, path in reversed(run.checkpoints):
        try:
            opened = replay.open_step(path)
        except CheckpointError:
            continue
        own = replay.trace(opened, text)
        answer = right_answer(run, text)
        fed = own.target if answer is None else answer
        trace = replay.trace(opened, text, fed)
        return Side(run=run, fed=fed, step=step, opened=opened, trace=trace, written=own.target)
    return None


def _at(run: RunView, text: str, fed: str, step: int) -> Side | None:
    """A run at a step; a message where its file is broken."""
    path: Path = dict(run.checkpoints)[step]
    try:
        opened = replay.open_step(path)
    except CheckpointError as error:
        st.error(f"The checkpoint of step {step:,} cannot be used; choose another step. {for_markdown(str(error))}")
        return None
    written = replay.trace(opened, text).target
    return Side(run=run, fed=fed, step=step, opened=opened, trace=replay.trace(opened, text, fed), written=written)


def _choose_step(label: str, run: RunView, key: str) -> int:
    steps = [step for step, _ in run.checkpoints]
    if len(steps) == 1:
        st.caption(f"{for_markdown(run.name)} has one kept checkpoint so far, of step {steps[0]:,}.")
        return steps[0]
    replay.keep_choice(key, steps, steps[-1])
    replay.follow(key, steps[-1])
    return st.select_slider(label, steps, steps[-1], key=key, bind="query-params")


def _choose(run: RunView, last: Side) -> tuple[Kind, tuple[int, int], Measure, RunView | None]:
    """What to look at: kind of attention, head (from 0), measure, and another run."""
    others = [other.name for other in lab.runs() if other.name != run.name and other.checkpoints]
    one, two, three, four = st.columns((5, 3, 3, 3), gap="small", vertical_alignment="bottom")
    replay.keep_choice(replay.KIND, list(last.trace.kinds), first_kind(last.trace))
    kind: Kind = one.segmented_control(
        "Attention", last.trace.kinds, format_func=SHORT_KIND_NAMES.__getitem__, default=first_kind(last.trace),
        required=True, key=replay.KIND, bind="query-params",
    )  # fmt: skip
    with two:
        head = _choose_head("Head", last, kind, replay.HEAD)
    names = [found.name for found in measures_of(kind)]
    favourite = "induction" if last.trace.kinds == ("decoder",) else FAVOURITES[kind]
    replay.keep_choice(replay.MEASURE, names, favourite)
    name = three.selectbox(
        "Measure", names, names.index(favourite), format_func=str.capitalize, key=replay.MEASURE, bind="query-params"
    )
    replay.keep_choice(replay.OTHER, [NOBODY, *others], NOBODY)
    beside = four.selectbox("Beside it", [NOBODY, *others], key=replay.OTHER, bind="query-params")
    measured = next(found for found in measures_of(kind) if found.name == name)
    return kind, head, measured, None if beside == NOBODY else lab.view(beside)


def _choose_head(label: str, last: Side, kind: Kind, key: str) -> tuple[int, int]:
    shown = last.trace.map(kind)
    heads = {lab.head_name(*head): head for head in np.ndindex(shown.n_layers, shown.n_heads)}
    first = lab.head_name(*telling_head(shown))
    replay.keep_choice(key, list(heads), first)
    layer, head = heads[st.selectbox(label, heads, list(heads).index(first), key=key, bind="query-params")]
    return layer, head


def _choose_other(
    beside: RunView, other: Side | None, kind: Kind, step: int
) -> tuple[Side | None, tuple[int, int], int]:
    """What to look at of the other run: its head and its step."""
    name = for_markdown(beside.name)
    if other is None or kind not in other.trace.kinds:
        why = "none of its checkpoints can be opened" if other is None else f"it has no {KIND_NAMES[kind].lower()}"
        st.info(f"“{name}” cannot stand beside this run: {why}.")
        return None, (0, 0), step
    left, right = st.columns((5, 9), gap="small", vertical_alignment="bottom")
    with left:
        head = _choose_head(f"Head of {name}", other, kind, replay.OTHER_HEAD)
    with right:
        own = st.toggle("At a step of its own", key=replay.OWN_STEP, bind="query-params")
        if own:
            return other, head, _choose_step(f"Step of {name}", beside, replay.OTHER_STEP)
    steps = [at for at, _ in beside.checkpoints]
    nearest = min(steps, key=lambda at: abs(at - step))
    if nearest != step:
        st.caption(f"“{name}” has no checkpoint of step {step:,}; the nearest is of step {nearest:,}.")
    return other, head, nearest


def _pictures(sides: Sequence[tuple[Side, tuple[int, int], str]], kind: Kind, one: Measure) -> None:
    """One run: all heads on the left, one on the right. Two: each in a column of its own."""
    if not sides:
        return
    columns = st.columns((5, 6) if len(sides) == 1 else 2, gap="medium")
    for place, (side, head, key) in enumerate(sides):
        with columns[place]:
            _written(side, named=len(sides) > 1)
            _all_heads(side, kind, head, key)
            _atlas(side, kind, head, one, key)
        with columns[1 if len(sides) == 1 else place]:
            _one_head(side, kind, head, key)


def _written(side: Side, *, named: bool) -> None:
    answer = right_answer(side.run, side.trace.source)
    right = "" if answer is None else " ✓" if side.written == answer else " – not yet right"
    who = f"{html.escape(side.run.name)} writes" if named else "What the model writes"
    st.html(
        f'<div class="target"><label>{who} by itself at step {side.step:,}{right}</label>'
        f"<p>{html.escape(side.written) or '(nothing)'}</p></div>"
    )


def _all_heads(side: Side, kind: Kind, head: tuple[int, int], key: str) -> None:
    component = f"{key}_overview"
    overview(
        picture(side.trace.map(kind)), *head, scale="linear", each_head=False, means=False, theme=state.theme(),
        key=component, on_choose=partial(replay.head_clicked, component, key),
    )  # fmt: skip


def _atlas(side: Side, kind: Kind, head: tuple[int, int], one: Measure, key: str) -> None:
    """What every head does at this step, by one measure."""
    st.markdown(f"**{one.name.capitalize()} of every head at step {side.step:,}**", help=one.definition)
    figure = measure_heatmap(one, measure(side.trace.map(kind))[one.name], head, theme=state.theme())
    st.plotly_chart(figure, theme=None, config=CHART, key=f"{key}_atlas")


def _one_head(side: Side, kind: Kind, head: tuple[int, int], key: str) -> None:
    shown = side.trace.map(kind)
    row = telling_row(shown, *head)
    said = describe_row(picture(shown), *head, row)
    where = f"{KIND_NAMES[kind]}, layer {head[0] + 1}, head {head[1] + 1}, step {side.step:,}."
    st.html(f"<p style='min-height:3em;margin:0'><strong>{where}</strong> {html.escape(said)}</p>")
    head_component(
        picture(shown), *head, pinned=None, scale="linear", description=f"{where} {said}", theme=state.theme(),
        addresses=[], key=f"{key}_map", on_pin=_nothing,
    )  # fmt: skip


def _nothing() -> None:
    """A row that is clicked here is not pinned: another step has another row to explain."""


def _history(last: Side, text: str) -> History:
    """What is known of the steps so far, after reading on a little."""
    known = replay.history(last.run, text, last.fed)
    return known if known.done or replay.cancelled(last.run) else replay.read_on(last.run)


def _story(
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
            formed = formed_at(history.steps, values[:, *head], least_change(one))
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
    _progress_or_nothing([last.run for last, history in histories if not history.done], histories)
    st.plotly_chart(story_figure(stories, one, theme=state.theme()), theme=None, config=CHART, key="machine_story")
    st.caption(
        f"Loss: solid on the batch, dotted on unseen examples. {one.name.capitalize()} (this head in colour, the "
        f"others of this run grey): {one.definition}"
    )


def _progress_or_nothing(unread: Sequence[RunView], histories: Sequence[tuple[Side, History]]) -> None:
    if not unread:
        return
    names = [run.name for run in unread]
    if all(replay.cancelled(run) for run in unread):
        read = sum(history.n_read for _, history in histories)
        st.caption(f"Reading was cancelled after {read} checkpoints; the curves end there.")
        st.button("Read on", key="machine_go_on", on_click=replay.go_on, args=names)
    else:
        _progress(tuple(unread))


@st.fragment(run_every=PAUSE)
def _progress(runs: tuple[RunView, ...]) -> None:
    """Read on a little; again and again until all is read or the visitor cancels."""
    found = [replay.replays().histories[run.name] if replay.cancelled(run) else replay.read_on(run) for run in runs]
    if all(one.done or replay.cancelled(run) for one, run in zip(found, runs, strict=True)):
        st.rerun()
    n_read, n = sum(one.n_read for one in found), sum(len(one.files) for one in found)
    st.progress(n_read / n, text=f"Your sentence at every step: read by {n_read} of {n} checkpoints")
    st.button("Cancel", key="machine_cancel", on_click=replay.cancel, args=[run.name for run in runs])


@st.fragment(run_every=SETTLED)
def _watch_text(run: RunView, text: str) -> None:
    """The sentence is typed further up, in a fragment of its own: follow it when typing pauses."""
    if replay.text(run) != text:
        st.rerun()


def _formed(history: History, kind: Kind, chosen: tuple[str, int, int]) -> None:
    """What formed when, in words: first the chosen measure and head, if it did."""
    if not history.done or len(history.moments) < 2:
        return
    found = formations(history.steps, history.values(kind))
    if not found:
        st.markdown("On this sentence no head of this kind has changed enough to say that it formed.")
        return
    first = sorted(found, key=lambda one: (one.name, one.layer, one.head) != chosen)[:MOST_SAID]
    st.markdown("\n".join(f"- {for_markdown(describe_formation(one, history.steps))}." for one in first))
    with st.expander(f"Everything that formed in the {SHORT_KIND_NAMES[kind].lower()} attention ({len(found)})"):
        st.dataframe(
            formation_table(found, history.steps),
            hide_index=True,
            column_config={name: st.column_config.NumberColumn(format="%.2f") for name in ("First", "Last")},
        )
        st.caption(
            "A head forms at the first kept checkpoint from which on its measure stays on the side of its last value; "
            "the sides meet half-way between its first and its last value. It counts if the measure changes by a "
            "quarter of what it can be, or by 1 (bit or token) where nothing bounds it. It is known only to the "
            "distance between two checkpoints, and for this sentence."
        )


def _notes(histories: Sequence[tuple[Side, History]]) -> None:
    """What was left out."""
    for last, history in histories:
        name = for_markdown(last.run.name)
        for step, why in history.skipped:
            st.caption(f"{name}, step {step:,}, is left out: {for_markdown(why)}")
        if len(history.files) < len(last.run.checkpoints):
            st.caption(
                f"Of the {len(last.run.checkpoints):,} checkpoints of {name}, {len(history.files)} are read for the "
                f"curves, at most {MOST_CHECKPOINTS}; the slider has all."
            )


def _play(history: History, last: Side, kind: Kind, head: tuple[int, int], one: Measure) -> None:
    if history.done and len(history.moments) >= 2:
        st.markdown(f"##### Play layer {head[0] + 1}, head {head[1] + 1}")
        play(history, last.run.name, last.trace, kind, head, one, link=replay.link())

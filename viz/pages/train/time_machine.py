"""The time machine of a run: any kept checkpoint reads the visitor's sentence again, and what formed when is marked."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from model.heads.history import History
from model.heads.measures import NAMED, Measure, measure, measures_of
from model.text.tasks import TASKS
from model.trace import Kind, Trace
from model.training.folder import RunView
from viz.components.head import head as head_component
from viz.components.overview import overview, overview_data
from viz.figures.atlas import measure_heatmap
from viz.look.choice import first_kind, telling_head, telling_row
from viz.look.picture import Display, displayed
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES, SHORT_KIND_NAMES, cut_mark, describe_row
from viz.pages.shared.choices import left_out_notice
from viz.pages.shared.frame import chart
from viz.pages.train.forming import right_answer
from viz.pages.train.side import Side, at_step, newest
from viz.pages.train.story import history_of, notes, play_head, reading_on, story, what_formed
from viz.state import choosing, session
from viz.state import time_machine as replay
from viz.state import train as lab

SETTLED = 1.0  # seconds between two looks at whether another sentence was typed
NOBODY = "no other run"
FAVOURITES: dict[Kind, str] = {"cross": "monotonicity", "decoder": "previous", "encoder": "entropy"}
"""The measure that is shown at first, unless the task says another one of its cross-attention."""
NONE_YET = (
    "No checkpoint has been kept yet; the first one is kept before the first step. You can then go back to any of them."
)
NONE_KEPT = (
    "This run keeps no checkpoints along the way, so there is nothing to go back to. Runs started on this page keep "
    "them; in a terminal, ask for them with `python -m model train --keep-every 50 …`"
)


def time_machine(run: RunView, text: str) -> None:
    """Everything that the kept checkpoints of a run tell about ``text``, once a person opens it."""
    st.markdown("#### Time machine")
    if not run.checkpoints:
        st.info(NONE_YET if run.train.keep_every and run.status.alive else NONE_KEPT)
        return
    st.toggle(
        "Go back to an earlier step and see when each head forms", replay.shown_at_first(run), key=replay.SHOWN,
        bind="query-params",
    )  # fmt: skip
    if replay.shown(run):
        machine(run, text)


@st.fragment
def machine(run: RunView, text: str) -> None:
    """One head plays over the steps; below it all heads, at a step that is chosen."""
    _watch_text(run, text)
    last = newest(run, text)
    if last is None:
        st.error("None of the kept checkpoints of this run can be opened.")
        return
    with st.container(key="staged"):
        with st.container(key="controls_machine"):
            kind, head, one, beside = _choose(run, last)
        other = None if beside is None else newest(beside, text)
        histories = [(side, history_of(side, text)) for side in (last, other) if side is not None]
        _stage(histories, kind, head, one)
    st.markdown("#### All heads at one step")
    step = _choose_step("Step", run, replay.STEP)
    other_head, other_step = head, step
    if beside is not None:
        other, other_head, other_step = _choose_other(beside, other, kind, step)
    sides = [(at_step(run, text, last.fed, step), head, replay.HEAD)]
    if other is not None:
        sides.append((at_step(other.run, text, other.fed, other_step), other_head, replay.OTHER_HEAD))
    _pictures([(side, chosen, key) for side, chosen, key in sides if side is not None], kind, one)
    st.caption(
        "At every training step the decoder is given the same output, "
        + ("the right answer" if right_answer(run, text) is not None else "the one that the last checkpoint writes")
        + f", “{for_markdown(last.fed)}”, so that each row stands for the same token throughout."
    )
    left_out_notice(last.trace)
    histories = histories if other is not None else histories[:1]
    story(histories, [step, other_step], [head, other_head], kind, one)
    notes(histories)


def _stage(histories: Sequence[tuple[Side, History]], kind: Kind, head: tuple[int, int], one: Measure) -> None:
    """The head that plays, and beside it what formed; as long as the checkpoints are read, how far that is."""
    last, history = histories[0]
    left, right = st.columns((7, 3), gap="medium")
    with left:
        reading_on(histories)
        play_head(history, last, kind, head, one)
    with right:
        what_formed(history, kind, (one.name, *head))


def _choose_step(label: str, run: RunView, key: str) -> int:
    steps = [step for step, _ in run.checkpoints]
    if len(steps) == 1:
        st.caption(f"{for_markdown(run.name)} has kept one checkpoint so far, of step {steps[0]:,}.")
        return steps[0]
    choosing.keep_choice(key, steps, steps[-1])
    replay.follow(key, steps[-1])
    return st.select_slider(label, steps, steps[-1], key=key, bind="query-params")


def _choose(run: RunView, last: Side) -> tuple[Kind, tuple[int, int], Measure, RunView | None]:
    """What to look at: kind of attention, head (from 0), measure, and another run."""
    others = [other.name for other in lab.runs() if other.name != run.name and other.checkpoints]
    one, two, three, four = st.columns((5, 3, 3, 3), gap="small", vertical_alignment="bottom")
    choosing.keep_choice(replay.KIND, list(last.trace.kinds), first_kind(last.trace))
    kind: Kind = one.segmented_control(
        "Attention", last.trace.kinds, format_func=SHORT_KIND_NAMES.__getitem__, default=first_kind(last.trace),
        required=True, key=replay.KIND, bind="query-params",
    )  # fmt: skip
    with two:
        head = _choose_head("Head", last, kind, replay.HEAD)
    names = [found.name for found in measures_of(kind)]
    favourite = _favourite(run, last.trace, kind)
    choosing.keep_choice(replay.MEASURE, names, favourite)
    name = three.selectbox(
        "Measure", names, names.index(favourite), format_func=str.capitalize, key=replay.MEASURE, bind="query-params"
    )
    choosing.keep_choice(replay.OTHER, [NOBODY, *others], NOBODY)
    beside = four.selectbox("Beside it", [NOBODY, *others], key=replay.OTHER, bind="query-params")
    measured = NAMED[name]
    return kind, head, measured, None if beside == NOBODY else lab.view(beside)


def _favourite(run: RunView, trace: Trace, kind: Kind) -> str:
    if trace.kinds == ("decoder",):
        return "induction"
    task = TASKS.get(run.data.task or "")
    return (task.shown_by if task and kind == "cross" else None) or FAVOURITES[kind]


def _choose_head(label: str, last: Side, kind: Kind, key: str) -> tuple[int, int]:
    shown = last.trace.map(kind)
    heads = {lab.head_name(*head): head for head in np.ndindex(shown.n_layers, shown.n_heads)}
    first = lab.head_name(*telling_head(shown))
    choosing.keep_choice(key, list(heads), first)
    layer, head = heads[st.selectbox(label, heads, list(heads).index(first), key=key, bind="query-params")]
    return layer, head


def _choose_other(
    beside: RunView, other: Side | None, kind: Kind, step: int
) -> tuple[Side | None, tuple[int, int], int]:
    """What to look at of the other run: its head and its step."""
    name = for_markdown(beside.name)
    if other is None or kind not in other.trace.kinds:
        why = "none of its checkpoints can be opened" if other is None else f"it has no {KIND_NAMES[kind].lower()}"
        st.info(f"“{name}” cannot be shown beside this run: {why}.")
        return None, (0, 0), step
    left, right = st.columns((5, 9), gap="small", vertical_alignment="bottom")
    with left:
        head = _choose_head(f"Head of {name}", other, kind, replay.OTHER_HEAD)
    with right:
        own = st.toggle("At its own step", key=replay.OWN_STEP, bind="query-params")
        if own:
            return other, head, _choose_step(f"Step of {name}", beside, replay.OTHER_STEP)
    steps = [at for at, _ in beside.checkpoints]
    nearest = min(steps, key=lambda at: abs(at - step))
    if nearest != step:
        st.caption(f"“{name}” has no checkpoint at step {step:,}; the nearest is at step {nearest:,}.")
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
    right = "" if answer is None else " ✓" if side.written == answer else " – not right yet"
    right += cut_mark(side.own.target_cut)
    who = f"{html.escape(side.run.name)} writes" if named else "What the model writes"
    st.html(
        f'<div class="target"><label>{who} on its own at step {side.step:,}{right}</label>'
        f"<p>{html.escape(side.written) or '(nothing)'}</p></div>"
    )


def _all_heads(side: Side, kind: Kind, head: tuple[int, int], key: str) -> None:
    component = f"{key}_overview"
    data = overview_data(displayed(side.trace.map(kind), Display()), *head, theme=session.theme())
    overview(data, key=component, on_choose=partial(replay.head_clicked, component, key))


def _atlas(side: Side, kind: Kind, head: tuple[int, int], one: Measure, key: str) -> None:
    """What every head does at this step, by one measure."""
    st.markdown(f"**{one.name.capitalize()}: every head’s value at step {side.step:,}**", help=one.definition)
    figure = measure_heatmap(one, measure(side.trace.map(kind))[one.name], head, theme=session.theme())
    chart(figure, f"{key}_atlas")


def _one_head(side: Side, kind: Kind, head: tuple[int, int], key: str) -> None:
    shown = side.trace.map(kind)
    row = telling_row(shown, *head)
    said = describe_row(displayed(shown, Display()), *head, row)
    where = f"{KIND_NAMES[kind]}, layer {head[0] + 1}, head {head[1] + 1}, step {side.step:,}."
    st.html(f"<p style='min-height:3em;margin:0'><strong>{where}</strong> {html.escape(said)}</p>")
    head_component(
        displayed(shown, Display()), *head, pinned=None, scale="linear", description=f"{where} {said}",
        theme=session.theme(), key=f"{key}_map", on_pin=_nothing,
    )  # fmt: skip


def _nothing() -> None:
    """A row that is clicked here is not pinned: another step has another row to explain."""


@st.fragment(run_every=SETTLED)
def _watch_text(run: RunView, text: str) -> None:
    """The sentence is typed further up, in a fragment of its own: follow it when typing pauses."""
    if lab.text(run) != text:
        st.rerun()

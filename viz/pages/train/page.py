"""Train: start a training here, and watch attention form."""

from __future__ import annotations

from functools import partial

import streamlit as st

from model.training.folder import RunView
from viz.look.theme import for_markdown
from viz.pages.shared.frame import style, title_beside
from viz.pages.train.forming import forming
from viz.pages.train.new_run import new_run
from viz.pages.train.watched import heading, how_far, learns, watch
from viz.state import link
from viz.state import time_machine as replay
from viz.state import train as lab

ROWS_SHOWN = 10
STYLE = """
.st-key-loss_curve, .st-key-accuracy_curve { margin-top: -0.5rem; }
.target label { font-size: var(--type-small); }
.target p { font-size: var(--type-output); line-height: 1.3; min-height: 1.3em; margin: 0; overflow-wrap: anywhere; }
.st-key-run_words { min-height: 5.5rem; }
.st-key-run_words p { margin: 0 0 0.3rem; }
@media (max-width: 640px) { .st-key-staged { flex-direction: column-reverse; } }
"""


def page() -> None:
    """The form, or the run that is chosen; below, all runs of this server."""
    style(STYLE)
    lab.show_started()
    runs = lab.runs()
    with (
        title_beside("Train", "Train a model from scratch, and watch its attention form."),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = _choose_run([run.name for run in runs])
        st.button(
            "Start your own", type="primary", icon=":material/add:", key="start_own", on_click=lab.show,
            args=(lab.NEW,), disabled=name == lab.NEW,
        )  # fmt: skip
    if name == lab.NEW:
        new_run()
    else:
        _show(name)
    with st.container(key="aside_runs"):
        _list(name)


def _choose_run(names: list[str]) -> str:
    asked, chosen = lab.asked_run(), link.asked(lab.RUN)
    known = (lab.NEW, *names)
    if chosen and chosen not in known and lab.starting(chosen):
        names = [chosen, *names]
    elif asked and asked not in known:
        lab.lab().missing = asked  # the address forgets it with the first run of the page
    if missing := lab.lab().missing:
        st.warning(f"The run “{for_markdown(missing)}” in this link is not on this server.")
    first = [lab.EXAMPLE] if lab.EXAMPLE in names else []
    names = [*first, lab.NEW, *(name for name in names if name not in first)]
    return st.selectbox(
        "Run", names, key=lab.RUN, bind="query-params", on_change=lab.forget_choices,
    )  # fmt: skip


def _show(name: str) -> None:
    try:
        run = lab.view(name)
    except ValueError as error:
        if lab.starting(name):
            _wait(name)
        else:
            st.error(for_markdown(str(error)))
        return
    if run.status.state == "finished" and run.checkpoints:
        _finished(run)
        return
    watch(run)
    st.markdown("#### Its attention on your sentence")
    forming(run, pictures=not replay.shown(run))
    _time_machine(run)


def _finished(run: RunView) -> None:
    """All steps of a run that has reached its end; how the training went stands below."""
    from viz.pages.train.time_machine import machine

    st.markdown(heading(run))
    if run.path == lab.SHIPPED / lab.EXAMPLE:
        st.caption(
            f"A finished run that comes with Headlight: in {run.train.steps:,} steps, a model with one cross-attention "
            "head learned to write a string backwards. Each row is a letter being written: watch it find the letter to "
            "copy."
        )
    forming(run, pictures=False)
    machine(run, lab.text(run))
    with st.container(key="aside_training"):
        st.markdown("#### How the training went")
        watch(run, named=False)


@st.fragment(run_every=lab.IMPATIENCE)
def _wait(name: str) -> None:
    """Until the process has written what the run is, or has ended without."""
    try:
        lab.view(name)
    except ValueError:
        if lab.starting(name):
            st.progress(0.0, text="Starting …")
            return
    st.rerun()


def _time_machine(run: RunView) -> None:
    from viz.pages.train.time_machine import time_machine

    time_machine(run, lab.text(run))


@st.fragment(run_every=lab.SELDOM)
def _list(shown: str) -> None:
    """All runs, with how far each is; one that is ticked is shown."""
    runs = lab.runs()
    if not runs:
        st.caption("There is no run yet.")
        return
    st.markdown("#### All runs")
    key = f"runs_beside_{shown}"  # another run on show, another table: nothing is ticked in it
    table = {
        "run": [run.name for run in runs],
        "learns": [learns(run.data) for run in runs],
        "model": [run.model.architecture for run in runs],
        "progress": [run.status.step / max(1, run.status.steps or run.train.steps) for run in runs],
        "state": [how_far(run) for run in runs],
        "accuracy": [_accuracy(run) for run in runs],
    }
    st.dataframe(
        table,
        hide_index=True,
        height=38 + 35 * min(ROWS_SHOWN, len(runs)),
        placeholder="–",
        column_config={
            "progress": st.column_config.ProgressColumn(format="percent", width="small"),
            "state": st.column_config.TextColumn(width="large"),
            "accuracy": st.column_config.NumberColumn(
                format="percent", help="Share of the tokens in unseen examples that are predicted correctly."
            ),
        },
        key=key,
        on_select=partial(lab.row_chosen, key, [run.name for run in runs]),
        selection_mode="single-row",
    )
    st.caption("Tick a row to see that run. Runs started in a terminal, in this server’s `runs/`, are listed here too.")


def _accuracy(run: RunView) -> float | None:
    scored = [point.valid_accuracy for point in run.log if point.valid_accuracy is not None]
    return scored[-1] if scored else None

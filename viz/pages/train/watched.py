"""A run as it goes on: how far it is, what can be done with it, and its curves."""

from __future__ import annotations

import streamlit as st

from model.config import MEANINGLESS
from model.jobs.launch import LONGEST_NAME
from model.training.data import DataConfig
from model.training.folder import RunView
from viz.figures.curves import accuracy_curve, describe_accuracy, describe_loss, loss_curves
from viz.look.theme import for_markdown
from viz.pages import link_to
from viz.pages.shared.frame import chart
from viz.state import session
from viz.state import train as lab

ICONS = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/directions_run:",
    "paused": ":material/pause:",
    "stopped": ":material/stop:",
    "finished": ":material/check_circle:",
    "failed": ":material/error:",
}


def watch(run: RunView, *, named: bool = True) -> None:
    """The part of a run that changes all the time: a fragment that looks again by itself."""
    if named:
        st.markdown(heading(run))
    shown = moment(run)
    st.fragment(_progress, run_every=_interval(run))(run.name, shown)


def _interval(run: RunView) -> float | None:
    """Seconds until the next look."""
    if run.status.state == "finished":
        return None
    if not run.status.alive:
        return lab.SELDOM
    return lab.PATIENCE if run.log else lab.IMPATIENCE


def moment(run: RunView) -> tuple[object, ...]:
    """What the rest of the page depends on: the state, the newest checkpoint, and how often to look."""
    return run.status.state, lab.newest(run), _interval(run)


def _progress(name: str, shown: tuple[object, ...]) -> None:
    """How far it is, and the curves. Once the rest of the page is out of date, all of it is drawn."""
    try:
        run = lab.view(name)
    except ValueError as error:
        st.error(for_markdown(str(error)))
        return
    if moment(run) != shown:
        st.rerun()
    status = run.status
    st.progress(
        min(1.0, status.step / max(1, status.steps or run.train.steps)), text=f"{ICONS[status.state]} {how_far(run)}"
    )
    if status.state == "failed":
        _failure(run)
    with st.container(horizontal=True, vertical_alignment="center", key="controls"):
        _controls(run)
        logarithmic = st.toggle("Logarithmic loss scale", key="log_loss", bind="query-params")
    if message := lab.problem():
        st.error(for_markdown(message))
    _curves(run, logarithmic=logarithmic)


def how_far(run: RunView) -> str:
    """The state in words, such as “running · step 340 of 2,000 · about 1 min 20 s left”."""
    status = run.status
    said = [status.state]
    if status.state == "queued":
        said.append(f"number {status.place} in the queue" if status.place else "waiting for its turn")
    elif status.state == "running" and status.step == 0:
        said.append("preparing the data")
    steps = status.steps or run.train.steps
    said.append(f"step {status.step:,} of {steps:,}")
    if status.state == "running":
        if status.seconds_left is not None:
            said.append(f"about {duration(status.seconds_left)} left")
        if status.tokens_per_second:
            said.append(f"{status.tokens_per_second:,.0f} tokens per second")
    return " · ".join(said)


def duration(seconds: float) -> str:
    """Such as “45 s”, “3 min 20 s”, “2 h 5 min”."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def learns(data: DataConfig) -> str:
    """What a run learns, in a word or two."""
    return data.task or "own text"


def heading(run: RunView) -> str:
    """What it learns, and by which model."""
    model = run.model
    has_heads = "n_heads" not in MEANINGLESS.get(model.architecture, {})
    heads = f", {model.n_heads} head{'s' * (model.n_heads > 1)}" if has_heads else ""
    layers = f"{model.n_layers} layer{'s' * (model.n_layers > 1)}"
    return (
        f"**{for_markdown(run.name)}** · learns {for_markdown(learns(run.data))} · {model.architecture}, {layers}"
        f"{heads}, vectors of size {model.d_model} · positions: {model.positional} · seed {run.train.seed}"
    )  # fmt: skip


def _failure(run: RunView) -> None:
    kept = " Its last good checkpoint is shown below." if lab.newest(run) else ""
    st.error(f"It failed: {for_markdown(run.status.reason or 'no reason is known')}.{kept}", icon=":material/error:")
    if text := lab.said(run.name):
        with st.expander("The last output of its process"):
            st.code(text, language=None)


def _controls(run: RunView) -> None:
    """Pause, resume, stop and publish, whichever of them are possible."""
    if run.status.alive:
        st.button("Pause", icon=":material/pause:", key="pause", on_click=lab.want, args=(run.name, "pause"))
        st.button("Stop", icon=":material/stop:", key="stop", on_click=lab.want, args=(run.name, "stop"))
    elif run.can_go_on:
        st.button("Resume", icon=":material/play_arrow:", key="resume", on_click=lab.resume, args=(run.name,))
    if run.best is not None:
        _publish(run)


def _publish(run: RunView) -> None:
    with st.popover("Publish", icon=":material/publish:"):
        st.markdown(
            "Copy its best checkpoint so far to where Explore and the other pages can find it, under a name of its "
            "own. The run may continue."
        )
        st.text_input("Name", key="publish_name", placeholder=run.name, max_chars=LONGEST_NAME)
        st.button("Publish", type="primary", key="publish", on_click=lab.publish, args=(run.name,))
    if name := lab.published(run.name):
        label = f"Open “{for_markdown(name.rpartition('/')[2])}” in Explore"
        link_to("explore", label, {"checkpoint": name, "source": lab.text(run)})


def _curves(run: RunView, *, logarithmic: bool) -> None:
    left, right = st.columns(2, gap="medium")
    theme, steps = session.theme(), run.status.steps or run.train.steps
    with left:
        chart(loss_curves(run.log, steps, logarithmic=logarithmic, theme=theme), "loss_curve")
        st.caption(describe_loss(run.log, run.model.vocab_size))
    with right:
        chart(accuracy_curve(run.log, steps, theme=theme), "accuracy_curve")
        st.caption(describe_accuracy(run.log, run.train.validate_every))

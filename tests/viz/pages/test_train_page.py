"""The page Train, run as Streamlit runs it but without a browser; its trainings are real, and small."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model.__main__ import main
from model.capture import capture
from model.checkpoint import load
from model.config import ModelConfig
from model.heads.measures import measure
from model.text.tasks import TASKS
from model.text.tokenizer import Tokenizer
from model.training import recipes
from model.training.data import DataConfig
from model.training.estimate import count_parameters
from model.training.folder import RunView, ask, read_run
from model.training.recipes import recipe
from tests.viz.helpers import app_on, ran
from tests.viz.pages.test_hostile_texts import HOSTILE
from viz.pages.train import new_run
from viz.pages.train.new_run import OWN
from viz.state import opening
from viz.state import train as lab

APP = Path(__file__).parents[3] / "app.py"
PATIENCE = 120  # seconds; the machine may have other work
SIZES = {"n_layers": 1, "n_heads": 3, "d_model": 30, "d_ff": 37, "examples": 211, "batch_tokens": 509, "warmup": 2}
STEPS = 3


@pytest.fixture(autouse=True)
def _server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server in an empty folder; whatever it has started has ended with it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    yield
    processes = list(lab.launcher(opening.RUNS, lab.limits())._processes.values())
    st.cache_resource.clear()
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()  # as when the server is gone
        process.wait(PATIENCE)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has reached its last step."""
    folder = tmp_path_factory.mktemp("finished") / "reverse-1"
    options = {**SIZES, "steps": STEPS, "keep_every": 1, "validate_every": 2}
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    assert main(["train", f"--out={folder}", "--task=reverse", *given]) == 0
    return folder


@pytest.fixture
def run(finished: Path) -> Path:
    """That run among those of the server."""
    return Path(shutil.copytree(finished, opening.RUNS / finished.name))


def opened(**query: str) -> AppTest:
    """The page, at first with its form."""
    return ran(app_on("train", **{"run": lab.NEW, **query}))


def stop(run: Path) -> None:
    """As if somebody had stopped it before its end."""
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "state": "stopped"}))


def form(**changes: Any) -> AppTest:
    """The form, filled in for a training of seconds."""
    app = opened()
    for name, value in {**SIZES, "steps": STEPS, "validate_every": 2, **changes}.items():
        app.number_input(key=f"reverse_transformer_{name}").set_value(value)
    return ran(app)


def button(app: AppTest, key: str) -> Any:
    return app.button(key=key)


def clicked(app: AppTest, key: str) -> AppTest:
    button(app, key).click()
    return ran(app)


def buttons(app: AppTest) -> set[str]:
    return {one.key for one in app.button if one.key}


def messages(app: AppTest) -> list[str]:
    return [unescape(element.value) for group in (app.error, app.warning, app.info) for element in group]


def texts(app: AppTest) -> str:
    return unescape("\n".join(element.value for group in (app.markdown, app.caption) for element in group))


def pages(app: AppTest) -> str:
    return unescape("\n".join(element.proto.body for element in app.html))


def progress(app: AppTest) -> str:
    bar, *_ = app.get("progress")  # others are the time machine's
    return bar.proto.text


def folders() -> list[str]:
    return sorted(path.name for path in opening.RUNS.glob("*")) if opening.RUNS.exists() else []


def waited(name: str, holds: Callable[[RunView], bool]) -> RunView:
    """The run, once ``holds`` says so of it."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            if holds(run := read_run(opening.RUNS / name)):
                return run
        except ValueError:
            pass  # it has not begun
        time.sleep(0.05)
    raise AssertionError((opening.RUNS / name / "output.txt").read_text())


def test_the_form_says_what_a_training_needs():
    app = opened()
    names = {field.name for field in fields(ModelConfig)}
    config = ModelConfig(**{name: value for name, value in recipe("reverse").items() if name in names})
    assert config.vocab_size == len(Tokenizer.characters())
    assert f"**{count_parameters(config):,} parameters**" in texts(app)
    assert messages(app) == []
    assert not button(app, "start").disabled


def test_it_opens_with_a_finished_run_that_ships_and_the_form_is_a_click_away():
    app = ran(app_on("train"))
    assert messages(app) == []
    assert app.selectbox(key="run").value == lab.EXAMPLE
    assert "in 2,400 steps, a model with one cross-attention head learned to write a string backwards" in texts(app)
    for _ in lab.view(lab.EXAMPLE).checkpoints:  # how many are read at a time depends on the machine
        if not any("Your sentence at every step" in bar.proto.text for bar in app.get("progress")):
            break
        app.run()
    assert "Layer 1, head 1 becomes anti-diagonal by step 600" in texts(app)
    assert not {"pause", "stop", "resume", "publish"} & buttons(app)  # nobody changes what ships
    clicked(app, "start_own")
    assert app.selectbox(key="run").value == lab.NEW
    assert "start" in buttons(app)


def test_what_the_card_of_the_run_that_ships_says_of_its_head():
    run = lab.view(lab.EXAMPLE)
    card = " ".join((lab.SHIPPED / f"{lab.EXAMPLE}.md").read_text().split())
    values = {
        step: float(measure(capture(load(path), "attention", "noitnetta").map("cross"))["anti-diagonal"][0, 0])
        for step, path in run.checkpoints
    }
    assert f"{values[2400]:.2f} of its cross-attention lies on the anti-diagonal" in card
    first = min(step for step in values if min(value for at, value in values.items() if at >= step) > 0.5)
    assert f"half of it does from step {first} on" in card
    assert sum(file.stat().st_size for file in lab.SHIPPED.rglob("*")) < 3_000_000


def test_a_run_of_this_server_comes_before_one_that_ships(run: Path):
    shutil.copytree(run, opening.RUNS / lab.EXAMPLE)
    assert lab.view(lab.EXAMPLE).train.steps == STEPS
    assert [view.name for view in lab.runs()].count(lab.EXAMPLE) == 1


def test_a_link_fills_the_form_in():
    app = opened(task="dates", dates_architecture="lstm", dates_lstm_steps="123", dates_lstm_seed="7")
    assert app.number_input(key="dates_lstm_steps").value == 123
    assert app.number_input(key="dates_lstm_seed").value == 7
    assert "dates_lstm_n_heads" not in [field.key for field in app.number_input]  # an LSTM has one
    assert "An English date" in texts(app)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("architecture", ["transformer", "decoder", "lstm"])
def test_what_the_form_begins_with_can_be_started(task: str, architecture: str):
    app = opened(**{"task": task, f"{task}_architecture": architecture})
    assert messages(app) == []
    assert not button(app, "start").disabled


def test_start_trains_by_the_command_and_shows_the_run():
    app = clicked(form(), "start")
    assert app.session_state[lab.RUN] == "reverse-1"
    run = waited("reverse-1", lambda run: run.status.state == "finished")
    assert (run.data, run.train.steps, run.model.n_heads) == (DataConfig(task="reverse", examples=211), STEPS, 3)
    ran(app)
    assert "finished · step 3 of 3" in progress(app)
    assert len(app.get("plotly_chart")) >= 2
    assert "Step 3: " in texts(app)
    assert capture(load(run.checkpoints[-1][1]), "attention").target in pages(app)
    assert "What the model writes on its own at step 3" in pages(app)
    assert messages(app) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 32}, "d_model must be divisible by n_heads, but d_model is 32 and n_heads is 3"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"steps": 50_001}, "this training run has 50,001 steps, but this server allows 50,000"),
        ({"d_model": 30_000}, "parameters, but this server allows 20,000,000"),
        ({"batch_tokens": 10**7}, "MB of memory, but this server allows 4,000"),
    ],
)
def test_bad_settings_are_explained_and_nothing_is_started(changes: dict[str, Any], message: str):
    app = form(**changes)
    (said,) = messages(app)
    assert message in said
    assert button(app, "start").disabled
    assert folders() == []


@pytest.mark.parametrize("name", ["../out", ".hidden", "published", "<b>bold</b>", "x" * 70])
def test_a_name_that_is_none(name: str):
    app = form()
    app.text_input(key="new_name").set_value(name)
    (said,) = messages(clicked(app, "start"))
    assert "The run was not started" in said
    assert folders() == []
    assert "<b>" not in app.error[0].value


REFUSED = [text for text in HOSTILE.values() if text.strip() and not text.replace(" ", "").isalnum()]


def test_no_hostile_name_is_one(run: Path):
    app = form()
    for text in REFUSED:
        app.text_input(key="new_name").set_value(text)
        (said,) = messages(clicked(app, "start"))
        assert "The run was not started" in said
    app = opened(run="reverse-1")
    for text in REFUSED:
        app.text_input(key="publish_name").set_value(text)
        (said,) = messages(clicked(app, "publish"))
        assert "a name has" in said or "may have" in said
    assert folders() == ["reverse-1"]


def test_any_text_is_read_by_a_run(run: Path):
    app = opened(run="reverse-1")
    for text in HOSTILE.values():
        app.text_input(key=lab.TEXT).set_value(text)
        ran(app)
        assert app.text_input(key=lab.TEXT).value == text
        assert [one.value for one in app.error] == []


def test_a_name_that_is_taken(run: Path):
    before = read_run(run)
    app = form()
    assert app.text_input(key="new_name").placeholder == "reverse-2"
    app.text_input(key="new_name").set_value("reverse-1")
    (said,) = messages(clicked(app, "start"))
    assert "there is already a run called 'reverse-1'" in said
    assert read_run(run) == before


def test_a_server_that_starts_nothing(monkeypatch: pytest.MonkeyPatch, run: Path):
    monkeypatch.setenv("HEADLIGHT_AT_ONCE", "0")
    (said,) = messages(clicked(form(), "start"))
    assert "this server does not start training runs" in said
    assert folders() == ["reverse-1"]
    assert messages(opened(run="reverse-1")) == []  # it can be watched


def test_a_limit_that_is_no_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADLIGHT_STEPS", "many")
    (said,) = messages(opened())
    monkeypatch.delenv("HEADLIGHT_STEPS")
    assert "HEADLIGHT_STEPS must be a whole number" in said


def test_pause_resume_and_stop():
    app = clicked(form(steps=50_000, validate_every=10_000), "start")
    waited("reverse-1", lambda run: run.status.step > 0)
    assert {"pause", "stop"} <= buttons(ran(app))
    clicked(app, "pause")
    paused = waited("reverse-1", lambda run: run.status.state == "paused").status.step
    assert "paused" in progress(ran(app))
    assert not {"pause", "stop"} & buttons(app)
    _wait_for_process()
    clicked(app, "resume")
    waited("reverse-1", lambda run: run.status.state == "running" and run.status.step > paused)
    clicked(ran(app), "stop")
    waited("reverse-1", lambda run: run.status.state == "stopped")
    assert "stopped" in progress(ran(app))
    assert "resume" in buttons(app)
    assert messages(app) == []


def test_the_next_run_waits_and_one_too_many_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADLIGHT_QUEUED", "1")
    clicked(form(steps=50_000), "start")
    waited("reverse-1", lambda run: run.status.step > 0)
    app = clicked(form(), "start")
    waited("reverse-2", lambda run: run.status.place == 1)
    assert "queued · number 1 in the queue" in progress(ran(app))
    (said,) = messages(clicked(form(), "start"))
    assert "2 runs are already running or waiting here, the most allowed" in said
    assert not (opening.RUNS / "reverse-3").exists()
    ask(opening.RUNS / "reverse-1", "stop")
    waited("reverse-2", lambda run: run.status.state == "finished")


def test_a_killed_process_is_a_failure_and_its_checkpoint_opens():
    app = clicked(form(steps=50_000, validate_every=10_000), "start")
    run = waited("reverse-1", lambda run: len(run.checkpoints) > 0 and run.status.step > 0)
    os.kill(run.status.pid, signal.SIGKILL)
    waited("reverse-1", lambda run: run.status.state == "failed")
    (said,) = messages(ran(app))
    assert "the process ended without a message" in said
    assert "Its last good checkpoint is shown below" in said
    assert "What the model writes on its own at step" in pages(app)
    assert "resume" in buttons(app)


def test_a_run_of_elsewhere_is_listed_and_shown(run: Path):
    (table,) = opened().dataframe
    assert list(table.value["run"]) == ["reverse-1", lab.EXAMPLE]
    assert list(table.value["progress"]) == [1.0, 1.0]
    assert "transformer, 1 layer, 3 heads, vectors of size 30" in texts(opened(run="reverse-1"))


@pytest.mark.parametrize(("architecture", "kind"), [("decoder", "Decoder self-attention"), ("lstm", "Cross-attention")])
def test_every_architecture_can_be_watched(architecture: str, kind: str):
    options = {**SIZES, "d_ff": 38, "steps": 2, "keep_every": 1, "architecture": architecture}
    if architecture == "lstm":
        del options["n_heads"]
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    assert main(["train", "--out=runs/other", "--task=repeat", *given]) == 0
    app = opened(run="other")
    assert messages(app) == []
    assert f"{kind}, layer 1, head " in pages(app)
    assert "What the model writes on its own at step 2" in pages(app)
    assert f"{architecture}, 1 layer" in texts(app)


def test_what_failed_says_why(run: Path):
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "state": "failed", "reason": "the disk <b>is</b> full"}))
    (run / "output.txt").write_text("error: No space left\n")
    app = opened(run="reverse-1")
    (said,) = messages(app)
    assert "It failed: the disk <b>is</b> full." in said
    assert "<b>" not in app.error[0].value
    assert [code.value for code in app.code] == ["error: No space left"]


def test_a_dead_link_says_so(run: Path):
    (said,) = messages(opened(run="gone"))
    assert "The run “gone” in this link is not on this server" in said


def test_a_folder_that_is_no_run_is_left_out(run: Path):
    (opening.RUNS / "broken").mkdir()
    (opening.RUNS / "broken/run.json").write_text("{")
    (table,) = opened().dataframe
    assert list(table.value["run"]) == ["reverse-1", lab.EXAMPLE]


def test_the_text_is_the_visitors(run: Path):
    stop(run)
    app = opened(run="reverse-1", text="Zq<i>", machine="false")
    newest = load(read_run(run).checkpoints[-1][1])
    trace = capture(newest, "Zq<i>")
    assert app.text_input(key="text").value == "Zq<i>"
    assert trace.target in pages(app)
    app.selectbox(key="head").set_value("layer 1, head 2")
    assert "Cross-attention, layer 1, head 2." in pages(ran(app))
    app.segmented_control(key="run_kind").set_value("encoder")
    assert "Encoder self-attention, layer 1, head 2." in pages(ran(app))


def test_the_same_picture_is_not_shown_twice(run: Path):
    stop(run)
    for machine, shown in (("false", ["forming"]), ("true", ["machine"])):
        keys = {element.key for element in opened(run="reverse-1", machine=machine).selectbox}
        assert [name for name, key in (("forming", "head"), ("machine", "machine_head")) if key in keys] == shown


def test_publish_makes_a_checkpoint_of_its_own(run: Path):
    app = opened(run="reverse-1")
    app.text_input(key="publish_name").set_value("backwards")
    clicked(app, "publish")
    assert messages(app) == []
    assert load(opening.RUNS / "published/backwards").digest == load(run).digest
    (link,) = [link.proto for link in app.get("page_link") if "Explore" in link.proto.label]
    assert "checkpoint=runs%2Fpublished%2Fbackwards" in link.query_string
    clicked(app, "publish")
    assert "the name 'backwards' is taken" in "".join(messages(app))
    explore = ran(app_on(checkpoint="runs/published/backwards"))
    assert explore.selectbox(key="checkpoint").value == "runs/published/backwards"


def test_own_text_is_kept_with_the_run():
    lines = "".join(f"word {'abcdefghij'[i % 10]} {i}\n" for i in range(53))
    app = opened(task=OWN)
    assert button(app, "start").disabled
    app.file_uploader(key="file_source").set_value(("a.txt", lines.encode(), "text/plain"))
    app.file_uploader(key="file_target").set_value(("b.txt", lines.upper().encode(), "text/plain"))
    for name, value in {**SIZES, "steps": STEPS, "vocab_size": 263, "augment": 0.25, "examples": None}.items():
        if value is not None:
            app.number_input(key=f"own_text_transformer_{name}").set_value(value)
    ran(app)
    assert [said.value for said in app.success] == ["48 pairs to train on, 5 to validate on."]
    clicked(app, "start")
    run = waited("text-1", lambda run: run.status.state == "finished")
    kept = (opening.RUNS / "text-1/data/source.txt").read_text().splitlines()
    assert len(kept) == 48
    assert set(kept) < set(lines.splitlines())
    assert (run.data.task, run.data.augment) == (None, 0.25)


def test_a_long_text_begins_with_other_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recipes, "MANY_PAIRS", 48)
    monkeypatch.setattr(new_run, "MANY_PAIRS", 48)
    lines = "".join(f"word {i}\n" for i in range(53)).encode()
    app = opened(task=OWN)
    few, many = recipe(None, n_pairs=0), recipe(None, n_pairs=48)
    assert app.number_input(key="own_text_transformer_vocab_size").value == few["vocab_size"]
    for part in ("source", "target"):
        app.file_uploader(key=f"file_{part}").set_value((f"{part}.txt", lines, "text/plain"))
    ran(app)
    for name in ("vocab_size", "d_model", "augment"):
        assert app.number_input(key=f"own_text_many_transformer_{name}").value == many[name] > few[name]


def test_files_that_cannot_be_used():
    app = opened(task=OWN)
    app.file_uploader(key="file_source").set_value(("a.txt", b"one\ntwo", "text/plain"))
    assert "the target file is missing" in "".join(messages(ran(app)))
    app.file_uploader(key="file_target").set_value(("<b>.txt", b"un", "text/plain"))
    (said,) = messages(ran(app))
    assert "the source file “a.txt” has 2 lines and the target file “<b>.txt” has 1" in said
    assert "<b>" not in app.error[0].value
    assert button(app, "start").disabled


def _wait_for_process() -> None:
    """Until the process that has paused its run is gone."""
    give_up = time.monotonic() + PATIENCE
    while lab.launcher(opening.RUNS, lab.limits()).running() and time.monotonic() < give_up:
        time.sleep(0.05)

"""The time machine on the page Train, run as Streamlit runs it but without a browser, on a real small run."""

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
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
from model.heads.measures import measure
from model.training.folder import read_run
from tests.viz.helpers import app_on
from viz.look.theme import for_markdown
from viz.state import opening
from viz.state import time_machine as replay

APP = Path(__file__).parents[3] / "app.py"
SIZES = {"n_layers": 2, "n_heads": 3, "d_model": 30, "d_ff": 37, "examples": 211, "batch_tokens": 509, "warmup": 2}
NAME, SECOND = "reverse-1", "reverse-2"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with a checkpoint at each of the steps 0 to 3."""
    folder = tmp_path_factory.mktemp("finished")
    options = {**SIZES, "steps": 3, "keep_every": 1, "validate_every": 2}
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    for seed, name in enumerate((NAME, SECOND)):
        assert main(["train", f"--out={folder / name}", "--task=reverse", f"--seed={seed}", *given]) == 0
    return folder


@pytest.fixture(autouse=True)
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The first of them, the only one of the server."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield Path(shutil.copytree(finished / NAME, opening.RUNS / NAME))
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def opened(**query: str) -> AppTest:
    return ran(app_on("train", **{"run": NAME, **query}))


def ran(app: AppTest) -> AppTest:
    """Until every checkpoint was read."""
    for _ in range(12):
        app.run()
        assert not app.exception
        if not any(button.key == "machine_cancel" for button in app.button):  # it is there while there are more
            break
    return app


def said(app: AppTest) -> str:
    texts = [element.value for group in (app.markdown, app.caption, app.info, app.error) for element in group]
    return unescape("\n".join([*texts, *(element.proto.body for element in app.html)]))


def story(app: AppTest) -> dict[str, Any]:
    """The chart with the three curves."""
    (found,) = [
        figure for chart in app.get("plotly_chart") if "yaxis3" in (figure := json.loads(chart.proto.spec))["layout"]
    ]
    return found


def test_it_opens_on_the_last_step_and_goes_back(run: Path):
    app = opened(text="abc")
    assert app.select_slider(key=replay.STEP).value == 3
    assert app.select_slider(key=replay.STEP).options == ["0", "1", "2", "3"]
    app.select_slider(key=replay.STEP).set_value(1)
    app = ran(app)
    written = capture(load(read_run(run).checkpoints[1][1]), "abc").target
    assert "on its own at step 1 – not right yet" in said(app)
    assert f"<p>{written}</p>" in said(app) or not written
    assert story(app)["layout"]["shapes"][0]["x0"] == 1


def test_the_curve_is_the_measure_of_every_checkpoint(run: Path):
    app = opened(text="abc", machine_measure="Entropy", machine_head="layer 2, head 3")
    chosen = story(app)["data"][-1]
    assert chosen["name"] == "L2 H3"
    expected = [
        float(measure(capture(load(path), "abc", "cba").map("cross"))["entropy"][1, 2])
        for _, path in read_run(run).checkpoints
    ]
    assert chosen["y"] == pytest.approx(expected, abs=1e-5)
    assert len(story(app)["data"]) == 3 + 6  # all heads


def test_a_link_restores_everything(finished: Path):
    shutil.copytree(finished / SECOND, opening.RUNS / SECOND)
    query = {
        "machine_step": "1", "machine_kind": "Decoder self", "machine_measure": "Previous",
        "machine_head": "layer 1, head 2", "machine_other": SECOND, "machine_own_step": "true",
        "machine_other_step": "2", "machine_other_head": "layer 2, head 1",
    }  # fmt: skip
    app = opened(**query)
    assert app.select_slider(key=replay.STEP).value == 1
    assert app.select_slider(key=replay.OTHER_STEP).value == 2
    assert app.selectbox(key=replay.MEASURE).value == "previous"
    assert app.selectbox(key=replay.OTHER_HEAD).value == "layer 2, head 1"
    assert "Decoder self-attention, layer 1, head 2, step 1." in said(app)
    assert "Decoder self-attention, layer 2, head 1, step 2." in said(app)
    assert {trace["name"] for trace in story(app)["data"] if trace.get("showlegend")} == {NAME, SECOND}


def test_two_runs_stand_at_the_same_step_or_the_nearest(finished: Path):
    shutil.copytree(finished / SECOND, opening.RUNS / SECOND)
    (opening.RUNS / SECOND / "checkpoints" / "00000001.safetensors").unlink()
    app = opened(machine_step="1", machine_other=SECOND)
    assert "has no checkpoint at step 1; the nearest is at step 0" in said(app)


def test_a_broken_checkpoint_is_left_out_with_a_note(run: Path):
    (run / "checkpoints" / "00000002.safetensors").write_bytes(b"broken")
    app = opened()
    assert "step 2, is left out: 00000002 is truncated" in said(app).replace("&#46;", ".")
    assert story(app)["data"][-1]["x"] == [0, 1, 3]
    app.select_slider(key=replay.STEP).set_value(2)
    assert "The checkpoint at step 2 cannot be used; choose another step." in said(ran(app))


def test_when_every_checkpoint_is_broken_it_says_so(run: Path):
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(b"")
    assert "None of the kept checkpoints of this run can be opened." in said(opened())


def test_without_kept_checkpoints_it_says_how_to_get_them(run: Path):
    shutil.rmtree(run / "checkpoints")
    assert "--keep-every" in said(opened())


def test_right_after_the_start_it_says_that_checkpoints_will_come(run: Path):
    shutil.rmtree(run / "checkpoints")
    status = json.loads((run / "status.json").read_text())
    alive = {"state": "running", "step": 0, "pid": os.getpid(), "host": socket.gethostname(), "updated": time.time()}
    (run / "status.json").write_text(json.dumps({**status, **alive}))
    found = said(opened())
    assert "No checkpoint has been kept yet" in found
    assert "--keep-every" not in found


def test_reading_can_be_cancelled_and_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay, "PORTION", -1)  # one checkpoint at a time
    app = app_on("train", run=NAME).run()
    app.button(key="machine_cancel").click().run()
    assert not app.exception
    assert "Reading was cancelled after" in said(app)
    assert len(story(app)["data"][-1]["x"]) < 4
    app.button(key="machine_go_on").click()
    assert len(story(ran(app))["data"][-1]["x"]) == 4


def test_a_run_that_goes_on_is_followed_from_the_last_step_only(run: Path):
    app = opened()
    last = run / "checkpoints" / "00000003.safetensors"
    shutil.copy(last, last.with_stem("00000004"))
    app = ran(app)
    assert app.select_slider(key=replay.STEP).value == 4
    assert story(app)["data"][-1]["x"] == [0, 1, 2, 3, 4]
    app.select_slider(key=replay.STEP).set_value(1)
    ran(app)
    shutil.copy(last, last.with_stem("00000005"))
    app = ran(app)
    assert app.select_slider(key=replay.STEP).value == 1
    assert story(app)["data"][-1]["x"][-1] == 5


def test_closed_it_reads_nothing(run: Path, monkeypatch: pytest.MonkeyPatch):
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "state": "stopped"}))
    monkeypatch.setattr(replay, "read_on", lambda run: pytest.fail("read"))
    assert not opened(machine="false").select_slider


def test_markup_in_the_sentence_is_shown_as_it_is():
    app = opened(text="<b>*x*")
    (caption,) = [element.value for element in app.caption if element.value.startswith("At every training step")]
    assert for_markdown("*x*>b<") in caption
    assert not any("<b>" in element.proto.body for element in app.html)


def test_what_is_taken_along_is_what_is_played(run: Path, monkeypatch: pytest.MonkeyPatch):
    offered: dict[str, Any] = {}
    monkeypatch.setattr(st, "download_button", lambda label, data, **options: offered.update({label: (data, options)}))
    opened(text="abc", machine_head="layer 2, head 3")
    data, options = offered["Download HTML"]
    page = data().decode("utf-8")
    for _, path in read_run(run).checkpoints:
        assert load(path).digest in page
    assert options["file_name"] == "headlight-reverse-1-cross-layer2-head3-training.html"
    assert offered["Download GIF"][0]()[:6] == b"GIF89a"

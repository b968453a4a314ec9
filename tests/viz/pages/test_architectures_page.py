"""The page Architectures, run as Streamlit runs it but without a browser."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.compare import record as compare
from model.compare.cost import CostPlan
from model.compare.distance import DistancePlan
from model.compare.points import CONTENDERS
from model.compare.steps import StepPlan
from tests.viz.helpers import app_on, ran
from viz.look import architecture_words as words
from viz.pages.architectures import measuring_here
from viz.pages.architectures.page import PARTS

APP = Path(__file__).parents[3] / "app.py"
STEPS, DISTANCE, COST, QUALITY = PARTS
NAMES = {STEPS: "steps", DISTANCE: "distance", COST: "cost"}
CHARTS = {STEPS: 1, DISTANCE: 1, COST: 2, QUALITY: 0}
TINY: dict[str, compare.Plan] = {
    "steps": StepPlan(lengths=(3, 5), tokens=15, repeats=1, n_layers=1, d_model=8, d_ff=11),
    "distance": DistancePlan(
        distances=(2, 3), updates=2, texts=5, learning_rates=(0.01,), seeds=(0,), d_model=8, n_tested=7
    ),
    "cost": CostPlan(lengths=(5, 7, 11), repeats=2, d_model=8, n_heads=2),
}


@pytest.fixture(autouse=True)
def _one_visitor() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def opened(part: str) -> AppTest:
    return ran(app_on("architectures", part=part))


def said(app: AppTest) -> str:
    return "\n".join(unescape(element.value) for group in (app.markdown, app.caption) for element in group)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_what_is_recorded(part: str):
    app = opened(part)
    assert [element.value for element in app.info] == []
    assert len(app.get("plotly_chart")) == CHARTS[part]


@pytest.mark.parametrize("part", NAMES)
def test_what_is_said_is_computed_from_the_record(part: str):
    measured = compare.recorded()[NAMES[part]]
    describe = {STEPS: words.describe_steps, DISTANCE: words.describe_distance, COST: words.describe_cost}[part]
    text = said(opened(part))
    assert all(sentence in text for sentence in describe(measured.points))
    assert measured.date in text
    assert measured.machine in text


def test_the_record_is_of_the_plans_that_the_command_has():
    for name, measured in compare.recorded().items():
        assert measured.plan == compare.PLANS[name]


@pytest.mark.parametrize("part", NAMES)
@pytest.mark.parametrize("with_record", [True, False])
def test_measured_here(part: str, with_record: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measuring_here, "QUICK", TINY)
    monkeypatch.setattr(measuring_here, "PORTION", 100.0)
    if not with_record:
        monkeypatch.setattr(compare, "MEASURED", tmp_path / "none.json")
    app = opened(part)
    assert len(app.info) == (not with_record)
    assert "Measured here" not in said(app)
    app.button(key=f"measure_{NAMES[part]}").click()
    ran(app)
    assert "Measured here" in said(app)
    assert ("rings what was measured here" in said(app)) == with_record
    assert len(app.get("plotly_chart")) == CHARTS[part]
    assert app.button(key=f"measure_{NAMES[part]}")  # and again, if one likes


def test_progress_and_cancel(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measuring_here, "QUICK", TINY)
    monkeypatch.setattr(measuring_here, "PORTION", 0.0)  # one step a look
    app = opened(DISTANCE)
    app.button(key="measure_distance").click()
    ran(app)
    total = TINY["distance"].total
    assert total == 2 * len(CONTENDERS) * 3
    bars = app.get("progress")
    assert [bar.proto.text for bar in bars] == [f"Measured 0 of {total} runs"]
    ran(app)
    assert [bar.proto.text for bar in app.get("progress")] == [f"Measured 1 of {total} runs"]
    app.button(key="cancel_distance").click()
    ran(app)
    assert "Measured here" not in said(app)
    assert app.button(key="measure_distance")
    assert len(app.get("progress")) == 0


def test_the_pairs_that_ship():
    app = opened(QUALITY)
    for name in ("translate-en-fr", "lstm-translate-en-fr", "dates", "lstm-dates"):
        assert (f"| {name} |" in said(app)) == (name in checkpoint.pretrained())


def test_a_checkpoint_that_does_not_ship_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for ending in (checkpoint.SUFFIX, ".md"):
        (tmp_path / f"dates{ending}").write_bytes((checkpoint.PRETRAINED / f"dates{ending}").read_bytes())
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    app = opened(QUALITY)
    assert "| dates | 695,680 | 3,500 | – | 99.93% |" in said(app)
    assert [element.value.partition(":")[0] for element in app.info] == [
        "lstm-translate-en-fr and translate-en-fr", "lstm-dates",
    ]  # fmt: skip

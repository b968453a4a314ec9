"""The page Checkpoints: what is open, its parameters, and what can be done with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.families import shelves
from model.trace import Trace
from tests.model.families.folders import make
from tests.viz.helpers import app_on, ran


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelves") / "shelf"
    for family in ("bert", "llama", "bloom"):
        make(folder / family, family)
    Trace.of(np.full((1, 1, 2, 2), 0.5), ("a", "b"), name="mine").save(folder / "mine.trace.safetensors")
    return folder


@pytest.fixture(autouse=True)
def _one_visitor(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(shelves.FOLDERS, str(shelf))
    threads = torch.get_num_threads()
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


MATRICES, PARAMETERS = "What a head’s matrices do", "Parameters"


def shown(name: str, part: str = "What it is") -> AppTest:
    return ran(app_on("checkpoints", checkpoint=name, part=part))


def written(app: AppTest) -> str:
    return "\n".join(element.value for group in (app.markdown, app.caption, app.info) for element in group)


@pytest.mark.parametrize("name", checkpoint.pretrained())
def test_each_that_ships(name: str):
    app = shown(name)
    assert not app.error
    opened = checkpoint.load(name)
    assert opened.digest in written(app)
    app.segmented_control(key="part").set_value(PARAMETERS)
    ran(app)
    n = sum(one.numel() for one in opened.model.parameters())
    assert f"{n:,} numbers" in written(app)
    assert sum(app.dataframe[0].value["numbers"].tolist()) == n


def test_a_model_from_elsewhere():
    app = shown("shelf/llama")
    assert "which share 2 key and value heads" in written(app).replace("&#44;", ",")
    assert "Only for models trained by Headlight." in written(app)
    app.segmented_control(key="part").set_value(PARAMETERS)
    ran(app)
    assert "model.layers.0.self_attn.q_proj.weight" in list(app.dataframe[0].value["name"])
    app.segmented_control(key="part").set_value(MATRICES)
    ran(app)
    app.selectbox(key="matrices_head").set_value(6)
    ran(app)


def test_a_mask_is_told():
    assert "Fill gaps" in written(shown("shelf/bert"))


def test_where_the_matrices_are_not_known():
    assert "does not know how" in written(shown("shelf/bloom", MATRICES))


def test_a_recording():
    recorded = "shelf/mine.trace.safetensors"
    assert "Recorded from" in written(shown(recorded))
    assert "patterns, but no matrices" in written(shown(recorded, MATRICES))
    app = shown(recorded, PARAMETERS)
    assert "patterns, but no parameters" in written(app)
    assert len(app.dataframe) == 0


@pytest.mark.parametrize("name", ["dates", "shelf/llama", "shelf/mine.trace.safetensors"])
def test_the_configuration(name: str):
    app = shown(name, "Configuration")
    assert not app.error
    for block in app.code:
        json.loads(block.value)
    assert len(app.code) == {"dates": 2, "shelf/llama": 1}.get(name, 0)
    assert ("has none" in written(app)) == (not app.code)

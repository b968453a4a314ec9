"""Models that are no Transformer with encoder and decoder: every page shows what there is, or says what it needs."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from tests.viz.helpers import app_on, parts, pictures, ran
from viz.components.views import VIEWS
from viz.pages.explore.page import DECODER
from viz.pages.guide.chapters import CHAPTERS
from viz.pages.positions.page import PARTS
from viz.state import opening

APP = Path(__file__).parents[3] / "app.py"
LONG = "7 June 2021, " * 20
OTHERS = [name for name in checkpoint.pretrained() if name.startswith("lstm-") or name == "repeat"]
LIKE = {"lstm-dates": "dates", "lstm-translate-en-fr": "translate-en-fr"}
pytestmark = pytest.mark.skipif(not OTHERS, reason="no other model ships")


@pytest.fixture(autouse=True)
def _one_visitor() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def opened(page: str = "", **query: str) -> AppTest:
    return ran(app_on(page, **query))


def said(app: AppTest) -> str:
    return "\n".join(element.value for group in (app.error, app.warning, app.info) for element in group)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize(
    "source", ["", "a", "attention", "ＡＢ 👩‍👩‍👧 \x07<b>", LONG], ids=lambda text: ascii(text[:9])
)
def test_explore_draws_the_attention_there_is(name: str, source: str):
    app = opened(checkpoint=name, source=source)
    app.text_input(key="source").set_value(source)
    ran(app)
    kinds = list(app.segmented_control(key="kind").options)
    assert kinds == (["Decoder self"] if name == "repeat" else ["Cross"])
    assert pictures(app)["overview"]
    assert not app.error
    assert ("at most" in said(app)) == (len(source.encode()) >= checkpoint.load(name).config.max_len)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("panel", [DECODER, "Atlas", "Export"])
@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_every_panel_and_picture(name: str, panel: str, view: str):
    app = opened(checkpoint=name, panel=panel, view=view)
    assert said(app) == ""


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("mode", ["beginning", "target", "beam"])
def test_the_decoder_takes_what_is_given(name: str, mode: str):
    app = opened(checkpoint=name, panel=DECODER)
    names = list(app.segmented_control(key="decoder_mode").options)
    (asked,) = [option for option in names if mode in option.lower()] or [None]
    assert asked is not None, names
    app.segmented_control(key="decoder_mode").set_value(asked)
    ran(app)
    for key in ("prefix", "target"):
        for field in app.text_input:
            if field.key == key:
                field.set_value("2019")
    ran(app)
    assert not app.error


def test_a_row_of_the_target_is_its_step_of_the_decoder():
    if "repeat" not in OTHERS:
        pytest.skip("the checkpoint does not ship")
    app = opened(checkpoint="repeat", source="abcd", panel=DECODER)
    app.session_state["token"] = (
        "8 b ▸ c"  # after those of the four letters read, <s> ▸ a, a ▸ b, b ▸ c, c ▸ d, d ▸ </s>
    )
    ran(app)
    assert app.slider(key="step").value == 3
    app.button(key="step_next").click()
    ran(app)
    assert app.session_state["token"] == "9 c ▸ d"


@pytest.mark.skipif("repeat" not in OTHERS, reason="the checkpoint does not ship")
def test_the_first_head_on_show_is_one_of_induction():
    app = opened(checkpoint="repeat")
    assert app.selectbox(key="layer_number").value == 2


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "repeat"])
@pytest.mark.parametrize("page", ["anatomy", "positions", "guide"])
def test_a_page_says_what_the_model_has_not_and_opens_one_that_has(name: str, page: str):
    app = opened(page, checkpoint=name)
    lacks = "positional encoding" if page == "positions" else "layers of heads with queries, keys and values"
    assert unescape(said(app)).endswith(f", but **{name}** has no {lacks}.")
    app.query_params.clear()  # else the link of the first run chooses the checkpoint again
    app.button(key="open_transformer").click()
    ran(app)
    assert app.selectbox(key="checkpoint").value == (LIKE.get(name) or opening.DEFAULT_CHECKPOINT)
    assert said(app) == ""


WITHOUT = {7: "encoder self-attention", 9: "cross-attention", 16: "encoder self-attention"}
"""By number, the chapters that a decoder-only model has nothing for."""


@pytest.mark.skipif("repeat" not in OTHERS, reason="the checkpoint does not ship")
@pytest.mark.parametrize("number", range(1, len(CHAPTERS) + 1))
def test_the_guide_opens_a_decoder_only_model_where_it_has_the_parts(number: int):
    app = opened("guide", checkpoint="repeat", chapter=str(number), source="abcad")
    if number in WITHOUT:
        assert said(app) == f"This chapter looks at {WITHOUT[number]}, but **repeat** has no {WITHOUT[number]}."
        assert len(app.radio) == 0
        return
    assert said(app) == ""
    (place,) = (i for i, radio in enumerate(app.radio) if not (radio.key or "").startswith("fault_"))
    verdicts = []
    for option in app.radio[place].options:
        app.radio[place].set_value(option)
        ran(app)
        verdicts += [element.value for element in app.markdown if "-badge[" in element.value]
    assert sum(verdict.startswith(":green-badge") for verdict in verdicts) == 1


@pytest.mark.skipif("repeat" not in OTHERS, reason="the checkpoint does not ship")
@pytest.mark.parametrize("part", PARTS)
def test_positions_opens_a_decoder_only_model(part: str):
    shift = {"off": "in neither", "shuffle": "3", "shift": "5"} if part == "Change the positions" else {}
    app = opened("positions", checkpoint="repeat", part=part, source="abcad", **shift)
    assert said(app) == ""
    drawn = [part for part in parts(app).values() if isinstance(part, dict) and {"values", "weights"} & part.keys()]
    assert len(app.get("plotly_chart")) + len(drawn) >= 1

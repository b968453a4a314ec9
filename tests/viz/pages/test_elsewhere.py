"""Models from elsewhere on the pages: what they give is shown, and what they cannot do is said in one sentence."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model.families import shelves
from model.trace import Trace
from tests.model.families.folders import make
from tests.viz.helpers import app_on, pictures, ran
from viz.pages import PAGES
from viz.pages.explore.page import DECODER, PROOF
from viz.pages.shared.answering import answered
from viz.state import opening, tracing
from viz.state.clicked import read_zoom
from viz.state.decoder import MORE

FAMILIES = ("bert", "bert base", "gpt2", "gpt-oss", "t5")
RECORDING = "shelf/mine.trace.safetensors"
WORDS = ("The", "cat", "sat", "down", ".")
NAMES = [*(f"shelf/{family.replace(' ', '-')}" for family in FAMILIES), RECORDING]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelves") / "shelf"
    for family in FAMILIES:
        make(folder / family.replace(" ", "-"), family)
    maps = {"encoder": np.full((2, 3, 5, 5), 0.2), "cross": np.full((2, 3, 2, 5), 0.2)}
    Trace.of(maps, WORDS, ("x", "y"), name="mine").save(folder / "mine.trace.safetensors")
    return folder


@pytest.fixture(autouse=True)
def _one_visitor(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(shelves.FOLDERS, str(shelf))
    threads = torch.get_num_threads()
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def said(app: AppTest) -> str:
    return "\n".join(element.value for group in (app.error, app.warning, app.info) for element in group)


def output(app: AppTest) -> tuple[str, str]:
    shown = pictures(app)["output"]
    return shown["label"], "".join(word["text"] for word in shown["target"])


@pytest.mark.parametrize(("name", "label"), [("bert", "Text"), ("gpt2", "Text"), ("t5", "Source sentence")], ids=str)
def test_one_stack_alone_has_no_source(name: str, label: str):
    app = ran(app_on(checkpoint=f"shelf/{name}", source=""))
    assert app.text_input(key="source").label == f"{label}: type your own"
    assert app.text_input(key="source").placeholder == "Nothing typed"
    assert ("of the source" in pictures(app)["reading"]) == (label != "Text")


def test_they_are_offered():
    app = ran(app_on())
    assert set(NAMES) <= set(app.selectbox(key="checkpoint").options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("panel", ["Atlas", "Export", PROOF, DECODER])
def test_explore_with_each_panel(name: str, panel: str):
    app = ran(app_on(checkpoint=name, panel=panel))
    assert pictures(app)["overview"]
    assert not app.error
    writes = any(family in name for family in ("gpt", "t5"))
    assert (DECODER in app.segmented_control(key="panel").options) == writes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("page", [page.name for page in PAGES[1:]])
def test_every_other_page_says_what_it_needs(name: str, page: str):
    app = ran(app_on(page, checkpoint=name))
    if page in ("guide", "anatomy", "positions"):
        assert "was not trained by Headlight, and this page can only take apart models that were" in said(app)
        (way,) = [one for one in app.get("page_link") if "Explore" in one.proto.label]
        assert way.proto.page == ""  # where the first page lies


def test_a_model_that_goes_on_only_when_asked():
    app = ran(app_on(checkpoint="shelf/gpt2", source="She has already"))
    assert output(app)[0] == "Likely next"
    assert output(app)[1].count("%") == 5
    app.segmented_control(key=MORE).set_value("10")
    ran(app)
    label, text = output(app)
    assert label.startswith("Continuation")
    assert text
    app.segmented_control(key="panel").set_value(DECODER)
    ran(app)
    assert "Beam" not in app.segmented_control(key="decoder_mode").options
    other = next(one for one in app.button if (one.key or "").startswith("candidate_") and not one.disabled)
    other.click()
    ran(app)
    assert not app.error


def test_a_text_that_a_newer_one_supersedes_is_not_computed_to_its_end():
    app = ran(app_on(checkpoint="shelf/gpt2", source="She has already"))
    visitor = app.session_state["visitor"]
    passes: list[str] = []
    turns = [visitor.pace.turn()]

    def ask_for_another(name: str) -> None:
        passes.append(name)
        if len(turns) == 1:  # in the midst of the first pass
            turns.append(visitor.pace.turn())

    net = visitor.from_shelf.elsewhere.net
    for name in ("h.0", "h.1"):
        part = net.get_submodule(f"transformer.{name}")
        part.register_forward_hook(lambda *_, name=name: ask_for_another(name))
    answer = lambda turn: asyncio.run(answered(visitor, visitor.following, "A newer text", turn, False))  # noqa: E731
    assert answer(turns[0]) is None
    assert passes == ["h.0"]
    assert b"newer" in (answer(turns[1]) or b"")
    assert passes[1:3] == ["h.0", "h.1"]


def test_heads_that_share_their_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(tmp_path / "shelf/llama", "llama")
    monkeypatch.setenv(shelves.FOLDERS, str(tmp_path / "shelf"))
    drawn = pictures(ran(app_on(checkpoint="shelf/llama")))
    assert (drawn["overview"]["heads"], drawn["overview"]["group"]) == (6, 3)
    assert "share their keys and values" in drawn["reading"]
    assert "share their keys and values" not in pictures(ran(app_on()))["reading"]


def test_layers_are_called_by_their_numbers_in_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(tmp_path / "lfm2", "lfm2")  # of whose five layers the second and the last have attention
    monkeypatch.setenv(shelves.FOLDERS, str(tmp_path))
    name = f"{tmp_path.name}/lfm2" if f"{tmp_path.name}/lfm2" in shelves.offered() else next(iter(shelves.offered()))
    app = ran(app_on(checkpoint=name, layer_number="5", head_number="3", panel="Atlas"))
    assert app.selectbox(key="layer_number").options == ["2", "5"]
    shown = pictures(app)
    assert shown["overview"]["numbers"] == [2, 5]
    assert shown["overview"]["chosen"] == [1, 2]
    assert "layer 5, head 3." in shown["words"]
    assert next(one["value"] for one in shown["addresses"] if one["name"] == "layer_number") == "5"
    heads = [f"L{layer} H{head}" for layer in (2, 5) for head in range(1, 7)]
    assert list(app.dataframe[0].value["Head"]) == heads
    app.selectbox(key="layer_number").set_value(2)
    assert "layer 2, head 3." in pictures(ran(app))["words"]
    export = ran(app_on(checkpoint=name, layer_number="5", panel="Export", export_format="CSV"))
    assert "layer_number=5" in export.code[0].value
    card = ran(app_on("checkpoints", checkpoint=name))
    assert any("5, of which 2, 5 have attention" in element.value for element in card.markdown)


def test_a_link_to_a_text_that_goes_on():
    app = ran(app_on(checkpoint="shelf/gpt2", more="10"))
    assert app.segmented_control(key=MORE).value == "10"
    assert output(app)[0].startswith("Continuation")


def test_a_word_that_is_masked_and_filled():
    app = ran(app_on(checkpoint="shelf/bert", source="She has left.", token="3 has"))
    label, text = output(app)
    assert label == "No output"
    assert "type [MASK] in place of a word" in text
    button = app.button(key="mask")
    assert "has" in button.label
    button.click()
    ran(app)
    assert app.text_input(key="source").value == "She [MASK] left."
    label, text = output(app)
    assert label == "Likely words for the mask"
    assert text.count("%") == 5


def test_a_pair_of_texts_and_the_part_from_one_to_the_other():
    app = ran(app_on(checkpoint="shelf/bert", source="She has left."))
    app.text_input(key="second").set_value("one two")
    ran(app)
    columns = pictures(app)["head"]["columns"]
    assert columns.count("[SEP]") == 2
    assert columns[-1] == "[SEP]"
    app.button(key="pair_A → B").click()
    ran(app)
    (top, bottom), (left, right) = clicked_zoom(app)
    assert columns[left - 1] == columns[right] == "[SEP]"
    assert columns[top - 1] == "[CLS]"
    assert columns[bottom] == "[SEP]"
    app.button(key="pair_All").click()
    ran(app)
    assert app.session_state["zoom"] == ""


def clicked_zoom(app: AppTest) -> tuple[tuple[int, int], tuple[int, int]]:
    zoom = read_zoom(app.session_state["zoom"])
    assert zoom is not None
    return zoom


def test_a_link_to_a_pair():
    app = ran(app_on(checkpoint="shelf/bert", source="She has left.", second="one"))
    assert pictures(app)["head"]["columns"].count("[SEP]") == 2


def test_an_encoder_without_an_output_layer_says_so():
    app = ran(app_on(checkpoint="shelf/bert-base"))
    assert "so it writes nothing" in output(app)[1]


@pytest.mark.parametrize("name", ["shelf/bert", "shelf/gpt-oss", "shelf/t5"])
def test_the_proof(name: str):
    app = ran(app_on(checkpoint=name, panel=PROOF))
    assert any("weights agree" in element.value for element in app.markdown)
    shown = app.dataframe[0].value
    by_numpy, own = (np.array(shown[f"weight {name}"]) for name in ("from NumPy", "in the model"))
    np.testing.assert_allclose(by_numpy, own, atol=1e-5)
    assert own.sum() == pytest.approx(1, abs=1e-5)


def test_a_recording_has_no_proof():
    app = ran(app_on(checkpoint=RECORDING, panel=PROOF))
    assert "not the queries and keys" in said(app)


def test_a_learned_sink_is_a_column_of_its_own():
    app = ran(app_on(checkpoint="shelf/gpt-oss", source="She has left."))
    assert pictures(app)["head"]["columns"][-1] == "sink"


def test_a_recording_shows_its_own_text_and_lets_go_of_it():
    app = ran(app_on(checkpoint="translate-en-fr", source="I see them."))
    app.selectbox(key="checkpoint").set_value(RECORDING)
    ran(app)
    field = app.text_input(key="source")
    assert field.value == "The cat sat down ."
    assert field.disabled
    assert "recording" in output(app)[1]
    app.selectbox(key="checkpoint").set_value("translate-en-fr")
    ran(app)
    field = app.text_input(key="source")
    assert field.value == "I see them."
    assert not field.disabled


def test_a_model_that_nobody_looks_at_is_let_go():
    app = ran(app_on(checkpoint="shelf/bert"))
    held = weakref.ref(app.session_state["visitor"].from_shelf)
    other = ran(app_on(checkpoint="shelf/bert"))
    assert other.session_state["visitor"].from_shelf is held()  # shared by all who look at it
    for one in (app, other):
        assert held() is not None
        one.selectbox(key="checkpoint").set_value("reverse")
        ran(one)
        assert one.session_state["visitor"].traces == {}
    gc.collect()
    assert held() is None


def test_a_model_of_one_who_left_takes_no_memory_whoever_refers_to_it():
    app, other = ran(app_on(checkpoint="shelf/bert")), ran(app_on(checkpoint="shelf/gpt2"))
    left, used = (one.session_state["visitor"].from_shelf for one in (app, other))
    app.session_state["visitor"].let_go()
    opening.close_unused()
    assert {one.device.type for one in left.model.net.parameters()} == {"meta"}
    assert {one.device.type for one in used.model.net.parameters()} == {"cpu"}
    again = ran(app_on(checkpoint="shelf/bert")).session_state["visitor"].from_shelf
    assert {one.device.type for one in again.model.net.parameters()} == {"cpu"}


def test_a_recording_of_one_who_left_takes_no_memory_whoever_refers_to_it():
    app = ran(app_on(checkpoint=RECORDING))
    left = app.session_state["visitor"].from_shelf
    pattern = weakref.ref(left.model.recorded.maps[0].pattern)
    app.session_state["visitor"].let_go()
    opening.close_unused()
    del app
    gc.collect()
    assert pattern() is None
    assert "recording" in output(ran(app_on(checkpoint=RECORDING)))[1]


def test_few_large_traces_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tracing, "LARGE_TRACES", 20_000)
    app = ran(app_on(checkpoint="shelf/bert-base"))
    for text in ("one two three", "one two four", "one two three four one two three"):
        app.text_input(key="source").set_value(text)
        ran(app)
    assert len(app.session_state["visitor"].traces) == 2


def test_a_folder_that_leads_out(shelf: Path, tmp_path: Path):
    outside = tmp_path / "outside"
    make(outside, "bert")
    link = shelf / "linked"
    link.symlink_to(outside)
    try:
        app = ran(app_on(checkpoint="shelf/linked"))
        assert "linked points outside shelf" in app.error[0].value.replace("&#32;", " ")
    finally:
        link.unlink()

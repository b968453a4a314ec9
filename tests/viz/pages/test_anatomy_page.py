"""The page Anatomy, run as Streamlit runs it but without a browser, with the checkpoints that ship."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.anatomy import bench as anatomy_steps
from model.anatomy.dissect import dissect
from model.anatomy.steps import Anatomy
from model.capture import capture
from model.trace import Kind
from tests.helpers import MAX_LEN, save_letters
from tests.viz.helpers import app_on, at, followed, parts, ran
from tests.viz.pages.test_explore import UNUSUAL
from viz.look.words import SHORT_KIND_NAMES
from viz.pages.anatomy import page as view
from viz.pages.anatomy import parts as following
from viz.state.link import one_line

APP = Path(__file__).parents[3] / "app.py"
SHIPPED = checkpoint.pretrained()
TRANSFORMERS = [name for name in SHIPPED if not name.startswith("lstm-")]
LONG = "The quick brown fox jumps over the lazy dog and runs. " * 30


@pytest.fixture(autouse=True)
def _one_visitor() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def on_page(app: AppTest, url_path: str) -> AppTest:
    """Go to another page, as its link in the navigation does: with nothing in the address."""
    app.query_params.clear()
    return ran(at(app, url_path))


def opened(**query: str) -> AppTest:
    return ran(app_on("anatomy", **query))


def texts(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown]


def steps(app: AppTest) -> list[str]:
    """What is written over each step."""
    return [text for text in texts(app) if "\n\n$$\n" in text]


def messages(app: AppTest) -> list[str]:
    return [element.value for group in (app.error, app.warning, app.info) for element in group]


def all_agree(app: AppTest) -> bool:
    shown = parts(app)
    return " steps agree</span>" in shown["total"] and not any("badge red" in str(part) for part in shown.values())


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("kind", SHORT_KIND_NAMES)
def test_every_shipped_checkpoint_is_taken_apart(name: str, kind: Kind):
    app = opened(checkpoint=name, kind=SHORT_KIND_NAMES[kind])
    assert app.segmented_control(key="kind").value == ("decoder" if name == "repeat" else kind)
    assert len(steps(app)) >= 16
    assert all_agree(app)
    assert messages(app) == []


@pytest.mark.parametrize("name", [name for name in SHIPPED if name in ("dates", "translate-en-fr")])
@pytest.mark.parametrize("text", ["", LONG, *UNUSUAL], ids=lambda text: ascii(text[:12]))
def test_any_text_is_taken_apart(name: str, text: str):
    app = opened(checkpoint=name, source=text) if text else opened(checkpoint=name)
    if not text:
        app.text_input(key="source").set_value("")
        ran(app)
    assert app.text_input(key="source").value == one_line(text)
    for kind in SHORT_KIND_NAMES:
        app.segmented_control(key="kind").set_value(kind)
        ran(app)
        assert steps(app)
        assert all_agree(app)
    assert any("at most" in message for message in messages(app)) == (text == LONG)


def test_a_decoder_row_has_both_its_names():
    app = opened(checkpoint="reverse", source="abc", kind="Cross", token="2 b")
    said = parts(app)["introduction"]
    assert "row “b”.</b> The query token <i>t</i> is “c”, token 2:" in said
    assert "token 2: the model has just read it, and writes “b” next" in said
    app = opened(checkpoint="reverse", source="abc", kind="Encoder self", token="2 b")
    assert "The query token <i>t</i> is “b”, token 2." in parts(app)["introduction"]


def test_typing_changes_the_steps_and_they_still_agree():
    app = opened(checkpoint="dates")
    before = parts(app)
    app.text_input(key="source").set_value("3rd of May 1999")
    assert parts(ran(app)) != before
    assert all_agree(app)


def test_the_choices_go_along_from_page_to_page():
    app = ran(app_on(checkpoint="dates"))
    app.text_input(key="source").set_value("3 May 1999")
    app.segmented_control(key="kind").set_value("encoder")
    ran(app)
    app.selectbox(key="layer_number").set_value(2)
    app.selectbox(key="head_number").set_value(3)
    ran(app)
    app.session_state["token"] = "3 M"
    ran(app)
    for page in ("anatomy", "", "positions", "anatomy"):
        on_page(app, page)
        assert app.selectbox(key="checkpoint").value == "dates"
        assert app.text_input(key="source").value == "3 May 1999"
        if page != "positions":
            assert app.segmented_control(key="kind").value == "encoder"
            assert [app.session_state[key] for key in ("layer_number", "head_number", "token")] == [2, 3, "3 M"]
        ran(app)  # the browser does so by itself
        assert "".join(app.query_params["checkpoint"]) == "dates"
        if page:  # on Explore the browser writes the text into the address
            assert "".join(app.query_params["source"]) == "3 May 1999"
    assert parts(app)["introduction"].startswith("<b>Encoder self-attention, layer 2, head 3.</b>")


def test_what_the_decoder_is_made_to_write_is_what_is_taken_apart():
    given = {"decoder_mode": "Your target", "target": "1999-12-31"}
    app = on_page(ran(app_on(checkpoint="dates", token="2 9", **given)), "anatomy")
    assert "**This target is yours.**" in "\n".join(texts(app))
    assert "“1”, token 2: the model has just read it, and writes “9” next" in parts(app)["introduction"]
    assert all_agree(app)
    app.button(key="own_again").click()
    assert "This target is yours" not in "\n".join(texts(ran(app)))


def test_a_wrong_number_is_seen_on_the_page(monkeypatch: pytest.MonkeyPatch):
    def wrong(*where: object) -> Anatomy:
        anatomy = dissect(*where)  # type: ignore[arg-type]
        value = anatomy.step("weights").value.copy()
        value[0] += 0.001
        changed = tuple(replace(step, value=value) if step.name == "weights" else step for step in anatomy.steps)
        return replace(anatomy, steps=changed)

    monkeypatch.setattr(following, "dissect", wrong)
    shown = parts(opened(checkpoint="dates"))
    assert '<span class="badge red">✕ 2 of' in shown["total"]  # the weights, and the weighted values
    verdicts = [part["verdict"] for name, part in shown.items() if name.startswith("strip_")]
    assert sum('<span class="badge red">✕ recomputed; differs by 1.0·10⁻³</span>' in one for one in verdicts) == 1


def test_another_architecture_gets_a_message(monkeypatch: pytest.MonkeyPatch):
    def refuse(*where: object) -> Anatomy:
        raise anatomy_steps.AnatomyError("Only Headlight's own Transformers can be taken apart, but <b> is an LSTM.")

    monkeypatch.setattr(following, "dissect", refuse)
    app = opened(checkpoint="dates")
    (message,) = messages(app)
    assert message.startswith("Only Headlight's own Transformers can be taken apart, but &#60;b&#62; is an LSTM")
    assert steps(app) == []


def test_no_checkpoint_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    (message,) = messages(opened())
    assert message.startswith("There is no checkpoint yet.")


def test_a_text_as_long_as_the_model_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    save_letters(tmp_path / "runs/letters/best.safetensors")
    app = opened(source="x" * 2 * MAX_LEN)
    assert all_agree(app)
    assert messages(app)[0].startswith(f"This model reads at most {MAX_LEN} tokens")


def test_the_numbers_are_a_table():
    app = opened(checkpoint="dates", source="3 May", kind="Cross")
    assert len(app.dataframe) == 0
    app.session_state["numbers_open"] = True
    ran(app)
    app.selectbox(key="numbers_of").set_value("weights")
    ran(app)
    trace = capture(checkpoint.load("dates"), "3 May")
    (shown,) = app.dataframe
    layer, head = (int(app.selectbox(key=key).value or 0) - 1 for key in ("layer_number", "head_number"))
    rows = trace.map("cross").pattern[layer, head]
    assert (np.abs(rows - shown.value.to_numpy()[:, 0]).max(1) < 1e-5).any()
    assert list(shown.value.index)[:3] == ["1 3", "2 ␣", "3 M"]


def test_the_file_holds_every_step(tmp_path: Path):
    opened_checkpoint = checkpoint.load("dates")
    anatomy = dissect(opened_checkpoint, capture(opened_checkpoint, "3 May"), "cross", 1, 2, 3)
    path = tmp_path / "anatomy.npz"
    path.write_bytes(view.archive(anatomy))
    with np.load(path) as arrays:
        for step in anatomy.steps:
            np.testing.assert_array_equal(arrays[step.name], step.value)
        head = arrays["key"] @ arrays["query"] / np.sqrt(32)
        np.testing.assert_allclose(head, arrays["scaled"], atol=1e-5)
        assert arrays["query.weight"].shape == (128, 32)


@pytest.mark.parametrize(
    "query", [{"kind": "Encoder self"}, {"kind": "Decoder self", "token": "2 9"}, {"kind": "Cross"}], ids=str
)
@pytest.mark.parametrize("text", ["", "4 May", "<b>31 December 1999</b>"])
def test_what_is_typed_looks_as_on_the_page(query: dict[str, str], text: str):
    app = opened(checkpoint="dates", source="3 May 1999", layer_number="2", head_number="3", **query)
    before, found = parts(app), followed(app, text)
    app.text_input(key="source").set_value(text)
    assert found == parts(ran(app))
    assert found != before

"""The panel Export on the page Explore: what it offers is what is on screen."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.capture import capture
from model.trace import AttentionMap
from tests.helpers import MAX_LEN, SENTENCE, save_words
from tests.viz.helpers import app_on, map_of, pictures, ran
from viz.components import save_png
from viz.look.forcing import BEGINNING
from viz.look.picture import Display, displayed, picture
from viz.look.theme import show_token
from viz.look.words import where_cut
from viz.pages.explore import export

APP = Path(__file__).parents[3] / "app.py"
NAME = "runs/words"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with one checkpoint to work in, and nothing shipped."""
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    save_words(tmp_path / NAME / "best.safetensors")
    yield tmp_path
    st.cache_resource.clear()
    torch.set_num_threads(threads)


@pytest.fixture
def buttons(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """What the buttons offer, by their keys, run by run: a file name and the function that makes the file."""
    found: dict[str, list[dict[str, Any]]] = {"export_download": [], "export_everything": []}
    monkeypatch.setattr(
        st, "download_button", lambda label, data, key, **options: found[key].append({"data": data, **options})
    )
    return found


@pytest.fixture
def offered(buttons: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return buttons["export_download"]


def opened(**query: str | list[str]) -> AppTest:
    return ran(app_on(**{"panel": "Export", "checkpoint": NAME, "source": SENTENCE, **query}))


def shown() -> AttentionMap:
    return capture(checkpoint.load(NAME), SENTENCE).map("cross")


HEAD = {"layer_number": "2", "head_number": "3"}


@pytest.mark.parametrize(
    ("query", "display"),
    [
        ({}, {}),
        ({"special": "false"}, {"special": False}),
        ({"whole_words": "true", "rows": "fed in"}, {"words": True, "rows": "fed in"}),
    ],
)
def test_the_numbers_are_those_on_screen(offered: list[dict[str, Any]], query: dict[str, str], display: dict[str, Any]):
    opened(export_format="NPZ", **HEAD, **query)
    arrays = np.load(io.BytesIO(offered[-1]["data"]()))
    expected = displayed(shown(), Display(**display))
    np.testing.assert_array_equal(arrays["values"], expected.pattern[1, 2])
    assert arrays["query"].tolist() == list(expected.rows)
    said = json.loads(str(arrays["provenance"]))
    assert (said["checkpoint"], said["layer"], said["head"]) == ("words", "2", "3")
    assert said["digest"].endswith(checkpoint.load(NAME).digest)
    assert said["source"] == SENTENCE
    assert said.get("note", "") == "; ".join(expected.notes)


def test_what_was_left_out_and_cut_is_said_on_the_page_and_in_the_file(offered: list[dict[str, Any]]):
    long, model = f"{SENTENCE} {SENTENCE} {SENTENCE}", checkpoint.load(NAME)
    beginning = model.tokenizer.encode("girl " * MAX_LEN)[:MAX_LEN]  # leaves no room to end
    prefix = model.tokenizer.decode(beginning)
    trace = capture(model, long, prefix=beginning)
    assert trace.source_dropped  # else the sentence is too short to show anything
    app = opened(export_format="JSON", source=long, decoder_mode=BEGINNING, prefix=prefix)
    dropped = f"the last {trace.source_dropped} tokens of the source were not read"
    assert json.loads(offered[-1]["data"]())["provenance"]["note"] == f"{dropped}; output: {where_cut(trace)}"
    assert f"the last {trace.source_dropped} of your text are left out" in app.warning[0].value
    cut = f"Cut after {MAX_LEN} tokens, the most allowed for this text; the model had not finished."
    assert pictures(app)["output"]["label"] == f"Translation. {cut}"


@pytest.mark.parametrize("what", export.WHAT)
@pytest.mark.parametrize("form", export.FORMATS[1:])
def test_everything_in_every_format(offered: list[dict[str, Any]], what: str, form: str):
    app = opened(export_what=what, export_format=form)
    data = offered[-1]["data"]()
    begins = {
        "SVG": b"<svg ",
        "PDF": b"%PDF",
        "HTML": b"<!DOCTYPE html>",
        "CSV": b"\xef\xbb\xbf#",
        "NPZ": b"PK",
        "JSON": b"{",
    }
    assert data.startswith(begins[form])
    assert offered[-1]["file_name"].startswith("headlight-words-cross")
    assert offered[-1]["file_name"].endswith(f"-{what.lower()}.{form.lower()}")
    assert offered[-1]["on_click"] == "ignore"
    assert not app.exception


def test_nothing_is_made_before_it_is_asked_for(offered: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch):
    def made(*_: Any) -> None:
        raise AssertionError("made too early")

    for maker in ("to_csv", "head_numbers", "head_drawing"):
        monkeypatch.setattr(export, maker, made)
    opened(export_format="CSV")
    with pytest.raises(AssertionError, match="too early"):
        offered[-1]["data"]()


def test_a_png_is_left_to_the_browser(monkeypatch: pytest.MonkeyPatch):
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(save_png, "_component", lambda **options: sent.append(options["data"]))
    opened(**HEAD)
    assert sent[-1]["svg"].startswith("<svg ")
    assert sent[-1]["name"] == "headlight-words-cross-layer2-head3-head.png"
    assert json.loads(sent[-1]["provenance"])["checkpoint"] == "words"


def test_the_link_brings_the_same_view_back(offered: list[dict[str, Any]]):
    query = {"kind": "Decoder self", "scale": "logarithm", "special": "false", "export_format": "JSON", **HEAD}
    app = opened(**query)
    link = app.code[0].value
    found = {name: values[-1] for name, values in parse_qs(link.partition("?")[2]).items()}
    assert query.items() <= found.items()
    again = opened(**found)
    assert again.code[0].value == link
    first, second = (json.loads(one["data"]()) for one in (offered[0], offered[-1]))
    assert first == second
    assert first["provenance"]["link"] == f"?{link.partition('?')[2]}"


def test_the_link_says_what_was_chosen_by_default():
    found = parse_qs(opened().code[0].value.partition("?")[2])
    assert {"checkpoint", "source", "kind", "layer_number", "head_number"} <= found.keys()


def messages(app: AppTest) -> list[str]:
    return [element.value for element in app.info]


def test_an_empty_text_can_be_exported(offered: list[dict[str, Any]]):
    opened(source="", export_format="JSON")
    assert json.loads(offered[-1]["data"]())["axes"]["key"] == ["</s>"]


def test_lines_of_several_heads_are_exported_as_on_screen(offered: list[dict[str, Any]]):
    query = {"view": "Lines", "overlay": ["1", "3"], "layer_number": "2", "export_what": "Lines"}
    opened(export_format="NPZ", **query)
    arrays = np.load(io.BytesIO(offered[-1]["data"]()))
    np.testing.assert_array_equal(arrays["values"], picture(shown()).pattern[1, [0, 2]])
    assert arrays["head"].tolist() == [1, 3]
    assert "layer2-heads1-3" in offered[-1]["file_name"]
    opened(export_format="SVG", **query)
    drawn = offered[-1]["data"]().decode()
    assert {"head 1: from", "head 3: from"} <= set(re.findall(r"head \d: from", drawn))
    assert "layer 2, heads 1, 3" in drawn


def test_where_no_line_is_left_the_heatmap_comes(offered: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(export, "FAINTEST", 1.1)
    app = opened(export_what="Lines", export_format="SVG")
    assert any("you get its heatmap" in message for message in messages(app))
    assert b"<path" not in offered[-1]["data"]()


def test_where_hiding_leaves_nothing_it_is_shown_again(offered: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch):
    hidden = picture(map_of([[[0.0, 1.0]]], ("<s>",), ("a", "</s>"), predicted_tokens=("b",)), special=False)
    assert hidden.rows == ()  # all of its weight is on </s>
    panel = export.export_panel
    monkeypatch.setattr(
        "viz.pages.explore.page.PANELS", {"Export": lambda look, _, display: panel(look, hidden, display)}
    )  # fmt: skip
    app = opened(export_format="JSON")
    assert any("nothing would be left" in message for message in messages(app))
    assert json.loads(offered[-1]["data"]())["axes"]["key"] == list(shown().key_tokens)


def test_an_undefined_measure_gives_way_to_one_that_is_defined(offered: list[dict[str, Any]]):
    app = opened(source="", export_what="Atlas", export_format="SVG")
    assert any("undefined" in message for message in messages(app))
    assert offered[-1]["data"]().startswith(b"<svg ")


def test_everything_as_one_page(buttons: dict[str, list[dict[str, Any]]]):
    opened(special="false")
    (everything,) = buttons["export_everything"]
    assert re.fullmatch(r"headlight-words-.*everything\.html", everything["file_name"])
    page = everything["data"]().decode()
    (found,) = re.findall(r'id="maps">(.*?)</script>', page, re.DOTALL)
    maps = json.loads(found)["maps"]
    assert [one["name"] for one in maps] == [
        "Encoder self-attention", "Decoder self-attention", "Cross-attention",
    ]  # fmt: skip
    assert maps[2]["views"][0]["data"]["columns"] == [
        show_token(token) for token in picture(shown(), special=False).columns
    ]
    assert checkpoint.load(NAME).digest in page

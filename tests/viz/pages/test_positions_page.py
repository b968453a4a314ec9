"""The page Positions, run as Streamlit runs it but without a browser, with the checkpoints that ship."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.capture import capture
from model.compare import lengths
from model.compare.lengths import LengthScore, score_lengths
from model.config import POSITIONALS
from model.interventions.moving import Change, displace
from tests.viz.helpers import app_on, followed, parts, ran, weights
from viz.look.words import SHORT_KIND_NAMES
from viz.pages.positions.moved import AFTER, BEFORE
from viz.pages.positions.page import PARTS
from viz.state import opening, session

APP = Path(__file__).parents[3] / "app.py"
ENCODING, ADDED, CHANGE, SIX, STRING = PARTS
SMALL = [name for name in POSITIONALS if f"positional-{name}" in checkpoint.pretrained()]
"""The encodings of the small models that ship."""


@pytest.fixture(autouse=True)
def _one_visitor() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def opened(**query: str) -> AppTest:
    return ran(app_on("positions", **{"checkpoint": "translate-en-fr", **query}))


def texts(app: AppTest) -> str:
    written = [element.value for group in (app.markdown, app.caption) for element in group]
    return unescape("\n".join([*written, *(re.sub("<.*?>", "", part) for part in said(app).values())]))


def said(app: AppTest) -> dict[str, str]:
    """What follows the text in words, as HTML."""
    return {name: part for name, part in parts(app).items() if isinstance(part, str)}


def messages(app: AppTest) -> list[str]:
    return [unescape(element.value) for group in (app.error, app.warning, app.info) for element in group]


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def pages(app: AppTest) -> str:
    return unescape("\n".join(element.proto.body for element in app.html))


def outputs(app: AppTest) -> list[str]:
    """The outputs before and after."""
    shown = unescape("".join(said(app)[name] for name in (BEFORE, AFTER)))
    return [re.sub(r"<small>.*?</small>", "", found) for found in re.findall(r"<p>(.*?)</p></div>", shown)]


def test_the_checkpoints_of_the_page_ship():
    """An encoding whose small model was measured has that model."""
    assert "translate-en-fr" in checkpoint.pretrained()
    assert set(SMALL) == set(lengths.recorded().curves)


@pytest.mark.parametrize("name", POSITIONALS)
@pytest.mark.parametrize("model", ["translate-en-fr", "positional-learned"])
def test_every_encoding_can_be_looked_at(name: str, model: str):
    app = opened(checkpoint=model, encoding=name)
    assert messages(app) == []
    assert charts(app) == {"sinusoidal": 4, "learned": 3, "none": 0}.get(name, charts(app) or 1)
    own = {"translate-en-fr": "sinusoidal", "positional-learned": "learned"}[model]
    assert ("(of this model)" in str(app.selectbox(key="encoding").options[POSITIONALS.index(name)])) == (name == own)


def value(said: str) -> float:
    """A number as the page writes it, such as 6.4·10⁻⁸."""
    plain = str.maketrans({"⁻": "-", "−": "-", **{sign: str(digit) for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}})
    return float(said.translate(plain).replace("·10", "e"))


def test_the_pages_numbers_are_computed():
    said = texts(opened(pair="0"))
    assert "it repeats after 6.3 positions" in said
    (residual,) = re.findall(r"M is off by at most (\S+) ", said)
    assert 0 < value(residual) < 1e-6
    (spread,) = re.findall(r"differ by at most (\S+) ", texts(opened(encoding="rotary")))
    assert 0 < value(spread) < 1e-4
    assert "Show more than 50 positions" in texts(opened(shift_shown="50"))


def test_what_is_added_to_the_sentence():
    app = opened(part=ADDED, source="A red car.")
    shapes = [part["shape"] for part in parts(app).values() if "shape" in part]
    assert shapes == 3 * [[5, 192]]
    assert "a position’s encoding 9.8" in texts(app)  # √(192 / 2): as many sines as cosines
    for name in ("rotary", "alibi", "relative", "none"):
        assert f"encoding {name} adds nothing" in texts(opened(part=ADDED, checkpoint=f"positional-{name}"))


@pytest.mark.parametrize(
    ("query", "change"),
    [
        ({}, Change(off_after=True)),
        ({"off": "in neither", "shuffle": "3"}, Change(shuffle=3)),
        ({"off": "in neither", "shift": "10"}, Change(shift=10)),
        ({"off": "before and after", "shuffle": "3"}, Change(off_before=True, off_after=True, shuffle=3)),
    ],
)
def test_the_experiment_shows_both_outputs_and_what_moved(query: dict[str, str], change: Change):
    text = "A young boy is playing in the red sand."
    app = opened(part=CHANGE, source=text, kind=SHORT_KIND_NAMES["encoder"], layer_number="2", head_number="3", **query)
    expected = displace(checkpoint.load("translate-en-fr"), text, change)
    assert outputs(app) == [expected.output_before, expected.output_after]
    shown = parts(app)
    assert expected.after is not None
    before, after = (trace.map("encoder").pattern[1, 2] for trace in (expected.before, expected.after))
    for place, pattern in (("map_before", before), ("map_after", after), ("map_change", (after - before + 1) / 2)):
        np.testing.assert_allclose(weights(shown[place]).reshape(pattern.shape), pattern, atol=1e-4)
    assert (shown["map_before"]["mode"], shown["map_change"]["mode"]) == ("linear", "change")
    (share,) = re.findall(r"over all heads of this kind (\S+)%", texts(app))
    assert (float(share) < 0.1) == (change.off_before)  # off in both: the order means nothing
    assert messages(app) == []


def test_a_shift_beyond_a_learned_table_is_explained():
    app = opened(part=CHANGE, checkpoint="positional-learned", source="attention", off="in neither", shift="30")
    (message,) = messages(app)
    assert "30 is not below 21" in message
    assert "Shift by less" in message


def test_a_shift_says_when_it_does_nothing():
    assert "A shift does nothing" in texts(opened(part=CHANGE, shift="3"))


def test_the_six_write_what_they_write():
    app = opened(part=STRING, string="Vaswani")
    assert charts(app) == len(SMALL)
    shown = dict(re.findall(r"<div><label>(\w+)(?: ✓)?</label><p>(.*?)</p>", pages(app)))
    assert list(shown) == SMALL
    for name, said in shown.items():
        output = capture(checkpoint.load(f"positional-{name}"), "Vaswani").target
        assert re.sub(r"</?mark>", "", said).removesuffix("…") == output
        assert ("<mark>" in said) == (output != "inawsaV")
    assert [name for name in shown if f"{name} ✓" in pages(app)] == [n for n in shown if "<mark>" not in shown[n]]
    assert "500 held-out strings" in texts(opened(part=SIX))


def test_the_six_beyond_the_trained_length():
    app = opened(part=STRING, string="abcdefghijklmnopqrstuvwxyz0123")
    assert "cannot read so many characters" in pages(app)
    assert charts(app) == len(SMALL) - 1


def test_markup_is_shown_letter_for_letter():
    app = opened(part=STRING, string="<b>&amp;")
    raw = "\n".join(element.proto.body for element in app.html)
    assert "<b>" not in raw
    app = opened(part=CHANGE, source="<i>bold</i> [a](b)", kind="encoder")
    raw = "\n".join(said(app).values())
    assert "&lt;i&gt;" in raw
    assert "<i>" not in raw
    assert "[a](b)" not in "\n".join(element.value for element in app.markdown)


def test_measured_here_again(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[int, int]] = []

    def fewer(model: Any, *, strings: int, seed: int) -> Iterator[LengthScore]:
        asked.append((strings, seed))
        return score_lengths(model, (4, 24), strings=3, seed=seed)

    monkeypatch.setattr(session, "score_lengths", fewer)
    app = opened(part=SIX)
    assert "measured here" not in texts(app)
    next(button for button in app.button if "Measure here again" in button.label).click()
    ran(app)
    assert asked == [(100, lengths.SEED + 1)] * len(SMALL)
    assert "Rings: measured here" in texts(app)


def test_without_a_record_it_can_still_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lengths, "MEASURED", tmp_path / "none.json")
    app = opened(part=SIX)
    assert messages(app) == ["Their recorded accuracy is not on this server; you can measure it here."]
    assert charts(app) == 0


def test_without_the_small_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = (checkpoint.PRETRAINED / "translate-en-fr.safetensors").read_bytes()
    (tmp_path / "translate-en-fr.safetensors").write_bytes(own)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    assert messages(opened(part=SIX)) == ["The six small models are not on this server."]
    (message,) = messages(opened(encoding="relative"))
    assert message.startswith("This model has not learned this encoding, and none ships with Headlight.")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("text", ["", "</s><pad>", "🔦 שלום $x$", "word " * 200])
def test_odd_texts(part: str, text: str):
    opened(part=part, source=text, string=text[:60])


def test_the_small_models_come_last_but_for_own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # no runs
    names = opened().selectbox(key="checkpoint").options
    assert names[0] == opening.DEFAULT_CHECKPOINT
    assert sorted(names[-len(SMALL) :]) == sorted(f"positional-{name}" for name in SMALL)


@pytest.mark.parametrize("query", [{"part": ADDED}, {"part": CHANGE, "shuffle": "2"}, {"part": ENCODING}], ids=str)
@pytest.mark.parametrize("text", ["", "Two dogs run.", "<b>A</b> & b"])
def test_what_is_typed_looks_as_on_the_page(query: dict[str, str], text: str):
    app = opened(source="A red car.", **query)
    before, found = parts(app), followed(app, text)
    app.text_input(key="source").set_value(text)
    assert found == parts(ran(app))
    assert (found != before) == bool(before)


def test_a_shift_that_typing_makes_impossible_is_said_while_typing():
    app = opened(part=CHANGE, checkpoint="positional-learned", source="ab", off="in neither", shift="10")
    found = followed(app, "abcdefghijklmnop")
    assert "Shift by less" in found["moved_words"]
    assert found["map_before"] is found["map_after"] is found["map_change"] is None
    assert "Shift by less" not in texts(app)

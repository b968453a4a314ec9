"""The page Explore, run as Streamlit runs it but without a browser."""

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.text.tasks import TASKS
from model.trace import KINDS
from tests.helpers import HEADS, LAYERS, MAX_LEN, SENTENCE, save_letters, save_words
from tests.viz.helpers import app_on, pictures, ran
from viz.look.examples import KNOWN, Example, Translates
from viz.state import opening

APP = Path(__file__).parents[3] / "app.py"
SHIPPED = checkpoint.pretrained()
LETTERS, WORDS = "runs/letters", "runs/words"
UNUSUAL = [
    " ",
    "\n",
    "<b>bold</b> <script>alert(1)</script>",
    "$x$ and $$y$$",
    "**x** _y_ `z` ~~w~~",
    "](http://x) [a](b) ![c](d)",
    "# heading\n- list\n> quote",
    ":red[x] :material/upload_file: :smile:",
    "&amp; &lt;b&gt;",
    "</s><pad><s>",
    "🔦👩‍👩‍👧‍👦 e\u0301 שלום \u202e 你好",
    "\x00\x07\u200b",
]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``runs/letters``, a model of the task copy, and ``runs/words``; both copy what they read."""
    folder = tmp_path_factory.mktemp("app")
    save_letters(folder / LETTERS / "best.safetensors")
    save_words(folder / WORDS / "best.safetensors")
    return folder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, and nothing shipped."""
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    yield tmp_path
    st.cache_resource.clear()
    torch.set_num_threads(threads)


@pytest.fixture
def runs(folder: Path, saved: Path) -> Path:
    """Two checkpoints that can be opened; ``runs/letters`` comes first."""
    return shutil.copytree(saved / "runs", folder / "runs")


def opened(**query: str) -> AppTest:
    return ran(app_on(**query))


def typed(app: AppTest, text: str) -> AppTest:
    app.text_input(key="source").set_value(text)
    return ran(app)


def target(app: AppTest) -> str:
    """The translation on screen."""
    return "".join(word["text"] for word in pictures(app)["output"]["target"])


def body(element: Any) -> str:
    return element.proto.body


def words(app: AppTest) -> str:
    """The sentences above the head, without their marks."""
    return unescape(re.sub(r"<.*?>", "", pictures(app)["words"]))


def messages(app: AppTest) -> list[str]:
    return [element.value for group in (app.error, app.warning, app.info) for element in group]


def test_it_opens_on_an_example(runs: Path):
    app = opened()
    assert app.selectbox(key="checkpoint").value == LETTERS
    assert app.text_input(key="source").value == TASKS["copy"].example
    assert app.text_input(key="source").label == "Source sentence: type your own"
    assert target(app) == TASKS["copy"].example
    assert words(app).startswith("Cross-attention, layer 1, head 1.")  # the head that copies says most
    assert messages(app) == []


def test_every_checkpoint_is_offered(runs: Path):
    shutil.copytree(runs / "words", runs / "deep" / "er")
    (runs / "empty").mkdir()
    assert opened().selectbox(key="checkpoint").options == ["runs/deep/er", LETTERS, WORDS]


def test_typing_changes_the_translation_and_the_attention(runs: Path):
    app = opened()
    for text in ("d", "do", "dog", "do", ""):
        typed(app, text)
        assert target(app) == text
        assert row_names(app) == named(text)


def named(text: str) -> list[str]:
    """What the rows are called where a model copies a text, character by character."""
    return [f"{position} {written}" for position, written in enumerate([*text, "</s>"], start=1)]


def row_names(app: AppTest) -> list[str]:
    """How a link may tell the rows."""
    rows = pictures(app)["head"]["rows"]
    return [f"{position} {token}" for position, token in enumerate(rows, start=1)]


def pin(app: AppTest, row: str) -> AppTest:
    app.session_state["token"] = row
    return ran(app)


def pinned(app: AppTest) -> str:
    return app.session_state["token"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_layer_and_head(runs: Path, kind: str):
    names = {"encoder": "Encoder self-attention", "decoder": "Decoder self-attention", "cross": "Cross-attention"}
    app = opened(checkpoint=WORDS)
    app.segmented_control(key="kind").set_value(kind)
    ran(app)
    seen = set()
    for layer in range(1, LAYERS + 1):
        for head in range(1, HEADS + 1):
            app.selectbox(key="layer_number").set_value(layer)
            app.selectbox(key="head_number").set_value(head)
            ran(app)
            assert words(app).startswith(f"{names[kind]}, layer {layer}, head {head}.")
            seen.add(words(app))
    assert len(seen) == LAYERS * HEADS
    assert len(app.selectbox(key="layer_number").options) == LAYERS
    assert len(app.selectbox(key="head_number").options) == HEADS


def test_another_kind_shows_its_own_telling_head(runs: Path):
    app = opened(checkpoint=WORDS)
    loaded = checkpoint.load(WORDS)
    for kind in (*KINDS, *KINDS):
        app.segmented_control(key="kind").set_value(kind)
        ran(app)
        layer, head = opening.first_head(loaded, kind)
        assert (app.selectbox(key="layer_number").value, app.selectbox(key="head_number").value) == (
            layer + 1,
            head + 1,
        )


def test_a_row_can_be_pinned(runs: Path):
    app = typed(opened(), "dog")
    assert row_names(app) == ["1 d", "2 o", "3 g", "4 </s>"]
    for row, name in enumerate(row_names(app), start=1):
        pin(app, name)
        token = ["d", "o", "g", "</s>"][row - 1]
        assert f"Selected: “{token}” looks mostly at “{token}” (100%)" in words(app)


def test_the_pinned_row_outlasts_typing_after_it(runs: Path):
    app = typed(opened(), "dog")
    pin(app, "2 o")
    for text in ("dogs", "dogs bark", "do"):
        typed(app, text)
        assert pinned(app) == "2 o"
        assert "“o” looks mostly" in words(app)


def test_a_link_may_name_a_row_by_one_of_its_tokens(runs: Path):
    query = {"checkpoint": LETTERS, "source": "dog", "kind": "Decoder self"}
    assert pinned(opened(**query, token="2 o")) == "2 d ▸ o"
    assert pinned(opened(**query, token="2 d")) == "2 d ▸ o"  # as older links say it
    assert pinned(opened(**query, token="2 g")) == "most telling"
    assert pinned(opened(checkpoint=LETTERS, source="dog", token="2 d ▸ o")) == "2 o"  # and these, of cross-attention


def test_a_pinned_row_that_is_gone_gives_way(runs: Path):
    app = typed(opened(), "dog")
    pin(app, "3 g")
    for text in ("do", "", "cat", "<b>"):
        typed(app, text)
        assert pinned(app) == "most telling"
        assert target(app) == text


@pytest.mark.parametrize("name", [LETTERS, WORDS])
def test_empty_text(runs: Path, name: str):
    app = typed(opened(checkpoint=name), "")
    assert target(app) == ""
    assert "reads only </s>" in app.text_input(key="source").placeholder
    assert "the only token it may see" in words(app)


def test_one_token(runs: Path):
    app = typed(opened(), "x")
    assert target(app) == "x"
    assert "“x” looks mostly at “x” (100%)" in words(app)


def test_a_text_that_is_too_long(runs: Path):
    text = "abcdefghij" * 5
    app = typed(opened(), text[: MAX_LEN - 1])
    assert messages(app) == []
    typed(app, text)
    (message,) = messages(app)
    assert f"at most {MAX_LEN} tokens" in message
    assert f"the last {50 - (MAX_LEN - 1)} " in message
    assert text[: MAX_LEN - 1] in message
    assert target(app) == text[: MAX_LEN - 1]
    assert messages(typed(app, "abc")) == []


@pytest.mark.parametrize("text", UNUSUAL)
@pytest.mark.parametrize("kind", ["encoder", "cross"])
def test_any_text(runs: Path, text: str, kind: str):
    app = opened()
    app.segmented_control(key="kind").set_value(kind)
    typed(app, text)
    expected = text.encode("utf-8", errors="replace").decode("utf-8")
    kept = len(expected.encode("utf-8")) < MAX_LEN
    assert bool(app.warning) is not kept
    if kept:
        assert target(app) == expected
    for row in row_names(app)[:2]:
        pin(app, row)


@pytest.mark.parametrize(
    "text", ["**x**", "](y)", "`z`", "$x$", "<b>", ":red[x]", "_y_", "~~w~~", "&amp;", "#", "\\", "|"]
)
def test_words_are_no_markup(runs: Path, text: str):
    """What a token adds to the sentence is shown letter for letter: no part of it is HTML."""
    app = typed(opened(), text)
    for row in {row_names(app)[0], row_names(app)[-2]}:
        said = words(pin(app, row))
        assert re.search(rf" “{re.escape(row.rpartition(' ')[2])}”(?: \(row \d+\))? looks", said)
        raw = pictures(app)["words"]
        assert set(re.findall(r"<.*?>", raw)) <= {"<p>", "</p>", "<strong>", "</strong>", "<span>", "</span>"}
        assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", raw)


def test_html_in_a_translation_is_text(runs: Path):
    app = typed(opened(), "<b>&amp;</b>")
    assert target(app) == "<b>&amp;</b>"  # the component writes it as text
    assert "<b>" not in "".join(map(body, app.html))


def test_another_checkpoint_brings_its_example(runs: Path):
    app = opened()
    app.selectbox(key="checkpoint").set_value(WORDS)
    ran(app)
    assert app.text_input(key="source").value == SENTENCE == target(app)
    app.selectbox(key="checkpoint").set_value(LETTERS)
    assert target(ran(app)) == TASKS["copy"].example


def test_another_checkpoint_keeps_what_was_typed(runs: Path):
    app = typed(opened(), "my own")
    app.selectbox(key="checkpoint").set_value(WORDS)
    ran(app)
    assert app.text_input(key="source").value == "my own" == target(app)


def test_a_link_is_followed(runs: Path):
    app = opened(checkpoint=LETTERS, source="dog", kind="Encoder self", layer_number="2", head_number="3", token="2 o")
    assert app.text_input(key="source").value == "dog"
    assert words(app).startswith("Encoder self-attention, layer 2, head 3. On this text it ")
    assert "Selected: “o” " in words(app)
    assert pinned(app) == "2 o"


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "sideways"},
        {"layer_number": "99", "head_number": "0"},
        {"layer_number": "x", "head_number": "-1"},
        {"token": "7 nothing"},
        {"source": ""},
        {"unknown": "1"},
        {"zoom": "1-99,1-2"},
        {"zoom": "3-2,1-2"},
        {"zoom": "x"},
        {"overlay": "9,x,-1"},
        {"token": "7 nothing", "together": "1,2"},
        {"together": f"0,x,-1,{'9' * 5000},²"},
        {"overlay": "9" * 5000, "zoom": f"{'9' * 5000}-2,1-2"},
    ],
)
def test_a_link_to_what_is_not_there_shows_the_nearest(runs: Path, query: dict[str, str]):
    app = opened(**query)
    assert words(app).startswith("Cross-attention, layer 1, head 1. On this text it ")
    assert pinned(app) == "most telling"
    assert pictures(app)["head"]["zoom"] is None


@pytest.mark.parametrize("name", ["gone", "../../etc", "runs/\x00", "<b>", "x" * 5000])
def test_a_link_to_an_unknown_checkpoint(runs: Path, name: str):
    app = opened(checkpoint=name)
    (message,) = messages(app)
    assert "is not on this server" in message
    assert app.selectbox(key="checkpoint").value == LETTERS
    assert target(app) == TASKS["copy"].example


def addresses(app: AppTest) -> dict[str, str]:
    """What the pictures write into the address."""
    return {one["name"]: one["value"] for one in pictures(app)["addresses"] if one["value"] != one["initial"]}


VIEW = {
    "source": "dog",
    "kind": "Decoder self",
    "layer_number": "2",
    "head_number": "3",
    "token": "2 d ▸ o",
    "zoom": "2-4,1-2",
    "overlay": "1,2",
    "scale": "logarithm",
    "rows": "fed in",
    "special": "false",
    "whole_words": "true",
    "means": "false",
    "each_head": "true",
}


@pytest.mark.parametrize("key", VIEW)
def test_the_address_holds_each_choice(runs: Path, key: str):
    text = {} if key == "source" else {"source": "dogs"}
    app = opened(checkpoint=LETTERS, **text, **{key: VIEW[key]})
    said = {**VIEW, "overlay": "2", "token": "2 o"}[key]  # head 1 is the one on show, of cross-attention
    assert addresses(app) == {**text, key: said}


def test_the_address_holds_rows_that_are_together(runs: Path):
    query = {"source": "dogs", "token": "2 d ▸ o", "together": "3,5", "kind": "Decoder self"}
    app = opened(checkpoint=LETTERS, **query)
    assert addresses(app) == query
    assert pictures(app)["head"]["together"] == [1, 2, 4]
    assert "On average, “d ▸ o”, “o ▸ g” and “s ▸ </s>” look" in words(app)
    assert words(opened(checkpoint=LETTERS, **query, view="Lines")) == words(app)
    assert pictures(typed(app, "dog"))["head"]["together"] == [1, 2]
    assert pictures(typed(app, "do"))["head"]["together"] == [1, 2]
    assert pictures(typed(app, "cat"))["head"]["together"] == []  # the row they were added to is gone


def test_the_address_holds_all_of_the_view(runs: Path):
    app = opened(checkpoint=LETTERS, **VIEW, view="Lines")
    assert addresses(app) == {**VIEW, "view": "Lines"}
    assert addresses(opened(checkpoint=LETTERS)) == {}


def test_a_zoom_that_the_text_lost_comes_back_with_it(runs: Path):
    app = opened(checkpoint=LETTERS, source="dogs", zoom="2-4,1-3")
    assert pictures(app)["head"]["zoom"] == [[1, 4], [0, 3]]
    assert pictures(typed(app, "do"))["head"]["zoom"] is None
    assert pictures(typed(app, "dogs"))["head"]["zoom"] == [[1, 4], [0, 3]]
    app.segmented_control(key="kind").set_value("encoder")
    assert pictures(ran(app))["head"]["zoom"] is None  # other rows and columns


def test_another_checkpoint_is_shown_whole(runs: Path):
    app = opened(checkpoint=LETTERS, source="dogs", zoom="2-4,1-3")
    app.selectbox(key="checkpoint").set_value(WORDS)
    assert pictures(ran(app))["head"]["zoom"] is None


@pytest.mark.parametrize(("overlay", "heads"), [("", [2]), ("1", [0, 2]), ("3", [2]), ("2,1,9", [0, 1, 2])])
def test_heads_are_compared_with_the_one_on_show(runs: Path, overlay: str, heads: list[int]):
    app = opened(checkpoint=LETTERS, view="Lines", head_number="3", overlay=overlay)
    links = pictures(app)["head"]
    assert (links["heads"], links["chosen"], len(links["colours"])) == (heads, 2, HEADS)
    app.segmented_control(key="view").set_value("Text")
    assert pictures(ran(app))["head"]["heads"] == [2]


def test_without_any_checkpoint_it_says_what_to_do(folder: Path):
    app = opened()
    (message,) = messages(app)
    assert "python -m model train --task reverse --out runs/reverse" in message
    assert not app.text_input


BROKEN = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "foreign": lambda data: b"PK\x03\x04" + bytes(1000),
    "changed": lambda data: data.replace(b'\\"n_heads\\": 3', b'\\"n_heads\\": 5'),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_checkpoint_under_runs_gives_a_message(runs: Path, how: str):
    path = runs / "letters" / "best.safetensors"
    broken = BROKEN[how](path.read_bytes())
    assert broken != path.read_bytes()
    path.write_bytes(broken)
    app = opened(checkpoint=LETTERS)
    (message,) = messages(app)
    assert message.startswith("This checkpoint cannot be opened. letters")
    app.selectbox(key="checkpoint").set_value(WORDS)  # and it goes on with another
    assert target(ran(app)) == SENTENCE
    assert messages(app) == []


def test_a_checkpoint_that_was_trained_on_is_opened_anew(runs: Path):
    app = opened(checkpoint=LETTERS)
    assert app.text_input(key="source").value == TASKS["copy"].example
    save_words(runs / "letters" / "best.safetensors")
    assert target(opened(checkpoint=LETTERS)) == SENTENCE


def test_a_checkpoint_that_vanishes_gives_way(runs: Path):
    app = opened(checkpoint=WORDS)
    shutil.rmtree(runs / "words")
    assert app.selectbox(key="checkpoint").value == WORDS
    assert target(ran(app))


def dropped(app: AppTest, filename: str, data: bytes) -> AppTest:
    app.file_uploader(key="file").set_value((filename, data, "application/octet-stream"))
    return ran(app)


@pytest.mark.parametrize("present", [True, False])
def test_a_dropped_file_is_opened(folder: Path, saved: Path, present: bool):
    if present:
        shutil.copytree(saved / "runs" / "letters", folder / LETTERS)
    app = dropped(opened(), "mine.safetensors", (saved / WORDS / "best.safetensors").read_bytes())
    assert app.selectbox(key="checkpoint").value == "mine (dropped)"
    assert target(app) == SENTENCE
    assert messages(app) == []
    assert target(typed(app, "A red ball")) == "A red ball"
    assert app.selectbox(key="checkpoint").value == "mine (dropped)"


@pytest.mark.parametrize("how", BROKEN)
def test_a_dropped_file_that_is_broken_gives_a_message(runs: Path, saved: Path, how: str):
    data = (saved / LETTERS / "best.safetensors").read_bytes()
    app = dropped(opened(checkpoint=WORDS), "mine.safetensors", BROKEN[how](data))
    (message,) = messages(app)
    assert message.startswith("This file cannot be opened. mine")
    assert app.selectbox(key="checkpoint").value == WORDS
    assert target(app) == SENTENCE
    assert messages(dropped(app, "mine.safetensors", data)) == []
    assert app.selectbox(key="checkpoint").value == "mine (dropped)"


def test_only_the_last_dropped_files_are_kept(runs: Path, saved: Path):
    app, data = opened(), (saved / WORDS / "best.safetensors").read_bytes()
    for i in range(opening.UPLOADS_KEPT + 2):
        dropped(app, f"f{i}.safetensors", data)
    names = [name for name in app.selectbox(key="checkpoint").options if "dropped" in name]
    assert names == [f"f{i} (dropped)" for i in range(2, opening.UPLOADS_KEPT + 2)]
    assert app.selectbox(key="checkpoint").value == names[-1]


def test_one_visitor_s_file_is_not_another_s(runs: Path, saved: Path):
    dropped(opened(), "mine.safetensors", (saved / WORDS / "best.safetensors").read_bytes())
    assert opened().selectbox(key="checkpoint").options == [LETTERS, WORDS]


def test_the_shipped_checkpoints_open(monkeypatch: pytest.MonkeyPatch):
    assert SHIPPED
    monkeypatch.setattr(checkpoint, "PRETRAINED", Path(checkpoint.__file__).parent / "pretrained")
    for name in SHIPPED:
        app = opened(checkpoint=name)
        assert app.selectbox(key="checkpoint").value == name
        before = target(app)
        assert before
        assert target(typed(app, "Two dogs" if "translate" in name else "7 June 2021")) not in ("", before)
        assert messages(app) == []


def test_examples_are_typed_at_a_click(runs: Path, monkeypatch: pytest.MonkeyPatch):
    size = len(checkpoint.load(runs / "words").tokenizer)
    first, second = Example(shows="Colours", text="A red ball"), Example(shows="Animals", text="Two dogs")
    known = Translates(source="English", target="French", read="captions", examples=(first, second))
    monkeypatch.setitem(KNOWN, ("words", size), known)
    app = opened(checkpoint=WORDS)
    assert (app.text_input(key="source").value, app.pills(key="example").value) == (first.text, first.shows)
    app.session_state["zoom"] = "1-2,1-2"
    app.pills(key="example").select(second.shows)
    ran(app)
    assert target(app) == app.text_input(key="source").value == second.text
    assert app.session_state["zoom"] == ""
    typed(app, "A red ball on")
    assert app.pills(key="example").value is None
    app.selectbox(key="checkpoint").set_value(LETTERS)
    ran(app)
    assert not app.pills


def test_each_example_shows_something_else():
    for known in KNOWN.values():
        for field in ("shows", "text"):
            values = [getattr(example, field) for example in known.examples]
            assert len(set(values)) == len(values) <= 8


def test_the_first_sentence_follows_what_is_on_show(runs: Path):
    said = [
        next(element.value for element in opened(**query).markdown if element.value.startswith("Each "))
        for query in ({}, {"kind": "Encoder self"}, {"checkpoint": WORDS}, {"view": "Lines"})
    ]
    assert len(set(said)) == len(said)
    assert said[0].startswith("Each row is a character being written;")
    assert said[2].startswith("Each row is a word being written;")

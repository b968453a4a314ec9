"""The panel Atlas and its pictures: what it says is measured on the model on screen."""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.capture import capture
from model.heads.habits import describe_heads
from model.heads.links import links
from model.heads.measures import MEASURES, Measure, measure, measures_of, similar, tally
from model.heads.survey import MOST_SENTENCES
from model.trace import KINDS, Kind
from tests.helpers import HEADS, LAYERS, SENTENCES, save_letters, save_words
from tests.viz.helpers import app_on, ran, random_map
from tests.viz.pages.test_hostile_texts import HOSTILE
from viz.figures.atlas import head_name, head_table, measure_heatmap, measure_scatter
from viz.look.theme import DARK, LIGHT
from viz.look.words import SHORT_KIND_NAMES
from viz.state import atlas as surveys

APP = Path(__file__).parents[3] / "app.py"
LETTERS, WORDS = "runs/letters", "runs/words"
TEXTS = ("A red ball", "Two dogs run over the beach", "green grass", "a girl is playing in a blue dress.")


def named(name: str) -> Measure:
    return next(one for one in MEASURES if one.name == name)


def test_the_table_has_a_row_a_head():
    values = {"entropy": np.array([[0.5, np.nan, 2], [1, 1.25, 3]]), "evenness": np.full((2, 3), 0.95)}
    assert head_table(values, list("uvwxyz")) == {
        "Head": ["L1 H1", "L1 H2", "L1 H3", "L2 H1", "L2 H2", "L2 H3"],
        "In words": list("uvwxyz"),
        "entropy": [0.5, None, 2, 1, 1.25, 3],
        "evenness": [0.95] * 6,
    }


def test_the_picture_has_layers_down_and_heads_across():
    values = np.arange(6).reshape(2, 3) / 10
    figure: Any = measure_heatmap(named("first"), values, (1, 2), theme=DARK)
    drawn: Any = figure.data[0]
    np.testing.assert_array_equal(drawn.z, values)
    assert list(drawn.x) == ["H1", "H2", "H3"]
    assert list(drawn.y) == ["L1", "L2"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert (drawn.zmin, drawn.zmax) == (0, 1)
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (1.5, 2.5, 0.5, 1.5)
    assert frame.line.color == DARK.accent
    assert not measure_heatmap(named("first"), values)["layout"]["shapes"]


@pytest.mark.parametrize(
    ("name", "values", "low", "high"),
    [
        ("monotonicity", [[0.1, -0.2]], -1, 1),
        ("special", [[0.1, 0.2]], 0, 1),
        ("entropy", [[1.0, 2.5]], 0, 2.5),
        ("entropy", [[np.nan, 2.5]], 0, 2.5),
        ("entropy", [[np.nan, np.nan]], 0, 1),
        ("distance", [[0.0, 0.0]], 0, 1),
    ],
)
def test_colours_span_what_the_measure_can_be(name: str, values: list[list[float]], low: float, high: float):
    drawn: Any = measure_heatmap(named(name), np.array(values)).data[0]
    assert (drawn.zmin, drawn.zmax) == (low, high)
    assert drawn.colorscale[0][1] == (LIGHT.diverging if low < 0 else LIGHT.scale)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_measure_can_be_drawn(kind: Kind):
    for attention_map in (random_map(["a", " b", ".", "</s>"], kind=kind), random_map(["</s>"], kind=kind)):
        for one in measures_of(kind):
            assert measure_heatmap(one, one(attention_map), (0, 0)).to_json()


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``runs/letters`` and ``runs/words``."""
    folder = tmp_path_factory.mktemp("atlas")
    save_letters(folder / LETTERS / "best.safetensors")
    save_words(folder / WORDS / "best.safetensors")
    return folder


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a copy of those two, with nothing shipped."""
    threads = torch.get_num_threads()
    shutil.copytree(saved / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def opened(**query: str) -> AppTest:
    return ran(app_on(**{"panel": "Atlas", "checkpoint": WORDS, **query}))


def shown(app: AppTest) -> dict[str, list]:
    (table,) = app.dataframe
    return {name: [None if value != value else value for value in table.value[name]] for name in table.value}


def expected(kind: Kind, *texts: str, name: str = WORDS) -> dict[str, list]:
    """The table over the rows of all ``texts``."""
    loaded = checkpoint.load(name)
    total, *others = (tally(capture(loaded, text).map(kind)) for text in texts)
    for other in others:
        total += other
    return head_table(total.values(), describe_heads(total.observed))


def same(found: dict[str, list], wanted: dict[str, list]) -> bool:
    assert list(found) == list(wanted)
    return all(
        found[name] == column
        if name in ("Head", "In words")
        else found[name] == [None if value is None else pytest.approx(value, abs=1e-5) for value in column]
        for name, column in wanted.items()
    )


def chosen(app: AppTest) -> tuple[int | None, int | None]:
    """Layer and head on show, from 1."""
    return app.selectbox(key="layer_number").value, app.selectbox(key="head_number").value


def typed(app: AppTest) -> str:
    """The sentence on screen."""
    return app.text_input(key="source").value or ""


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return ran(app)


def keys(app: AppTest) -> set[str | None]:
    return {button.key for button in app.button}


def errors(app: AppTest) -> list[str]:
    return [element.value for element in app.error]


def test_it_is_closed_until_it_is_asked_for():
    app = app_on()
    assert not ran(app).dataframe
    app.segmented_control(key="panel").set_value("Atlas")
    assert len(shown(ran(app))["Head"]) == LAYERS * HEADS


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_is_measured_on_the_sentence(kind: Kind):
    app = opened(source=TEXTS[3], kind=SHORT_KIND_NAMES[kind])
    assert same(shown(app), expected(kind, TEXTS[3]))
    app.text_input(key="source").set_value(TEXTS[1])
    assert same(shown(ran(app)), expected(kind, TEXTS[1]))
    assert not same(shown(app), expected(kind, TEXTS[3]))


def test_the_head_that_copies_is_named():
    table = shown(opened(kind="Cross", source=SENTENCES[0]))
    assert table["In words"][0].startswith("follows the source from left to right (later rows peak further right in ")
    assert table["monotonicity"][0] > 0.9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "a", "<b>$x$</b> **y** |"])
def test_any_text(kind: Kind, text: str):
    app = opened(kind=SHORT_KIND_NAMES[kind], source=text)
    assert same(shown(app), expected(kind, text))
    if not text:
        assert set(shown(app)["In words"]) == {"has no choice: every row may see one token only"}
        assert set(shown(app)["entropy"]) == {None}
        assert "atlas_alike_0" not in keys(app)


@pytest.mark.parametrize("kind", KINDS)
def test_every_measure_is_defined_and_can_be_drawn(kind: Kind):
    app = opened(kind=SHORT_KIND_NAMES[kind])
    names = [one.name for one in measures_of(kind)]
    assert app.selectbox(key="atlas_measure").options == [name.capitalize() for name in names]
    assert [formula.value.strip("$\n") for formula in app.latex] == [one.formula for one in measures_of(kind)]
    for one in measures_of(kind):
        assert any(one.definition in element.value for element in app.markdown)
        app.selectbox(key="atlas_measure").set_value(one.name)
        assert any(element.value == one.definition for element in ran(app).caption)


def test_a_link_names_the_measure():
    assert opened(atlas_measure="Special").selectbox(key="atlas_measure").value == "special"
    assert opened(atlas_measure="nothing").selectbox(key="atlas_measure").value == "entropy"
    assert opened(kind="Cross", atlas_measure="Itself").selectbox(key="atlas_measure").value == "entropy"


def test_another_kind_keeps_a_measure_that_it_has():
    app = opened(kind="Cross", atlas_measure="Special")
    for kind in KINDS:
        app.segmented_control(key="kind").set_value(kind)
        assert ran(app).selectbox(key="atlas_measure").value == "special"
    app.selectbox(key="atlas_measure").set_value("monotonicity")
    ran(app).segmented_control(key="kind").set_value("encoder")
    assert ran(app).selectbox(key="atlas_measure").value in {one.name for one in measures_of("encoder")}


def test_the_row_of_the_head_on_show_is_ticked():
    app = opened(layer_number="2", head_number="3")
    assert ticked(app) == [HEADS + 2]
    app.selectbox(key="head_number").set_value(1)
    assert ticked(ran(app)) == [HEADS]


def ticked(app: AppTest) -> list[int]:
    return app.session_state[surveys.TABLE]["selection"]["rows"]


def test_ticking_a_row_shows_its_head():
    app = opened(kind="Encoder self")
    for row in (HEADS + 1, 0, LAYERS * HEADS - 1):
        tick(app, row)
        assert chosen(app) == (row // HEADS + 1, row % HEADS + 1)
        assert ticked(app) == [row]


def tick(app: AppTest, row: int) -> None:
    """As the browser reports it; AppTest itself cannot select."""
    states = app._tree.get_widget_states()
    widget = states.widgets.add()
    widget.id = app.dataframe[0].proto.id
    widget.string_value = json.dumps({"selection": {"rows": [row], "columns": [], "cells": []}})
    app._run(states)
    assert not app.exception


def test_heads_like_this_one():
    app = opened(kind="Encoder self", layer_number="2", head_number="1", source=TEXTS[3])
    wanted = similar(capture(checkpoint.load(WORDS), TEXTS[3]).map("encoder"), 1, 0, 5)
    labels = [app.button(key=f"atlas_alike_{place}").label for place in range(5)]
    assert labels == [f"{head_name(layer, head)} · similarity {value:.2f}" for layer, head, value in wanted]
    press(app, "atlas_alike_1")
    assert chosen(app) == (wanted[1][0] + 1, wanted[1][1] + 1)


def survey(app: AppTest, text: str) -> AppTest:
    """Type sentences, begin, and read on to the end."""
    app.text_area(key=surveys.TEXT).set_value(text)
    press(app, "atlas_measure_all")
    return finish(app)


def finish(app: AppTest) -> AppTest:
    while "atlas_cancel" in keys(app):
        ran(app)
    return app


def test_over_any_sentences():
    texts = [text for name, text in HOSTILE.items() if name != "as long as may be"]  # a line ends earlier here
    app = survey(opened(), "\n".join(texts))
    assert errors(app) == []
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    (said,) = [element.value for element in app.success]
    assert said.startswith(f"Measured over {len(lines)} sentences")


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]])
def test_over_sentences_that_are_typed(texts: tuple[str, ...]):
    app = survey(opened(), "\n".join(texts))
    assert errors(app) == []
    (said,) = [element.value for element in app.success]
    assert said == f"Measured over {len(texts)} sentence{'s' * (len(texts) > 1)}."
    for kind in KINDS:
        app.segmented_control(key="kind").set_value(kind)
        assert same(shown(ran(app)), expected(kind, *texts))
    app.segmented_control(key="atlas_on").set_value("sentence")
    assert same(shown(ran(app)), expected(KINDS[-1], typed(app)))


def test_over_a_file():
    app = opened()
    app.text_area(key=surveys.TEXT).set_value("this is not read")
    app.file_uploader(key=surveys.FILE).set_value(("some.en", "\ufeff".encode() + "\r\n".join(TEXTS).encode(), ""))
    press(app, "atlas_measure_all")
    assert same(shown(finish(app)), expected("cross", *TEXTS))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "This file cannot be used. It contains no sentences. Write one per line."),
        (b"\n \n", "This file cannot be used. It contains no sentences. Write one per line."),
        (
            "été".encode("latin-1"),
            "This file cannot be used. Line 1 is not UTF-8: its byte 1 is 0xe9. Save it as plain text",
        ),
        (b"\x89PNG\r\n", "This file cannot be used. Line 1 is not UTF-8"),
        (b"x" * 3000, "This file cannot be used. Line 1 has 3,000 characters"),
    ],
)
def test_a_file_that_cannot_be_used(data: bytes, message: str):
    app = opened()
    app.file_uploader(key=surveys.FILE).set_value(("some.en", data, "text/plain"))
    press(app, "atlas_measure_all")
    (said,) = errors(app)
    assert said.startswith(message)
    assert "atlas_cancel" not in keys(app)
    assert not app.success
    app.file_uploader(key=surveys.FILE).clear()
    survey(app, TEXTS[0])
    assert errors(app) == []
    assert app.success


def test_nothing_typed():
    app = press(opened(), "atlas_measure_all")
    assert errors(app) == ["This text cannot be used. It contains no sentences. Write one per line."]


def test_it_reads_a_portion_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surveys, "PORTION", 0)
    app = opened()
    app.text_area(key=surveys.TEXT).set_value("\n".join(TEXTS))
    press(app, "atlas_measure_all")
    for n_read in range(1, len(TEXTS)):
        assert app.get("progress")[0].text == f"Read {n_read} of {len(TEXTS)} sentences"
        assert same(shown(app), expected("cross", typed(app)))  # nothing half done is shown
        ran(app)
    assert "atlas_cancel" not in keys(app)
    assert same(shown(app), expected("cross", *TEXTS))


def test_it_can_be_cancelled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surveys, "PORTION", 0)
    app = opened()
    app.text_area(key=surveys.TEXT).set_value("\n".join(TEXTS))
    press(app, "atlas_measure_all")
    press(app, "atlas_cancel")
    assert "atlas_cancel" not in keys(app)
    assert not app.success
    assert same(shown(app), expected("cross", typed(app)))
    assert app.text_area(key=surveys.TEXT).value == "\n".join(TEXTS)

    survey(app, TEXTS[2])
    app.text_area(key=surveys.TEXT).set_value("\n".join(TEXTS))
    press(app, "atlas_measure_all")
    press(app, "atlas_cancel")
    assert same(shown(app), expected("cross", TEXTS[2]))  # what was completed before stays


def test_another_checkpoint_ends_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surveys, "PORTION", 0)
    app = survey(opened(), TEXTS[2])
    app.text_area(key=surveys.TEXT).set_value("\n".join(TEXTS))
    press(app, "atlas_measure_all")
    app.selectbox(key="checkpoint").set_value(LETTERS)
    ran(app)
    assert "atlas_cancel" not in keys(app)
    assert same(shown(app), expected("cross", typed(app), name=LETTERS))
    app.selectbox(key="checkpoint").set_value(WORDS)
    assert same(shown(ran(app)), expected("cross", TEXTS[2]))


def test_what_is_left_out_is_said():
    app = survey(opened(checkpoint=LETTERS), "\n".join(["a"] * (MOST_SENTENCES + 2) + ["b" * 99]))
    assert app.success[0].value == f"Measured over {MOST_SENTENCES} sentences. 3 sentences more were left out."
    survey(app, "a\n" + "b" * 99)
    assert app.success[0].value == (
        "Measured over 2 sentences. 1 sentence had more tokens than the model reads; the rest of each was not read."
    )


def test_one_visitor_s_survey_is_not_another_s():
    survey(opened(), TEXTS[0])
    assert not opened().success


def test_measures_of_a_sentence_are_what_is_shown():
    """The table takes its numbers from ``measure``, and rounds nothing."""
    table = shown(opened(kind="Encoder self", source=TEXTS[1]))
    values = measure(capture(checkpoint.load(WORDS), TEXTS[1]).map("encoder"))
    for name, value in values.items():
        np.testing.assert_allclose(np.array(table[name], dtype=float), value.ravel(), atol=1e-6)


def test_two_measures_against_each_other():
    values = {"first": np.array([[0.1, np.nan], [0.3, 0.4]]), "special": np.array([[0.9, 0.8], [np.nan, 0.6]])}
    figure: Any = measure_scatter(named("first"), named("special"), values, (1, 1), theme=DARK)
    (drawn,) = figure.data
    assert list(drawn.x) == [0.1, None, 0.3, 0.4]  # a place for each head, so that a click tells which it is
    assert list(drawn.y) == [0.9, 0.8, None, 0.6]
    assert list(drawn.hovertext) == ["L1 H1", "L1 H2", "L2 H1", "L2 H2"]
    assert list(drawn.text) == ["L1 H1", "", "", "L2 H2"]
    assert [color == DARK.accent for color in drawn.marker.color] == [False, False, False, True]


def test_names_of_points_do_not_lie_over_each_other():
    values = {"first": np.array([[0.1, 0.11, 0.9]]), "special": np.array([[0.5, 0.5, 0.5]])}
    for chosen, named_ in (((0, 0), ["L1 H1", "", "L1 H3"]), ((0, 1), ["", "L1 H2", "L1 H3"])):
        figure: Any = measure_scatter(named("first"), named("special"), values, chosen)
        assert list(figure.data[0].text) == named_
    nothing = np.full((1, 3), np.nan)
    figure = measure_scatter(named("first"), named("special"), {"first": nothing, "special": nothing})
    assert list(figure.data[0].text) == [""] * 3


def test_heads_that_have_no_point_are_counted():
    app = opened(kind="Encoder self", source="", atlas_across="Entropy", atlas_up="Special")
    assert any("heads have no point" in element.value for element in app.caption)
    assert not any("have no point" in element.value for element in opened(kind="Encoder self").caption)


def test_clicking_a_point_shows_its_head():
    app = opened(kind="Encoder self", layer_number="1", head_number="1")
    for point in (HEADS + 1, 0):
        click(app, point)
        assert chosen(app) == (point // HEADS + 1, point % HEADS + 1)


def click(app: AppTest, point: int) -> None:
    """As the browser reports it; AppTest itself cannot select."""
    states = app._tree.get_widget_states()
    widget = states.widgets.add()
    widget.id = next(one.proto.id for one in app.get("plotly_chart") if surveys.SCATTER in one.proto.id)
    found = {"points": [{"point_index": point}], "point_indices": [point], "box": [], "lasso": []}
    widget.string_value = json.dumps({"selection": found})
    app._run(states)
    assert not app.exception


def test_where_a_head_looks_over_many_sentences():
    app = survey(opened(kind="Encoder self", layer_number="2", head_number="1"), "\n".join((*TEXTS, TEXTS[1])))
    read = [capture(checkpoint.load(WORDS), text).map("encoder") for text in TEXTS]
    largest = {text: links(one).sharpest[HEADS][0] for text, one in zip(TEXTS, read, strict=True)}
    best = sorted(largest, key=lambda text: -largest[text].weight)
    buttons = [button for button in app.button if (button.key or "").startswith("atlas_sharpest_")]
    assert len(buttons) == len(TEXTS)  # one that is there twice is told once
    assert [next(text for text in TEXTS if text[:20] in button.label) for button in buttons] == best
    pairs = sum((links(one) for one in read[1:]), links(read[0])).pairs(HEADS)
    (told,) = [element.value for element in app.markdown if element.value.startswith("1. ")]
    assert len(told.splitlines()) == len(pairs) > 0
    press(app, "atlas_sharpest_1")
    assert typed(app) == best[1]


def test_the_numbers_as_files(monkeypatch: pytest.MonkeyPatch):
    offered: dict[str, dict[str, Any]] = {}

    def offer(label: str, data: Any, **options: Any) -> None:
        offered[options["key"]] = {"data": data, **options}

    monkeypatch.setattr(st, "download_button", offer)
    app = opened(kind="Cross", source=TEXTS[3])
    alone = offered["atlas_download_atlas"]["data"]().decode("utf-8-sig")
    assert f"# source,{TEXTS[3]}" in alone
    assert "atlas_download_links" not in offered
    assert offered["atlas_download_atlas"]["file_name"].endswith("-atlas.csv")

    survey(app, "\n".join(TEXTS))
    table = list(csv.reader(offered["atlas_download_atlas"]["data"]().decode("utf-8-sig").splitlines()))
    said = {row[0]: row[1] for row in table if row and row[0].startswith("#")}
    digest = hashlib.sha256("".join(f"{text}\n" for text in TEXTS).encode()).hexdigest()
    assert said["# source"] == f"4 sentences; SHA-256 of them all, each followed by a line feed: {digest}"
    assert "Measured over 4 sentences." in said["# note"]
    begin = int(said["# the table begins at line"]) - 1
    wanted = expected("cross", *TEXTS)
    assert table[begin] == ["layer", "head", *list(wanted)[2:]]
    for row, cells in enumerate(table[begin + 1 :]):
        assert [float(cell) for cell in cells[2:] if cell] == [
            pytest.approx(column[row], abs=1e-5) for column in list(wanted.values())[2:] if column[row] is not None
        ]

    told = list(csv.reader(offered["atlas_download_links"]["data"]().decode("utf-8-sig").splitlines()))
    begin = next(i for i, row in enumerate(told) if row[:1] == ["layer"])
    found = capture(checkpoint.load(WORDS), TEXTS[0]).map("cross")
    total = links(found)
    for number, text in enumerate(TEXTS[1:], start=1):
        total += links(capture(checkpoint.load(WORDS), text).map("cross"), number)
    sharp, pairs = ([row for row in told[begin + 1 :] if row[2].startswith(what)] for what in ("sharpest", "pair"))
    assert [(int(row[3]), row[8]) for row in sharp] == [
        (rank, TEXTS[one.text]) for head in total.sharpest for rank, one in enumerate(head, start=1)
    ]
    assert [(row[4], row[5], int(row[7])) for row in pairs] == [
        (one.query, one.key, one.times) for head in range(LAYERS * HEADS) for one in total.pairs(head)
    ]

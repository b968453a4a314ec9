"""viz/export: the numbers are those on screen, and say where they come from."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from model.heads.measures import measure
from model.trace import AttentionMap
from tests.viz.helpers import made_of, random_map
from viz.export.drawings import head_drawing, overview_drawing
from viz.export.numbers import Numbers, all_numbers, head_numbers, measure_numbers, to_csv, to_json, to_npz
from viz.export.pdf import pdf
from viz.export.provenance import file_name
from viz.export.standalone import to_html
from viz.look.picture import Picture, picture

ROOT = Path(__file__).parents[3]
QUERIES = ("<s>", " Une", " pet", "ite", " Une")
KEYS = (" A", " do", "g", '"', ",", "é\n", "</s>")


@pytest.fixture
def cross() -> AttentionMap:
    return random_map(QUERIES, KEYS)


@pytest.fixture(params=[{}, {"words": True}, {"special": False}], ids=("as it is", "words", "no special tokens"))
def shown(request: pytest.FixtureRequest, cross: AttentionMap) -> Picture:
    return picture(cross, **request.param)


def table(data: bytes) -> tuple[dict[str, str], list[list[str]]]:
    """What a CSV says of itself, and its table."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    empty = rows.index([])
    return {name.removeprefix("# "): text for name, text in rows[:empty]}, rows[empty + 1 :]


def test_a_head_as_csv(cross: AttentionMap, shown: Picture):
    made = made_of(cross, layer=2, head=3)
    said, (titles, *rows) = table(to_csv(head_numbers(shown.pattern[1, 2], shown.rows, shown.columns), made))
    assert titles == ["query number", "query", *(f"{i} {key}" for i, key in enumerate(shown.columns, start=1))]
    assert [row[1] for row in rows] == list(shown.rows)
    assert [row[0] for row in rows] == [str(i + 1) for i in range(len(shown.rows))]
    np.testing.assert_array_equal(np.array([row[2:] for row in rows], dtype=np.float32), shown.pattern[1, 2])
    assert made.items().items() <= said.items()


def test_the_csv_says_where_its_table_begins(cross: AttentionMap):
    data = to_csv(head_numbers(cross.pattern[0, 0], QUERIES, KEYS), made_of(cross)).decode("utf-8-sig")
    line = int(re.search(r"^# the table begins at line,(\d+)", data)[1])  # type: ignore[index]
    assert data.split("\r\n")[line - 1].startswith("query number,query,1  A,")


def test_all_heads_as_csv(cross: AttentionMap):
    _, (titles, *rows) = table(to_csv(all_numbers(cross.pattern, QUERIES, KEYS), made_of(cross)))
    assert titles[:4] == ["layer", "head", "query number", "query"]
    assert [row[:3] for row in rows[:6]] == [["1", "1", str(i)] for i in range(1, 6)] + [["1", "2", "1"]]
    values = np.array([row[4:] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(values.reshape(cross.pattern.shape), cross.pattern)


def test_a_spreadsheet_computes_nothing():
    cross = random_map(["=1+1", "+a", "-", "a"], ["@x", "b"])
    made = made_of(cross, source="=HYPERLINK(1)")
    said, rows = table(to_csv(head_numbers(cross.pattern[0, 0], ["=1+1", "+a", "-", "a"], ["@x", "b"]), made))
    assert said["source"] == "'=HYPERLINK(1)"
    assert [row[1] for row in rows[1:]] == ["'=1+1", "'+a", "-", "a"]


def test_npz_and_json(cross: AttentionMap, shown: Picture):
    made = made_of(cross)
    for numbers in (
        head_numbers(shown.pattern[1, 2], shown.rows, shown.columns),
        all_numbers(shown.pattern, shown.rows, shown.columns),
    ):
        arrays = np.load(io.BytesIO(to_npz(numbers, made)))  # refuses to unpickle
        np.testing.assert_array_equal(arrays["values"], numbers.values)
        assert arrays["values"].dtype == np.float32
        assert arrays["query"].tolist() == list(shown.rows)
        assert arrays["key"].tolist() == list(shown.columns)
        assert made.items().items() <= json.loads(str(arrays["provenance"])).items()
        read = json.loads(to_json(numbers, made))
        np.testing.assert_array_equal(np.array(read["values"], dtype=np.float32), numbers.values)
        assert read["axes"]["query"] == list(shown.rows)
        assert read["axes"]["key"] == list(shown.columns)
        assert read["provenance"] == dict(made.items())
    assert arrays["layer"].tolist() == [1, 2]


def test_measures_and_what_is_undefined():
    values = measure(random_map(["a"], ["b", "c"])) | {"none": np.full((2, 3), np.nan, np.float32)}
    numbers, made = measure_numbers(values), made_of(random_map("a"))
    stacked = np.load(io.BytesIO(to_npz(numbers, made)))
    assert stacked["measure"].tolist() == list(values)
    for i, value in enumerate(values.values()):
        np.testing.assert_array_equal(stacked["values"][..., i], value)
    assert json.loads(to_json(numbers, made))["values"][1][2][-1] is None
    _, (titles, *rows) = table(to_csv(numbers, made))
    assert titles == ["layer", "head", *values]
    assert rows[-1][:2] == ["2", "3"]
    assert rows[-1][-1] == ""


def test_numbers_and_names_must_fit():
    with pytest.raises(ValueError, match="names"):
        Numbers(what="weight", values=np.zeros((2, 3)), names={"query": ["a"], "key": ["b", "c", "d"]})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4))
def test_any_token_survives_json_and_breaks_no_page(tokens: list[str]):
    encoder = random_map([*tokens, "</script><!--", "\ud83d"], kind="encoder")
    made, shown = made_of(encoder, source="".join(tokens)), picture(encoder)
    numbers = head_numbers(shown.pattern[0, 0], shown.rows, shown.columns)
    assert json.loads(to_json(numbers, made))["axes"]["query"] == list(shown.rows)
    page = to_html(head_drawing(shown, 0, 0, made), numbers, made, ink="#000000").decode("utf-8")
    assert page.count("</script>") == page.count("<script") == 3
    to_csv(numbers, made)
    np.load(io.BytesIO(to_npz(numbers, made)))
    pdf(head_drawing(shown, 0, 0, made), made)


def test_the_page_asks_the_network_for_nothing(cross: AttentionMap):
    made, shown = made_of(cross), picture(cross)
    numbers = all_numbers(shown.pattern, shown.rows, shown.columns)
    page = to_html(overview_drawing(shown, made), numbers, made, ink="#000000").decode("utf-8")
    assert set(re.findall(r"\w+://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|iframe|object|embed|base)\b|@import|url\(", page)
    embedded = re.search(r'id="numbers">(.*?)</script>', page, re.S)
    assert embedded is not None
    assert json.loads(embedded[1]) == json.loads(to_json(numbers, made))


def read_pdf(cross: AttentionMap) -> tuple[str, PdfReader]:
    made = made_of(cross, layer=1, head=1)
    data = pdf(head_drawing(picture(cross), 0, 0, made), made)
    assert data.startswith(b"%PDF")
    (page,) = PdfReader(io.BytesIO(data)).pages
    return page.extract_text(), PdfReader(io.BytesIO(data))


def test_the_text_of_a_pdf_is_text_and_says_where_it_comes_from(cross: AttentionMap):
    text, reader = read_pdf(cross)
    for word in ("Une", "pet", "ite", "do", "</s>", "query (attends from)", "key (attends to)", "Cross-attention"):
        assert word in text
    assert "checkpoint: a/b" in text
    assert made_of(cross).digest in text
    assert reader.metadata is not None
    assert json.loads(str(reader.metadata["/Keywords"]))["checkpoint"] == "a/b"
    fonts = reader.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    assert any("FiraGO" in str(font.get_object()["/BaseFont"]) for font in fonts.values())


def test_unusual_letters_in_a_pdf():
    tokens = ["àœuvre", "ж", "שלום", "你好", "🔦", "␣", "\ufffd", "⟨C3⟩", "한"]
    text, _ = read_pdf(random_map(tokens))
    for word in ("àœuvre", "ж", "你好", "[U+1F526]", "‹C3›", "한"):
        assert word in text
    assert "שלום" in text or "שלום"[::-1] in text


@pytest.mark.parametrize("name", ["../../etc/passwd", "CON", "a:b*c?", "", "é", "x" * 300, "runs/letters (dropped)"])
def test_file_names_are_safe(name: str):
    found = file_name(made_of(random_map("a"), checkpoint=name, layer=2, head=3), "head", "svg")
    assert re.fullmatch(r"headlight-[a-z0-9-]*[a-z0-9]\.svg", found)
    assert len(found) < 130


def test_the_readme_s_lines_draw_without_streamlit(tmp_path: Path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (snippet,) = [code for code in re.findall(r"```python\n(.*?)```", readme, re.S) if "explore(" in code]
    (line,) = re.findall(r"`viz.figures.attention.(head_heatmap\(.*?)`", readme)
    after = f"from viz.figures.attention import head_heatmap\nprint({line}.to_json())\n"
    code = f"{snippet}\n{after}import sys\nprint('streamlit' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    figure, imported = done.stdout.splitlines()
    assert imported == "False"
    heatmap = json.loads(figure)["data"][0]
    assert heatmap["type"] == "heatmap"
    assert any("car" in name for name in heatmap["x"])
    assert any("voiture" in name for name in heatmap["y"])
    assert "voiture" in (tmp_path / "attention.html").read_text(encoding="utf-8")


def test_layers_have_their_numbers_in_the_model():
    numbers = all_numbers(np.full((2, 1, 1, 1), 1.0), ["q"], ["k"], (2, 5))
    assert list(numbers.names["layer"]) == ["2", "5"]
    assert list(measure_numbers({"entropy": np.zeros((2, 3))}, (2, 5)).names["layer"]) == ["2", "5"]

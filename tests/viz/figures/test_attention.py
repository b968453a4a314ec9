"""viz/figures/attention.py: the heatmap shows the numbers under their names."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.trace import AttentionMap
from tests.viz.helpers import random_map
from viz.figures.attention import head_heatmap
from viz.look.theme import DARK, LIGHT, Theme

ROOT = Path(__file__).parents[3]
ENGLISH, FRENCH = (" a", " dog", " a", "</s>"), ("<s>", " un", " chien")
WRITTEN = (" un", " chien", "</s>")


@pytest.fixture
def cross() -> AttentionMap:
    return random_map(FRENCH, ENGLISH, predicted_tokens=WRITTEN)


def sent(attention_map: AttentionMap, layer: int = 0, head: int = 0, **options: Any) -> dict[str, Any]:
    """The figure as a browser gets it."""
    text = head_heatmap(attention_map, layer, head, **options).to_json()
    assert text is not None
    return json.loads(text)


def numbers(array: dict[str, Any]) -> np.ndarray:
    """An array out of the form Plotly sends it in."""
    shape = [int(size) for size in array["shape"].split(",")]
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"]).reshape(shape)


@pytest.mark.parametrize(("layer", "head"), [(0, 0), (0, 2), (1, 0), (1, 2)])
def test_the_numbers_are_those_of_the_head(cross: AttentionMap, layer: int, head: int):
    (heatmap,) = sent(cross, layer, head)["data"]
    np.testing.assert_array_equal(numbers(heatmap["z"]), cross.pattern[layer, head])
    assert (heatmap["zmin"], heatmap["zmax"]) == (0, 1)


def visible(names: list[str]) -> list[str]:
    """Names without the invisible number that keeps repeated ones apart."""
    return [name.rstrip("\u200b\u200c") for name in names]


def test_axes_are_named_in_order_from_the_top_left(cross: AttentionMap):
    figure = sent(cross)
    (heatmap,) = figure["data"]
    assert visible(heatmap["x"]) == ["a", "dog", "a", "&lt;/s&gt;"]
    assert visible(heatmap["y"]) == ["un", "chien", "&lt;/s&gt;"]
    layout = figure["layout"]
    assert layout["xaxis"]["side"] == "top"
    assert layout["yaxis"]["autorange"] == "reversed"
    assert layout["xaxis"]["type"] == layout["yaxis"]["type"] == "category"  # "2019" is a word here


def test_a_row_is_named_by_what_is_written_else_by_the_token(cross: AttentionMap):
    assert cross.row_tokens == WRITTEN
    encoder = random_map(ENGLISH, kind="encoder")
    assert encoder.row_tokens == ENGLISH
    assert sent(encoder)["data"][0]["y"][:2] == ["a", "dog"]


def test_repeated_tokens_have_places_of_their_own():
    (heatmap,) = sent(random_map([" the"] * 11, kind="encoder"))["data"]
    assert len(set(heatmap["x"])) == len(set(heatmap["y"])) == 11


def test_a_cut_token_keeps_a_place_of_its_own():
    (heatmap,) = sent(random_map([f"averylongbeginning{i}" for i in range(7)], kind="encoder"))["data"]
    assert len(set(heatmap["x"])) == 7
    assert len(set(visible(heatmap["x"]))) == 1


def test_labels_are_left_to_plotly_to_thin(cross: AttentionMap):
    layout = sent(cross)["layout"]
    for axis in (layout["xaxis"], layout["yaxis"]):
        assert not {"tickvals", "ticktext", "dtick", "nticks"} & set(axis)


@pytest.mark.parametrize("tokens", [["x"], [" a", " very", " longwordindeedlongerthanthemargin"] * 5, ["<b>"] * 300])
def test_the_plot_has_one_place_whatever_the_text(cross: AttentionMap, tokens: list[str]):
    expected = sent(cross)["layout"]
    layout = sent(random_map(tokens, kind="encoder", n_layers=1, n_heads=1))["layout"]
    for part in ("margin", "height"):
        assert layout[part] == expected[part]
    for axis in ("xaxis", "yaxis"):
        assert layout[axis]["automargin"] is False
        assert layout[axis].get("tickangle") == expected[axis].get("tickangle")


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (0, 3)])
def test_a_head_that_is_not_there(cross: AttentionMap, layer: int, head: int):
    with pytest.raises(IndexError):
        head_heatmap(cross, layer, head)


def test_a_row_that_is_not_there(cross: AttentionMap):
    with pytest.raises(IndexError):
        head_heatmap(cross, 0, 0, pinned=3)


@pytest.mark.parametrize("row", [0, 2])
def test_the_pinned_row_is_framed(cross: AttentionMap, row: int):
    (frame,) = sent(cross, pinned=row)["layout"]["shapes"]
    assert (frame["y0"], frame["y1"]) == (row - 0.5, row + 0.5)
    assert (frame["xref"], frame["x0"], frame["x1"]) == ("paper", 0, 1)
    assert frame["line"]["color"] == LIGHT.accent


def test_without_a_pinned_row_nothing_is_framed(cross: AttentionMap):
    assert not sent(cross)["layout"].get("shapes")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_are_the_theme_s(cross: AttentionMap, theme: Theme):
    figure = sent(cross, theme=theme)
    scale = figure["data"][0]["colorscale"]
    assert [colour for _, colour in scale] == list(theme.scale)
    assert (scale[0][0], scale[-1][0]) == (0, 1)
    assert figure["layout"]["font"]["color"] == theme.text


@pytest.mark.parametrize("token", ["<b>", '<a href="x">', "$x$", "\ud83d", "\x00", "🔦", "שלום", "e\u0301", "\n", ""])
def test_any_token_can_be_sent_and_is_no_markup(token: str):
    figure = sent(random_map([token, "dog"], kind="encoder"))
    labels = figure["data"][0]["x"]
    assert len(set(labels)) == 2
    assert not set("<>$") & set("".join(labels))
    "".join(labels).encode("utf-8")


def test_what_is_sent_stays_small(cross: AttentionMap):
    """The default template alone has 6 kB; 512 × 512 weights have 1 MiB as float32."""
    assert len(json.dumps(sent(cross))) < 3000
    large = random_map(["word"] * 512, kind="encoder", n_layers=1, n_heads=1)
    assert len(json.dumps(sent(large))) < 1.4 * 4 * 512 * 512


def test_drawing_needs_neither_streamlit_nor_torch():
    code = (
        "import sys, viz.figures.attention, viz.look.choice, viz.look.words, viz.look.theme; "
        "print(sorted({'streamlit', 'torch', 'plotly'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['plotly']"

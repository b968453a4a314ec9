"""viz/export/drawings.py and viz/export/svg.py: a picture to take along is well-formed, and its text is text."""

import json
import struct
import zlib
from base64 import b64decode
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.heads.measures import measure, measures_of
from tests.viz.helpers import made_of, map_of, random_map
from viz.export.atlas import atlas_drawing
from viz.export.drawing import Cells, Drawing, hexadecimal
from viz.export.drawings import head_drawing, overview_drawing
from viz.export.lines import lines_drawing
from viz.export.svg import escaped, png, svg
from viz.look.geometry import COLUMNS_ARE, FAINTEST, ROWS_ARE
from viz.look.picture import SCALES, picture, scaled
from viz.look.theme import DARK, LIGHT, coloured, short_token, show_token

SPACE = "{http://www.w3.org/2000/svg}"
QUERIES, KEYS = (" Une", " fille", "</s>"), (" A", " girl", '<b>&"', ".", "</s>")
NASTY = st.one_of(
    st.sampled_from(
        ['<b>&"', "]]>", "\x00", "\x07", "\ud83d", "\ufffe", "\n", "&amp;", "🔦", "שלום", "e\u0301", "{x}", "%s"]
    ),
    st.text(min_size=1, max_size=7),
)


def parsed(drawing: Drawing, attention_map, **options) -> ElementTree.Element:
    """The picture, as an XML parser that we did not write reads its bytes."""
    return ElementTree.fromstring(svg(drawing, made_of(attention_map), **options).encode("utf-8"))


def texts(tree: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in tree.iter(f"{SPACE}text")]


@settings(max_examples=40, deadline=None)
@given(st.lists(NASTY, min_size=1, max_size=5), st.lists(NASTY, min_size=1, max_size=5))
def test_every_token_is_text_whatever_it_is(queries: Sequence[str], keys: Sequence[str]):
    cross = random_map(queries, keys)
    made, shown = made_of(cross, source="".join(keys)), picture(cross)
    for drawing, name in (
        (head_drawing(shown, 1, 2, made), short_token),
        (lines_drawing(shown, 1, [2], made), show_token),
    ):
        found = texts(parsed(drawing, cross))
        for token in (*shown.rows, *shown.columns):
            assert escaped_and_back(name(token)) in found
    parsed(overview_drawing(shown, made), cross)


def escaped_and_back(text: str) -> str:
    return ElementTree.fromstring(f"<text>{escaped(text)}</text>").text or ""


@pytest.mark.parametrize(("text", "seen"), [("\x00a\x1f", "�a�"), ("\ud83d", "�"), ("\uffff", "�"), ('<&>"', '<&>"')])
def test_what_xml_forbids_is_replaced_where_it_can_be_seen(text: str, seen: str):
    assert escaped_and_back(text) == seen


def test_it_carries_where_it_comes_from():
    cross = random_map(QUERIES, KEYS)
    made = made_of(cross, layer=2, head=3)
    for drawing in (head_drawing(picture(cross), 1, 2, made), lines_drawing(picture(cross), 1, [2], made)):
        tree = ElementTree.fromstring(svg(drawing, made))
        said = json.loads(tree.findtext(f"{SPACE}metadata") or "")
        assert said == dict(made.items())
        assert (said["layer"], said["head"], said["digest"]) == ("2", "3", f"SHA-256 {made.digest}")
        assert tree.findtext(f"{SPACE}title") == "Cross-attention, layer 2, head 3"
        assert made.source in (tree.findtext(f"{SPACE}desc") or "")
        seen = " ".join(texts(tree))
        for word in (ROWS_ARE, COLUMNS_ARE, "checkpoint: a/b", made.digest, f"source: {made.source}"):
            assert word in seen


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("scale", SCALES)
def test_cells_have_the_colours_of_their_weights(scale, theme):
    cross = random_map(QUERIES, KEYS)
    tree = parsed(head_drawing(picture(cross), 1, 2, made_of(cross), scale=scale, theme=theme), cross)
    group = next(tree.iter(f"{SPACE}g"))
    fills = [cell.get("fill") for cell in group]
    levels = scaled(cross.pattern[1, 2], scale)
    assert fills == [hexadecimal(colour) for colour in coloured(levels, theme.scale).reshape(-1, 3)]
    assert len(set(fills)) > 5


def test_the_stops_of_a_scale_are_its_colours():
    colours = coloured(np.linspace(0, 1, len(LIGHT.scale)), LIGHT.scale)
    assert tuple(map(hexadecimal, colours)) == LIGHT.scale


def test_rows_go_down_and_columns_across():
    weights = [[0.1, 0.9, 0.0], [0.0, 0.0, 1.0]]
    cross = map_of([weights], ("q1", "q2"), ("k1", "k2", "k3"))
    drawing = head_drawing(picture(cross), 0, 0, made_of(cross))
    cells = next(item for item in drawing.items if isinstance(item, Cells))
    tree = parsed(drawing, cross)
    at = {text.text: (float(text.get("x", 0)), float(text.get("y", 0))) for text in tree.iter(f"{SPACE}text")}
    rectangles = list(next(tree.iter(f"{SPACE}g")))
    darkest = rectangles[np.argmax(np.array(weights).reshape(-1))]  # from q2 to k3
    assert abs(float(darkest.get("y", 0)) + cells.height / 4 - at["q2"][1]) < 1
    assert abs(float(darkest.get("x", 0)) + cells.width / 6 - at["k3"][0]) < 1


def test_lines_are_as_wide_as_their_weights():
    cross = map_of([[[0.01, 0.09, 0.9], [0.0, 0.5, 0.5]]], ("q1", "q2"), ("k1", "k2", "k3"))
    tree = parsed(lines_drawing(picture(cross), 0, [0], made_of(cross)), cross)
    lines = {path.findtext(f"{SPACE}title"): float(path.get("stroke-width", 0)) for path in tree.iter(f"{SPACE}path")}
    assert lines == {
        "head 1: from “q1” to “k2”: 0.090": 0.815,
        "head 1: from “q1” to “k3”: 0.900": 3.65,
        "head 1: from “q2” to “k2”: 0.500": 2.25,
        "head 1: from “q2” to “k3”: 0.500": 2.25,
    }
    assert FAINTEST > 0.01


def test_several_rows_stand_in_the_picture_with_their_mean():
    cross = map_of([[[0.1, 0.9], [0.6, 0.4], [0.3, 0.7]]], ("q1", "q2", "q3"), ("k1", "k2"))
    shown, made = picture(cross), made_of(cross)
    several, alone = (head_drawing(shown, 0, 0, made, marked=marked).items for marked in ((0, 2), (0,)))
    (strip,) = (one for one in several if isinstance(one, Cells) and list(one.rows) == ["mean of 2"])
    np.testing.assert_allclose(strip.values, [[0.2, 0.8]], atol=1e-6)
    assert "mean of 2" in texts(parsed(head_drawing(shown, 0, 0, made, marked=(0, 2)), cross))
    assert not [one for one in alone if isinstance(one, Cells) and "mean" in "".join(one.rows)]
    tree = parsed(lines_drawing(shown, 0, [0], made, together=(0, 2)), cross)
    assert {(path.findtext(f"{SPACE}title") or "")[13:17] for path in tree.iter(f"{SPACE}path")} == {"“q1”", "“q3”"}


def test_a_large_head_is_one_small_image_with_fewer_names():
    large = random_map([f"w{i}" for i in range(512)], kind="encoder", n_layers=1, n_heads=1)
    drawing = head_drawing(picture(large), 0, 0, made_of(large))
    text = svg(drawing, made_of(large))
    assert len(text) < 1_200_000
    tree = ElementTree.fromstring(text)
    image = next(tree.iter(f"{SPACE}image"))
    assert image_of(b64decode((image.get("href") or "").partition(",")[2])).shape == (512, 512, 3)
    assert 10 < len(texts(tree)) < 120


def test_a_png_has_the_colours_it_was_given():
    colours = np.random.default_rng(3).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(image_of(png(colours)), colours)


def image_of(data: bytes) -> np.ndarray:
    """A PNG as Pillow reads it."""
    import io

    from PIL import Image

    assert struct.unpack(">I", data[29:33])[0] == zlib.crc32(data[12:29])
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("means", [True, False])
@pytest.mark.parametrize("each_head", [True, False])
def test_the_overview_has_every_head(means: bool, each_head: bool):
    cross = random_map(QUERIES, KEYS)
    drawing = overview_drawing(
        picture(cross), made_of(cross), chosen=(1, 2), means=means, each_head=each_head
    )  # fmt: skip
    tables = {item.name: item.values for item in drawing.items if isinstance(item, Cells) and item.name}
    assert len(tables) == 6 + 3 * means
    np.testing.assert_array_equal(tables["layer 2, head 3, weight"], cross.pattern[1, 2])
    found = texts(parsed(drawing, cross))
    assert {"L1", "L2", "H1", "H2", "H3"} <= set(found)
    assert ("mean" in found) == ("all" in found) == means


def test_the_atlas_says_each_value():
    cross = random_map(QUERIES, KEYS)
    values = measure(cross)
    for one in measures_of("cross"):
        found = texts(parsed(atlas_drawing(one, values[one.name], made_of(cross), chosen=(1, 2)), cross))
        shown = [text for text in found if text == "–" or text.replace(".", "").replace("-", "").isdigit()]
        assert [f"{value:.2f}" if value == value else "–" for value in values[one.name].reshape(-1)] == shown[:6]
        assert one.name.capitalize() in " ".join(found)


def test_the_names_of_a_head_do_not_run_into_each_other_or_off_the_page():
    cross = random_map(["alongername"] * 40, ["anothername"] * 64)
    drawing = head_drawing(picture(cross), 0, 0, made_of(cross))
    tree = parsed(drawing, cross)
    rows = sorted(float(text.get("y", 0)) for text in tree.iter(f"{SPACE}text") if text.text == "alongername")
    assert len(rows) == 40
    assert min(np.diff(rows)) > 15.9
    assert max(float(text.get("x", 0)) for text in tree.iter(f"{SPACE}text")) < drawing.width
    assert max(float(text.get("y", 0)) for text in tree.iter(f"{SPACE}text")) < drawing.height

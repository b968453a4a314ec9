"""viz/look/geometry.py: drawings to take along and the page's scripts have the same sizes."""

import json
import re
from pathlib import Path

import pytest

from viz.look import geometry
from viz.look.picture import DECADES, SCALES

SCRIPTS = Path(geometry.__file__).parents[1] / "components"


def script(name: str) -> str:
    """What one component runs: ``head.js`` and whatever other files are named after it."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(SCRIPTS.glob(f"{name}*.js")))


@pytest.mark.parametrize(
    ("name", "constant", "value"),
    [
        ("head_cells", "GAP_FROM", geometry.GAP_FROM),
        ("links", "FAINTEST", geometry.FAINTEST),
        ("links", "APART", geometry.APART),
        ("overview", "GAP", geometry.PANEL_GAP),
        ("overview", "MEAN_GAP", geometry.MEAN_GAP),
        ("overview", "LARGEST_PANEL", geometry.LARGEST_PANEL),
    ],
)
def test_the_scripts_have_the_same_sizes(name: str, constant: str, value: float):
    (found,) = re.findall(rf"const {constant} = ([-.\d]+);", script(name))
    assert float(found) == value


def test_the_scripts_draw_the_same_lines():
    width, opacity = geometry.stroke(0), geometry.stroke(1)
    assert f"{width[0]:g} + {opacity[0] - width[0]:g} * weight" in script("links")
    assert f"{opacity[1]:g} * weight" in script("links")


def test_the_legends_of_the_scripts_name_the_same_weights():
    found = re.findall(r'"?([\w ]+)"?: \{[^{}]*?ticks: (\[[^]]*\])', script(""))
    known = {name.strip(): tuple(json.loads(ticks)) for name, ticks in found}
    assert known.pop("change") == (0, 0.25, 0.5, 0.75, 1)  # a scale of its own, which is not exported
    assert known == geometry.TICKS
    assert geometry.TICKS.keys() == set(SCALES)
    assert geometry.TICKS["logarithm"][0] == 10**-DECADES


@pytest.mark.parametrize(("size", "shown"), [(16, [0, 1, 2, 3, 4, 5, 6]), (8, [0, 2, 4, 6]), (7.9, [0, 3, 6])])
def test_names_that_have_no_room_are_left_out(size: float, shown: list[int]):
    assert list(geometry.named(7, size, 16)) == shown


def test_panels_stand_beside_each_other_and_the_means_apart():
    places = [geometry.panel_place(index, 3, 20) for index in range(4)]
    assert places == [0, 26, 52, 88]


def test_heads_are_named_from_1():
    assert geometry.head_name(2, 4) == "L3 H5"

"""The scripts' pure parts, by Node's own test runner, and against the same in Python."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.viz.components.node import node
from viz.components import sources
from viz.components.notebook import LEVELS, twelve_bits
from viz.look.picture import SCALES, Scale, scaled
from viz.look.theme import DARK, LIGHT, Theme, coloured
from viz.look.thumbnails import thumbnails

HERE = Path(__file__).parent
SCRIPTS = Path(sources.__file__).parent
FILES = sorted(HERE.glob("*.test.js"))


def test_the_pure_parts():
    said = node("--test", "--test-reporter=tap", *FILES)
    assert int(re.findall(r"^# pass (\d+)$", said, re.MULTILINE)[0]) >= len(FILES)


def evaluated(module: str, expression: str) -> list[float]:
    """What an expression of the names that a script exports comes to."""
    address = (SCRIPTS / f"{module}.js").as_uri()
    program = f"import * as it from '{address}'; console.log(JSON.stringify({expression}));"
    return json.loads(node("--input-type=module", "--eval", program))


@pytest.mark.parametrize("scale", SCALES)
def test_a_scale_is_the_same_on_both_sides(scale: Scale):
    weights = np.array([0, 1e-4, 1e-3, 0.01, 0.07, 0.5, 0.999, 1])
    found = evaluated("colours", f"{weights.tolist()}.map(it.SCALES[{scale!r}].place)")
    np.testing.assert_allclose(found, scaled(weights, scale), atol=1e-12)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_ramp_is_the_same_on_both_sides(theme: Theme):
    found = evaluated("colours", f"it.ramp({json.dumps(theme.scale)})")
    assert np.abs(np.array(found) - coloured(np.linspace(0, 1, 256), theme.scale)).max() <= 0.5 + 1e-9


def test_weights_arrive_with_three_decimals():
    weights = np.random.default_rng(7).random(101, dtype=np.float32)
    found = evaluated("packed", f"Array.from(it.weights({sources.packed(weights)!r}))")
    assert np.abs(np.array(found) - weights).max() <= 0.5 / 65535 + 1e-7


@pytest.mark.parametrize("n", [1, 2, 169, 4098])
def test_weights_of_twelve_bits_arrive(n: int):
    weights = np.random.default_rng(7).random(n, dtype=np.float32)
    planes = f"await it.inflated({twelve_bits(weights)!r})"
    found = evaluated("packed", f"Array.from(it.twelveBits({planes}, {n}, 0, {n}))")
    assert np.abs(np.array(found) - weights).max() <= 0.5 / LEVELS + 1e-7
    middle = evaluated("packed", f"Array.from(it.twelveBits({planes}, {n}, {n // 3}, {n // 2}))")
    assert middle == found[n // 3 : n // 2]


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 2, 64, 67), (1, 1, 130, 64)])
def test_thumbnails_are_the_same_on_both_sides(shape: tuple[int, int, int, int]):
    pattern = np.random.default_rng(7).integers(0, 100, shape) / 64
    given = json.dumps(pattern.reshape(*shape[:2], -1).tolist())
    found = evaluated("thumbnails", f"it.thumbnails((l, h) => {given}[l][h], {list(shape)}).map((one) => [...one])")
    expected = thumbnails(pattern, means=True)
    np.testing.assert_allclose(np.array(found), expected.reshape(len(expected), -1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("colour", "expected"), [("rgb(255, 255, 255)", 1.0), ("rgb(0, 0, 0)", 0.0), ("rgba(0, 0, 0, 0)", None)]
)
def test_the_luma_of_a_ground(colour: str, expected: float | None):
    assert evaluated("ground", f"it.luma({colour!r})") == (expected if expected is None else pytest.approx(expected))

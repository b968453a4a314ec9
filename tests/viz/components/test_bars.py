"""Bars as HTML."""

import re

import numpy as np

from viz.components.bars import LINE, bars
from viz.components.sources import style
from viz.look.theme import LIGHT


def test_each_column_has_its_own_scale_and_each_number_its_bar():
    columns = {"a": np.array([3.0, -1.0, 2.0]), "b": np.array([0.5, -np.inf, 0.0])}
    text = bars(["<b>", "y", "z"], columns, framed=1, theme=LIGHT)
    assert re.findall(r"<th>(.*?)</th>", text) == ["a", "b"]
    assert re.findall(r"<th scope=row>(.*?)</th>", text) == ["&lt;b&gt;", "y", "z"]
    assert re.findall(r"<span>(.*?)</span>", text) == ["3.00", "0.50", "−1.00", "−∞", "2.00", "0.00"]
    found = [(float(a), float(b)) for a, b in re.findall(r"--from: (\S+); --share: (\S+?)\"", text)]
    assert found == [(0.25, 0.75), (0, 1), (0, 0.25), (0.25, 0.5), (0, 0)]  # of −1 to 3, and of 0 to 0.5
    assert text.count("framed") == 1


def test_the_room_that_is_kept_is_that_of_the_lines():
    assert f"line-height: {LINE};" in style("bars")


def test_nothing_has_no_bar():
    assert "--share: 0.0000" in bars(["x"], {"a": np.array([0.0])}, theme=LIGHT)

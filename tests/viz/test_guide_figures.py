"""The pictures of the Guide."""

import numpy as np
import pytest

from viz.guide import LARGER, beside_bars, curves, enlarged


def test_bars_stand_side_by_side_each_on_its_scale():
    columns = {"a": [3.0, -5.0, 7.0], "b": [0.1, -np.inf, 0.2]}
    figure = beside_bars(["<b>", "y", "z"], columns, framed=1)
    first, second = figure.data
    np.testing.assert_array_equal(first.x, np.float32([3, -5, 7]))
    assert list(second.text) == ["0.10", "−∞", "0.20"]
    assert second.x[1] == 0
    assert (first.xaxis, second.xaxis) == ("x", "x2")
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert figure.layout.xaxis.range[0] < -5 < 7 < figure.layout.xaxis.range[1]
    assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;"
    assert len({first.marker.color[0], first.marker.color[2]}) == 1
    assert first.marker.color[1] != first.marker.color[0]
    assert [annotation.text for annotation in figure.layout.annotations] == ["<b>a</b>", "<b>b</b>"]


def test_bars_of_nothing():
    assert beside_bars(["x"], {"a": [0.0]}).layout.xaxis.range[1] > 0


@pytest.mark.parametrize("logarithmic", [True, False])
def test_curves(logarithmic: bool):
    figure = curves([32, 64, 128], {"one": [1.0, 4.0, 16.0], "two": [2.0, 4.0, 8.0]}, "n", "s", logarithmic=logarithmic)
    assert [line.name for line in figure.data] == ["one", "two"]
    assert list(figure.data[0].y) == [1, 4, 16]
    assert len({line.line.dash for line in figure.data}) == 2
    assert (figure.layout.xaxis.type == figure.layout.yaxis.type == "log") == logarithmic


def test_a_presentation_has_larger_letters():
    figure = beside_bars(["x", "y"], {"a": [1.0, 2.0]})
    large = enlarged(figure)
    assert large.layout.font.size == LARGER * figure.layout.font.size
    assert large.layout.height == LARGER * figure.layout.height
    assert large.layout.margin.l == LARGER * figure.layout.margin.l
    assert figure.layout.font.size < large.layout.font.size  # the figure itself is left alone
    np.testing.assert_array_equal(large.data[0].x, figure.data[0].x)

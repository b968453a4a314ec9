"""The pictures of the Guide."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from viz.figures.bars import beside_bars, curves
from viz.figures.plot import LARGEST, presented
from viz.figures.side_by_side import weights_panel
from viz.look.theme import PRESENTED


def layout(figure: go.Figure) -> Any:
    return figure.layout


def data(figure: go.Figure) -> Any:
    return figure.data


def test_bars_stand_side_by_side_each_on_its_scale():
    columns = {"a": [3.0, -5.0, 7.0], "b": [0.1, -np.inf, 0.2]}
    figure = beside_bars(["<b>", "y", "z"], columns, framed=1)
    first, second = data(figure)
    np.testing.assert_array_equal(first.x, [3, -5, 7])
    assert [text.strip() for text in second.text] == ["0.10", "−∞", "0.20"]
    assert [text.strip() for text in first.text] == ["3.00", "−5.00", "7.00"]
    assert (first.text[0][0], first.text[1][-1]) == ("\u2002", "\u2002")  # between a number and its bar
    assert second.x[1] == 0
    assert (first.xaxis, second.xaxis) == ("x", "x2")
    assert layout(figure).xaxis.domain[1] < layout(figure).xaxis2.domain[0]
    assert layout(figure).xaxis.range[0] < -5 < 7 < layout(figure).xaxis.range[1]
    assert layout(figure).yaxis.ticktext[0] == "&lt;b&gt;"
    assert len({first.marker.color[0], first.marker.color[2]}) == 1
    assert first.marker.color[1] != first.marker.color[0]
    assert [annotation.text for annotation in layout(figure).annotations] == ["<b>a</b>", "<b>b</b>"]


def test_bars_that_are_compared_have_one_scale():
    figure = beside_bars(["x", "y"], {"a": [0.8, 0.2], "b": [0.1, 0.0]}, one_scale=True)
    assert layout(figure).xaxis.range == layout(figure).xaxis2.range
    assert layout(figure).xaxis.range[1] > 0.8


def test_bars_of_nothing():
    assert layout(beside_bars(["x"], {"a": [0.0]})).xaxis.range[1] > 0


@pytest.mark.parametrize("logarithmic", [True, False])
def test_curves(logarithmic: bool):
    figure = curves([32, 64, 128], {"one": [1.0, 4.0, 16.0], "two": [2.0, 4.0, 8.0]}, "n", "s", logarithmic=logarithmic)
    assert [line.name for line in data(figure)] == ["one", "two"]
    assert list(data(figure)[0].y) == [1, 4, 16]
    assert len({line.line.dash for line in data(figure)}) == 2
    assert (layout(figure).xaxis.type == layout(figure).yaxis.type == "log") == logarithmic


def test_a_presentation_has_larger_letters():
    figure = beside_bars(["x", "y"], {"a": [1.0, 2.0]})
    large = presented(figure)
    assert layout(large).font.size == PRESENTED * layout(figure).font.size
    assert layout(figure).height < layout(large).height < PRESENTED * layout(figure).height  # a screen has several
    assert layout(large).margin.l == PRESENTED * layout(figure).margin.l
    assert layout(figure).font.size < layout(large).font.size  # the figure itself is left alone
    assert json.loads(str(large.to_json()))["data"][0]["x"] == json.loads(str(figure.to_json()))["data"][0]["x"]


def test_a_row_is_framed_and_cells_are_marked():
    marked = np.zeros((3, 4), bool)
    marked[2, 1] = marked[0, 3] = True
    panel = weights_panel(
        np.eye(3, 4), ["<b>", "b", "c"], ["p", "q", "r", "s"], "t", framed=1, marked=marked, bar=False
    )
    cells, dots = data(panel)
    assert not cells.showscale
    assert [*zip(dots.y, dots.x, strict=True)] == [(0, 3), (2, 1)]
    (rectangle,) = layout(panel).shapes
    assert (rectangle.x0, rectangle.x1, rectangle.y0, rectangle.y1) == (-0.5, 3.5, 0.5, 1.5)
    plain = weights_panel(np.eye(2), ["a", "b"], ["c", "d"], "t", marked=np.zeros((2, 2), bool))
    assert (len(data(plain)), len(layout(plain).shapes)) == (1, 0)


def test_names_stand_upright_where_there_is_room_and_cells_are_square():
    shown = layout(weights_panel(np.eye(2), ["a", "b"], ["x", "y"], "t"))
    assert shown.xaxis.autotickangles[0] == 0
    assert shown.xaxis.tickangle is None  # Plotly takes the first that fits
    assert (shown.yaxis.scaleanchor, shown.yaxis.constrain, shown.xaxis.constrain) == ("x", "domain", "domain")
    assert (shown.xaxis.title.text, shown.yaxis.title.text) == ("key (attends to)", "query (attends from)")


def test_in_a_room_square_cells_fill_it_and_names_do_not_touch():
    few = layout(presented(weights_panel(np.eye(3), list("abc"), list("pqr"), "t"), (900, 900)))
    many = layout(presented(weights_panel(np.eye(40), [f"w{i}" for i in range(40)], ["k"] * 40, "t"), (900, 600)))
    around = [one.margin.t + one.margin.b for one in (few, many)]
    assert few.height - around[0] == 3 * LARGEST
    assert many.height == 600
    assert len(few.yaxis.ticktext) == 3
    cell = (600 - around[1]) / 40
    for axis in (many.yaxis, many.xaxis):
        assert axis.ticktext[1] == ("w2" if axis is many.yaxis else "k")
        assert (axis.tickvals[1] - axis.tickvals[0]) * cell >= many.font.size
    bars = beside_bars([f"w{i}" for i in range(60)], {"a": [0.5] * 60})
    assert layout(presented(bars, (500, 400))).height == 400

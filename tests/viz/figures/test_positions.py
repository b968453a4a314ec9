"""viz/figures/positions.py and viz/figures/side_by_side.py: the figures hold the numbers they were given."""

from typing import Any

import numpy as np
import pytest

from viz.figures import positions, side_by_side
from viz.look.theme import DARK, LIGHT, Theme

TOKENS = ("<b>", " dog", "$x$", "a")
ODD = ("&lt;b&gt;", "dog", "&#36;x&#36;", "a")
RANDOM = np.random.default_rng(7)
both = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


def z(figure: Any) -> np.ndarray:
    return np.asarray(figure.data[0].z)


def test_a_table_is_drawn_as_it_is_and_the_pair_framed():
    table = RANDOM.normal(size=(11, 14))
    figure: Any = positions.table_heatmap(table, pair=3)
    np.testing.assert_allclose(z(figure), table, rtol=1e-6)
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1) == (5.5, 7.5)  # dimensions 6 and 7
    assert figure.data[0].zmax == -figure.data[0].zmin == pytest.approx(np.abs(table).max())
    plain: Any = positions.table_heatmap(table)
    assert plain.layout.shapes == ()


def test_zeros_have_a_scale():
    figure: Any = positions.table_heatmap(np.zeros((3, 4)))
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)


def test_a_wave_has_the_two_dimensions_of_its_pair():
    table = RANDOM.normal(size=(11, 14))
    figure: Any = positions.wave(table, 3)
    first, second = figure.data
    assert (first.name, second.name) == ("dimension 6", "dimension 7")
    np.testing.assert_allclose(first.y, table[:, 6], rtol=1e-6)
    np.testing.assert_allclose(second.y, table[:, 7], rtol=1e-6)


@both
def test_matrices_keep_their_scale(theme: Theme):
    small = np.eye(5) * 0.1
    figures: Any = [draw(small, theme=theme) for draw in (positions.similarity_heatmap, positions.matrix_heatmap)]
    for figure in figures:
        assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)
        assert figure.layout.font.color == theme.text
    np.testing.assert_allclose(z(positions.score_heatmap(3 * small, theme=theme)), 0.3 * np.eye(5), rtol=1e-6)


def test_pairs_turn_on_circles_of_their_own():
    angles = np.arange(7)[:, None] * np.array([1.0, 0.1, 0.01])
    figure: Any = positions.turning_pairs(angles, [0, 2])
    assert [trace.name for trace in figure.data] == ["pair 1", "pair 3"]
    for trace, radius, pair in zip(figure.data, (3, 2), (0, 2), strict=True):
        np.testing.assert_allclose(np.hypot(trace.x, trace.y), radius, rtol=1e-5)
        np.testing.assert_allclose(
            np.exp(1j * angles[:, pair]), (np.array(trace.x) + 1j * np.array(trace.y)) / radius, atol=1e-5
        )
        assert list(trace.customdata) == list("0123456")


def test_a_line_and_a_bar_a_head():
    bias = RANDOM.normal(size=(7, 5))  # more heads than colours
    figure: Any = positions.bias_lines(np.arange(-2, 3), bias)
    lines = figure.data
    assert [line.name for line in lines] == [f"head {head}" for head in range(1, 8)]
    np.testing.assert_allclose([line.y for line in lines], bias, rtol=1e-6)
    slopes: Any = positions.slope_bars(np.array([0.25, 2**-8]))
    (bars,) = slopes.data
    assert bars.x == ("1", "2")
    assert bars.text == ("0.25", "0.003906")


def test_panels_are_named_by_their_tokens_letter_for_letter():
    weights = RANDOM.random((4, 4))
    panel: Any = side_by_side.weights_panel(weights, TOKENS, TOKENS, "<i>")
    assert panel.layout.xaxis.ticktext == panel.layout.yaxis.ticktext == ODD
    assert panel.layout.title.text == "<b>&lt;i&gt;</b>"
    assert (panel.data[0].zmin, panel.data[0].zmax) == (0, 1)
    np.testing.assert_array_equal(z(panel), weights)


def test_vectors_have_a_common_limit_that_outliers_do_not_set():
    parts = [RANDOM.normal(size=(4, 500)) for _ in range(3)]
    parts[0][2, 3] = 1000
    limit = side_by_side.common_limit(parts)
    assert 2 < limit < 5
    figure: Any = side_by_side.vectors_panel(TOKENS, parts[0], "sum", limit)
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-limit, limit)
    assert z(figure)[2, 3] == 1000
    assert figure.layout.xaxis.title.text == "dimension"
    assert side_by_side.common_limit([np.zeros((2, 3))]) == 1


def test_longer_names_get_more_room():
    panels: Any = [side_by_side.weights_panel(np.eye(1), [name], [name], "t") for name in ("a", "elephants")]
    narrow, wide = (panel.layout.margin for panel in panels)
    assert wide.l > narrow.l + 30
    assert wide.t > narrow.t + 30


def test_curves_and_the_ones_measured_again_share_a_colour():
    curves = {"rotary": [(2, 1.0), (40, 0.5)], "none": [(2, 0.25)], "empty": []}
    figure: Any = side_by_side.length_curves(curves, 20, again={"none": [(2, 0.5)]})
    rotary, none, empty, again = figure.data
    assert (rotary.name, none.name, again.name) == ("rotary", "none", "none")
    assert (rotary.x, rotary.y) == ((2, 40), (1.0, 0.5))
    assert (empty.x, empty.y) == ((), ())
    assert again.marker.color == none.line.color != rotary.line.color
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 20


def test_a_seventh_curve_can_be_told_from_the_others():
    figure: Any = side_by_side.length_curves({str(i): [(i, 0.5)] for i in range(13)}, 20)
    looks = {(trace.line.color, trace.line.dash) for trace in figure.data}
    assert len(looks) == 13


def test_a_factor_over_what_is_seen():
    figure: Any = positions.factor_lines(np.array([1, 2, 3]), np.array([[0.0, 1, 2], [0, 2, 4]]))
    assert [trace.name for trace in figure.data] == ["head 1", "head 2"]
    assert list(figure.data[1].y) == [0, 2, 4]
    shared: Any = positions.factor_lines(np.array([1]), np.array([[1.0]]))
    assert shared.data[0].name == "all heads"

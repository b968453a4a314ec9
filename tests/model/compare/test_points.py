"""What the measurements of architectures amount to, with numbers that a reader can check by hand."""

import pytest

from model.compare.points import (
    ATTENDING,
    LSTM,
    SELF,
    TRANSFORMER,
    DistanceScore,
    LayerCost,
    StepTime,
    by_architecture,
    by_distance,
    by_layer,
    doublings,
    fit_growth,
    halves,
    reaches,
)


def score(
    contender: str, distance: int, rate: float, seed: int, accuracy: float, chosen_by: float | None = None
) -> DistanceScore:
    return DistanceScore(
        contender=contender,
        parameters=7,
        distance=distance,
        learning_rate=rate,
        seed=seed,
        chosen_by=accuracy if chosen_by is None else chosen_by,
        accuracy=accuracy,
    )


def cost(n: int, seconds: float, peak_bytes: int = 1) -> LayerCost:
    return LayerCost(layer=SELF, n=n, seconds=seconds, peak_bytes=peak_bytes)


def test_a_power_is_found():
    fit = fit_growth([3, 5, 11], [2 * n**1.5 for n in (3, 5, 11)])
    assert (fit.exponent, fit.factor) == (pytest.approx(1.5), pytest.approx(2))
    assert (fit.low, fit.high) == (3, 11)
    assert fit.at(100) == pytest.approx(2000)


def test_the_line_misses_the_points_least():
    # On logarithmic axes to base 2 the points are (0, 0), (1, 0), (2, 3): slope 3/2, and -1/2 at 0.
    fit = fit_growth([1, 2, 4], [1, 1, 8])
    assert fit.exponent == pytest.approx(1.5)
    assert fit.factor == pytest.approx(2**-0.5)


@pytest.mark.parametrize(
    ("lengths", "values"), [([], []), ([3], [1.0]), ([3, 3], [1.0, 2.0]), ([3, 5], [1.0]), ([3, 5], [0.0, 1.0])]
)
def test_too_little_for_a_power(lengths: list[int], values: list[float]):
    with pytest.raises(ValueError, match="a power needs"):
        fit_growth(lengths, values)


def test_the_two_halves_of_the_lengths():
    costs = [cost(n, n if n <= 4 else n**2 / 4) for n in (1, 2, 4, 8, 16)]
    short, long = halves(costs, lambda one: one.seconds)
    assert (short.low, short.high, short.exponent) == (1, 4, pytest.approx(1))
    assert (long.low, long.high, long.exponent) == (4, 16, pytest.approx(2))
    with pytest.raises(ValueError, match="a power needs"):
        halves(costs[:2], lambda one: one.seconds)


def test_the_mean_over_the_seeds_at_the_best_rate():
    scores = [
        score(LSTM, 5, 0.1, 0, 1.0),
        score(LSTM, 5, 0.1, 1, 0.2),
        score(LSTM, 5, 0.3, 0, 0.7),
        score(LSTM, 5, 0.3, 1, 0.8),
        score(LSTM, 3, 0.1, 0, 0.9),
        score(TRANSFORMER, 3, 0.1, 0, 0.4, chosen_by=0.9),
        score(TRANSFORMER, 3, 0.3, 0, 0.8, chosen_by=0.7),  # better where it must not be chosen by
    ]
    assert by_distance(scores) == {
        LSTM: [(3, pytest.approx(0.9)), (5, pytest.approx(0.75))],
        TRANSFORMER: [(3, pytest.approx(0.4))],
    }
    assert ATTENDING not in by_distance(scores)


def test_from_one_length_to_the_next():
    assert doublings([cost(n, n**2) for n in (1, 2, 4)], lambda one: one.seconds) == [(2, 4), (4, 4)]


def test_how_far_one_reaches():
    assert reaches([(3, 1.0), (5, 0.9), (7, 0.5), (11, 1.0)], 0.9) == 5  # beyond a failure nothing counts
    assert reaches([(3, 0.8)], 0.9) == 0


def test_points_by_their_name_and_length():
    points = [
        StepTime(architecture=name, parameters=1, n=n, texts=1, seconds=1.0, in_sequence=1)
        for n in (5, 3)
        for name in ("lstm", "transformer")
    ]
    assert {name: [p.n for p in found] for name, found in by_architecture(points).items()} == {
        "transformer": [3, 5],
        "lstm": [3, 5],
    }
    assert [p.n for p in by_layer([cost(5, 1), cost(3, 1)])[SELF]] == [3, 5]

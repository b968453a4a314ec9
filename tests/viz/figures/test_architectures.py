"""Figures and words of the page Architectures, from numbers made by hand."""

from typing import Any

import pytest

from model.compare.cards import Card
from model.compare.costs import layer_costs
from model.compare.points import (
    ATTENDING,
    CONTENDERS,
    CONVOLUTION,
    FUSED,
    LAYERS,
    LSTM,
    RECURRENT,
    SELF,
    TRANSFORMER,
    DistanceScore,
    LayerCost,
    StepTime,
)
from viz.figures.architectures import cost_figure, distance_figure, step_figure
from viz.look import architecture_words as words


def steps(transformer: dict[int, float], lstm: dict[int, float]) -> list[StepTime]:
    return [
        StepTime(
            architecture=name, parameters=700, n=n, texts=3, seconds=s, in_sequence=10 if name[0] == "t" else 4 * n
        )
        for name, times in (("transformer", transformer), ("lstm", lstm))
        for n, s in times.items()
    ]


def distances(**curves: dict[int, float]) -> list[DistanceScore]:
    names = {"transformer": TRANSFORMER, "lstm": LSTM, "attending": ATTENDING}
    return [
        DistanceScore(
            contender=names[name], parameters=7, distance=d, learning_rate=0.1, seed=0, chosen_by=0.5, accuracy=accuracy
        )
        for name, curve in curves.items()
        for d, accuracy in curve.items()
    ]


def costs(powers: dict[str, tuple[float, float]]) -> list[LayerCost]:
    """With the powers of the length up to 4 and from 4 on; memory grows with the second."""
    return [
        LayerCost(
            layer=name, n=n, peak_bytes=int(2**20 * n**long),
            seconds=float(n**short if n <= 4 else 4 ** (short - long) * n**long),
        )
        for name, (short, long) in powers.items()
        for n in (1, 2, 4, 8, 16)
    ]  # fmt: skip


POWERS: dict[str, tuple[float, float]] = {SELF: (1, 2), FUSED: (1, 1), RECURRENT: (1.5, 1.5), CONVOLUTION: (1, 1)}


def test_what_steps_say_for_and_against_the_claim():
    said = " ".join(words.describe_steps(steps({5: 3.0, 7: 2.0, 11: 2.0}, {5: 1.0, 7: 2.1, 11: 6.0})))
    assert "the LSTM takes 3.0 times as long" in said
    assert "The Transformer is faster at 11 tokens." in said
    assert "**Contrary to the usual claim**, the LSTM is faster at 5 tokens" in said
    assert "**At 7 tokens they are equally fast** (to within 10%)" in said
    assert "has 10 operations that must run one after another; the LSTM has 20 at the shortest and 44 at" in said
    assert "Transformer’s step takes 0.7 times as long and the LSTM’s 6.0 times" in said


def test_what_steps_say_where_nothing_is_against_it():
    said = " ".join(words.describe_steps(steps({5: 1.0, 7: 1.0}, {5: 2.0, 7: 4.0})))
    assert "faster at 5 and 7 tokens" in said
    assert "Against" not in said


@pytest.mark.parametrize(
    ("far", "says"),
    [
        ((7, 3, 7), "the same LSTM, once it is given attention, reaches as far"),
        ((7, 3, 5), "Attention takes the same LSTM further than its state does"),
        ((3, 3, 3), "the Transformer reaches no further than the LSTM’s state"),
    ],
)
def test_what_distances_say(far: tuple[int, int, int], says: str):
    curves = {
        name: {d: 1.0 if d <= until else 0.5 for d in (3, 5, 7)}
        for name, until in zip(("transformer", "lstm", "attending"), far, strict=True)
    }
    said = " ".join(words.describe_distance(distances(**curves)))
    assert says in said
    assert f"the {LSTM}, up to 3 tokens" in said
    assert "Guessing gives 12.5%" in said
    assert (f"the {TRANSFORMER} up to 7 tokens (the longest distance tried)" in said) == (far[0] == 7)


def test_a_contender_that_learns_nothing():
    said = " ".join(words.describe_distance(distances(transformer={3: 1.0}, lstm={3: 0.1}, attending={3: 1.0})))
    assert f"the {LSTM}, at no distance" in said


def test_what_costs_say():
    said = " ".join(words.describe_cost(costs(POWERS)))
    assert "from 4 to 16 tokens its time grows as the length to the power **2.00**" in said
    assert "from 1 to 4 tokens the time grows only as n to the power 1.00" in said
    assert "longer than an LSTM of the same width at 16 tokens" not in said
    assert "At no length does it take longer" in said  # 1·n against n^1.5, then 4^-1·n² against n^1.5
    assert "its memory grows as the length to the power 1.00 (16.0 instead of 256.0 MiB at 16 tokens)" in said
    assert "Not the even square" not in said
    said = " ".join(words.describe_cost(costs({**POWERS, SELF: (1, 2.5)})))
    assert "the time grows by a factor of 5.66 (to 8) and 5.66 (to 16), where" in said


def test_where_attention_is_dearer():
    said = " ".join(words.describe_cost(costs({**POWERS, RECURRENT: (1, 1)})))
    assert "longer than an LSTM of the same width only from 8 tokens upwards" in said
    said = " ".join(words.describe_cost(costs({**POWERS, RECURRENT: (0.5, 0.5)})))
    assert "longer than an LSTM of the same width only from 2 tokens upwards" in said


def test_a_pair_that_was_not_trained_alike():
    ours = Card(name="a", parameters=7, bleu=58.7, exact_match=21.1)
    theirs = Card(name="b", parameters=7, bleu=48.8, exact_match=21.1)
    said = " ".join(words.describe_pair(ours, theirs, (7500, 1400)))
    assert "The Transformer is ahead in BLEU, 58.70 against 48.80." in said
    assert "Both score the same in exact match, 21.10 against 21.10%." in said
    assert "number of updates (7,500 and 1,400)" in said
    # Of 1,000 texts a fifth right: two deviations of a difference are 200 · √(2 · 0.2 · 0.8 / 1000) = 3.58 points.
    for exact_match, scored, doubted in ((18.3, 1000, True), (18.1, 1000, False), (18.3, 10_000, False)):
        ours, theirs = (
            Card(name="a", parameters=7, bleu=None, exact_match=e, scored=scored) for e in (21.8, exact_match)
        )
        (said,) = words.describe_pair(ours, theirs, (3, 3))
        assert said.startswith("The Transformer is ahead in exact match")
        assert ("may be chance" in said) == doubted
    assert "alike" not in " ".join(words.describe_pair(ours, theirs, (3, 3)))
    table = words.card_table([(Card(name="c", parameters=1234, bleu=None, exact_match=99.5), 11)])
    assert "| c | 1,234 | 11 | – | 99.50% |" in table


def test_tables():
    table = words.step_table(steps({5: 0.1}, {5: 2.0}))
    assert "| 5 × 3 | 100 ms | 2,000 ms | 10 | 20 |" in table
    table = words.cost_table(costs(POWERS), layer_costs(16, 3))
    assert "| self-attention | $n^2 d$ | 768 | 1.00 | 2.00 | 2.00 |" in table
    assert "| recurrent (LSTM) | $n d^2$ | 144 | 1.50 | 1.50 | 1.50 |" in table
    assert "exponent of time, 1 to 4 | 4 to 16 |" in table


def test_figures_draw_what_was_measured():
    points = steps({5: 3.0, 7: 2.0}, {5: 1.0, 7: 4.0})
    lines: Any = step_figure(points).data
    assert [(line.name, tuple(line.x), tuple(line.y)) for line in lines] == [
        ("Transformer", (5, 7), (3.0, 2.0)), ("LSTM", (5, 7), (1.0, 4.0)),
    ]  # fmt: skip
    both: Any = step_figure(points, steps({5: 2.5}, {5: 1.5})).data
    assert [(one.mode, tuple(one.y)) for one in both if one.name == "LSTM"] == [
        ("lines+markers", (1.0, 4.0)), ("markers", (1.5,)),
    ]  # fmt: skip
    assert [one.showlegend for one in both] == [None, False, None, False]


def test_rings_alone_have_their_names():
    rings: Any = distance_figure((), distances(transformer={3: 1.0}, lstm={3: 0.5}, attending={3: 0.25})).data
    assert [(one.name, one.mode, one.showlegend, tuple(one.y)) for one in rings] == [
        (name, "markers", True, (y,)) for name, y in zip(CONTENDERS, (1.0, 0.5, 0.25), strict=True)
    ]


def test_the_fitted_power_is_drawn_over_its_range():
    shown: Any = cost_figure(costs(POWERS), (), words.milliseconds, "milliseconds")
    fits = [line for line in shown.data if line.showlegend is False]
    assert [tuple(line.x) for line in fits] == [(4, 16)] * len(LAYERS)
    assert tuple(fits[0].y) == pytest.approx((4000, 64000))
    layout: Any = shown.layout
    assert layout.xaxis.ticktext == ("1", "2", "4", "8", "16")

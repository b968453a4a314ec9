"""The curves of a training."""

import math

from model.training.folder import LogPoint
from viz.figures.curves import accuracy_curve, describe_accuracy, describe_loss, loss_curves
from viz.figures.plot import MOST_POINTS
from viz.look.theme import DARK

POINTS = (
    LogPoint(step=1, loss=5.5, learning_rate=0.1, n_tokens=7, seconds=0.1),
    LogPoint(step=20, loss=2.5, learning_rate=0.1, n_tokens=7, seconds=0.1, valid_loss=2.25, valid_accuracy=0.5),
    LogPoint(step=40, loss=1.5, learning_rate=0.1, n_tokens=7, seconds=0.1),
)


def test_the_loss_is_what_was_logged():
    batch, unseen = loss_curves(POINTS, 53).to_dict()["data"]
    assert (list(batch["x"]), list(batch["y"])) == ([1, 20, 40], [5.5, 2.5, 1.5])
    assert (list(unseen["x"]), list(unseen["y"])) == ([20], [2.25])


def test_the_accuracy_is_in_percent():
    (line,) = accuracy_curve(POINTS, 53, theme=DARK).to_dict()["data"]
    assert (list(line["x"]), list(line["y"])) == ([20], [50])


def test_the_axis_reaches_to_the_last_step_from_the_start():
    for points in ((), POINTS):
        for figure in (loss_curves(points, 53), accuracy_curve(points, 53)):
            assert list(figure.to_dict()["layout"]["xaxis"]["range"]) == [0, 53]


def test_the_logarithmic_axis():
    assert loss_curves(POINTS, 53, logarithmic=True).to_dict()["layout"]["yaxis"]["type"] == "log"
    assert "type" not in loss_curves(POINTS, 53).to_dict()["layout"]["yaxis"]


def test_one_point_can_be_seen():
    assert "markers" in loss_curves(POINTS[:1], 53).to_dict()["data"][0]["mode"]


def test_a_long_log_is_thinned_but_keeps_its_ends():
    points = [LogPoint(step=i, loss=1, learning_rate=1, n_tokens=1, seconds=1) for i in range(1, 3001)]
    x = loss_curves(points, 3000).to_dict()["data"][0]["x"]
    assert (x[0], x[-1]) == (1, 3000)
    assert 0.5 * MOST_POINTS < len(x) <= MOST_POINTS + 1


def test_the_words():
    assert "Step 40: 1.500 nats per token" in describe_loss(POINTS, 257)
    assert f"{math.log(257):.2f}" in describe_loss(POINTS, 257)
    assert describe_loss((), 257) == "No step has been taken yet."
    assert "Step 20: 50.0% of the tokens in unseen examples are" in describe_accuracy(POINTS, 20)
    assert describe_accuracy(POINTS[:1], 1000) == "Measured every 1,000 steps, and at the last one."

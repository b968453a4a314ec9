"""The curves of the time machine, and its words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from model.heads.history import Formation
from model.heads.measures import NAMED, Measure
from model.training.folder import LogPoint
from viz.figures.story import Story, describe_formation, formation_table, story_figure

LOG = tuple(
    LogPoint(
        step=step, loss=5 - step / 10, learning_rate=0.1, n_tokens=7, seconds=1.0, valid_accuracy=accuracy,
        valid_loss=loss,
    )
    for step, accuracy, loss in ((10, None, None), (20, 0.25, 3.5), (30, 0.75, 2.5))
)  # fmt: skip
VALUES = np.array([[[0.0, 0.1]], [[-0.2, np.nan]], [[-0.9, 0.3]]], dtype=np.float32)  # step, layer, head


def story(**changes: Any) -> Story:
    known: dict[str, Any] = {
        "name": "a<b>",
        "log": LOG,
        "at": 15,
        "steps": (0, 15, 30),
        "values": VALUES,
        "head": (0, 1),
        "formed": 30,
    }
    return Story(**{**known, **changes})


def drawn(stories: Sequence[Story], measure: Measure | None) -> Any:
    return story_figure(stories, measure)


def test_it_draws_the_log_and_every_head_with_the_chosen_one_on_top():
    figure = drawn([story()], NAMED["monotonicity"]).to_dict()
    accuracy, batch, unseen, other, chosen = figure["data"]
    assert list(accuracy["x"]) == [20, 30]
    assert list(accuracy["y"]) == [0.25, 0.75]
    assert list(batch["y"]) == [4, 3, 2]
    assert list(unseen["y"]) == [3.5, 2.5]
    assert (other["name"], chosen["name"]) == ("L1 H1", "L1 H2")
    np.testing.assert_allclose(list(other["y"]), [0, -0.2, -0.9], atol=1e-6)
    assert list(chosen["y"])[1] is None  # where it is undefined, the line has a gap
    assert chosen["line"]["width"] > other["line"]["width"]
    assert figure["layout"]["yaxis3"]["range"][0] < -1


def test_the_step_on_show_and_the_one_where_the_head_forms_are_marked():
    figure = drawn([story()], NAMED["monotonicity"])
    assert [(line.x0, line.x1) for line in figure.layout.shapes] == [(15, 15), (30, 30)]
    assert [note.text for note in figure.layout.annotations if "forms" in note.text] == ["L1 H2 forms"]
    figure = drawn([story(formed=None)], NAMED["monotonicity"])
    assert [line.x0 for line in figure.layout.shapes] == [15]


def test_two_runs_stand_in_one_chart_under_their_names():
    figure = drawn([story(), story(name="c", at=30, head=(0, 0), formed=None)], NAMED["monotonicity"])
    assert {trace.name for trace in figure.data if trace.showlegend} == {"a&lt;b&gt;", "c"}
    assert len(figure.data) == 3 + 2 + 3 + 1  # of the other run, only the head on show
    assert [line.x0 for line in figure.layout.shapes] == [15, 30, 30]


def test_before_anything_is_measured_the_curves_are_there():
    assert len(drawn([story(values=None, steps=(), formed=None)], NAMED["entropy"]).data) == 3
    assert len(drawn([story(values=None, steps=(), log=(), formed=None)], None).data) == 3


def test_a_formation_in_words():
    formed = Formation(name="anti-diagonal", layer=0, head=1, step=1200, start=0.03, value=0.54, end=0.94, named=True)
    said = describe_formation(formed, (0, 1000, 1200))
    assert said == (
        "Layer 1, head 2 becomes anti-diagonal by step 1,200 (somewhere between the checkpoints at 1,000 and 1,200): "
        "its “anti-diagonal” measure is 0.03 at step 0, 0.54 at step 1,200 and 0.94 at the end"
    )
    rising = Formation(name="induction", layer=1, head=0, step=0, start=0.02, value=0.02, end=0.28)
    said = describe_formation(rising, (0, 5))
    assert said.startswith("Layer 2, head 1 attends more to what followed a token before by step 0: ")
    turned = Formation(name="monotonicity", layer=0, head=0, step=5, start=0.95, value=0.5, end=-0.4)
    assert "follows the order of the source less by step 5" in describe_formation(turned, (0, 5))
    assert "is 0.95 at step 0, 0.50 at step 5 and −0.40 at the end" in describe_formation(turned, (0, 5))
    table = formation_table([formed, rising], (0, 5))
    assert table["Head"] == ["L1 H2", "L2 H1"]
    assert table["Step"] == [1200, 0]


@pytest.mark.parametrize("name", NAMED)
def test_there_are_words_for_every_measure(name: str):
    assert NAMED[name].rises != NAMED[name].falls

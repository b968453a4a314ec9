"""viz/look/changes.py: what an experiment changed, in words."""

import math
from dataclasses import replace

import numpy as np
import pytest

from model.interventions.experiment import Experiment
from model.trace import Trace
from tests.viz.helpers import map_of
from viz.look.changes import compared, how_likely, shaken, signed, verdict


@pytest.mark.parametrize(
    ("before", "after", "gone", "new", "said"),
    [
        ("Un| vieil| homme|.", "Un| homme| âgé|.", [" vieil"], [" âgé"], "1 word changed"),
        ("a| b", "a| b", [], [], "Nothing changed on this text; try another"),
        ("a| b", "c| d| e", ["a", " b"], ["c", " d", " e"], "3 words changed"),
        ("a| b", "b", ["a"], [], "1 word changed"),
    ],
)
def test_changed_words_are_marked_on_both_sides(before: str, after: str, gone: list[str], new: list[str], said: str):
    first, second = compared(before.split("|"), after.split("|"))
    assert [part.text for part in first if part.changed] == gone
    assert [part.text for part in second if part.changed] == new
    assert "".join(part.text for part in first) == before.replace("|", "")
    assert verdict(first, second, "scale", "word") == said


def test_a_head_that_changes_nothing_is_said_to_be_dispensable_here():
    same = compared(["a"], ["a"])
    assert "here the model can do without this head’s pattern" in verdict(*same, "head", "word")


def made(before: list[float], after: list[float]) -> Experiment:
    n = len(before)
    row = [1.0] + [0.0] * (n - 1)
    cross = map_of([[row] * n], [f"q{i}" for i in range(n)], [f"k{i}" for i in range(n)])
    first, second = (np.array(p, np.float32) for p in (before, after))
    ids = tuple(range(5, 5 + n))
    trace = Trace(
        model_name="m", maps=(cross,), source="s", target="t", source_ids=ids, predicted_ids=ids, probabilities=first
    )
    return Experiment(before=trace, forced=replace(trace, probabilities=second), own=trace)


def test_it_is_told_how_likely_the_first_output_still_is_and_what_lost_most():
    found = made([0.9, 0.8], [0.9, 0.2])
    assert how_likely(found) == f"“Before” is now 0.25 times as likely (Δ log-probability {signed(math.log(0.25))})."
    assert shaken(found, [" a", " b"]) == "Most affected: “b”, from 80% to 20%."
    assert shaken(made([0.9, 0.8], [0.9, 0.799]), [" a", " b"]) == ""
    assert "less than 0.01 times" in how_likely(made([0.9], [0.001]))


def test_nothing_is_told_of_an_output_that_the_changed_model_was_fed_in_other_tokens():
    found = made([0.9, 0.8], [0.9, 0.2])
    other = replace(found.forced, predicted_ids=(5, 99))
    assert how_likely(replace(found, forced=other)) == ""
    assert shaken(replace(found, forced=other), [" a", " b"]) == ""


def test_a_sign_is_a_true_minus():
    assert [signed(-1.234), signed(0.5)] == ["−1.23", "+0.50"]

"""viz/look/changes.py: what an experiment changed, in words."""

import math
from dataclasses import replace

import numpy as np
import pytest

from model.interventions.experiment import Experiment
from model.trace import Trace
from tests.viz.helpers import map_of
from viz.look.changes import compared, how_likely, less_likely, signed, verdict


@pytest.mark.parametrize(
    ("before", "after", "gone", "new", "said"),
    [
        ("Un| vieil| homme|.", "Un| homme| âgé|.", [" vieil"], [" âgé"], "1 word changed"),
        ("a| b", "a| b", [], [], "Hardly anything changed on this text; try another"),
        ("a| b", "c| d| e", ["a", " b"], ["c", " d", " e"], "3 words changed"),
        ("a| b", "b", ["a"], [], "1 word changed"),
    ],
)
def test_changed_words_are_marked_on_both_sides(before: str, after: str, gone: list[str], new: list[str], said: str):
    first, second = compared(before.split("|"), after.split("|"))
    assert [part.text for part in first if part.changed] == gone
    assert [part.text for part in second if part.changed] == new
    assert "".join(part.text for part in first) == before.replace("|", "")
    assert verdict(first, second, made([0.9], [0.9]), "scale", "word") == said


def test_a_head_that_changes_nothing_is_said_to_be_dispensable_here():
    same = compared(["a"], ["a"])
    assert "here the model can do without this head" in verdict(*same, made([0.9], [0.89]), "head", "word")


@pytest.mark.parametrize(
    ("after", "said"), [(0.5, "Same words, but less likely"), (0.99, "Same words, but more likely")]
)
def test_the_same_words_may_be_less_likely(after: float, said: str):
    assert verdict(*compared(["a"], ["a"]), made([0.9], [after]), "head", "word") == said


def made(before: list[float], after: list[float]) -> Experiment:
    n = len(before)
    row = [1.0] + [0.0] * (n - 1)
    written = ("a", *(f" {letter}" for letter in "bcdefg"[: n - 2]), "</s>")[-n:]
    cross = map_of([[row] * n], [f"q{i}" for i in range(n)], [f"k{i}" for i in range(n)], predicted_tokens=written)
    first, second = (np.array(p, np.float32) for p in (before, after))
    ids = tuple(range(5, 5 + n))
    trace = Trace(
        model_name="m",
        maps=(cross,),
        source="s",
        target="".join(written[:-1]),
        source_ids=ids,
        predicted_ids=ids,
        probabilities=first,
    )
    return Experiment(before=trace, forced=replace(trace, probabilities=second), own=trace)


def test_it_is_told_how_likely_the_first_output_still_is_and_what_lost_most():
    found = made([0.9, 0.8, 0.9, 0.5], [0.9, 0.2, 0.8, 0.495])
    change = f"(× 0.22; Δ\u00a0log-probability\u00a0{signed(math.log(0.9 * 0.2 * 0.8 * 0.495 / 0.324))})"
    assert how_likely(found) == f"The probability of “before” falls from 32% to 7% {change}."
    assert (
        less_likely(found, by_word=True)
        == "Less likely now: “b”\u00a080%\u00a0→\u00a020%, “c”\u00a090%\u00a0→\u00a080%."
    )
    assert (
        less_likely(made([0.9, 0.8], [0.9, 0.6]), by_word=True) == "Less likely now: “</s>”\u00a080%\u00a0→\u00a060%."
    )
    assert less_likely(made([0.9, 0.8], [0.9, 0.799]), by_word=True) == ""
    assert "less than × 0.01" in how_likely(made([0.9], [0.001]))
    assert "rises from 50% to 60%" in how_likely(made([0.5], [0.6]))
    assert "stays at 50%" in how_likely(made([0.5], [0.501]))


def test_nothing_is_told_of_an_output_that_the_changed_model_was_fed_in_other_tokens():
    found = made([0.9, 0.8], [0.9, 0.2])
    other = replace(found.forced, predicted_ids=(5, 99))
    assert how_likely(replace(found, forced=other)) == ""
    assert less_likely(replace(found, forced=other), by_word=True) == ""


def test_a_sign_is_a_true_minus():
    assert [signed(-1.234), signed(0.5)] == ["−1.23", "+0.50"]

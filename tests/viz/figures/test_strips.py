"""viz/figures/strips.py and viz/look/anatomy_words.py: what a strip holds, and what is said of a step."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from model.anatomy.dissect import dissect
from model.anatomy.steps import Anatomy
from model.capture import capture
from model.checkpoint import Checkpoint
from model.config import NORMS, POSITIONALS
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from model.trace import KINDS, Kind
from tests.model.helpers import shaken, tiny, with_factor
from viz.figures.strips import Strip, strip
from viz.look.anatomy_words import TITLES, explanation, shapes, stages, verdict

FACTOR = "a factor"
"""Instead of the name of an encoding: that of the tests, which multiplies the scores."""


def anatomy_of(kind: Kind, *, layer: int = 1, query: int = 2, **options: Any) -> Anatomy:
    torch.manual_seed(3)
    tokenizer = Tokenizer.characters()
    if factor := options.get("positional") == FACTOR:
        options["positional"] = "none"
    model = shaken(Transformer(tiny(vocab_size=len(tokenizer), **options))).eval().requires_grad_(False)
    model = with_factor(model) if factor else model
    checkpoint = Checkpoint(name="random", model=model, tokenizer=tokenizer, task="copy", training={}, digest="3")
    return dissect(checkpoint, capture(checkpoint, "a b<c>", "dad"), kind, layer, 1, query)


ALL = [
    pytest.param(kind, {"norm": norm, "positional": positional}, id=f"{kind}-{norm}-{positional}")
    for kind in KINDS
    for norm in NORMS
    for positional in (*POSITIONALS, FACTOR)
]


def number(shown: Strip, operand: int, row: int, column: int) -> float:
    """What the page's script puts in the place of ``{operand}``."""
    values = shown.operands[operand].values
    return float(values[0 if len(values) == 1 else row, 0 if values.shape[1] == 1 else column])


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_every_step_has_its_strip_and_its_words(kind: Kind, options: dict[str, Any]):
    anatomy = anatomy_of(kind, **dict(options))
    for step in anatomy.steps:
        shown = strip(anatomy, step)
        np.testing.assert_array_equal(shown.values.reshape(-1), step.value.reshape(-1))
        assert shown.rows is None or len(shown.rows) == len(shown.values)
        finite = shown.values[np.isfinite(shown.values)]
        assert shown.low <= finite.min() <= finite.max() <= shown.high
        assert explanation(anatomy, step)
        assert shapes(anatomy, step).endswith("×".join(map(str, step.shape)) + "]")
        for place, operand in enumerate(shown.operands):  # those that the tip names come first
            assert operand.values.ndim == 2
            assert (operand.pick == "number") == (f"{{{place}}}" in shown.tip)
            assert operand.pick != "number" or np.broadcast_shapes(operand.values.shape, shown.values.shape)
    assert {step.name for step in anatomy.steps} <= TITLES.keys()


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_the_stages_keep_the_order_of_the_steps(kind: Kind, options: dict[str, Any]):
    anatomy = anatomy_of(kind, **options)
    found = stages(anatomy)
    assert [step for _, steps in found for step in steps] == list(anatomy.steps)
    headings = [heading for heading, _ in found]
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_the_operands_on_hover_give_the_result(kind: Kind, norm: str):
    """What hovering says of a cell is a sum that comes out right."""
    anatomy = anatomy_of(kind, norm=norm)
    seen = 0
    for step in anatomy.steps:
        shown = strip(anatomy, step)
        for row, column in ((0, 0), (len(shown.values) - 1, shown.values.shape[1] - 1)):
            value = shown.values[row, column]
            match shown.tip.removeprefix("{value} = ").split():
                case ["{0}", "+", "{1}"]:
                    again = number(shown, 0, row, column) + number(shown, 1, row, column)
                case ["{0}", "×", "{1}"]:
                    again = number(shown, 0, row, column) * number(shown, 1, row, column)
                case ["{0}", "/", by]:
                    again = number(shown, 0, row, column) / float(by)
                case [by, "×", "{0}"]:
                    again = float(by) * number(shown, 0, row, column)
                case ["in", "·", _, "+", "{0}"]:
                    _, entered, weight = shown.operands
                    x = entered.values[0 if len(entered.values) == 1 else row]
                    again = x @ weight.values[:, column] + number(shown, 0, row, column)
                case ["q", "·", "k", *_]:
                    query, key = shown.operands
                    again = query.values[0] @ key.values[row]
                case _:
                    continue
            assert value == pytest.approx(again, abs=2e-3)  # the tip rounds to four digits
            seen += 1
    assert seen >= 16


def test_rows_are_tokens_and_the_query_is_framed():
    anatomy = anatomy_of("decoder")
    shown = strip(anatomy, anatomy.step("token"))
    assert shown.rows == ("<s>", "d", "a", "d")
    assert shown.framed == 2
    assert strip(anatomy, anatomy.step("heads")).rows == ("head 1", "head 2", "head 3")
    crossed = anatomy_of("cross")
    keys = strip(crossed, crossed.step("key"))
    assert keys.rows == ("a", "␣", "b", "<", "c", ">", "</s>")
    assert keys.framed is None  # the query is no key here


def test_weights_are_shown_from_0_to_1_and_all_else_around_0():
    anatomy = anatomy_of("encoder")
    for step in anatomy.steps:
        shown = strip(anatomy, step)
        assert (shown.low, shown.high) == ((0, 1) if step.name == "weights" else (-shown.high, shown.high))


def test_a_matrix_that_is_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("viz.figures.strips.LARGEST_OPERAND", 50)
    anatomy = anatomy_of("encoder")
    shown = strip(anatomy, anatomy.step("key"))
    assert [operand.pick for operand in shown.operands] == ["number"]


def test_a_difference_is_told():
    anatomy = anatomy_of("encoder")
    step = anatomy.step("head")
    assert '<span class="badge green">✓ recomputed; ' in verdict(anatomy, step, anatomy.difference(step))
    value = step.value.copy()
    value[3] += 0.25
    wrong = replace(anatomy, steps=tuple(replace(s, value=value) if s.name == "head" else s for s in anatomy.steps))
    step = wrong.step("head")
    said = verdict(wrong, step, wrong.difference(step))
    assert said.startswith('<span class="badge red">✕ recomputed; differs by 2.5·10⁻¹</span>')


def test_what_is_taken_over_says_from_where():
    anatomy = anatomy_of("cross")
    for step, where in (("input", "layer 1"), ("memory", "the encoder")):
        said = verdict(anatomy, anatomy.step(step), None)
        assert said.startswith(f'<span class="badge gray">from {where}</span>')


def test_shapes_are_written_out():
    anatomy = anatomy_of("cross")
    assert shapes(anatomy, anatomy.step("key")) == "[7×30], W_K [30×10], b_K [10] → [7×10]"
    assert shapes(anatomy, anatomy.step("products")) == "[10], [7×10] → [7]"


def test_nothing_masked_is_said():
    assert "nothing is masked" in explanation(anatomy_of("cross"), anatomy_of("cross").step("masked"))
    assert "later" in explanation(anatomy_of("decoder"), anatomy_of("decoder").step("masked"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_with_most_weight_keeps_its_name(kind: Kind):
    anatomy = anatomy_of(kind)
    strongest = int(anatomy.step("weights").value.argmax())
    for name in ("key", "value", "products", "weights", "weighted"):
        assert strip(anatomy, anatomy.step(name)).strongest == strongest
    assert strip(anatomy, anatomy.step("query")).strongest is None
    if kind != "encoder":
        assert strip(anatomy, anatomy.step("memory")).strongest == (strongest if kind == "cross" else None)

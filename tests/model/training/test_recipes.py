"""model/training/recipes.py: every recipe can be used. What they reach is measured, and said in the README."""

from dataclasses import fields
from typing import Any

import pytest

from model.config import ARCHITECTURES, MEANINGLESS, ModelConfig, TrainConfig
from model.text.tasks import TASKS
from model.training.data import DataConfig
from model.training.estimate import count_parameters
from model.training.recipes import MANY_PAIRS, recipe


def chosen(config: type[Any], settings: dict[str, Any]) -> dict[str, Any]:
    return {field.name: settings[field.name] for field in fields(config) if field.name in settings}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("task", "n_pairs"), [*((task, 0) for task in TASKS), (None, 0), (None, MANY_PAIRS)])
def test_a_recipe_gives_every_setting(task: str | None, n_pairs: int, architecture: str):
    settings = recipe(task, architecture, n_pairs)
    names = {field.name for config in (ModelConfig, TrainConfig) for field in fields(config)}
    assert set(settings) == {*names, "examples", "augment"}
    model = ModelConfig(**chosen(ModelConfig, settings))
    assert model.architecture == architecture
    assert {name: settings[name] for name in MEANINGLESS.get(architecture, {})} == MEANINGLESS.get(architecture, {})
    train = TrainConfig(**chosen(TrainConfig, settings))
    assert train.steps % train.validate_every == 0
    assert train.warmup < train.steps / 2


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("task", TASKS)
def test_a_model_reads_every_example_of_its_task(task: str, architecture: str):
    settings = recipe(task, architecture)
    pairs, _ = DataConfig(task=task, examples=2003).pairs(seed=1)
    longest = max(len(text) for pair in pairs for text in pair)
    assert longest + 1 <= settings["max_len"]
    assert longest <= TASKS[task].longest
    if TASKS[task].rewrite is not None:
        assert longest == TASKS[task].longest


def test_the_head_that_reverses_has_nothing_beside_it():
    assert (recipe("reverse")["n_layers"], recipe("reverse")["n_heads"]) == (1, 1)


def test_many_pairs_are_learned_by_a_larger_model_with_less_dropout():
    few, many = (recipe(None, n_pairs=n) for n in (MANY_PAIRS - 1, MANY_PAIRS))
    assert few == recipe(None)
    for name in ("vocab_size", "d_model", "d_ff", "steps", "augment", "average"):
        assert few[name] < many[name], name
    assert few["dropout"] > many["dropout"]
    assert recipe("copy", n_pairs=MANY_PAIRS) == recipe("copy")  # a task has as many examples as one likes


def test_many_pairs_give_every_architecture_about_as_many_parameters():
    sizes = [
        count_parameters(ModelConfig(**chosen(ModelConfig, recipe(None, one, MANY_PAIRS)))) for one in ARCHITECTURES
    ]
    assert max(sizes) < 1.15 * min(sizes)

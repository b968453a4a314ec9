"""model/training/recipes.py: every recipe can be used. What they reach is measured, and said in the README."""

from dataclasses import fields
from typing import Any

import pytest

from model.config import ARCHITECTURES, MEANINGLESS, ModelConfig, TrainConfig
from model.text.tasks import MAX_STRING, TASKS
from model.training.data import DataConfig
from model.training.recipes import recipe


def chosen(config: type[Any], settings: dict[str, Any]) -> dict[str, Any]:
    return {field.name: settings[field.name] for field in fields(config) if field.name in settings}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("task", [*TASKS, None])
def test_a_recipe_gives_every_setting(task: str | None, architecture: str):
    settings = recipe(task, architecture)
    names = {field.name for config in (ModelConfig, TrainConfig) for field in fields(config)}
    assert set(settings) == {*names, "examples"}
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
    if TASKS[task].rewrite is not None:
        assert longest == MAX_STRING


def test_the_head_that_reverses_has_nothing_beside_it():
    assert (recipe("reverse")["n_layers"], recipe("reverse")["n_heads"]) == (1, 1)

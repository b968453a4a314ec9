"""model/config.py: errors name the field and the values."""

import dataclasses
import math
import re
from typing import Any

import pytest

from model.config import LONGEST, TINY, ModelConfig, TrainConfig, from_dict, to_dict

SIZES = ("vocab_size", "n_layers", "n_heads", "d_model", "d_ff", "max_len")
NOT_A_SIZE = (0, -1, True, 2.0, math.nan, "7", None)
NOT_A_FRACTION = (-0.1, 1.0, math.nan, True, "0.1", None)
NOT_POSITIVE = (0, -1.0, math.nan, math.inf, True, 10**400, "1")


def cases(*groups: tuple[tuple[str, ...], tuple[object, ...]]) -> list[tuple[str, object]]:
    return [(name, value) for names, values in groups for name in names for value in values]


@pytest.mark.parametrize(
    ("name", "value"),
    cases(
        (SIZES, (*NOT_A_SIZE, 10**30)),
        (("max_len",), (LONGEST + 1,)),
        (("dropout", "attention_dropout"), (*NOT_A_FRACTION, 10**400)),
        (("norm", "activation", "positional"), ("", "Post", 1, None)),
    ),
)
def test_a_bad_model_option_is_named_with_its_value(name: str, value: object):
    options: Any = {"vocab_size": 263, name: value}
    with pytest.raises(ValueError, match=f"{name} must be .* but it is {re.escape(repr(value))}"):
        ModelConfig(**options)


@pytest.mark.parametrize(
    ("name", "value"),
    cases(
        (("steps", "batch_tokens", "validate_every", "checkpoint_every"), NOT_A_SIZE),
        (("seed", "warmup"), (-1, True, 0.5, None)),
        (("seed",), (10**30,)),
        (("label_smoothing", "average"), NOT_A_FRACTION),
        (("learning_rate", "clip_norm"), NOT_POSITIVE),
        (("weight_decay",), (-0.1, math.nan, math.inf, True, 10**400)),
        (("schedule", "precision", "weights"), ("", "float64", None)),
    ),
)
def test_a_bad_training_option_is_named_with_its_value(name: str, value: object):
    options: Any = {name: value}
    with pytest.raises(ValueError, match=f"{name} must be .* but it is {re.escape(repr(value))}"):
        TrainConfig(**options)


@pytest.mark.parametrize(
    ("d_model", "n_heads", "message"),
    [
        (32, 3, "d_model must be divisible by n_heads, but d_model is 32 and n_heads is 3"),
        (15, 3, "d_model must be even for positional 'sinusoidal' .* but d_model is 15"),
    ],
)
def test_sizes_that_do_not_fit_each_other_are_both_named(d_model: int, n_heads: int, message: str):
    with pytest.raises(ValueError, match=message):
        ModelConfig(vocab_size=263, d_model=d_model, n_heads=n_heads)


def test_d_head():
    assert ModelConfig(vocab_size=263, d_model=30, n_heads=3).d_head == 10
    assert from_dict(ModelConfig, {"vocab_size": 259, **TINY}).d_head == 16


@pytest.mark.parametrize("config", [ModelConfig(vocab_size=263, dropout=0.3, norm="pre"), TrainConfig(seed=7)])
def test_a_config_survives_a_dict_and_cannot_be_changed(config: Any):
    assert from_dict(type(config), to_dict(config)) == config
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, dataclasses.fields(config)[0].name, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "ModelConfig must be a JSON object, but it is list"),
        (None, "ModelConfig must be a JSON object, but it is NoneType"),
        ({}, "vocab_size"),
        ({"vocab_size": 263, "n_layer": 2, "colour": 1}, "no field colour, n_layer; its fields are .*n_layers"),
        ({"vocab_size": 263, 7: 2}, "no field 7"),
        ({"vocab_size": 0}, "vocab_size must be .* 0"),
    ],
)
def test_a_dict_that_is_no_config_is_refused(values: object, message: str):
    with pytest.raises(ValueError, match=message):
        from_dict(ModelConfig, values)

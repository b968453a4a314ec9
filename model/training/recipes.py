"""Settings to start from: they solve a task in minutes on two cores, and suit the size of a text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from model.config import MEANINGLESS, ModelConfig, TrainConfig, to_dict
from model.text.tasks import TASKS
from model.text.tokenizer import CHARACTERS
from model.training.data import DataConfig
from model.training.machine import has_fast_bfloat16

ALWAYS = {"schedule": "cosine", "average": 0.99, "validate_every": 100}
SURE = {"dropout": 0.0, "label_smoothing": 0.0}
"""For the tasks, whose examples never repeat and have one right answer."""
SPARE = 4
"""How many tokens beyond its longest text a model of a task can read: the end token, and anything extra a person
types."""
MANY_PAIRS = 80_000
"""From this many sentence pairs on, a text is learned with the second recipe: 29,000 were learned with the first,
190,000 with the second."""
FEW_RECIPE = {"vocab_size": 6000, "steps": 4000, "dropout": 0.25, "learning_rate": 3e-3, "warmup": 800}
MANY_RECIPE = {
    **{"vocab_size": 8000, "d_model": 192, "d_ff": 768, "dropout": 0.1, "steps": 10_000, "learning_rate": 2e-3},
    **{"warmup": 1000, "average": 0.999, "augment": 0.3, "validate_every": 500},
}
ARCHITECTURE_RECIPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # An induction head needs a head in the layer below to help it (Olsson et al. 2022).
        "decoder": {"n_layers": 2, "n_heads": 4, "d_model": 64, "d_ff": 128, "positional": "rotary"},
        "lstm": {**MEANINGLESS["lstm"], "d_ff": 134},
    }
)
MANY_SIZES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"decoder": {"n_layers": 8, "d_model": 192, "d_ff": 768}, "lstm": {"n_layers": 2, "d_ff": 360}}
)
"""Sizes with which the other architectures have about as many parameters as the Transformer of :data:`MANY_RECIPE`."""


def recipe(task: str | None, architecture: str = "transformer", n_pairs: int = 0) -> dict[str, Any]:
    """Every field of :class:`ModelConfig` and :class:`TrainConfig`, ``examples`` and ``augment``, to start from.

    ``task`` is None for text files, which have ``n_pairs`` to learn from (0: not known yet). The precision is the
    faster one on this machine's processor.
    """
    many = task is None and n_pairs >= MANY_PAIRS
    of_text = MANY_RECIPE if many else FEW_RECIPE
    usual = DataConfig(task="copy")
    return {
        **to_dict(ModelConfig(vocab_size=CHARACTERS)),
        **to_dict(TrainConfig()),
        **{"examples": usual.examples, "augment": usual.augment},
        **ALWAYS,
        "precision": "bfloat16" if has_fast_bfloat16() else "float32",
        **(of_text if task is None else {**SURE, "max_len": TASKS[task].longest + SPARE, **TASKS[task].recipe}),
        **ARCHITECTURE_RECIPES.get(architecture, {}),
        **(MANY_SIZES.get(architecture, {}) if many else {}),
        "architecture": architecture,
    }

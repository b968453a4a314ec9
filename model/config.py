"""What a model and a training run are made of: frozen dataclasses, checked where they are made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

ARCHITECTURES = ("transformer", "decoder", "lstm")
NORMS = ("post", "pre")
ACTIVATIONS = ("relu", "gelu")
PRECISIONS = ("float32", "bfloat16")
LONGEST = 2**16  # tokens; attention patterns grow with the square
LARGEST = 2**24  # for the other sizes; the claims of a forged checkpoint must not overflow
SCHEDULES = ("inverse_sqrt", "cosine", "constant")

MEANINGLESS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"lstm": MappingProxyType({"n_heads": 1, "norm": "post", "activation": "relu", "positional": "none"})}
)
"""For each architecture, the fields of :class:`ModelConfig` that mean nothing, with the one value each must have."""

BUCKETS = 32
"""The number of distance buckets in a relative encoding (Raffel et al. 2020, section 2.1)."""

_Config = TypeVar("_Config", "ModelConfig", "TrainConfig")


class Positional(NamedTuple):
    """How a positional encoding depends on the sizes of a model; what it does is in :mod:`model.network.positional`.

    ``even`` names the field that must be even, and ``why`` says why; ``n_parameters``, of a model and a number of
    positions, counts the weights that it learns.
    """

    even: str | None = None
    why: str = ""
    n_parameters: Callable[[ModelConfig, int], int] = lambda config, n_positions: 0


ENCODING_SIZES: Mapping[str, Positional] = MappingProxyType(
    {
        "sinusoidal": Positional(even="d_model", why="a sine and a cosine for each wavelength"),
        "learned": Positional(n_parameters=lambda config, n_positions: n_positions * config.d_model),
        "rotary": Positional(even="d_head", why="it rotates pairs of dimensions"),
        "alibi": Positional(),
        "relative": Positional(n_parameters=lambda config, n_positions: 2 * BUCKETS * config.n_heads),
        "none": Positional(),
    }
)
POSITIONALS = tuple(ENCODING_SIZES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The sizes and options of one model: a Transformer (Vaswani et al. 2017, section 3), unless it says otherwise.

    ``vocab_size`` and ``max_len`` are in tokens, special tokens included. ``n_layers`` is the number
    of encoder layers and of decoder layers. ``dropout`` is the probability of dropping an element of a
    sublayer's output or of the embedded input (section 5.4), ``attention_dropout`` that of dropping an attention
    weight.

    ``architecture`` is ``transformer``; ``decoder``, a Transformer without encoder, which reads source and
    target as one sequence (:mod:`model.network.decoder_only`), so that ``max_len`` bounds each of the two; or ``lstm``,
    recurrent (:mod:`model.network.recurrent`), whose state has ``d_ff`` units. Fields that mean nothing for an
    architecture must have the value that :data:`MEANINGLESS` gives.

    Raises:
        ValueError: a field is out of range; the message names the field and the values.
    """

    vocab_size: int
    n_layers: int = 4
    n_heads: int = 4
    d_model: int = 128
    d_ff: int = 512
    max_len: int = 128
    dropout: float = 0.1
    attention_dropout: float = 0.0
    norm: str = "post"
    activation: str = "relu"
    positional: str = "sinusoidal"
    architecture: str = "transformer"

    def __post_init__(self) -> None:
        _require_option("architecture", self.architecture, ARCHITECTURES)
        for name, value in MEANINGLESS.get(self.architecture, {}).items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} means nothing for architecture {self.architecture!r} and must be {value!r}, "
                    f"but it is {getattr(self, name)!r}"
                )
        for name in ("vocab_size", "n_layers", "n_heads", "d_model", "d_ff", "max_len"):
            _require_whole(name, getattr(self, name), minimum=1, maximum=LONGEST if name == "max_len" else LARGEST)
        for name in ("dropout", "attention_dropout"):
            _require_fraction(name, getattr(self, name))
        _require_option("norm", self.norm, NORMS)
        _require_option("activation", self.activation, ACTIVATIONS)
        _require_option("positional", self.positional, POSITIONALS)
        if self.d_model % self.n_heads:
            raise ValueError(
                f"d_model must be divisible by n_heads, but d_model is {self.d_model} and n_heads is {self.n_heads}"
            )
        even, why, _ = ENCODING_SIZES[self.positional]
        if even is not None and getattr(self, even) % 2:
            raise ValueError(
                f"{even} must be even for positional {self.positional!r} ({why}), but {even} is {getattr(self, even)}"
                + (f": d_model {self.d_model} over n_heads {self.n_heads}" if even == "d_head" else "")
            )
        if self.architecture == "lstm" and self.d_ff % 2:
            raise ValueError(
                f"d_ff must be even for architecture 'lstm' (half of the encoder reads each way), but d_ff is "
                f"{self.d_ff}"
            )
        if self.architecture == "decoder" and self.max_len > LONGEST // 2:
            raise ValueError(
                f"max_len must be at most {LONGEST // 2} for architecture 'decoder' (it reads source and target as "
                f"one sequence), but it is {self.max_len}"
            )

    @property
    def d_head(self) -> int:
        """The size of one head's queries, keys and values."""
        return self.d_model // self.n_heads


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How a model is trained.

    ``steps`` counts updates; ``batch_tokens`` is the most target tokens, padding included, in one
    update; ``learning_rate`` is the peak, reached after ``warmup`` steps; ``average`` is the decay of
    the exponential moving average of the weights that is validated and saved (0 saves the weights
    themselves); ``weights`` is the number format of saved checkpoints, one of which is kept for good
    every ``keep_every`` steps (0 keeps none).

    Raises:
        ValueError: a field is out of range; the message names the field and the values.
    """

    seed: int = 0
    steps: int = 2000
    batch_tokens: int = 4096
    learning_rate: float = 2e-3
    warmup: int = 400
    schedule: str = "inverse_sqrt"
    label_smoothing: float = 0.1
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    average: float = 0.0
    precision: str = "float32"
    weights: str = "float32"
    validate_every: int = 500
    checkpoint_every: int = 500
    keep_every: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_tokens", "validate_every", "checkpoint_every"):
            _require_whole(name, getattr(self, name), minimum=1)
        for name in ("seed", "warmup", "keep_every"):
            _require_whole(name, getattr(self, name), minimum=0, maximum=2**62)
        for name in ("label_smoothing", "average"):
            _require_fraction(name, getattr(self, name))
        for name in ("learning_rate", "clip_norm"):
            if not _is_number(value := getattr(self, name)) or value <= 0:
                raise ValueError(f"{name} must be a number above 0, but it is {value!r}")
        if not _is_number(self.weight_decay) or self.weight_decay < 0:
            raise ValueError(f"weight_decay must be 0 or more, but it is {self.weight_decay!r}")
        _require_option("schedule", self.schedule, SCHEDULES)
        _require_option("precision", self.precision, PRECISIONS)
        _require_option("weights", self.weights, ("float32", "float16"))


def from_dict(kind: type[_Config], values: object) -> _Config:
    """Build a config from what a checkpoint holds.

    Raises:
        ValueError: a field is missing, unknown or out of range.
    """
    if not isinstance(values, dict):
        raise ValueError(f"the {kind.__name__} must be a JSON object, but it is {type(values).__name__}")
    known = {field.name for field in fields(kind)}
    if unknown := sorted(map(str, set(values) - known)):
        raise ValueError(
            f"{kind.__name__} has no field {', '.join(unknown)}; its fields are {', '.join(sorted(known))}"
        )
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


def to_dict(config: ModelConfig | TrainConfig) -> dict[str, Any]:
    """The fields of a config, ready for JSON."""
    return {field.name: getattr(config, field.name) for field in fields(config)}


TINY = MappingProxyType({"n_layers": 2, "n_heads": 4, "d_model": 64, "d_ff": 256})
"""Sizes for the algorithmic tasks: large enough to solve them, small enough to train in a minute."""


def _is_number(value: object) -> bool:
    # Not math.isfinite, which fails for an int that no float can hold. NaN compares false.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _require_whole(name: str, value: object, *, minimum: int, maximum: int | None = None) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"{name} must be a whole number, at least {minimum}, but it is {value!r}")
    if maximum is not None and value > maximum:
        raise ValueError(f"{name} must be at most {maximum}, but it is {value}")


def _require_fraction(name: str, value: object) -> None:
    if not _is_number(value) or not 0 <= value < 1:  # type: ignore[operator]
        raise ValueError(f"{name} must be at least 0 and below 1, but it is {value!r}")


def _require_option(name: str, value: object, options: tuple[str, ...]) -> None:
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, but it is {value!r}")

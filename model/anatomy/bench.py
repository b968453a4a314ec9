"""Where the steps of an anatomy are laid out one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from model.anatomy.arithmetic import read_off
from model.anatomy.steps import Axis, Step
from model.network.model import Model
from model.network.positional import Place

LAYER_NORM = r"\frac{%s-\mu}{\sqrt{\sigma^2+\epsilon}}\odot\gamma+\beta"
WHOLE: tuple[Axis, ...] = ("token", "d_model")
ROW: tuple[Axis, ...] = ("d_model",)
SCORES: tuple[Axis, ...] = ("key",)


class AnatomyError(ValueError):
    """This model, or this text, cannot be taken apart; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the steps are laid out. ``query`` and ``head`` count from 0; tensors have batch size 1."""

    model: Model
    query: int
    head: int
    steps: list[Step] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: Tensor,
        axes: tuple[Axis, ...],
        formula: str,
        function: Callable[..., np.ndarray] | None = None,
        inputs: tuple[str, ...] = (),
        **parameters: Any,
    ) -> str:
        """Lay out a step and return its name."""
        parameters = {key: view(part) if isinstance(part, Tensor) else part for key, part in parameters.items()}
        step = Step(
            name=name, formula=formula, value=value.numpy(), axes=axes,
            function=function, inputs=inputs, parameters=parameters,
        )  # fmt: skip
        self.steps.append(step)
        return name


def encoding_step(bench: Bench, name: str, place: Place, value: Tensor, axes: tuple[Axis, ...]) -> str:
    """Lay out what the positional encoding adds or multiplies by, as the encoding itself writes it; return the name."""
    encoding = bench.model.embedding.positional
    formula, function, parameters = encoding.written(place, head=bench.head, query=bench.query, n=len(value))
    if function is None:
        return bench.add(name, value, axes, formula, read_off, table=value)
    return bench.add(name, value, axes, formula, function, **parameters)


def linear_weights(linear: nn.Module, columns: slice = slice(None)) -> dict[str, Tensor]:
    """Weight ``[in, out]`` and bias, or ``columns`` of them."""
    assert isinstance(linear, nn.Linear)
    return {"weight": linear.weight.T[:, columns], "bias": linear.bias[columns]}


def norm_weights(norm: nn.LayerNorm) -> dict[str, Any]:
    """Gain, shift, and the epsilon under the root."""
    return {"gain": norm.weight, "shift": norm.bias, "epsilon": norm.eps}


def view(tensor: Tensor) -> np.ndarray:
    """A read-only view of the model's own numbers."""
    array = tensor.detach().numpy()
    array.setflags(write=False)
    return array

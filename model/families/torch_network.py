"""PyTorch's own Transformer out of the tensors of a file, after checking that they fit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from model.families import folder
from model.families.described import FORMAT, Description


def tensors_of(path: Path, name: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, as float32; ``name`` is what people call the model.

    Raises:
        ValueError: the file is not there or damaged, or a tensor has values that are not finite.
    """
    if not path.is_file():
        raise ValueError(f"the file {path.name} does not exist")
    folder.shapes(path, name)  # whether it is as long as its header says
    try:
        tensors = {key: tensor.float() for key, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise ValueError(f"{path.name} is damaged: {error}") from error
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ValueError(f"the tensor {key} has values that are not finite")
    return tensors


def network(described: Description, tensors: Mapping[str, Tensor], d_model: int) -> nn.Transformer:
    """PyTorch's Transformer with these tensors; its sizes are theirs.

    Raises:
        ValueError: a tensor is missing, too much or of another shape.
    """
    prefix = described.transformer
    state = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    if foreign := sorted(set(tensors) - {f"{prefix}{name}" for name in state}):
        raise ValueError(f"the tensor {foreign[0]} does not belong to the model described ({len(foreign)} in all)")
    inner = named(state, "encoder.layers.0.linear1.weight", prefix)
    if not 0 < described.n_heads <= d_model or d_model % described.n_heads:
        raise ValueError(
            f"d_model must be divisible by n_heads, but d_model is {d_model} and n_heads {described.n_heads}"
        )
    n_encoder, n_decoder = (
        1 + max((int(name.split(".")[2]) for name in state if name.startswith(f"{stack}.layers.")
                 and name.split(".")[2].isdecimal()), default=-1)
        for stack in ("encoder", "decoder")
    )  # fmt: skip
    if max(n_encoder, n_decoder) > len(state):
        raise ValueError(
            f"the tensors are named for {max(n_encoder, n_decoder)} layers, but there are only {len(state)}"
        )
    with warnings.catch_warnings():  # that it will not make nested tensors, which are not wanted here
        warnings.simplefilter("ignore")
        net = nn.Transformer(
            d_model, described.n_heads, n_encoder, n_decoder, inner.size(0), dropout=0.0,
            activation=described.activation, batch_first=True, norm_first=described.norm_first,
            bias="encoder.layers.0.linear1.bias" in state,
        )  # fmt: skip
    for stack in (net.encoder, net.decoder):
        if f"{'encoder' if stack is net.encoder else 'decoder'}.norm.weight" not in state:
            cast("Any", stack).norm = None
    expected = net.state_dict()
    for name in sorted(set(expected) | set(state)):
        if name not in state:
            raise ValueError(f"the tensor {prefix}{name} is missing")
        if name not in expected:
            raise ValueError(f"the tensor {prefix}{name} does not belong to a {FORMAT}")
        if state[name].shape != expected[name].shape:
            found, asked = ("×".join(map(str, one.shape)) for one in (state[name], expected[name]))
            raise ValueError(f"the tensor {prefix}{name} has shape {found}, but {asked} would fit")
    net.load_state_dict(state)
    return net.eval().requires_grad_(False)


def named(tensors: Mapping[str, Tensor], name: str, prefix: str = "") -> Tensor:
    """The tensor of this name.

    Raises:
        ValueError: it is missing; the message has the name with its ``prefix``.
    """
    if name not in tensors:
        raise ValueError(f"the tensor {prefix}{name} is missing")
    return tensors[name]

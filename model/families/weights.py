"""The parameters of an open model, and what the matrices of one head do together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from model.trace import Kind

BINS = 60
QUERY, KEY, VALUE, OUTPUT = (
    ("q_proj", "query", "q_lin", "query_proj", "q"),
    ("k_proj", "key", "k_lin", "key_proj", "k"),
    ("v_proj", "value", "v_lin", "value_proj", "v"),
    ("out_proj", "o_proj", "out_lin", "dense", "o", "output"),
)
"""What families call the four maps of an attention."""
CROSS = ("encoder_attn", "EncDecAttention", "crossattention", "cross_attention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One tensor of a model: its ``norm`` is the root of the sum of its squares, ``largest`` the largest magnitude."""

    name: str
    shape: tuple[int, ...]
    norm: float
    largest: float

    @property
    def n(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """The four maps of an attention, each as a row vector is multiplied by it.

    ``query`` is ``[d_model, head · d_head]``, ``key`` and ``value`` ``[d_model, key head · d_head]``, ``output``
    ``[head · d_head, d_model]``.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    n_heads: int
    n_key_heads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """The singular values, the largest first, of what a head compares tokens by (W_Q W_Kᵀ) and of what it moves
    (W_V W_O); float64 ``[d_head]``. Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*."""

    query_key: np.ndarray
    value_output: np.ndarray


def parameters(checkpoint: Checkpoint) -> tuple[Parameter, ...]:
    """The parameters of a model in the order it has them, each once; none of a recording."""
    return tuple(
        Parameter(
            name=name,
            shape=tuple(tensor.shape),
            norm=float(tensor.detach().float().norm()),
            largest=float(tensor.detach().abs().max()) if tensor.numel() else 0.0,
        )
        for name, tensor in _named(checkpoint)
    )


def histogram(checkpoint: Checkpoint, name: str) -> tuple[np.ndarray, np.ndarray]:
    """How many numbers of a parameter lie in each of :data:`BINS` bins, and the edges of the bins.

    Raises:
        KeyError: there is no such parameter.
    """
    values = dict(_named(checkpoint))[name].detach().float().flatten().numpy()
    return np.histogram(values, bins=BINS)


def circuit(checkpoint: Checkpoint, kind: Kind, layer: int, head: int) -> Circuit:
    """What the matrices of one head, from 0, do together; biases and positional encodings are left out.

    Raises:
        ValueError: how this model keeps its matrices is not known here.
    """
    found = matrices(checkpoint, kind, layer)
    d_head = found.query.size(1) // found.n_heads
    shared = head * found.n_key_heads // found.n_heads  # the key head that serves this one
    mine, its = slice(head * d_head, (head + 1) * d_head), slice(shared * d_head, (shared + 1) * d_head)
    return Circuit(
        query_key=_singular(found.query[:, mine], found.key[:, its].T),
        value_output=_singular(found.value[:, its], found.output[mine]),
    )


def matrices(checkpoint: Checkpoint, kind: Kind, layer: int) -> Matrices:
    """The maps of the attention of one ``layer``, from 0.

    Raises:
        ValueError: how this model keeps them is not known here.
    """
    if checkpoint.elsewhere is None:
        if Capability.HEADS not in checkpoint.model.can:
            raise ValueError(f"This model has no {Capability.HEADS.value}.")
        one: Any = checkpoint.model.layers("encoder" if kind == "encoder" else "decoder")[layer]
        part = one.cross_attention if kind == "cross" else one.self_attention
        n_heads = checkpoint.config.n_heads
        return Matrices(
            query=part.query.weight.T, key=part.key.weight.T, value=part.value.weight.T, output=part.output.weight.T,
            n_heads=n_heads, n_key_heads=n_heads,
        )  # fmt: skip
    net = getattr(checkpoint.elsewhere, "net", None)
    if net is None:
        raise ValueError("A recording has patterns, but no matrices.")
    sizes: Any = checkpoint.config
    return _of_kind(net, kind, layer, sizes.n_heads, sizes.n_key_heads)


def _named(checkpoint: Checkpoint) -> Iterator[tuple[str, Tensor]]:
    net = checkpoint.model if checkpoint.elsewhere is None else getattr(checkpoint.elsewhere, "net", None)
    return iter(()) if net is None else cast("nn.Module", net).named_parameters()


def _singular(a: Tensor, b: Tensor) -> np.ndarray:
    """The singular values of ``a b``, where ``a`` is tall and ``b`` wide: those of the small product of what is left
    of each when its orthogonal part is taken away."""
    left = torch.linalg.qr(a.double(), mode="r").R
    right = torch.linalg.qr(b.T.double(), mode="r").R
    return torch.linalg.svdvals(left @ right.T).numpy()


def _of_kind(net: nn.Module, kind: Kind, layer: int, n_heads: int, n_key_heads: int) -> Matrices:
    """The attention of a ``layer`` of a model of `transformers`, by the names that families give to its parts."""
    found = [name for name, part in net.named_modules() if _is_attention(part) and is_of(name, kind, net)]
    if not found:
        raise ValueError("Headlight does not know how models of this family store the matrices of a head.")
    name = found[layer] if layer < len(found) else found[-1]  # ALBERT has one layer, again and again
    part = net.get_submodule(name)
    if hasattr(part, "c_attn"):  # GPT-2 keeps the three side by side, and transposed
        query, key, value = cast("Tensor", cast("Any", part).c_attn.weight).chunk(3, dim=1)
        output = cast("Any", part).c_proj.weight
    else:
        query, key, value = (_child(part, names).weight.T for names in (QUERY, KEY, VALUE))
        output = _output_of(net, name).weight.T
    return Matrices(query=query, key=key, value=value, output=output, n_heads=n_heads, n_key_heads=n_key_heads)


def _is_attention(part: nn.Module) -> bool:
    return hasattr(part, "c_attn") or all(_child(part, names) is not None for names in (QUERY, KEY, VALUE))


def _child(part: nn.Module, names: tuple[str, ...]) -> Any:
    children = dict(part.named_children())
    return next((children[name] for name in names if isinstance(children.get(name), nn.Linear)), None)


def is_of(name: str, kind: Kind, net: nn.Module) -> bool:
    """Whether the attention of this name is of this kind; a model with one stack has one kind."""
    if any(word in name for word in CROSS):
        return kind == "cross"
    if not cast("Any", net).config.is_encoder_decoder:
        return kind != "cross"
    return kind == ("encoder" if "encoder." in name else "decoder")


def _output_of(net: nn.Module, name: str) -> Any:
    """The map after the heads: beside the other three, or, as in BERT, beside the part that has them."""
    output = _child(net.get_submodule(name), OUTPUT)
    if output is None and "." in name:
        beside = dict(net.get_submodule(name.rpartition(".")[0]).named_children()).get("output")
        output = None if beside is None else _child(beside, OUTPUT)
    if output is None:
        raise ValueError("Headlight does not know where models of this family store the linear map after their heads.")
    return output

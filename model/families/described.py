"""A ``torch.nn.Transformer`` that someone trained: its state dict in a safetensors file, described by a small JSON.

::

    {
      "format": "torch.nn.Transformer",
      "weights": "model.safetensors",
      "tokenizer": "tokenizer.json",
      "n_heads": 8,
      "transformer": "transformer.",
      "source_embedding": "source.weight",
      "target_embedding": "target.weight",
      "output": "generator.weight",
      "output_bias": "generator.bias",
      "positional": "sinusoidal",
      "scale_embedding": true,
      "norm_first": false,
      "activation": "relu",
      "begin": "<s>",
      "end": "</s>",
      "begin_source": false
    }

``weights`` and ``tokenizer`` (of the library tokenizers) are files beside it. ``transformer`` is how the names of the
tensors of the ``nn.Transformer`` begin. The embeddings, ``output`` and ``output_bias`` are names of tensors; without
``output`` the target's embedding maps to the vocabulary, without ``output_bias`` nothing is added. ``positional`` is
"sinusoidal" (Vaswani et al. 2017, sines and cosines by turns), "none", or the name of a tensor with a vector for each
position. Embeddings are multiplied by √d_model with ``scale_embedding``. ``begin`` starts a target, ``end`` ends a
source and a target; ``begin_source`` puts ``begin`` before a source too. Sizes are those of the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FORMAT = "torch.nn.Transformer"
ACTIVATIONS = ("relu", "gelu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The JSON above, checked."""

    weights: str
    tokenizer: str
    n_heads: int
    source_embedding: str
    target_embedding: str
    transformer: str = "transformer."
    output: str | None = None
    output_bias: str | None = None
    positional: str = "sinusoidal"
    scale_embedding: bool = True
    norm_first: bool = False
    activation: str = "relu"
    begin: str = "<s>"
    end: str = "</s>"
    begin_source: bool = False

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Description:
        """
        Raises:
            ValueError: a field is missing, unknown or of another type.
        """
        known = {one.name: one for one in fields(cls)}
        given = {name: value for name, value in said.items() if name != "format"}
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(f"the description has no field {unknown[0]!r}; its fields are {', '.join(known)}")
        for name, value in given.items():
            kind: Any = {"n_heads": int, "scale_embedding": bool, "norm_first": bool, "begin_source": bool}.get(
                name, str
            )
            if type(value) is not kind and not (value is None and name in ("output", "output_bias")):
                raise ValueError(f"the field {name!r} must be of type {kind.__name__}, but it is {value!r:.60}")
        try:
            found = cls(**given)
        except TypeError as error:
            raise ValueError(f"the description is incomplete: {error}") from error
        if found.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, but it is {found.activation!r}")
        for file in (found.weights, found.tokenizer):
            if Path(file).name != file:
                raise ValueError(f"{file!r} must be a file beside the description, without a path")
        return found

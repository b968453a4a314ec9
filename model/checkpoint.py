"""One safetensors file holds a model: weights, config, tokenizer, task and training record.

Nothing is unpickled. A file is written whole or not at all, so a crash leaves the last good one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from model.config import ModelConfig, from_dict, to_dict
from model.families.shelves import in_hub_cache, why_no_hub
from model.files import SUFFIX, write_whole
from model.network.build import build, telling_shapes
from model.network.model import Model
from model.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from model.families.elsewhere import Elsewhere

FORMAT = "headlight"
VERSION = 1
HUGGING_FACE = "config.json"
"""The file that marks a Hugging Face folder."""
PRETRAINED = Path(__file__).parent / "pretrained"


class CheckpointError(ValueError):
    """A file is not a usable checkpoint; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Checkpoint:
    """A trained model, ready to run (in eval mode). Shared between visitors: never change it.

    ``digest`` is the SHA-256 of the file, in hexadecimal; ``training`` is the record of the training
    run (its options, the step and the validation scores). A model from outside this project traces itself, through
    ``elsewhere``; its ``model`` and ``tokenizer`` then offer what their capabilities say, and no more.
    """

    name: str
    model: Model
    tokenizer: Tokenizer
    task: str
    training: Mapping[str, Any]
    digest: str
    elsewhere: Elsewhere | None = None

    @property
    def config(self) -> ModelConfig:
        return self.model.config


def save(
    path: Path,
    model: Model,
    tokenizer: Tokenizer,
    *,
    task: str,
    training: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a checkpoint to ``path``, whole or not at all.

    Raises:
        FloatingPointError: a weight is not finite, or no ``dtype`` holds it, so the file could not be opened.
    """
    described = {"config": to_dict(model.config), "tokenizer": tokenizer.to_json(), "task": task, "training": training}
    tensors = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            too_large = bool(model.state_dict()[name].isfinite().all())
            wrong = f"too large for {dtype}, though not for float32" if too_large else "not finite"
            raise FloatingPointError(f"{name} has values that are {wrong}")
    write(path, tensors, described)


def load(name_or_path: str | Path) -> Checkpoint:
    """Open a checkpoint, recognised by what is in it: a shipped one, by its name; a file; a run folder, whose best one
    is taken; a Hugging Face folder; a saved trace; or the description of a ``torch.nn.Transformer``.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be used.
    """
    path = find(name_or_path)
    if path.name == HUGGING_FACE:
        from model.families.huggingface import load as load_folder

        return load_folder(path.parent, _called(name_or_path, path.parent))
    if path.suffix == ".json":
        from model.families.torch_transformer import load as load_described

        return load_described(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    name = path.parent.name if path.stem in ("best", "last") else path.stem
    return loads(data, name)


def load_own(name_or_path: str | Path) -> Checkpoint:
    """:func:`load`, for what only a model of this project can do, such as being trained further.

    Raises:
        CheckpointError: also if the model comes from elsewhere.
    """
    found = load(name_or_path)
    if found.elsewhere is not None:
        raise CheckpointError(
            f"{found.name} was not trained by Headlight; this command needs a checkpoint written by `python -m model "
            "train`"
        )
    return found


def loads(data: bytes, name: str) -> Checkpoint:
    """Open a checkpoint, or a trace, from the bytes of its file; ``name`` is what people call it, in error messages
    too.

    Raises:
        CheckpointError: it cannot be used.
    """
    if FORMAT not in (metadata := _metadata(data, name)) and f"{FORMAT}_trace" in metadata:
        from model.families.recorded import loads as loads_trace

        return loads_trace(data, name)
    tensors, described = read(data, name)
    try:
        config = from_dict(ModelConfig, _field(described, "config", dict))
        tokenizer = Tokenizer.from_json(_field(described, "tokenizer", str))
        task = _field(described, "task", str)
        training = _field(described, "training", dict)
        if len(tokenizer) != config.vocab_size:
            raise ValueError(f"vocab_size is {config.vocab_size}, but the tokenizer has {len(tokenizer)} tokens")
        model = _build(config, tensors)
    except ValueError as error:
        raise CheckpointError(f"{name}: {error}") from error
    return Checkpoint(
        name=name,
        model=model,
        tokenizer=tokenizer,
        task=task,
        training=training,
        digest=hashlib.sha256(data).hexdigest(),
    )


def find(name_or_path: str | Path) -> Path:
    """The file that ``name_or_path`` stands for, as in :func:`load`.

    Raises:
        CheckpointError: there is none.
    """
    shipped = PRETRAINED / f"{name_or_path}{SUFFIX}"
    path = Path(name_or_path)
    try:
        if os.sep not in str(name_or_path) and shipped.is_file():
            return shipped
        if path.is_dir() and (path / f"best{SUFFIX}").is_file():
            return path / f"best{SUFFIX}"
        if (path / HUGGING_FACE).is_file():
            return path / HUGGING_FACE
        if path.is_file():
            return path
        if (cached := in_hub_cache(str(name_or_path))) is not None:
            return cached / HUGGING_FACE
    except OSError as error:  # the name is too long, or we may not enter a folder on the way
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    raise CheckpointError(
        f"there is no checkpoint {str(name_or_path)!r}: it is neither a file, nor a run folder with a best{SUFFIX}, "
        f"nor a Hugging Face folder with a {HUGGING_FACE}{why_no_hub(str(name_or_path))}, "
        f"nor one that ships ({', '.join(pretrained()) or 'none'})"
    )


def pretrained() -> tuple[str, ...]:
    """The names of the shipped checkpoints."""
    return tuple(sorted(path.stem for path in PRETRAINED.glob(f"*{SUFFIX}")))


def write(path: Path, tensors: Mapping[str, Tensor], described: Mapping[str, Any]) -> None:
    """Write tensors and a JSON-able description to a safetensors file, atomically.

    All metadata is one JSON text, so that the same content gives the same bytes.
    """
    metadata = {FORMAT: json.dumps({"version": VERSION, **described}, sort_keys=True, allow_nan=False)}
    data = save_tensors({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def read(data: bytes, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description that :func:`write` wrote.

    Raises:
        CheckpointError: the file is truncated, foreign or of another version.
    """
    text = _metadata(data, name).get(FORMAT)
    try:
        tensors = load_tensors(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{name} is truncated, or not a safetensors file: {error}") from error
    if text is None:
        raise CheckpointError(
            f"{name} was not written by Headlight: its metadata has no field {FORMAT!r}. If it is a Hugging Face "
            "model, open its folder: the weights alone do not say how they are used"
        )
    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{name}: the metadata field {FORMAT!r} is not JSON: {error}") from error
    if not isinstance(described, dict) or described.get("version") != VERSION:
        found = described.get("version") if isinstance(described, dict) else described
        raise CheckpointError(f"{name} has format version {found!r}, but this program reads version {VERSION}")
    return tensors, described


def _called(name_or_path: str | Path, folder: Path) -> str:
    """The name of a model in a folder; a cache names its folders after commits, so there the model id is the name."""
    return folder.name if Path(name_or_path).exists() else str(name_or_path)


def _metadata(data: bytes, name: str) -> Mapping[str, Any]:
    """The metadata of a safetensors file, which may be damaged all the same.

    Raises:
        CheckpointError: it has no header.
    """
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return dict(header.get("__metadata__") or {})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{name} is truncated, or not a safetensors file: its header cannot be read") from error


def _field(described: Mapping[str, Any], field: str, kind: type[Any]) -> Any:
    value = described.get(field)
    if not isinstance(value, kind):
        raise ValueError(f"the field {field!r} must be a {kind.__name__}, but it is {value!r:.60}")
    return value


def _build(config: ModelConfig, tensors: Mapping[str, Tensor]) -> Model:
    """A model of ``config`` with ``tensors`` as its weights, after checking that they fit."""
    if config.n_layers > len(tensors):  # otherwise a forged config could have us build layers for hours
        raise ValueError(f"n_layers is {config.n_layers}, but the file has only {len(tensors)} tensors")
    # These hold every size a layer is made of: once they fit, a model is no larger than its file.
    for name, shape in telling_shapes(config).items():
        _require_shape(tensors, name, shape)
    model = build(config)
    expected = model.state_dict()
    if missing := sorted(set(expected) - set(tensors)):
        raise ValueError(f"the tensor {missing[0]} is missing ({len(missing)} in all)")
    if foreign := sorted(set(tensors) - set(expected)):
        raise ValueError(
            f"the tensor {foreign[0]} does not belong to a model of architecture {config.architecture!r} "
            f"({len(foreign)} in all)"
        )
    for name, tensor in tensors.items():
        _require_shape(tensors, name, expected[name].shape)
        if not tensor.is_floating_point():
            raise ValueError(
                f"the tensor {name} has the number format {tensor.dtype}, which is not a floating-point format"
            )
        if not tensor.float().isfinite().all():  # as float32, which is how it will be used
            raise ValueError(f"the tensor {name} has values that are not finite")
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return model.eval().requires_grad_(False)


def _require_shape(tensors: Mapping[str, Tensor], name: str, shape: Sequence[int]) -> None:
    if name not in tensors:
        raise ValueError(f"the tensor {name} is missing")
    if tensors[name].shape != tuple(shape):
        found, asked = ("×".join(map(str, sizes)) for sizes in (tensors[name].shape, shape))
        raise ValueError(f"the tensor {name} has shape {found}, but the config asks for {asked}")

"""A folder as Hugging Face keeps models, looked at before anything of it is loaded.

Nothing is unpickled, no code of it is run, and no more is read than small JSON texts and the headers of the files with
the weights: whatever is promised in them is compared with what is there, before memory is asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.checkpoint import CheckpointError

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack")
LONGEST_JSON = 50_000_000  # bytes; a tokenizer with its merges has a few million
LONGEST_HEADER = 25_000_000  # bytes, of a safetensors file
SIZES = {
    "n_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers"),
    "n_decoder_layers": ("num_decoder_layers", "decoder_layers"),
    "n_heads": ("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"),
    "d_model": ("hidden_size", "n_embd", "d_model", "dim"),
    "vocab_size": ("vocab_size",),
    "max_len": ("max_position_embeddings", "n_positions", "n_ctx"),
}
"""What families call the sizes of a model in their config."""
LARGEST_SIZE = 2**24
COUNT = re.compile("^(num|n)_|_(size|dim|layers|heads|experts)$|^d_|^dim$")
"""Names of fields in a config that count or measure parts of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What is known of a model by its folder: the ``config``, and the shape of each tensor in its weights."""

    path: Path
    config: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    n_bytes: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def model_type(self) -> str:
        return self.config["model_type"]

    @property
    def architecture(self) -> str | None:
        """The class that the config names first."""
        named = self.config.get("architectures") or [None]
        return named[0] if isinstance(named[0], str) else None

    def size(self, what: str) -> int | None:
        """One of :data:`SIZES`, where the config tells it."""
        found = (self.config.get(name) for name in SIZES[what])
        return next((one for one in found if isinstance(one, int) and not isinstance(one, bool)), None)

    def digest(self) -> str:
        """SHA-256 of its config, tokenizer and weights, in hexadecimal."""
        whole = hashlib.sha256()
        for path in sorted(self.path.iterdir()):
            if path.suffix in (".json", ".safetensors", ".txt", ".model") and path.is_file():
                with path.open("rb") as file:
                    whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()


def looks_like(path: Path) -> bool:
    """Whether ``path`` is a folder with a config, as this module reads them."""
    return (path / CONFIG).is_file()


def look(path: Path, *, largest: int) -> Folder:
    """What is in the folder ``path``, after checking that nothing in it is dangerous or boundless.

    Args:
        path: the folder.
        largest: bytes that the weights may have.

    Raises:
        CheckpointError: it cannot be used; the message says what is wrong.
    """
    name = path.name
    config = read_json(path / CONFIG, name)
    if not isinstance(model_type := config.get("model_type"), str):
        raise CheckpointError(f"{name}: {CONFIG} must name its model_type, but has {model_type!r:.60}")
    files = _weights(path, name)
    n_bytes = sum(file.stat().st_size for file in files)
    if n_bytes > largest:
        raise CheckpointError(
            f"{name}: its weights take {n_bytes / 1e6:,.0f} MB, but this program opens at most {largest / 1e6:,.0f} MB"
        )
    found: dict[str, tuple[int, ...]] = {}
    for file in files:
        found |= shapes(file, name)
    folder = Folder(path=path, config=config, shapes=found, n_bytes=n_bytes)
    _require_plausible(folder)
    return folder


def read_json(path: Path, name: str) -> dict[str, Any]:
    """A JSON object that is not boundless; ``name`` is what people call the model.

    Raises:
        CheckpointError: it is none.
    """
    try:
        if path.stat().st_size > LONGEST_JSON:
            raise CheckpointError(
                f"{name}: {path.name} has {path.stat().st_size:,} bytes, too many for a file of its kind"
            )
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{name}: {path.name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{name}: {path.name} is not JSON: {str(error)[:100]}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{name}: {path.name} must be a JSON object, but it is {type(found).__name__}")
    return found


def _weights(path: Path, name: str) -> Sequence[Path]:
    """The files with the weights."""
    if (path / WEIGHTS).is_file():
        return (path / WEIGHTS,)
    if (path / INDEX).is_file():
        of_tensor = read_json(path / INDEX, name).get("weight_map")
        if not isinstance(of_tensor, dict) or not all(isinstance(file, str) for file in of_tensor.values()):
            raise CheckpointError(f"{name}: {INDEX} does not say which file has which tensor")
        files = sorted(set(of_tensor.values()))
        for file in files:
            if Path(file).name != file or not (path / file).is_file():
                raise CheckpointError(f"{name}: the file {file!r:.80} of {INDEX} is not in the folder")
        return tuple(path / file for file in files)
    pickles = sorted(one.name for pattern in PICKLES for one in path.glob(pattern))
    if pickles:
        raise CheckpointError(
            f"{name}: its weights are only in {pickles[0]}. Such a file can run code when it is opened, so this "
            f"program reads weights from {WEIGHTS} alone; `save_pretrained` writes it"
        )
    raise CheckpointError(f"{name}: the folder has no weights: neither {WEIGHTS} nor {INDEX}")


def shapes(file: Path, name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a safetensors file.

    Raises:
        CheckpointError: it is not as long as its header says, or no such file.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        n_header = int.from_bytes(opened.read(8), "little")
        if size < 8 or n_header > min(size - 8, LONGEST_HEADER):
            raise CheckpointError(
                f"{name}: {file.name} is truncated, or not a safetensors file: it has {size:,} bytes, but its header "
                f"should have {n_header:,}"
            )
        header = opened.read(n_header)
    try:
        described = {key: value for key, value in json.loads(header).items() if key != "__metadata__"}
        found = {key: tuple(map(int, one["shape"])) for key, one in described.items()}
        end = max((int(one["data_offsets"][1]) for one in described.values()), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise CheckpointError(f"{name}: the header of {file.name} cannot be read: {str(error)[:100]}") from error
    if end != size - 8 - n_header:
        raise CheckpointError(
            f"{name}: {file.name} is truncated or damaged: its tensors should take {end:,} bytes, but there are "
            f"{size - 8 - n_header:,}"
        )
    return found


def _require_plausible(folder: Folder) -> None:
    """Check that the config asks for no more than the weights can fill; otherwise layers would be built for hours."""
    for what in SIZES:
        value = folder.size(what)
        if value is not None and not 0 < value <= LARGEST_SIZE:
            raise CheckpointError(f"{folder.name}: {what} must be from 1 to {LARGEST_SIZE}, but the config has {value}")
    for what in ("n_layers", "n_decoder_layers"):
        n_layers = folder.size(what) or 0
        # A family may use the weights of one layer for all, but none has a thousand of such.
        if n_layers > max(len(folder.shapes), 100):
            raise CheckpointError(
                f"{folder.name}: the config asks for {n_layers} layers, but the weights are only "
                f"{len(folder.shapes)} tensors"
            )
    longest = max((length for shape in folder.shapes.values() for length in shape), default=0)
    for field, value in _counts(folder.config):
        if value > max(8 * longest, 8 * len(folder.shapes), 1024):
            raise CheckpointError(
                f"{folder.name}: the config has {field} {value}, but the longest axis of the weights is {longest}"
            )
    for what in ("vocab_size", "d_model"):
        value = folder.size(what)
        if value is not None and not any(value in shape for shape in folder.shapes.values()):
            raise CheckpointError(
                f"{folder.name}: the config has {what} {value}, but no tensor of the weights has an axis of that length"
            )


def _counts(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The fields of a config, and of configs inside it, that count or measure parts of the model."""
    for field, value in config.items():
        if isinstance(value, dict):
            yield from _counts(value)
        elif COUNT.search(field) and isinstance(value, int):
            yield field, value

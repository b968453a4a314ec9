"""A trace as one file, ``….trace.safetensors``: the patterns as tensors, all else as JSON in the metadata.

Nothing is unpickled and no PyTorch is loaded. The metadata has one field, :data:`FORMAT`; each map is the tensor of its
kind, float32 ``[layer, head, query, key]``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from model.files import SUFFIX, write_whole
from model.trace import KINDS, AttentionMap, Guess, Kind, Trace

FORMAT = "headlight_trace"
VERSION = 1
TRACE_SUFFIX = f".trace{SUFFIX}"
"""How the name of such a file ends; it is told by what is in it, though."""
PROBABILITIES = "probabilities"
TOKENS = ("query_tokens", "key_tokens", "predicted_tokens")
COUNTS = ("n_sinks", "n_key_heads")
LAYERS = "layer_numbers"
PLAIN = tuple(one.name for one in fields(Trace) if one.name not in ("maps", "guesses", PROBABILITIES))
"""Fields of a trace that JSON holds."""


class TraceFileError(ValueError):
    """A file holds no trace that can be shown; the message says what is wrong."""


def save(trace: Trace, path: str | Path) -> None:
    """Write ``trace`` to ``path``, whole or not at all."""
    path = Path(path)
    arrays = {one.kind: np.ascontiguousarray(one.pattern) for one in trace.maps}
    if trace.probabilities is not None:
        arrays[PROBABILITIES] = np.ascontiguousarray(trace.probabilities)
    maps = {one.kind: {name: getattr(one, name) for name in (*COUNTS, *TOKENS, LAYERS)} for one in trace.maps}
    guesses = [asdict(guess) for guess in trace.guesses]
    described = {"version": VERSION, "maps": maps, "guesses": guesses, **{name: getattr(trace, name) for name in PLAIN}}
    metadata = {FORMAT: json.dumps(described, sort_keys=True, allow_nan=False)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, save_arrays(arrays, metadata))


def load(path: str | Path) -> Trace:
    """
    Raises:
        TraceFileError: the file cannot be read, or holds no trace.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TraceFileError(f"{path} cannot be read: {error.strerror}") from error
    return loads(data, path.name)


def loads(data: bytes, name: str) -> Trace:
    """A trace from the bytes of its file; ``name`` is what people call it, also in errors.

    Raises:
        TraceFileError: it holds no trace.
    """
    try:
        arrays = load_arrays(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        text = (header.get("__metadata__") or {}).get(FORMAT)
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise TraceFileError(f"{name} is truncated, or not a safetensors file: {error}") from error
    if text is None:
        raise TraceFileError(f"{name} holds no trace: its metadata has no field {FORMAT!r}")
    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TraceFileError(f"{name}: the metadata field {FORMAT!r} is not JSON: {error}") from error
    if not isinstance(described, dict) or described.get("version") != VERSION:
        found = described.get("version") if isinstance(described, dict) else described
        raise TraceFileError(f"{name} has format version {found!r:.40}, but this program reads version {VERSION}")
    try:
        return _trace(described, arrays)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TraceFileError(f"{name}: {error}") from error


def _trace(described: dict[str, Any], arrays: dict[str, np.ndarray]) -> Trace:
    """
    Raises:
        ValueError, TypeError, KeyError, AttributeError: what is described is no trace, or not the one of these arrays.
    """
    maps: dict[Kind, Any] = described["maps"]
    if set(arrays) - {PROBABILITIES} != set(maps) or not set(maps) <= set(KINDS):
        found = ", ".join(sorted(arrays)) or "none"
        raise ValueError(f"the maps described are {', '.join(sorted(maps))}, but the tensors in the file are {found}")
    return Trace(
        maps=tuple(
            AttentionMap(
                kind=kind,
                pattern=arrays[kind],
                query_tokens=_tokens(maps[kind].get("query_tokens")) or (),
                key_tokens=_tokens(maps[kind].get("key_tokens")) or (),
                predicted_tokens=_tokens(maps[kind].get("predicted_tokens")),
                **{name: _plain(name, maps[kind].get(name, 0)) for name in COUNTS},
                layer_numbers=_numbers(LAYERS, maps[kind].get(LAYERS, [])),
            )
            for kind in KINDS
            if kind in maps
        ),
        probabilities=arrays.get(PROBABILITIES),
        guesses=tuple(_guess(one) for one in described.get("guesses", ())),
        **{name: _plain(name, described[name]) for name in PLAIN if name in described},
    )


def _tokens(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(token, str) for token in value):
        raise ValueError(f"tokens must be a list of texts, but they are {value!r:.60}")
    return tuple(value)


def _guess(said: dict[str, Any]) -> Guess:
    ids, labels = _plain("guess_ids", said["ids"]), _tokens(said["labels"]) or ()
    probabilities = tuple(float(one) for one in said["probabilities"])
    if not len(ids) == len(labels) == len(probabilities):
        raise ValueError(f"a guess must have as many labels and probabilities as ids, but it is {said!r:.80}")
    return Guess(row=_plain("row", said["row"]), ids=ids, labels=labels, probabilities=probabilities)


def _numbers(name: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise ValueError(f"the field {name!r} must be a list of whole numbers, but it is {value!r:.60}")
    return tuple(value)


def _plain(name: str, value: Any) -> Any:
    """A field of a trace as it was, after a look at whether it is of its type."""
    kind = {"model_name": str, "source": str, "target": str, "teacher_forced": bool, "target_cut": bool}.get(name, int)
    if name.endswith("_ids"):
        return _numbers(name, value)
    if type(value) is not kind:
        raise ValueError(f"the field {name!r} must be of type {kind.__name__}, but it is {value!r:.60}")
    return value

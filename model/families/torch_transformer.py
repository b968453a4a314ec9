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

The model that runs is PyTorch's own, and what it attends to is recorded (:mod:`model.families.recording`).
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import tokenizers
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from model.checkpoint import Checkpoint, CheckpointError
from model.families import folder
from model.families.elsewhere import Sizes
from model.families.labels import Labeller
from model.families.proof import HeadPass
from model.families.recording import record
from model.network.capabilities import Capability
from model.network.positional import sinusoidal
from model.trace import Kind, Trace

FORMAT = "torch.nn.Transformer"
LONGEST = 512
"""Tokens that are read and written, where positions are no table."""
WRITTEN_AT_MOST = 128
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


def load(path: Path) -> Checkpoint:
    """Open what the JSON file ``path`` describes.

    Raises:
        CheckpointError: it cannot be used.
    """
    name = path.stem
    said = folder.read_json(path, name)
    if said.get("format") != FORMAT:
        raise CheckpointError(
            f"{name} is JSON, but not the description of a {FORMAT}: its field 'format' does not say so"
        )
    try:
        described = Description.of(said)
        tensors = _tensors(path.with_name(described.weights), name)
        tokens = Words(path.with_name(described.tokenizer), described)
        model = TorchTransformer(described, tensors, tokens)
    except ValueError as error:
        message = str(error)
        raise CheckpointError(message if message.startswith(name) else f"{name}: {message}") from error
    digest = hashlib.sha256()
    for file in (path, path.with_name(described.weights), path.with_name(described.tokenizer)):
        digest.update(file.read_bytes())
    return Checkpoint(
        name=name, model=cast("Any", model), tokenizer=cast("Any", tokens), task="", training={},
        digest=digest.hexdigest(), elsewhere=model,
    )  # fmt: skip


class Words:
    """A tokenizer of the library tokenizers, as the pages need it."""

    def __init__(self, path: Path, described: Description) -> None:
        """
        Raises:
            ValueError: it cannot be read, or does not have the tokens that begin and end a text.
        """
        try:
            self.inner = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"the tokenizer {path.name} cannot be read: {str(error)[:100]}") from error
        self.inner.no_padding()
        self.inner.no_truncation()
        ids = {token: self.inner.token_to_id(token) for token in (described.begin, described.end)}
        for token, token_id in ids.items():
            if token_id is None:
                raise ValueError(f"the tokenizer has no token {token!r}")
        self.begin_id, self.end_id = cast("int", ids[described.begin]), cast("int", ids[described.end])
        self._labels = Labeller(_Seen(self.inner, tuple(ids)))

    def __len__(self) -> int:
        return self.inner.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Token ids of ``text``, without special tokens."""
        return self.inner.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``, special tokens left out."""
        return self.inner.decode([i for i in ids if i not in (self.begin_id, self.end_id)], skip_special_tokens=True)

    def labels(self, ids: Sequence[int]) -> tuple[str, ...]:
        """One label for each token: its text with the space that belongs to it."""
        return self._labels([self.inner.id_to_token(i) or f"⟨{i}⟩" for i in ids])

    def require_target(self, ids: Sequence[int]) -> None:
        """
        Raises:
            ValueError: not all ``ids`` are of tokens.
        """
        for token_id in ids:
            if not 0 <= token_id < len(self):
                raise ValueError(f"there is no token {token_id} to write: they are 0 to {len(self) - 1}")


class _Seen:
    """What :class:`model.families.labels.Labeller` asks of a tokenizer."""

    def __init__(self, inner: tokenizers.Tokenizer, special: tuple[str, ...]) -> None:
        self.backend_tokenizer, self.all_special_tokens = inner, special
        self.get_vocab = inner.get_vocab


class TorchTransformer:
    """PyTorch's own Transformer between embeddings and a map to the vocabulary."""

    mask = None
    can = frozenset({Capability.TYPING, Capability.WRITING, Capability.ENCODER, Capability.CROSS_ATTENTION})

    def __init__(self, described: Description, tensors: Mapping[str, Tensor], tokens: Words) -> None:
        """
        Raises:
            ValueError: a tensor is missing, too much or of another shape, or the tokenizer does not fit.
        """
        self.described, self.tokens = described, tokens
        self.source, self.target = (
            _named(tensors, name) for name in (described.source_embedding, described.target_embedding)
        )
        self.output = self.target if described.output is None else _named(tensors, described.output)
        self.output_bias = None if described.output_bias is None else _named(tensors, described.output_bias)
        table = None if described.positional in ("sinusoidal", "none") else _named(tensors, described.positional)
        own = {
            *(described.source_embedding, described.target_embedding),
            *(described.output, described.output_bias, described.positional),
        }
        rest = {name: tensor for name, tensor in tensors.items() if name not in own}
        self.net = _network(described, rest, self.source.size(1))
        self.positions = self._positions(table)
        if max(tokens.inner.get_vocab().values()) >= min(len(self.source), len(self.target), len(self.output)):
            raise ValueError(
                f"the tokenizer does not fit: it has {len(tokens)} tokens, but the embeddings have {len(self.source)} "
                f"and {len(self.target)} rows, the output {len(self.output)}"
            )

    def _positions(self, table: Tensor | None) -> Tensor:
        """What is added at each position, ``[position, d_model]``."""
        if table is not None:
            return table.reshape(-1, table.size(-1))
        if self.described.positional == "none":
            return torch.zeros(LONGEST, self.source.size(1))
        return sinusoidal(LONGEST, self.source.size(1))

    @property
    def config(self) -> Sizes:
        layers = cast("Any", self.net.encoder.layers)
        return Sizes(
            architecture=FORMAT, vocab_size=len(self.target), n_layers=len(layers), n_heads=self.net.nhead,
            n_key_heads=self.net.nhead, d_model=self.net.d_model, d_head=self.net.d_model // self.net.nhead,
            max_len=len(self.positions), n_parameters=sum(one.numel() for one in self.net.parameters()),
        )  # fmt: skip

    @torch.inference_mode()
    def trace(self, name: str, source: str, target: str | None, *, prefix: Sequence[int] = (), more: int = 0) -> Trace:
        """As :class:`model.families.elsewhere.Elsewhere` has it."""
        most, end = len(self.positions), self.tokens.end_id
        begin = [self.tokens.begin_id] if self.described.begin_source else []
        read = self.tokens.encode(source)
        room = most - 1 - len(begin)
        ids = (*begin, *read[:room], end)
        given = (*self.tokens.encode(target), end) if target is not None else tuple(prefix)
        written = given[:most]
        limit = min(most, 2 * len(ids) + 16, WRITTEN_AT_MOST)
        if target is None:
            written = self._write(ids, written, limit)
        with record(self.net) as recording:
            logits = self._logits(ids, written)
        labels = self.tokens.labels
        predicted = labels(written)
        trace = recording.trace(
            labels(ids), labels((self.tokens.begin_id, *written[:-1])), predicted_tokens=predicted, name=name
        )
        probabilities = logits.softmax(-1)[torch.arange(len(written)), torch.tensor(written)].numpy()
        return Trace(
            model_name=name, maps=trace.maps, source=self.tokens.decode(ids), target=self.tokens.decode(written),
            teacher_forced=target is not None, n_forced=min(len(given), most), source_ids=ids, predicted_ids=written,
            probabilities=probabilities, source_dropped=max(0, len(read) - room),
            target_dropped=max(0, len(given) - most), target_cut=target is None and written[-1] != end,
        )  # fmt: skip

    @torch.inference_mode()
    def likely(self, source: Sequence[int], target: Sequence[int]) -> Tensor:
        return self._logits(source, target).log_softmax(-1)

    def masked(self, text: str, row: int) -> str:
        """The text as it is: it fills nothing."""
        return text

    def parts(self, source: str, second: str) -> None:
        """None: it reads no pairs."""

    def head(self, trace: Trace, kind: Kind, layer: int, head: int) -> HeadPass:
        """
        Raises:
            ValueError: always; PyTorch's modules keep queries and keys to themselves.
        """
        raise ValueError("PyTorch's own modules give their patterns, but not the queries and keys behind them.")

    def configuration(self) -> Mapping[str, object]:
        return {one.name: getattr(self.described, one.name) for one in fields(self.described)}

    def card(self) -> Mapping[str, str]:
        sizes = self.config
        return {
            "Family": f"{FORMAT}, run by PyTorch {torch.__version__}",
            "Stacks": f"Encoder of {sizes.n_layers} layers, decoder of {len(cast('Any', self.net.decoder.layers))}",
            "Parameters": f"{sizes.n_parameters:,} without the embeddings",
            "Heads": f"{sizes.n_heads} a layer",
            "Vocabulary": f"{sizes.vocab_size:,} tokens",
            "Positional encoding": self.described.positional,
        }

    def _write(self, source: Sequence[int], prefix: Sequence[int], most: int) -> tuple[int, ...]:
        """The likeliest token at each step, after ``prefix``; it never writes what begins a text."""
        memory, written = self.net.encoder(self._embedded(self.source, source)), list(prefix)
        while len(written) < most and (not written or written[-1] != self.tokens.end_id):
            logits = self._decoded([self.tokens.begin_id, *written], memory)[-1]
            logits[self.tokens.begin_id] = -torch.inf
            written.append(int(logits.argmax()))
        return tuple(written)

    def _logits(self, source: Sequence[int], target: Sequence[int]) -> Tensor:
        """``[target, vocab]``, of each token of ``target`` given those before."""
        fed = [self.tokens.begin_id, *target[:-1]]
        mask = nn.Transformer.generate_square_subsequent_mask(len(fed))
        x, y = self._embedded(self.source, source), self._embedded(self.target, fed)
        return F.linear(self.net(x, y, tgt_mask=mask, tgt_is_causal=True), self.output, self.output_bias)[0]

    def _decoded(self, fed: Sequence[int], memory: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(len(fed))
        hidden = self.net.decoder(self._embedded(self.target, fed), memory, tgt_mask=mask, tgt_is_causal=True)
        return F.linear(hidden, self.output, self.output_bias)[0]

    def _embedded(self, table: Tensor, ids: Sequence[int]) -> Tensor:
        x = table[torch.tensor(ids)] * (math.sqrt(table.size(1)) if self.described.scale_embedding else 1.0)
        return (x + self.positions[: len(ids)])[None]


def _tensors(path: Path, name: str) -> dict[str, Tensor]:
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


def _network(described: Description, tensors: Mapping[str, Tensor], d_model: int) -> nn.Transformer:
    """PyTorch's Transformer with these tensors; its sizes are theirs."""
    prefix = described.transformer
    state = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    if foreign := sorted(set(tensors) - {f"{prefix}{name}" for name in state}):
        raise ValueError(f"the tensor {foreign[0]} does not belong to the model described ({len(foreign)} in all)")
    inner = _named(state, "encoder.layers.0.linear1.weight", prefix)
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


def _named(tensors: Mapping[str, Tensor], name: str, prefix: str = "") -> Tensor:
    if name not in tensors:
        raise ValueError(f"the tensor {prefix}{name} is missing")
    return tensors[name]

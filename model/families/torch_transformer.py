"""A ``torch.nn.Transformer`` that someone trained, opened by the JSON of :mod:`model.families.described`.

The model that runs is PyTorch's own, and what it attends to is recorded (:mod:`model.families.recording`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.checkpoint import Checkpoint, CheckpointError
from model.families import folder
from model.families.described import FORMAT, Description
from model.families.elsewhere import Sizes
from model.families.proof import HeadPass
from model.families.recording import record
from model.families.torch_network import named, network, tensors_of
from model.families.words import Words
from model.network.capabilities import Capability
from model.network.positional import sinusoidal
from model.trace import Kind, Trace

LONGEST = 512
"""Tokens that are read and written, where positions are no table."""
WRITTEN_AT_MOST = 128


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
        tensors = tensors_of(path.with_name(described.weights), name)
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
            named(tensors, name) for name in (described.source_embedding, described.target_embedding)
        )
        self.output = self.target if described.output is None else named(tensors, described.output)
        self.output_bias = None if described.output_bias is None else named(tensors, described.output_bias)
        table = None if described.positional in ("sinusoidal", "none") else named(tensors, described.positional)
        own = {
            *(described.source_embedding, described.target_embedding),
            *(described.output, described.output_bias, described.positional),
        }
        rest = {name: tensor for name, tensor in tensors.items() if name not in own}
        self.net = network(described, rest, self.source.size(1))
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
        raise ValueError(
            "PyTorch's own modules return their attention patterns, but not the queries and keys behind them."
        )

    def configuration(self) -> Mapping[str, object]:
        return {one.name: getattr(self.described, one.name) for one in fields(self.described)}

    def card(self) -> Mapping[str, str]:
        sizes = self.config
        return {
            "Family": f"{FORMAT}, run by PyTorch {torch.__version__}",
            "Stacks": f"Encoder of {sizes.n_layers} layers, decoder of {len(cast('Any', self.net.decoder.layers))}",
            "Parameters": f"{sizes.n_parameters:,} without the embeddings",
            "Heads": f"{sizes.n_heads} per layer",
            "Vocabulary": f"{sizes.vocab_size:,} tokens",
            "Positional encoding": self.described.positional,
        }

    def close(self) -> None:
        """As :class:`model.families.elsewhere.Elsewhere` has it."""
        self.net.to_empty(device="meta")
        large = self.source, self.target, self.output, self.positions
        self.source, self.target, self.output, self.positions = (one.to("meta") for one in large)

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

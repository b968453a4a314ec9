"""Models of Hugging Face, read from a folder on this machine by `transformers`, which is loaded when one is opened.

Their own passes give the patterns: nothing of a model is written again here. Any family whose attentions the library
gives can be opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import Checkpoint, CheckpointError
from model.families import traced
from model.families.elsewhere import Sizes
from model.families.folder import Folder, look
from model.families.interface import AttentionCall, watching
from model.families.library import network
from model.families.passes import Passes
from model.families.proof import HeadPass
from model.families.stopping import may_be_given_up
from model.families.tokens import Reading, Tokens
from model.families.weights import is_of
from model.network.capabilities import Capability
from model.trace import Kind, Trace

HOW_TO_GET_IT = "pip install -r requirements-huggingface.txt"
LARGEST = 4_000_000_000  # bytes of weights
SAME = 1e-4
"""How far two passes over the same ids may be apart."""


def load(path: Path, name: str | None = None) -> Checkpoint:
    """Open the model in the folder ``path``.

    Raises:
        CheckpointError: it cannot be used, or `transformers` is not installed.
    """
    folder = look(path, largest=LARGEST)
    name = name or folder.name
    if find_spec("transformers") is None:
        raise CheckpointError(
            f"{name} is a Hugging Face model; to open it, this program needs the package transformers: {HOW_TO_GET_IT}"
        )
    try:
        net = network(folder)
        may_be_given_up(net)
        tokens = Tokens.of(path, net.get_input_embeddings().weight.shape[0])
        model = HuggingFace(Passes(net, tokens, folder.model_type), folder)
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error
    # `transformers` raises whatever its many files come upon; a page must say so and live on.
    except Exception as error:
        raise CheckpointError(f"{name} cannot be opened by transformers: {_first_line(error)}") from error
    return Checkpoint(
        name=name,
        model=cast("Any", model),
        tokenizer=cast("Any", tokens),
        task="",
        training={},
        digest=folder.digest(),
        elsewhere=model,
    )


class HuggingFace:
    """A model of `transformers` in eval mode, with its tokenizer."""

    def __init__(self, passes: Passes, folder: Folder) -> None:
        self.passes, self.folder = passes, folder
        self.net, self.tokens, self.shape = passes.net, passes.tokens, passes.shape

    @property
    def can(self) -> frozenset[Capability]:
        found = {Capability.TYPING}
        if self.shape != "decoder":
            found.add(Capability.ENCODER)
        if self.shape == "both":
            found.add(Capability.CROSS_ATTENTION)
        if self.passes.writes:
            found.add(Capability.WRITING)
        return frozenset(found)

    @property
    def mask(self) -> str | None:
        """The token that it fills, as one types it; None where it fills none."""
        fills = self.shape == "encoder" and self.net.get_output_embeddings() is not None
        return self.tokens.mask if fills else None

    def masked(self, text: str, row: int) -> str:
        """The text with the mask in place of the word that the token of this row, from 0, is of."""
        place = self.tokens.word(text, row)
        return text if place is None else f"{text[: place[0]]}{self.mask}{text[place[1] :]}"

    @cached_property
    def config(self) -> Sizes:
        own = self.net.config.get_text_config()
        n_layers, n_heads = self.passes.first[:2]
        d_model = self.net.get_input_embeddings().weight.shape[1]
        return Sizes(
            architecture=self.folder.model_type,
            vocab_size=self.net.get_input_embeddings().weight.shape[0],
            n_layers=n_layers,
            n_heads=n_heads,
            n_key_heads=self.passes.n_key_heads or n_heads,
            d_model=d_model,
            d_head=getattr(own, "head_dim", None) or getattr(own, "d_kv", None) or d_model // n_heads,
            max_len=self.passes.most_tokens,
            n_parameters=sum(one.numel() for one in self.net.parameters()),
        )

    def trace(self, name: str, source: str, target: str | None, *, prefix: Sequence[int] = (), more: int = 0) -> Trace:
        """As :class:`model.families.elsewhere.Elsewhere` has it. To an encoder alone, ``target`` is a second text."""
        passes, most = self.passes, self.passes.most_tokens
        with torch.inference_mode():
            if self.shape == "encoder":
                return traced.read(passes, name, self.tokens.read(source, target, most))
            reading = self.tokens.read(source, None, most)
            if self.shape == "both":
                return traced.translate(passes, name, reading, target, prefix)
            return traced.go_on(passes, name, reading, target, prefix, more)

    def parts(self, source: str, second: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Where in a pair of texts the tokens of each stand, [from, to); None where it reads no pairs."""
        parts = self.tokens.read(source, second, self.passes.most_tokens).parts if self.shape == "encoder" else ()
        places = [[i for i, one in enumerate(parts) if one == part] for part in (0, 1)]
        if not all(places):
            return None
        first, last = ((one[0], one[-1] + 1) for one in places)
        return first, last

    def likely(self, source: Sequence[int], target: Sequence[int]) -> Tensor:
        return self.passes.likely(source, target)

    def head(self, trace: Trace, kind: Kind, layer: int, head: int) -> HeadPass:
        """As :class:`model.families.elsewhere.Elsewhere` has it."""
        names = {part: name for name, part in self.net.named_modules()}
        ids = trace.source_ids if self.shape == "both" else (*trace.source_ids, *trace.predicted_ids[:-1])
        for segments in self._segments(ids):
            calls: list[AttentionCall] = []
            with watching(calls.append):
                fed = (*self.passes.start(), *trace.predicted_ids[:-1]) if self.shape == "both" else ()
                self.passes.run(Reading(ids=ids, segments=segments), fed)
            found = [call for call in calls if is_of(names[call.module], kind, self.net)]
            if layer >= len(found):
                raise ValueError(
                    "Models of this family return their attention patterns, but not the queries and keys behind them."
                )
            passed = found[layer].head(head)
            if np.allclose(passed.pattern, trace.map(kind).pattern[layer, head], atol=SAME):
                return passed
        raise ValueError("This pass cannot be repeated: the trace does not record everything the model was given.")

    def _segments(self, ids: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Which of two texts each token may have been said to be of: all of the first, or those after the first mark
        between texts of the second."""
        sep = self.tokens.inner.sep_token_id
        if self.shape != "encoder" or ids.count(sep) < 2:
            return [()]
        first = ids.index(sep) + 1
        return [(), (0,) * first + (1,) * (len(ids) - first)]

    def configuration(self) -> Mapping[str, object]:
        """As the folder has it."""
        return self.folder.config

    def card(self) -> Mapping[str, str]:
        sizes = self.config
        heads = f"{sizes.n_heads} per layer"
        if sizes.n_key_heads != sizes.n_heads:
            heads += f", which share {sizes.n_key_heads} key and value heads"
        return {
            "Family": f"{self.folder.model_type} ({type(self.net).__name__}), opened by transformers",
            "Stacks": {"encoder": "Encoder", "decoder": "Decoder", "both": "Encoder and decoder"}[self.shape],
            "Parameters": f"{sizes.n_parameters:,}",
            "Layers": self._which_layers(),
            "Heads": heads,
            "Vocabulary": f"{sizes.vocab_size:,} tokens",
            "Longest text here": f"{sizes.max_len:,} tokens",
        }

    def close(self) -> None:
        """As :class:`model.families.elsewhere.Elsewhere` has it."""
        self.net.to_empty(device="meta")

    def _which_layers(self) -> str:
        """How many layers there are, and which of them have attention, where not all do."""
        if not self.passes.layer_numbers:
            return str(self.config.n_layers)
        every = self.net.config.get_text_config().num_hidden_layers
        return f"{every}, of which {', '.join(map(str, self.passes.layer_numbers))} have attention"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"

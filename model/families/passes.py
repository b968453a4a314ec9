"""A model of `transformers` with its tokenizer: what goes into a pass, what comes out, and what it writes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import CheckpointError
from model.families.interface import AttentionCall, watching
from model.families.tokens import Reading, Tokens
from model.trace import Kind

Shape = Literal["encoder", "decoder", "both"]
PROBE = "One two three four."
MOST_PATTERNS = 256_000_000  # bytes of the patterns of one text


class Passes:
    """Passes of a network in eval mode over texts of its tokenizer.

    ``shape`` is what it is made of; ``first`` the shape of the patterns of its first kind, ``[layer, head, …]``;
    ``layer_numbers`` are those of the layers that have attention, from 1, empty where all have.
    """

    def __init__(self, net: Any, tokens: Tokens, model_type: str) -> None:
        """
        Raises:
            CheckpointError: it gives no attention.
        """
        self.net, self.tokens, self.model_type = net, tokens, model_type
        self.accepts = frozenset(inspect.signature(net.forward).parameters)
        self.has_sinks = any("sinks" in name.rpartition(".")[2] for name, _ in net.named_parameters())
        self.shape: Shape = "both" if net.config.is_encoder_decoder else "encoder"  # see _probe
        self._probe()

    def _probe(self) -> None:
        """Let it read a few words, and see what kind of attention there is.

        Raises:
            CheckpointError: it gives none.
        """
        reading = self.tokens.read(PROBE, None, 16)
        calls: list[AttentionCall] = []
        with watching(calls.append):
            patterns = self.patterns(self.run(reading, self.start() if self.shape == "both" else ()))
        if not patterns:
            raise CheckpointError(
                f"models of type {self.model_type!r} do not return their attention in transformers, so there is "
                "nothing to show"
            )
        self.n_maps = sum(pattern.shape[0] * pattern.shape[1] for pattern in patterns.values())
        self.first = next(iter(patterns.values())).shape
        # The library makes a cache for as many layers as the encoder has, where it should look at the decoder.
        self.cache = self.shape != "both" or len(patterns.get("decoder", ())) <= self.first[0]
        if self.shape == "encoder":
            (pattern,) = patterns.values()
            n = pattern.shape[2]
            ahead = np.triu(np.ones((n, n), bool), 1)
            if not pattern[..., :n][..., ahead].any():
                self.shape = "decoder"
        self.layer_numbers = _layer_numbers([call.module for call in calls], self.first[0])

    @cached_property
    def writes(self) -> bool:
        """Whether it gives the next token: a decoder with an output layer."""
        return self.shape != "encoder" and self.net.get_output_embeddings() is not None

    @cached_property
    def n_key_heads(self) -> int:
        """The heads of keys and values that its heads share evenly; 0 where each has its own."""
        found, n_heads = getattr(self.net.config.get_text_config(), "num_key_value_heads", None), self.first[1]
        return found if isinstance(found, int) and 0 < found < n_heads and n_heads % found == 0 else 0

    @cached_property
    def most_tokens(self) -> int:
        """The most tokens that are read: what the model knows positions for, and what can be kept in memory."""
        kept = int((MOST_PATTERNS / 4 / self.n_maps) ** 0.5)
        own = self.net.config.get_text_config()
        known = getattr(own, "max_position_embeddings", None) or getattr(own, "n_positions", None)
        if isinstance(known, int) and known > 0 and self.model_type != "t5":  # whose positions are distances
            # RoBERTa and its kin count positions from after the padding's id.
            known -= self.tokens.pad_id + 1 if _counts_from_padding(self.net) else 0
            kept = min(kept, known)
        return min(kept, self.tokens.longest)

    def run(self, reading: Reading, target: Sequence[int] = ()) -> Any:
        """One pass that gives its attentions."""
        inputs: dict[str, Any] = {"input_ids": torch.tensor([reading.ids])}
        if "attention_mask" in self.accepts:
            inputs["attention_mask"] = torch.ones(1, len(reading.ids), dtype=torch.long)
        if reading.segments and "token_type_ids" in self.accepts:
            inputs["token_type_ids"] = torch.tensor([reading.segments])
        if self.shape == "both":
            inputs["decoder_input_ids"] = torch.tensor([target])
        if "use_cache" in self.accepts:
            inputs["use_cache"] = False
        with torch.inference_mode():
            return self.net(**inputs, output_attentions=True, return_dict=True)

    def patterns(self, out: Any) -> dict[Kind, np.ndarray]:
        """The patterns of a pass, ``[layer, head, query, key]``, by kind; layers without attention are left out."""
        alone: Kind = "decoder" if self.shape == "decoder" else "encoder"
        names: dict[Kind, str] = {alone: "attentions"}
        if self.shape == "both":
            names = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
        found: dict[Kind, np.ndarray] = {}
        for kind, name in names.items():
            layers = [one for one in getattr(out, name, None) or () if one is not None and one.dim() == 4]
            if layers:
                found[kind] = self._with_sink(torch.cat(layers).float().numpy())
        return found

    def _with_sink(self, pattern: np.ndarray) -> np.ndarray:
        """With a column of its own for what a learned sink takes, so that rows sum to 1."""
        if not self.has_sinks:
            return pattern
        rest = (1 - pattern.sum(-1, keepdims=True)).clip(0)
        return np.concatenate((pattern, rest), axis=-1)

    def start(self) -> tuple[int, ...]:
        """What a decoder beside an encoder is fed first."""
        for config in (self.net.generation_config, self.net.config):
            for name in ("decoder_start_token_id", "bos_token_id"):
                if isinstance(found := getattr(config, name, None), int):
                    return (found,)
        return (self.tokens.pad_id,)

    def likely(self, source: Sequence[int], target: Sequence[int]) -> Tensor:
        """As :class:`model.families.elsewhere.Elsewhere` has it."""
        with torch.inference_mode():
            if self.shape == "both":
                out = self.run(Reading(ids=tuple(source)), (*self.start(), *target[:-1]))
                return out.logits[0].float().log_softmax(-1)
            out = self.run(Reading(ids=(*source, *target)[:-1]))
            return out.logits[0, len(source) - 1 :].float().log_softmax(-1)

    def generate(self, reading: Reading, prefix: Sequence[int], most: int) -> tuple[int, ...]:
        """What it writes by itself after ``prefix``, which is a part of it: at most ``most`` tokens."""
        from transformers import GenerationConfig

        own, start = self.net.generation_config, self.start()
        settings: dict[str, Any] = {
            name: value
            for name in (
                "bos_token_id",
                "eos_token_id",
                "pad_token_id",
                "decoder_start_token_id",
                "forced_bos_token_id",
            )
            if isinstance(value := getattr(own, name, None), int | list)
        }
        ends = sorted(self.tokens.ends)
        config = GenerationConfig(
            **{**settings, "eos_token_id": ends or None, "pad_token_id": self.tokens.pad_id},
            max_new_tokens=most - len(prefix), do_sample=False, num_beams=1, use_cache=self.cache,
            suppress_tokens=self._never(),
        )  # fmt: skip
        ids = reading.ids if self.shape == "both" else (*reading.ids, *prefix)
        inputs = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
        begun = (*start, *prefix) if self.shape == "both" else ids
        if self.shape == "both":
            inputs["decoder_input_ids"] = torch.tensor([begun])
        found = self.net.generate(**inputs, generation_config=config)[0].tolist()
        return tuple(found[len(start) :] if self.shape == "both" else found[len(reading.ids) :])

    def _never(self) -> list[int] | None:
        """Tokens that are never written: padding, unless it also ends a text or begins one."""
        pad = self.tokens.pad_id
        return None if pad in self.tokens.ends else [pad]


def _layer_numbers(parts: Sequence[Any], n_layers: int) -> tuple[int, ...]:
    """The numbers, from 1, of the ``n_layers`` that have attention, by the ``layer_idx`` of the ``parts`` that called
    it; empty where each layer has, or the parts do not tell."""
    found = [part.layer_idx + 1 for part in parts if isinstance(getattr(part, "layer_idx", None), int)]
    rising = len(found) == n_layers and found == sorted(set(found))
    return tuple(found) if rising and found != list(range(1, n_layers + 1)) else ()


def _counts_from_padding(net: Any) -> bool:
    return any(hasattr(part, "create_position_ids_from_input_ids") for part in net.modules()) or any(
        type(part).__name__.startswith(("Roberta", "XLMRoberta", "Camembert")) for part in net.modules()
    )

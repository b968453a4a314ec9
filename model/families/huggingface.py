"""Models of Hugging Face, read from a folder on this machine by `transformers`, which is loaded when one is opened.

Their own passes give the patterns: nothing of a model is written again here. Any family whose attentions the library
gives can be opened.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import Checkpoint, CheckpointError
from model.families.elsewhere import Sizes
from model.families.folder import Folder, look
from model.families.interface import NAME, AttentionCall, register, watching
from model.families.proof import HeadPass
from model.families.stopping import may_be_given_up
from model.families.tokens import Reading, Tokens
from model.families.weights import is_of
from model.network.capabilities import Capability
from model.trace import SINK, AttentionMap, Guess, Kind, Trace

HOW_TO_GET_IT = "pip install -r requirements-huggingface.txt"
LARGEST = 4_000_000_000  # bytes of weights
MOST_PATTERNS = 256_000_000  # bytes of the patterns of one text
N_GUESSES = 8
SAME = 1e-4
"""How far two passes over the same ids may be apart."""
WRITTEN_AT_MOST = 128  # tokens, by a model with a decoder of its own
Shape = Literal["encoder", "decoder", "both"]
PROBE = "One two three four."


def load(path: Path, name: str | None = None) -> Checkpoint:
    """Open the model in the folder ``path``.

    Raises:
        CheckpointError: it cannot be used, or `transformers` is not installed.
    """
    folder = look(path, largest=LARGEST)
    name = name or folder.name
    if find_spec("transformers") is None:
        raise CheckpointError(
            f"{name} is a model of Hugging Face, and to open it this program needs the package transformers: "
            f"{HOW_TO_GET_IT}"
        )
    try:
        net = _network(folder)
        may_be_given_up(net)
        tokens = Tokens.of(path, net.get_input_embeddings().weight.shape[0])
        model = HuggingFace(net, tokens, folder)
        model.probe()
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

    def __init__(self, net: Any, tokens: Tokens, folder: Folder) -> None:
        self.net, self.tokens, self.folder = net, tokens, folder
        self.accepts = frozenset(inspect.signature(net.forward).parameters)
        self.has_sinks = any("sinks" in name.rpartition(".")[2] for name, _ in net.named_parameters())
        self.shape: Shape = "both" if net.config.is_encoder_decoder else "encoder"  # see probe
        self.n_maps = 1
        self.layer_numbers: tuple[int, ...] = ()

    def probe(self) -> None:
        """Let it read a few words, and see what kind of attention there is.

        Raises:
            CheckpointError: it gives none.
        """
        reading = self.tokens.read(PROBE, None, 16)
        calls: list[AttentionCall] = []
        with watching(calls.append):
            patterns = self._patterns(self._run(reading, self._start() if self.shape == "both" else ()))
        if not patterns:
            raise CheckpointError(
                f"models of type {self.folder.model_type!r} do not return their attention in transformers, so there is "
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

    @property
    def can(self) -> frozenset[Capability]:
        found = {Capability.TYPING}
        if self.shape != "decoder":
            found.add(Capability.ENCODER)
        if self.shape == "both":
            found.add(Capability.CROSS_ATTENTION)
        if self.writes:
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
    def writes(self) -> bool:
        """Whether it gives the next token: a decoder with an output layer."""
        return self.shape != "encoder" and self.net.get_output_embeddings() is not None

    @cached_property
    def config(self) -> Sizes:
        own = self.net.config.get_text_config()
        n_layers, n_heads = self.first[:2]
        d_model = self.net.get_input_embeddings().weight.shape[1]
        return Sizes(
            architecture=self.folder.model_type,
            vocab_size=self.net.get_input_embeddings().weight.shape[0],
            n_layers=n_layers,
            n_heads=n_heads,
            n_key_heads=self.n_key_heads or n_heads,
            d_model=d_model,
            d_head=getattr(own, "head_dim", None) or getattr(own, "d_kv", None) or d_model // n_heads,
            max_len=self.most_tokens,
            n_parameters=sum(one.numel() for one in self.net.parameters()),
        )

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
        if isinstance(known, int) and known > 0 and self.folder.model_type != "t5":  # whose positions are distances
            # RoBERTa and its kin count positions from after the padding's id.
            known -= self.tokens.pad_id + 1 if _counts_from_padding(self.net) else 0
            kept = min(kept, known)
        return min(kept, self.tokens.longest)

    def trace(self, name: str, source: str, target: str | None, *, prefix: Sequence[int] = (), more: int = 0) -> Trace:
        """As :class:`model.families.elsewhere.Elsewhere` has it. To an encoder alone, ``target`` is a second text."""
        with torch.inference_mode():
            if self.shape == "encoder":
                return self._read(name, self.tokens.read(source, target, self.most_tokens))
            reading = self.tokens.read(source, None, self.most_tokens)
            if self.shape == "both":
                return self._translate(name, reading, target, prefix)
            return self._go_on(name, reading, target, prefix, more)

    def parts(self, source: str, second: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Where in a pair of texts the tokens of each stand, [from, to); None where it reads no pairs."""
        parts = self.tokens.read(source, second, self.most_tokens).parts if self.shape == "encoder" else ()
        places = [[i for i, one in enumerate(parts) if one == part] for part in (0, 1)]
        if not all(places):
            return None
        first, last = ((one[0], one[-1] + 1) for one in places)
        return first, last

    def likely(self, source: Sequence[int], target: Sequence[int]) -> Tensor:
        with torch.inference_mode():
            if self.shape == "both":
                out = self._run(Reading(ids=tuple(source)), (*self._start(), *target[:-1]))
                return out.logits[0].float().log_softmax(-1)
            out = self._run(Reading(ids=(*source, *target)[:-1]))
            return out.logits[0, len(source) - 1 :].float().log_softmax(-1)

    def head(self, trace: Trace, kind: Kind, layer: int, head: int) -> HeadPass:
        """As :class:`model.families.elsewhere.Elsewhere` has it."""
        names = {part: name for name, part in self.net.named_modules()}
        ids = trace.source_ids if self.shape == "both" else (*trace.source_ids, *trace.predicted_ids[:-1])
        for segments in self._segments(ids):
            calls: list[AttentionCall] = []
            with watching(calls.append):
                fed = (*self._start(), *trace.predicted_ids[:-1]) if self.shape == "both" else ()
                self._run(Reading(ids=ids, segments=segments), fed)
            found = [call for call in calls if is_of(names[call.module], kind, self.net)]
            if layer >= len(found):
                raise ValueError("Models of this family give their patterns, but not the queries and keys behind them.")
            passed = _head_pass(found[layer], head)
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
        sizes, reads = (
            self.config,
            {"encoder": "Encoder", "decoder": "Decoder", "both": "Encoder and decoder"}[self.shape],
        )
        heads = f"{sizes.n_heads} a layer"
        if sizes.n_key_heads != sizes.n_heads:
            heads += f", which share {sizes.n_key_heads} heads of keys and values"
        return {
            "Family": f"{self.folder.model_type} ({type(self.net).__name__}), opened by transformers",
            "Stacks": reads,
            "Parameters": f"{sizes.n_parameters:,}",
            "Layers": self._which_layers(),
            "Heads": heads,
            "Vocabulary": f"{sizes.vocab_size:,} tokens",
            "Longest text here": f"{sizes.max_len:,} tokens",
        }

    def _read(self, name: str, reading: Reading) -> Trace:
        """An encoder's pass over a text, and what it puts in place of masks."""
        out = self._run(reading)
        (pattern,) = self._patterns(out).values()
        masked = [i for i, token in enumerate(reading.ids) if token == self.tokens.mask_id]
        logits = getattr(out, "logits", None) if self.net.get_output_embeddings() is not None else None
        return Trace(
            model_name=name,
            maps=(self._map("encoder", pattern, reading.labels, reading.labels),),
            source=reading.text,
            source_ids=reading.ids,
            source_dropped=reading.dropped,
            guesses=() if logits is None else tuple(self._guess(logits[0, i], i) for i in masked[:N_GUESSES]),
        )

    def _go_on(self, name: str, reading: Reading, target: str | None, prefix: Sequence[int], more: int) -> Trace:
        """A decoder's pass over a text, and what comes after it: the ``target``, or what it writes itself."""
        room = self.most_tokens - len(reading.ids)
        given = tuple(self.tokens.encode(target)) if target is not None else tuple(prefix)
        written, dropped = given[:room], max(0, len(given) - room)
        n_forced, ended = len(written), target is not None
        if target is None and self.writes and more > len(written) and room > len(written):
            written = self._generate(reading, written, min(more, room))
            ended = bool(written) and written[-1] in self.tokens.ends
        fed = Reading(ids=(*reading.ids, *written[:-1]) if written else reading.ids)
        out = self._run(fed)
        (pattern,) = self._patterns(out).values()
        labels = (*reading.labels, *self.tokens.labels(written))
        logits = getattr(out, "logits", None) if self.writes else None
        n = len(fed.ids)
        guesses, probabilities = (), None
        if logits is not None:
            guesses = (self._guess(logits[0, -1], n - 1),)
            if written:
                probabilities = _probabilities(logits[0, len(reading.ids) - 1 :], written)
        return Trace(
            model_name=name,
            maps=(self._map("decoder", pattern, labels[:n], labels[:n], labels[1:] if written else None),),
            source=reading.text,
            target=self.tokens.decode(written),
            teacher_forced=target is not None,
            n_forced=n_forced,
            source_ids=reading.ids,
            predicted_ids=written,
            probabilities=probabilities,
            source_dropped=reading.dropped,
            target_dropped=dropped,
            target_cut=bool(written) and not ended and len(written) == room,
            guesses=guesses,
        )

    def _translate(self, name: str, reading: Reading, target: str | None, prefix: Sequence[int]) -> Trace:
        """What an encoder and a decoder make of a text: the ``target``, or what they write."""
        most = min(self.most_tokens, 2 * len(reading.ids) + 16, WRITTEN_AT_MOST)
        given = tuple(self.tokens.encode_target(target)) if target is not None else tuple(prefix)
        room = self.most_tokens
        written, dropped = given[:room], max(0, len(given) - room)
        n_forced = len(written)
        if target is None and self.writes and len(written) < most:
            written = self._generate(reading, written, most)
        written = written or tuple(self._start())[:1]
        fed = (*self._start(), *written[:-1])
        out = self._run(reading, fed)
        patterns, queries = self._patterns(out), self.tokens.labels(fed)
        predicted = self.tokens.labels(written)
        axes: dict[Kind, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...] | None]] = {
            "encoder": (reading.labels, reading.labels, None),
            "decoder": (queries, queries, predicted),
            "cross": (queries, reading.labels, predicted),
        }
        return Trace(
            model_name=name,
            maps=tuple(self._map(kind, pattern, *axes[kind]) for kind, pattern in patterns.items()),
            source=reading.text,
            target=self.tokens.decode(written),
            teacher_forced=target is not None,
            n_forced=n_forced,
            source_ids=reading.ids,
            predicted_ids=written,
            probabilities=_probabilities(out.logits[0], written) if self.writes else None,
            source_dropped=reading.dropped,
            target_dropped=dropped,
            target_cut=target is None and written[-1] not in self.tokens.ends,
        )

    def _generate(self, reading: Reading, prefix: Sequence[int], most: int) -> tuple[int, ...]:
        """What it writes by itself after ``prefix``, which is a part of it: at most ``most`` tokens."""
        from transformers import GenerationConfig

        own, start = self.net.generation_config, self._start()
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

    def _start(self) -> tuple[int, ...]:
        """What a decoder beside an encoder is fed first."""
        for config in (self.net.generation_config, self.net.config):
            for name in ("decoder_start_token_id", "bos_token_id"):
                if isinstance(found := getattr(config, name, None), int):
                    return (found,)
        return (self.tokens.pad_id,)

    def _run(self, reading: Reading, target: Sequence[int] = ()) -> Any:
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

    def _patterns(self, out: Any) -> dict[Kind, np.ndarray]:
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

    def _map(
        self,
        kind: Kind,
        pattern: np.ndarray,
        queries: tuple[str, ...],
        keys: tuple[str, ...],
        predicted: tuple[str, ...] | None = None,
    ) -> AttentionMap:
        n_sinks = pattern.shape[3] - len(keys)
        return AttentionMap(
            kind=kind,
            pattern=pattern,
            n_key_heads=self.n_key_heads,
            layer_numbers=self.layer_numbers,
            query_tokens=queries,
            key_tokens=(*keys, *(SINK,) * n_sinks),
            predicted_tokens=predicted,
            n_sinks=n_sinks,
        )

    def _which_layers(self) -> str:
        """How many layers there are, and which of them have attention, where not all do."""
        if not self.layer_numbers:
            return str(self.config.n_layers)
        every = self.net.config.get_text_config().num_hidden_layers
        return f"{every}, of which {', '.join(map(str, self.layer_numbers))} have attention"

    def _guess(self, logits: Tensor, row: int) -> Guess:
        best, ids = logits.float().softmax(-1).topk(min(N_GUESSES, len(logits)))
        return Guess(
            row=row,
            ids=tuple(ids.tolist()),
            labels=self.tokens.labels(ids.tolist()),
            probabilities=tuple(best.tolist()),
        )


def _layer_numbers(parts: Sequence[Any], n_layers: int) -> tuple[int, ...]:
    """The numbers, from 1, of the ``n_layers`` that have attention, by the ``layer_idx`` of the ``parts`` that called
    it; empty where each layer has, or the parts do not tell."""
    found = [part.layer_idx + 1 for part in parts if isinstance(getattr(part, "layer_idx", None), int)]
    rising = len(found) == n_layers and found == sorted(set(found))
    return tuple(found) if rising and found != list(range(1, n_layers + 1)) else ()


def _head_pass(call: AttentionCall, head: int) -> HeadPass:
    """One head of a call, which was of one text."""
    shared = head * call.key.size(1) // call.query.size(1)  # the key head that serves this one
    query, key, value = call.query[0, head], call.key[0, shared], call.value[0, shared]
    scale = call.options.get("scaling")
    parts = [one for one in (call.mask, call.options.get("position_bias")) if isinstance(one, Tensor)]
    added = [one[0, head if one.size(1) > 1 else 0, :, : len(key)].expand(len(query), len(key)) for one in parts]
    sinks, pattern = getattr(call.module, "sinks", None), call.pattern[0, head].numpy()
    if sinks is not None:
        pattern = np.concatenate((pattern, (1 - pattern.sum(-1, keepdims=True)).clip(0)), axis=-1)
    return HeadPass(
        query=query.numpy(),
        key=key.numpy(),
        value=value.numpy(),
        scale=float(query.size(-1) ** -0.5 if scale is None else scale),
        added=sum(added[1:], added[0]).numpy() if added else None,
        softcap=call.options.get("softcap"),
        sink=None if sinks is None else float(sinks[head]),
        pattern=pattern,
    )


def _probabilities(logits: Tensor, ids: Sequence[int]) -> np.ndarray:
    """The probability of each id under its row of logits ``[row, vocab]``."""
    return logits.float().softmax(-1)[torch.arange(len(ids)), torch.tensor(ids)].numpy()


def _network(folder: Folder) -> Any:
    """The model of a folder, with its weights, after checking that they fit."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers
    from transformers import AutoConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    register()
    if folder.model_type not in transformers.CONFIG_MAPPING:
        own = " and brings code of its own, which is never run here" if "auto_map" in folder.config else ""
        raise CheckpointError(
            f"it is of the type {folder.model_type!r}, which transformers {transformers.__version__} does not know{own}"
        )
    options = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder.path, **options)
    kind = _class(folder, config)
    attention = NAME if kind._can_set_attn_implementation() else "eager"
    with torch.device("meta"):
        empty = kind._from_config(config, attn_implementation="eager")
    n_parameters = sum(one.numel() for one in empty.parameters())
    if n_parameters > folder.n_bytes:
        raise CheckpointError(
            f"the config asks for {n_parameters:,} parameters, but the weights are {folder.n_bytes:,} bytes"
        )
    net, info = kind.from_pretrained(
        folder.path, config=config, dtype=torch.float32, attn_implementation=attention, use_safetensors=True,
        output_loading_info=True, ignore_mismatched_sizes=False, **options,
    )  # fmt: skip
    for what, called in (("missing_keys", "is missing"), ("unexpected_keys", f"does not belong to {kind.__name__}")):
        if wrong := sorted(info.get(what) or ()):
            raise CheckpointError(f"the tensor {wrong[0]} {called} ({len(wrong)} in all)")
    for name, tensor in net.named_parameters():
        if not tensor.isfinite().all():
            raise CheckpointError(f"the tensor {name} has values that are not finite")
    return net.eval().requires_grad_(False)


def _class(folder: Folder, config: Any) -> Any:
    """The class of the model: the one that its config names, or what the library takes for such a config."""
    import transformers

    named = getattr(transformers, folder.architecture, None) if folder.architecture else None
    if isinstance(named, type) and issubclass(named, transformers.PreTrainedModel):
        if named.config_class is not None and isinstance(config, named.config_class):
            return named
        raise CheckpointError(f"{folder.architecture} is not a model of the type {folder.model_type!r}")
    with suppress(KeyError):
        return transformers.MODEL_MAPPING[type(config)]
    raise CheckpointError(f"transformers has no model for the type {folder.model_type!r} that reads text")


def _counts_from_padding(net: Any) -> bool:
    return any(hasattr(part, "create_position_ids_from_input_ids") for part in net.modules()) or any(
        type(part).__name__.startswith(("Roberta", "XLMRoberta", "Camembert")) for part in net.modules()
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"

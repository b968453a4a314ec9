"""Our models as folders that `transformers` opens: ``python -m model export``.

A Transformer becomes a Marian model (post-norm) or a Pegasus model (pre-norm), which have the same layers, a scaled and
shared embedding, and sinusoidal positions; a decoder-only model becomes an OPT model. Each number is ours, in another
place.

Marian and Pegasus put the sines of a position into the first half of its vector and the cosines into the second, where
ours alternate (Vaswani et al. 2017, section 3.5); the frequencies are the same. What a model computes does not depend
on the order of the numbers in a vector as long as all its parts agree on it, so everything that touches the residual
stream is put into their order: embeddings, norms, the inputs of each linear map from the stream, the outputs of each
to it. Inside a head and inside a feed-forward layer nothing moves. OPT has a table of positions, which takes any.
A decoder-only model with rotary positions and norms before its sublayers becomes a GPT-NeoX model. That turns pairs of
dimensions half a head apart where ours are neighbours, so in each head those of queries and keys change places.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from model.checkpoint import Checkpoint
from model.files import write_whole
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, SPECIAL_TOKENS

OFFSET = 2  # rows of OPT's table of positions that stand for none
Reorder = Callable[[Tensor], Tensor]
ATTENTION = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
NORMS = {"self_attention": "self_attn_layer_norm", "cross_attention": "encoder_attn_layer_norm"}
PARTS = {"self_attention": "self_attn", "cross_attention": "encoder_attn"}
ALIKE = ("sinusoidal", "learned", "none")
"""Positional encodings that only add a vector to each token."""
WHY_NOT = {
    "rotary": "rotates queries and keys; the models in transformers that do so and otherwise have the same layers "
    "(GPT-NeoX) are decoder-only, with norms before their sublayers",
    "alibi": "adds to each score a fixed slope times the distance; BLOOM, MPT and Falcon do so, too, but they are "
    "decoders alone, and BLOOM norms its embedding, MPT has no biases, and Falcon divides the slopes by √d_head",
    "relative": "adds to each score a learned number for the distance; T5 does so, too, but its linear maps have no "
    "biases and its norms do not subtract the mean",
}
"""Of the other encodings: why no architecture of `transformers` gives the same outputs."""


def export(checkpoint: Checkpoint, to: Path) -> None:
    """Write ``checkpoint`` as a folder of Hugging Face to ``to``, which must be empty or not there.

    Raises:
        ValueError: no architecture of `transformers` is the same, or the folder holds something.
    """
    if checkpoint.elsewhere is not None:
        raise ValueError(f"{checkpoint.name} is not one of Headlight's own, so it cannot be exported")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ValueError(f"{to} already exists; give a folder that is empty or does not exist yet")
    config, state = checkpoint.config, checkpoint.model.state_dict()
    if config.architecture == "lstm":
        raise ValueError(f"{checkpoint.name} is an LSTM, and transformers has no such model")
    turned = config.architecture == "decoder" and config.positional == "rotary" and config.norm == "pre"
    # RoFormer has rotary positions and norms after the sublayers, but norms its embedding and its output besides.
    if config.positional not in ALIKE and not turned:
        raise ValueError(
            f"{checkpoint.name} cannot be exported, and nothing was written. Its positional encoding, "
            f"{config.positional!r}, {WHY_NOT[config.positional]}. What can be exported are models whose positions are "
            f"{', '.join(ALIKE[:-1])} or {ALIKE[-1]}"
        )
    translated = _sequence if config.architecture == "transformer" else _turned if turned else _language
    described, tensors = translated(checkpoint, state)
    to.mkdir(parents=True, exist_ok=True)
    _write_json(to / "config.json", described)
    _write_json(to / "generation_config.json", _generation(checkpoint))
    _write_tokenizer(checkpoint, to)
    # Last: a folder without weights is not taken for a model.
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, {"format": "pt"})
    write_whole(to / "model.safetensors", data)


def _sequence(checkpoint: Checkpoint, state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of an encoder and a decoder."""
    config = checkpoint.config
    post = config.norm == "post"
    order = torch.cat((torch.arange(0, config.d_model, 2), torch.arange(1, config.d_model, 2)))
    tensors = {"model.shared.weight": state["embedding.tokens.weight"][:, order]}
    for stack in ("encoder", "decoder"):
        for n in range(config.n_layers):
            for name, tensor in _layer(state, f"{stack}.layers.{n}.", order).items():
                tensors[f"model.{stack}.layers.{n}.{name}"] = tensor
        if not post:
            for name in ("weight", "bias"):
                tensors[f"model.{stack}.layer_norm.{name}"] = state[f"{stack}.norm.{name}"][order]
    tensors["final_logits_bias"] = torch.zeros(1, config.vocab_size)
    table = checkpoint.model.embedding.positions[:, order]  # so any that is added to the tokens
    tensors |= {f"model.{stack}.embed_positions.weight": table.clone() for stack in ("encoder", "decoder")}
    described = {
        "model_type": "marian" if post else "pegasus",
        "architectures": ["MarianMTModel" if post else "PegasusForConditionalGeneration"],
        "is_encoder_decoder": True,
        "encoder_layers": config.n_layers,
        "decoder_layers": config.n_layers,
        "encoder_attention_heads": config.n_heads,
        "decoder_attention_heads": config.n_heads,
        "encoder_ffn_dim": config.d_ff,
        "decoder_ffn_dim": config.d_ff,
        "d_model": config.d_model,
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "decoder_start_token_id": BOS_ID,
        "forced_eos_token_id": None,
        **_shared(checkpoint),
    }
    return described, tensors


def _language(checkpoint: Checkpoint, state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of a decoder alone. OPT scales no embedding, so what is read and what is written have
    each a matrix of their own."""
    config = checkpoint.config
    post, model = config.norm == "post", checkpoint.model
    tokens, positions = state["embedding.tokens.weight"], model.embedding.positions
    tensors = {
        "model.decoder.embed_tokens.weight": tokens * model.embedding.scale,
        "model.decoder.embed_positions.weight": torch.cat((positions.new_zeros(OFFSET, config.d_model), positions)),
        "lm_head.weight": tokens,
    }
    for n in range(config.n_layers):
        for name, tensor in _layer(state, f"decoder.layers.{n}.", torch.arange(config.d_model)).items():
            tensors[f"model.decoder.layers.{n}.{name}"] = tensor
    if not post:
        for name in ("weight", "bias"):
            tensors[f"model.decoder.final_layer_norm.{name}"] = state[f"decoder.norm.{name}"]
    described = {
        "model_type": "opt",
        "architectures": ["OPTForCausalLM"],
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "hidden_size": config.d_model,
        "word_embed_proj_dim": config.d_model,
        "ffn_dim": config.d_ff,
        "do_layer_norm_before": not post,
        "tie_word_embeddings": False,
        **_shared(checkpoint),
        "max_position_embeddings": len(positions),
    }
    return described, tensors


def _turned(checkpoint: Checkpoint, state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of a decoder alone whose queries and keys are turned by their positions."""
    config = checkpoint.config
    tokens, d_head = state["embedding.tokens.weight"], config.d_head
    halves = torch.cat((torch.arange(0, d_head, 2), torch.arange(1, d_head, 2)))
    tensors = {
        "gpt_neox.embed_in.weight": tokens * checkpoint.model.embedding.scale,
        "embed_out.weight": tokens,
        **{f"gpt_neox.final_layer_norm.{name}": state[f"decoder.norm.{name}"] for name in ("weight", "bias")},
    }
    parts = {
        "input_layernorm": "self_attention_residual.norm",
        "post_attention_layernorm": "feed_forward_residual.norm",
        "attention.dense": "self_attention.output",
        "mlp.dense_h_to_4h": "feed_forward.inner",
        "mlp.dense_4h_to_h": "feed_forward.outer",
    }
    for n in range(config.n_layers):
        ours, theirs = f"decoder.layers.{n}.", f"gpt_neox.layers.{n}."
        for name in ("weight", "bias"):
            tensors |= {f"{theirs}{part}.{name}": state[f"{ours}{own}.{name}"] for part, own in parts.items()}
            query, key, value = (
                state[f"{ours}self_attention.{part}.{name}"].unflatten(0, (config.n_heads, d_head))
                for part in ("query", "key", "value")
            )
            side_by_side = torch.cat((query[:, halves], key[:, halves], value), dim=1)  # of each head the three in turn
            tensors[f"{theirs}attention.query_key_value.{name}"] = side_by_side.flatten(0, 1)
    shared = _shared(checkpoint)
    described = {
        "model_type": "gpt_neox",
        "architectures": ["GPTNeoXForCausalLM"],
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "hidden_act": config.activation,
        "layer_norm_eps": 1e-5,
        "use_parallel_residual": False,
        "attention_bias": True,
        "rotary_pct": 1.0,
        "rotary_emb_base": 10000,
        "hidden_dropout": config.dropout,
        "tie_word_embeddings": False,
        **{name: shared[name] for name in ("vocab_size", "attention_dropout", "dtype")},
        **{name: shared[name] for name in ("pad_token_id", "bos_token_id", "eos_token_id")},
        "max_position_embeddings": 2 * config.max_len,
    }
    return described, tensors


def _shared(checkpoint: Checkpoint) -> dict[str, Any]:
    config = checkpoint.config
    return {
        "activation_function": config.activation,
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.max_len,
        "dropout": config.dropout,
        "attention_dropout": config.attention_dropout,
        "activation_dropout": 0.0,
        "pad_token_id": PAD_ID,
        "bos_token_id": BOS_ID,
        "eos_token_id": EOS_ID,
        "dtype": "float32",
    }


def _layer(state: Mapping[str, Tensor], prefix: str, order: Tensor) -> dict[str, Tensor]:
    """The tensors of one layer under the names of BART and its kin; the stream's numbers in this ``order``."""
    found: dict[str, Tensor] = {}
    for ours, theirs in PARTS.items():
        if f"{prefix}{ours}.query.weight" not in state:
            continue
        for part, name in ATTENTION.items():
            weight, bias = state[f"{prefix}{ours}.{part}.weight"], state[f"{prefix}{ours}.{part}.bias"]
            out = part == "output"  # the only one that ends in the stream; the others begin there
            found[f"{theirs}.{name}.weight"] = weight[order] if out else weight[:, order]
            found[f"{theirs}.{name}.bias"] = bias[order] if out else bias
        for name in ("weight", "bias"):
            found[f"{NORMS[ours]}.{name}"] = state[f"{prefix}{ours}_residual.norm.{name}"][order]
    found["fc1.weight"] = state[f"{prefix}feed_forward.inner.weight"][:, order]
    found["fc1.bias"] = state[f"{prefix}feed_forward.inner.bias"]
    found["fc2.weight"] = state[f"{prefix}feed_forward.outer.weight"][order]
    found["fc2.bias"] = state[f"{prefix}feed_forward.outer.bias"][order]
    for name in ("weight", "bias"):
        found[f"final_layer_norm.{name}"] = state[f"{prefix}feed_forward_residual.norm.{name}"][order]
    return found


def _generation(checkpoint: Checkpoint) -> dict[str, Any]:
    """How ``generate`` writes what we write: greedily, and neither padding nor a beginning."""
    start = {"decoder_start_token_id": BOS_ID} if checkpoint.config.architecture == "transformer" else {}
    return {
        "bos_token_id": BOS_ID,
        "eos_token_id": EOS_ID,
        "pad_token_id": PAD_ID,
        "suppress_tokens": [PAD_ID, BOS_ID],
        "max_length": checkpoint.config.max_len,
        "num_beams": 1,
        "do_sample": False,
        **start,
    }


def _write_tokenizer(checkpoint: Checkpoint, to: Path) -> None:
    """The tokenizer, with what stands around a text: ``</s>`` after a source, ``<s>`` on both sides of a text that a
    decoder alone goes on with."""
    described = json.loads(checkpoint.tokenizer.to_json())
    begin, end = (
        [{"SpecialToken": {"id": SPECIAL_TOKENS[i], "type_id": 0}}] if i is not None else []
        for i in ((None, EOS_ID) if checkpoint.config.architecture == "transformer" else (BOS_ID, BOS_ID))
    )
    text = {"Sequence": {"id": "A", "type_id": 0}}
    described["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [*begin, text, *end],
        "pair": [*begin, text, *end, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            token: {"id": token, "ids": [i], "tokens": [token]} for i, token in enumerate(SPECIAL_TOKENS)
        },
    }
    described["padding"] = described["truncation"] = None
    _write_json(to / "tokenizer.json", described)
    pad, bos, eos = SPECIAL_TOKENS
    _write_json(
        to / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "pad_token": pad,
            "bos_token": bos,
            "eos_token": eos,
            "model_max_length": checkpoint.config.max_len
            * (1 if checkpoint.config.architecture == "transformer" else 2),
            "padding_side": "right" if checkpoint.config.architecture == "transformer" else "left",
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,
        },
    )


def _write_json(path: Path, what: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(what, indent=2, ensure_ascii=False).encode())

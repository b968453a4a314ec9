"""Folders as Hugging Face keeps models: tiny ones of each family, with random weights and a tokenizer that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn

TEXT = "She has already left. We don't have a white car; l'été, 日本語!"
TEXTS = [TEXT, "An old man with a long white beard is reading a newspaper.", "one two three four"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>"]
Made = tuple[Tokenizer, dict[str, str]]


def word_pieces() -> Made:
    """As BERT has it."""
    inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=127, special_tokens=SPECIAL, show_progress=False)
    inner.train_from_iterator(TEXTS, trainer)
    inner.post_processor = processors.BertProcessing(
        ("[SEP]", SPECIAL.index("[SEP]")), ("[CLS]", SPECIAL.index("[CLS]"))
    )
    return inner, {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}


def bytes_(*, begin: str = "", end: str = "", mask: bool = False) -> Made:
    """As GPT-2 and RoBERTa have it."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(vocab_size=331, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    if begin or end:
        ids = [(token, inner.token_to_id(token)) for token in (begin, end) if token]
        inner.post_processor = processors.TemplateProcessing(
            single=[one for one in (begin, "$A", end) if one],
            pair=[one for one in (begin, "$A", end, "$B", end) if one],
            special_tokens=ids,
        )
    names = {"pad_token": "[PAD]", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "[UNK]"}
    return inner, names | ({"mask_token": "[MASK]"} if mask else {})


def pieces(*, begin: bool) -> Made:
    """As LLaMA has it: ``▁`` for a space, and bytes for what it does not know."""
    inner = Tokenizer(models.BPE(unk_token="[UNK]", byte_fallback=True))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    bytes_of_all = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=373, special_tokens=[*SPECIAL, *bytes_of_all], show_progress=False)
    inner.train_from_iterator([text.replace("日本語", "") for text in TEXTS], trainer)
    start, end = ("<s>", inner.token_to_id("<s>")), ("</s>", inner.token_to_id("</s>"))
    single = "<s> $A" if begin else "$A </s>"
    inner.post_processor = processors.TemplateProcessing(single=single, special_tokens=[start, end])
    return inner, {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "<s>", "eos_token": "</s>"}


BERT: dict[str, Any] = {
    "hidden_size": 21, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 29,
    "max_position_embeddings": 67,
}  # fmt: skip
LLAMA: dict[str, Any] = {
    "hidden_size": 24, "intermediate_size": 29, "num_hidden_layers": 3, "num_attention_heads": 6,
    "num_key_value_heads": 2, "max_position_embeddings": 71, "head_dim": 10,
}  # fmt: skip
BART: dict[str, Any] = {
    "d_model": 22, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 29, "decoder_ffn_dim": 31, "max_position_embeddings": 67,
    "forced_eos_token_id": None, "forced_bos_token_id": None, "decoder_start_token_id": 5,
}  # fmt: skip
EXPERTS: dict[str, Any] = {"num_local_experts": 3, "num_experts_per_tok": 2, "intermediate_size": 28}
WINDOW: dict[str, Any] = {"sliding_window": 5}

DEBERTA: dict[str, Any] = {**BERT, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]}


def roberta_bytes() -> Made:
    return bytes_(begin="<s>", end="</s>", mask=True)


def bart_bytes() -> Made:
    return bytes_(begin="<s>", end="</s>")


def opt_bytes() -> Made:
    return bytes_(begin="</s>")


def llama_pieces() -> Made:
    return pieces(begin=True)


def t5_pieces() -> Made:
    return pieces(begin=False)


FAMILIES: Mapping[str, tuple[str, str, dict[str, Any], Callable[[], Made]]] = {
    "bert": ("BertConfig", "BertForMaskedLM", BERT, word_pieces),
    "bert base": ("BertConfig", "BertModel", BERT, word_pieces),
    "roberta": ("RobertaConfig", "RobertaForMaskedLM", BERT, roberta_bytes),
    "distilbert": (
        "DistilBertConfig",
        "DistilBertForMaskedLM",
        {"dim": 21, "n_layers": 2, "n_heads": 3, "hidden_dim": 29, "max_position_embeddings": 67},
        word_pieces,
    ),
    "electra": ("ElectraConfig", "ElectraForMaskedLM", {**BERT, "embedding_size": 13}, word_pieces),
    "albert": ("AlbertConfig", "AlbertForMaskedLM", {**BERT, "embedding_size": 13}, word_pieces),
    "modernbert": (
        "ModernBertConfig",
        "ModernBertForMaskedLM",
        {**BERT, "hidden_size": 24, "local_attention": 6, "num_hidden_layers": 4},
        roberta_bytes,
    ),
    "deberta": ("DebertaConfig", "DebertaForMaskedLM", DEBERTA, roberta_bytes),
    "deberta v2": ("DebertaV2Config", "DebertaV2ForMaskedLM", {**DEBERTA, "position_buckets": 16}, word_pieces),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel", {"n_embd": 21, "n_layer": 2, "n_head": 3, "n_positions": 67}, bytes_),
    "gpt neox": ("GPTNeoXConfig", "GPTNeoXForCausalLM", {**BERT, "hidden_size": 24}, bytes_),
    "opt": ("OPTConfig", "OPTForCausalLM", {**BERT, "ffn_dim": 29, "word_embed_proj_dim": 21}, opt_bytes),
    "bloom": ("BloomConfig", "BloomForCausalLM", {"hidden_size": 21, "n_layer": 2, "n_head": 3}, bytes_),
    "llama": ("LlamaConfig", "LlamaForCausalLM", LLAMA, llama_pieces),
    "mistral": ("MistralConfig", "MistralForCausalLM", {**LLAMA, **WINDOW}, llama_pieces),
    "qwen2": (
        "Qwen2Config",
        "Qwen2ForCausalLM",
        {**LLAMA, **WINDOW, "use_sliding_window": True, "max_window_layers": 1},
        bytes_,
    ),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", LLAMA, bytes_),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", LLAMA, llama_pieces),
    "gemma2": ("Gemma2Config", "Gemma2ForCausalLM", {**LLAMA, **WINDOW, "attn_logit_softcapping": 2.0}, llama_pieces),
    "gemma3": ("Gemma3TextConfig", "Gemma3ForCausalLM", {**LLAMA, **WINDOW}, llama_pieces),
    "phi": ("PhiConfig", "PhiForCausalLM", {**BERT, "hidden_size": 24}, bytes_),
    "phi3": ("Phi3Config", "Phi3ForCausalLM", {**LLAMA, "hidden_size": 60}, bytes_),
    "gpt-oss": ("GptOssConfig", "GptOssForCausalLM", {**LLAMA, **WINDOW, **EXPERTS}, bytes_),
    "lfm2": (
        "Lfm2Config",
        "Lfm2ForCausalLM",
        {**LLAMA, "num_hidden_layers": 5, "layer_types": ["conv", "full_attention", "conv", "conv", "full_attention"]},
        llama_pieces,
    ),
    "jamba": (
        "JambaConfig",
        "JambaForCausalLM",
        {
            **LLAMA,
            "num_hidden_layers": 5,
            "attn_layer_period": 3,
            "attn_layer_offset": 1,
            "num_experts": 2,
            "intermediate_size": 28,
        }
        | {"mamba_d_state": 4, "mamba_dt_rank": 4},
        llama_pieces,
    ),
    "t5": (
        "T5Config",
        "T5ForConditionalGeneration",
        {"d_model": 21, "d_kv": 7, "d_ff": 29, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 3}
        | {"decoder_start_token_id": 0},
        t5_pieces,
    ),
    "bart": ("BartConfig", "BartForConditionalGeneration", BART, bart_bytes),
    "marian": ("MarianConfig", "MarianMTModel", {**BART, "scale_embedding": True}, t5_pieces),
    "m2m 100": ("M2M100Config", "M2M100ForConditionalGeneration", BART, t5_pieces),
}
"""By the name of a family: the classes of its config and its model, sizes, and the tokenizer."""


def make(path: Path, family: str, **changes: Any) -> Any:
    """Write a folder of this family to ``path``; returns the model that is in it, which gives its attentions."""
    config_name, model_name, sizes, tokenizer = FAMILIES[family]
    inner, names = tokenizer()
    ids = {
        f"{name}_id": inner.token_to_id(token)
        for name, token in names.items()
        if name in ("pad_token", "bos_token", "eos_token")
    }
    options = {"vocab_size": inner.get_vocab_size(), "pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
    config = getattr(transformers, config_name)(**{**options, **ids, **sizes, **changes})
    config._attn_implementation = "eager"
    torch.manual_seed(19)
    model = getattr(transformers, model_name)(config)
    _stir(model)
    model.eval().save_pretrained(path)
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **names).save_pretrained(path)
    return model


@torch.no_grad()
def _stir(model: nn.Module) -> None:
    """Larger weights than a fresh model has, so that patterns are far from even, and no bias or norm that is as if it
    were not there."""
    for name, parameter in model.named_parameters():
        if "embed_positions" not in name:
            parameter.add_(0.2 * torch.randn_like(parameter))
    for name, parameter in model.named_parameters():
        if name.endswith("sinks"):
            parameter.fill_(0.5)

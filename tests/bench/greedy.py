"""A greedy translation together with its trace, against ``MarianMTModel.generate`` of Hugging Face.

Both models have the sizes of the checkpoint that ships, random weights and tied embeddings, cache keys and values,
and translate 20 tokens into exactly 20. Ours is ``capture`` without a target, which tokenises, decodes and then runs
the model over the result for its maps; the reference is given ids and gives back ids. So that neither stops early,
``</s>`` never wins: its vector is zero in ours, hence its logit 0 where others are positive, and its logit
has a bias of -10⁹ in the reference. So that ours stops at 20, its ``max_len`` is 20.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch

from model.capture import capture
from model.config import ModelConfig
from model.decoding.search import encode_source, greedy
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID
from tests.bench.capture import N_TOKENS, random_checkpoint
from tests.bench.harness import interleaved, medians, report_ratio

TARGET = 0.4


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=50, help="measured translations of each")
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2), help="threads of torch, a line for each")


def run(options: argparse.Namespace) -> None:
    """Print the median milliseconds of both, a line for each number of threads."""
    checkpoint, words = random_checkpoint(max_len=N_TOKENS)
    checkpoint.model.embedding.tokens.weight[EOS_ID] = 0
    source = " ".join(words[: N_TOKENS - 1])
    ids = torch.tensor([encode_source(checkpoint, source)[0]])
    attention_mask = torch.ones_like(ids)
    reference = marian(checkpoint.config)

    def generate() -> torch.Tensor:
        return reference.generate(
            ids, attention_mask=attention_mask, max_new_tokens=N_TOKENS, num_beams=1, do_sample=False, use_cache=True
        )

    written = len(greedy(checkpoint.model, ids)[0]), generate().size(1) - 1  # less the start token
    if ids.size(1) != N_TOKENS or written != (N_TOKENS, N_TOKENS):
        raise RuntimeError(f"not {N_TOKENS} tokens from {N_TOKENS}: {written} from {ids.size(1)}")
    for threads in options.threads:
        torch.set_num_threads(threads)
        seconds = medians(interleaved(options.rounds, 5, ours=lambda: capture(checkpoint, source), reference=generate))
        report_ratio(
            "greedy",
            seconds["ours"] / seconds["reference"],
            at_most=TARGET,
            threads=threads,
            rounds=options.rounds,
            ours_ms=1000 * seconds["ours"],
            reference_ms=1000 * seconds["reference"],
        )


def marian(config: ModelConfig) -> Any:
    """Hugging Face's Transformer in the sizes of ours, which never writes ``</s>``."""
    from transformers import MarianConfig, MarianMTModel

    model = MarianMTModel(
        MarianConfig(
            vocab_size=config.vocab_size,
            max_position_embeddings=4 * N_TOKENS,
            d_model=config.d_model,
            encoder_layers=config.n_layers,
            decoder_layers=config.n_layers,
            encoder_attention_heads=config.n_heads,
            decoder_attention_heads=config.n_heads,
            encoder_ffn_dim=config.d_ff,
            decoder_ffn_dim=config.d_ff,
            activation_function=config.activation,
            scale_embedding=True,
            tie_word_embeddings=True,
            pad_token_id=PAD_ID,
            decoder_start_token_id=BOS_ID,
            eos_token_id=EOS_ID,
            forced_eos_token_id=None,
        )
    ).eval()
    model.final_logits_bias[0, EOS_ID] = -1e9
    return model

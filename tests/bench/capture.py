"""The trace of a text and a given target, against the plain forward pass of the same model over the same text.

Both tokenise, run the model teacher-forced and unembed; ``model.capture.capture`` also works out the probabilities
and the labels and puts every attention pattern into a checked ``Trace``. Source and target have 20 tokens; the
model has random weights, in the sizes of the checkpoint that ships. One thread.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from string import ascii_lowercase

import torch

from model.capture import capture
from model.checkpoint import Checkpoint, load, pretrained
from model.config import ModelConfig
from model.decoding.search import encode_source
from model.network.transformer import Transformer
from model.text.tokenizer import BOS_ID, Tokenizer
from tests.bench.harness import interleaved, medians, report_ratio

TARGET = 1.25
N_TOKENS = 20
SHIPPED = "translate-en-fr"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=200, help="measured calls of each")


def run(options: argparse.Namespace) -> None:
    """Print the median milliseconds of both."""
    torch.set_num_threads(1)
    checkpoint, words = random_checkpoint()
    source, target = " ".join(words[: N_TOKENS - 1]), " ".join(words[N_TOKENS : 2 * N_TOKENS - 1])

    @torch.inference_mode()
    def plain() -> torch.Tensor:
        source_ids, _ = encode_source(checkpoint, source)
        fed = [BOS_ID, *checkpoint.tokenizer.encode(target)]
        output = checkpoint.model(torch.tensor([source_ids]), torch.tensor([fed]))
        return checkpoint.model.unembed(output.hidden)

    trace = capture(checkpoint, source, target)
    if any(attention_map.pattern.shape[2:] != (N_TOKENS, N_TOKENS) for attention_map in trace.maps):
        raise RuntimeError(f"a map is not {N_TOKENS} × {N_TOKENS}")
    seconds = medians(interleaved(options.rounds, 10, plain=plain, capture=lambda: capture(checkpoint, source, target)))
    report_ratio(
        "capture",
        seconds["capture"] / seconds["plain"],
        at_most=TARGET,
        rounds=options.rounds,
        capture_ms=1000 * seconds["capture"],
        plain_ms=1000 * seconds["plain"],
    )


def random_checkpoint(max_len: int | None = None) -> tuple[Checkpoint, list[str]]:
    """A model with random weights in the sizes of the one that ships, and words of one token each."""
    config = load(SHIPPED).config if SHIPPED in pretrained() else ModelConfig(vocab_size=6000)
    config = config if max_len is None else replace(config, max_len=max_len)
    random_ = random.Random(0)
    words = ["".join(random_.choices(ascii_lowercase, k=random_.randint(2, 9))) for _ in range(config.vocab_size)]
    tokenizer = Tokenizer.train(words, config.vocab_size)
    torch.manual_seed(0)
    model = Transformer(config).eval().requires_grad_(False)
    checkpoint = Checkpoint(name="random", model=model, tokenizer=tokenizer, task="", training={}, digest="")
    return checkpoint, [word for word in words if len(tokenizer.encode(word)) == 1]

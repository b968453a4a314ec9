"""``train``: a run folder from a task or from parallel text files."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from model.config import ARCHITECTURES, POSITIONALS, ModelConfig, TrainConfig
from model.jobs import command as job
from model.text.tasks import TASKS

HELP = "train a model on a task, or on parallel text files"
OPTION_HELP = {
    "vocab_size": "size of the vocabulary learned from the text files, bytes and special tokens included",
    "n_layers": "number of encoder layers, and of decoder layers",
    "n_heads": "attention heads in each layer",
    "d_model": "size of a token's vector",
    "d_ff": "size of the feed-forward layer, or of an LSTM's state",
    "max_len": "longest source and target, in tokens",
    "dropout": "probability of dropping an element of a sublayer's output",
    "attention_dropout": "probability of dropping an attention weight",
    "norm": "LayerNorm after each residual (post, as in the paper) or before each sublayer (pre)",
    "activation": "activation function of the feed-forward layer: relu or gelu",
    "positional": f"positional encoding: {', '.join(POSITIONALS)}",
    "architecture": f"{', '.join(ARCHITECTURES)}",
    "seed": "seed of the data, the initial parameters and dropout",
    "steps": "number of updates; with --resume you may give more, and the run continues as if it had begun with that "
    "number: inverse_sqrt and constant at the same learning rate, cosine at the higher one of the longer schedule",
    "batch_tokens": "largest number of target tokens in a batch, padding included",
    "learning_rate": "learning rate at its peak, after the warm-up",
    "warmup": "number of steps until the learning rate peaks",
    "schedule": "learning rate after the warm-up: inverse_sqrt, cosine or constant",
    "label_smoothing": "share of the target's probability that is spread over the whole vocabulary",
    "weight_decay": "decoupled weight decay",
    "clip_norm": "largest norm of the gradient; a longer one is scaled down",
    "average": "decay of the moving average of the parameters, which is what is saved; 0: the parameters themselves",
    "precision": "number format of the matrix products in training: float32, or bfloat16, which is faster on a GPU "
    "and on processors with instructions for it (AVX512-BF16, AMX), and many times slower on others",
    "weights": "number format of saved checkpoints: float32, or float16 at half the size",
    "validate_every": "steps between two validations",
    "checkpoint_every": "steps between two saved checkpoints",
    "keep_every": "keep a checkpoint every so many steps, to replay the training later; 0: keep none",
}
DEVICES = ("auto", "cpu", "cuda")
GIVEN = argparse.SUPPRESS  # an option that is not given leaves no trace, so the defaults stay in one place

run = job.train


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, required=True, help="the run folder")
    command.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out with its own options, which may be repeated; more --steps lengthen it",
    )
    command.add_argument(
        "--queue", type=Path, metavar="FOLDER", help="wait for a place among the runs under this folder"
    )
    command.add_argument(
        "--at-most", type=int, default=1, metavar="N", help="with --queue, how many runs may go on at once (default: 1)"
    )
    command.add_argument(
        "--stop-with-parent",
        action="store_true",
        help="save and stop when standard input closes, as it does when a server ends",
    )
    command.add_argument(
        "--device", choices=DEVICES, default="auto", help="where to compute; auto: on a GPU if there is one"
    )
    _add_data(command.add_argument_group("what to learn"))
    for title, config in (("the model", ModelConfig), ("the training", TrainConfig)):
        group = command.add_argument_group(title)
        for field in fields(config):
            kind = get_type_hints(config)[field.name]
            group.add_argument(
                f"--{field.name.replace('_', '-')}", type=kind, default=GIVEN, help=OPTION_HELP[field.name]
            )


def _add_data(data: argparse._ArgumentGroup) -> None:
    data.add_argument("--task", choices=tuple(TASKS), default=GIVEN, help="a generated task")
    data.add_argument("--examples", type=int, default=GIVEN, help="number of examples to generate (default: 100000)")
    for name in ("source", "target", "valid-source", "valid-target"):
        data.add_argument(
            f"--{name}",
            nargs="+",
            metavar="FILE",
            default=GIVEN,
            help="one or more files in UTF-8, one sentence per line",
        )
    data.add_argument(
        "--augment",
        type=float,
        default=GIVEN,
        metavar="SHARE",
        help="share of the training pairs to repeat with the source as people type it: lower case, no final full "
        "stop, no apostrophes (default: 0)",
    )
    data.add_argument(
        "--names",
        type=float,
        default=GIVEN,
        metavar="SHARE",
        help="share of the English–French pairs naming Tom, John or Mary to repeat with a different name (default: 0)",
    )
    data.add_argument(
        "--start-from",
        default=GIVEN,
        metavar="NAME_OR_PATH",
        help="a checkpoint whose sizes, parameters and vocabulary the run begins with",
    )

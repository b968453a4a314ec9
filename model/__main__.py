"""The command line: ``python -m model train | translate | evaluate``."""

from __future__ import annotations

import argparse
import ctypes
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from model.config import POSITIONALS, TINY, ModelConfig, TrainConfig
from model.tasks import TASKS

OPTION_HELP = {
    "vocab_size": "tokens in the vocabulary learnt from the text files, bytes and special tokens included",
    "n_layers": "encoder layers, and decoder layers",
    "n_heads": "attention heads in each layer",
    "d_model": "size of a token's vector",
    "d_ff": "size of the feed-forward layer",
    "max_len": "longest source and target, in tokens",
    "dropout": "probability of dropping an element of a sublayer's output",
    "attention_dropout": "probability of dropping an attention weight",
    "norm": "LayerNorm after each residual (post, as in the paper) or before each sublayer (pre)",
    "activation": "of the feed-forward layer: relu or gelu",
    "positional": f"positional encoding: {', '.join(POSITIONALS)}",
    "seed": "for the data, the initial weights and dropout",
    "steps": "updates",
    "batch_tokens": "most target tokens in a batch, padding included",
    "learning_rate": "the peak, after the warm-up",
    "warmup": "steps until the peak",
    "schedule": "after the warm-up: inverse_sqrt, cosine or constant",
    "label_smoothing": "share of the target spread over the whole vocabulary",
    "weight_decay": "decoupled weight decay",
    "clip_norm": "longest gradient",
    "average": "decay of the moving average of the weights that is saved; 0: the weights themselves",
    "precision": "of the matrix products in training: float32, or bfloat16 where the processor is faster at it",
    "weights": "number format of saved checkpoints: float32, or float16 at half the size",
    "validate_every": "steps between two validations",
    "checkpoint_every": "steps between two saved checkpoints",
    "keep_every": "steps between two checkpoints that are all kept, to replay the training; 0: none",
}
TRANSLATION_DEFAULTS = {"vocab_size": 6000}
TASK_DEFAULTS = dict(TINY)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt, in glibc's malloc.h
ALIGNED = 1000  # examples by which the aligned head is found
GIVEN = argparse.SUPPRESS  # an option that is not given leaves no trace, so the defaults stay in one place


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 after an error in the input."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except (ValueError, FloatingPointError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model", description="Train, use and score Transformers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a model on a task, or on parallel text files")
    train.set_defaults(command=_train)
    train.add_argument("--out", type=Path, required=True, help="the run folder")
    train.add_argument("--resume", action="store_true", help="carry on the run in --out, with its own options")
    data = train.add_argument_group("what to learn")
    data.add_argument("--task", choices=tuple(TASKS), default=GIVEN, help="a generated task")
    data.add_argument("--examples", type=int, default=GIVEN, help="how many examples of it (100000)")
    for name in ("source", "target", "valid-source", "valid-target"):
        data.add_argument(f"--{name}", metavar="FILE", default=GIVEN, help="UTF-8, a sentence a line")
    for title, config in (("the model", ModelConfig), ("the training", TrainConfig)):
        group = train.add_argument_group(title)
        for field in fields(config):
            kind = {"int": int, "float": float, "str": str}[str(field.type)]
            group.add_argument(
                f"--{field.name.replace('_', '-')}", type=kind, default=GIVEN, help=OPTION_HELP[field.name]
            )

    translate = commands.add_parser("translate", help="print the model's target for a text, or for each line of input")
    translate.set_defaults(command=_translate)
    translate.add_argument("text", nargs="?", help="without it, each line of standard input")

    evaluate = commands.add_parser("evaluate", help="print a model's scores as one JSON object")
    evaluate.set_defaults(command=_evaluate)
    for name in ("source", "target"):
        evaluate.add_argument(f"--{name}", type=Path, metavar="FILE", help="UTF-8, a sentence a line")
    evaluate.add_argument("--task", choices=tuple(TASKS), help="instead of files: unseen examples of this task")
    evaluate.add_argument("--examples", type=int, default=10_000, help="how many (10000)")
    evaluate.add_argument("--seed", type=int, default=1, help="which (1)")

    for command in (translate, evaluate):
        command.add_argument(
            "--checkpoint", required=True, metavar="NAME_OR_PATH", help="one that ships, a file, or a run folder"
        )
        command.add_argument("--beam", type=int, default=5, help="width of the beam search; 1: greedy (5)")
    return parser


def _translate(options: argparse.Namespace) -> int:
    from model.checkpoint import load
    from model.decoding import translate

    checkpoint = load(options.checkpoint)
    lines = (line.rstrip("\n") for line in sys.stdin) if options.text is None else [options.text]
    for line in lines:  # one at a time, so that a person who types sees an answer
        for _, target in translate(checkpoint, [line], options.beam):
            print(target, flush=True)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from model.checkpoint import load
    from model.decoding import translate
    from model.evaluation import alignment, score
    from model.tasks import generate, read_parallel

    files = [file for file in (options.source, options.target) if file is not None]
    if len(files) != (0 if options.task else 2):
        raise ValueError("give either --source and --target, or --task")
    checkpoint = load(options.checkpoint)
    if options.task:
        pairs = generate(options.task, options.examples, seed=options.seed, held_out=True)
    else:
        pairs = read_parallel(*files)
    found = translate(checkpoint, [source for source, _ in pairs], options.beam)
    hypotheses = dict(tqdm(found, total=len(pairs), unit="text", dynamic_ncols=True))
    scores: dict[str, Any] = score([hypotheses[i] for i in range(len(pairs))], [target for _, target in pairs])
    if options.task == checkpoint.task and TASKS[options.task].alignment:
        scores["alignment"] = alignment(checkpoint, pairs[:ALIGNED])
    print(json.dumps(scores))
    return 0


def _keep_freed_memory() -> None:
    """Let the C library keep what it freed, where it can be told to (glibc).

    It would hand the memory of each step's arrays back to the system and get it again, zeroed, for the
    next step, which takes longer than much of the arithmetic.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the most it takes
    except (AttributeError, OSError, TypeError):
        pass  # another C library: slower, and just as right


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or polite kill sets, so that a step ends whole; a second one raises."""
    stop = threading.Event()

    def ask(signal_number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _train(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from model.run import DataConfig, Run

    _keep_freed_memory()

    given = {name: value for name, value in vars(options).items() if name not in ("command", "out", "resume")}

    def chosen(config: type[Any]) -> dict[str, Any]:
        return {field.name: given[field.name] for field in fields(config) if field.name in given}

    if options.resume:
        if given:
            raise ValueError(f"--resume takes its options from the run; leave out {', '.join(sorted(given))}")
        run = Run.resume(options.out)
    else:
        if "task" in given and "vocab_size" in given:
            raise ValueError("--vocab-size is for text files; a task has a token for each byte")
        defaults = TASK_DEFAULTS if "task" in given else TRANSLATION_DEFAULTS
        data = DataConfig(**chosen(DataConfig))
        run = Run.start(options.out, data, {**defaults, **chosen(ModelConfig)}, TrainConfig(**chosen(TrainConfig)))

    size = sum(parameter.numel() for parameter in run.state.model.parameters())
    left_out = f", {run.train.n_too_long} too long and left out" if run.train.n_too_long else ""
    print(f"{size:,} parameters, {len(run.train):,} examples{left_out}", file=sys.stderr)
    bar = tqdm(total=run.config.steps, initial=run.state.step, unit="step", dynamic_ncols=True)
    with _asked_to_stop() as stop, bar, closing(run.steps()) as steps:
        shown: dict[str, str] = {}
        rate = 0.0  # target tokens a second, over about the last fifty steps
        for count, step in enumerate(steps, start=1):
            rate += (step.n_tokens / step.seconds - rate) * max(0.02, 1 / count)
            shown |= {"loss": f"{step.loss:.3f}", "tokens/s": f"{rate:,.0f}"}
            if step.validation is not None:
                shown |= {"valid": f"{step.validation.loss:.3f}", "accuracy": f"{step.validation.accuracy:.4f}"}
            bar.set_postfix(shown, refresh=False)
            bar.update()
            if stop.is_set():
                raise KeyboardInterrupt
    if run.best is not None:
        print(json.dumps({"steps": run.state.step, "loss": run.best.loss, "accuracy": run.best.accuracy}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

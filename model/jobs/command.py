"""``python -m model train``: one training run as a process, which reports its progress in the run folder."""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from model.config import MEANINGLESS, TINY, ModelConfig, TrainConfig, to_dict
from model.jobs.heartbeat import Heartbeat
from model.jobs.slots import slot
from model.jobs.stopping import Asked, end_of_input_asks, end_of_parent_asks, signals_ask
from model.training.data import DataConfig
from model.training.folder import create, discard, read_status
from model.training.machine import has_fast_bfloat16
from model.training.options import Options, read_options

if TYPE_CHECKING:
    from model.training.run import Run

TRANSLATION_DEFAULTS = {"vocab_size": 6000}
TASK_DEFAULTS = dict(TINY)
NOT_OF_THE_RUN = ("command", "parser", "out", "resume", "queue", "at_most", "stop_with_parent", "device")
SLOW_BFLOAT16 = (
    "this processor is not known to multiply in bfloat16, and then a step takes up to 20 times as long as with "
    "--precision float32: it is better to start the run again with that"
)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt, in glibc's malloc.h


def train(options: argparse.Namespace) -> int:
    """Train as the command line says. PyTorch is imported only once it is this run's turn.

    Returns:
        The exit status.

    Raises:
        ValueError: an option, a file or the run folder cannot be used.
        KeyboardInterrupt: somebody asked it to stop; the state is saved.
    """
    # PyTorch's threads spin while they wait for each other. On a busy machine that keeps other programs, and so one
    # another, from running: next to one such program a step on two cores takes up to ten times as long. With few
    # spins before they sleep it takes twice as long, and on an idle machine a fifth longer (measured).
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # read when torch is loaded
    if int(os.environ.get("RANK", 0)) > 0:
        return _help(options)
    asked = Asked()
    with signals_ask(asked):
        if options.stop_with_parent:
            end_of_input_asks(asked)
        if int(os.environ.get("WORLD_SIZE", 1)) > 1:
            if options.queue is not None:
                raise ValueError("--queue is for one process; leave it out with torchrun")
            end_of_parent_asks(asked)
        steps = _prepare_folder(options)
        state = "queued" if options.queue else "running"
        with (
            Heartbeat(options.out, steps, asked, state=state) as heartbeat,
            _told(heartbeat, asked, options),
            nullcontext()
            if options.queue is None
            else slot(options.queue, options.at_most, heartbeat.set_place, asked),
        ):
            _end_if_asked(asked)
            heartbeat.update(state="running", place=0)
            return _train(options, heartbeat, asked)


def _help(options: argparse.Namespace) -> int:
    """Train as one of the processes that ``torchrun`` started, other than the first, which does the reporting."""
    if not options.resume:
        _new(options)
    from model.training.distributed import joined
    from model.training.run import Run

    _keep_freed_memory()
    with joined(options.device) as team:
        run = Run.resume(options.out, team, _given(options) if options.resume else {})
        asked = Asked()
        with signals_ask(asked):
            _follow(run, None, asked)
    return 0


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The options of the run given on the command line, as they were typed."""
    return {name: value for name, value in vars(options).items() if name not in NOT_OF_THE_RUN}


def _new(options: argparse.Namespace) -> Options:
    """The options of a new run, checked.

    Raises:
        ValueError: an option or a file cannot be used.
    """
    given = _given(options)

    def chosen(config: type[Any]) -> dict[str, Any]:
        return {field.name: given[field.name] for field in fields(config) if field.name in given}

    if "task" in given and "vocab_size" in given:
        raise ValueError("--vocab-size is for text files; a task has a token for each byte")
    defaults = {
        **(TASK_DEFAULTS if "task" in given else TRANSLATION_DEFAULTS),
        **MEANINGLESS.get(given.get("architecture", ""), {}),
    }
    data, train = DataConfig(**chosen(DataConfig)), TrainConfig(**chosen(TrainConfig))
    if data.start_from is None:
        model = data.model({**defaults, **chosen(ModelConfig)})
    else:
        model = _as_in(data, data.start_from, chosen(ModelConfig))
    data.check()
    return Options(data, model, train)


def _as_in(data: DataConfig, start_from: str, given: dict[str, Any]) -> ModelConfig:
    """The sizes of the checkpoint that a run starts from; only its dropout may be ``given`` again.

    Raises:
        ValueError: there is no such checkpoint, it cannot learn from the data, or a size other than its own is given.
    """
    from model.checkpoint import load_own

    config = load_own(start_from).config
    if data.task is not None and config != data.model(to_dict(config)):
        raise ValueError(
            f"{start_from} reads pieces of words, but a task needs a token for each byte: start from a checkpoint "
            "trained on a task"
        )
    for name, value in given.items():
        if name not in ("dropout", "attention_dropout") and value != (own := getattr(config, name)):
            raise ValueError(
                f"--{name.replace('_', '-')} is {own} in {start_from} and cannot be {value}: leave it out, or start "
                "from scratch, without --start-from"
            )
    return replace(config, **given)


def _prepare_folder(options: argparse.Namespace) -> int:
    """Make the run folder, or find it, and return the steps of the run."""
    if options.resume:
        steps = read_options(options.out).continued(_given(options)).train.steps
        _require_idle(options.out)
    else:
        made = _new(options)
        create(options.out, made)
        steps = made.train.steps
    (options.out / "control.json").unlink(missing_ok=True)
    return steps


def _require_idle(folder: Path) -> None:
    status = read_status(folder)
    if status is not None and status.alive:
        raise ValueError(f"{folder} is being trained by process {status.pid} on {status.host}; stop that one first")


@contextmanager
def _told(heartbeat: Heartbeat, asked: Asked, options: argparse.Namespace) -> Iterator[None]:
    """Write at the end how the run ended. One that failed from the start leaves no folder, unless others watch it."""
    try:
        yield
    except KeyboardInterrupt:
        heartbeat.update(state=asked.state or "stopped", reason=asked.reason, seconds_left=None, place=0)
        raise
    except BaseException as error:
        began = (options.out / "log.jsonl").exists()
        if isinstance(error, ValueError) and options.queue is None and not began:
            heartbeat.end()
            discard(options.out)
        else:
            heartbeat.update(state="failed", reason=why(error), seconds_left=None, place=0)
        raise
    heartbeat.update(state="finished", seconds_left=0.0)


def why(error: BaseException) -> str:
    """One line about what ended a training run, and what helps."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space, then continue with --resume"
    if is_out_of_memory(error):
        return "there is not enough memory; use fewer --batch-tokens or a smaller model"
    if isinstance(error, ValueError | FloatingPointError | OSError):
        return text
    return f"{type(error).__name__}: {text}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python or PyTorch ran out of memory; on a CPU, PyTorch reports that as a RuntimeError."""
    said = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in said)
    )


def _end_if_asked(asked: Asked) -> None:
    if asked:
        raise KeyboardInterrupt


def _train(options: argparse.Namespace, heartbeat: Heartbeat, asked: Asked) -> int:
    from model.training.distributed import joined
    from model.training.run import Run

    _keep_freed_memory()
    _end_if_asked(asked)
    with joined(options.device) as team:
        run = Run.resume(options.out, team, _given(options) if options.resume else {})
        if run.config.precision == "bfloat16" and team.device.type == "cpu" and not has_fast_bfloat16():
            print(f"warning: {SLOW_BFLOAT16}", file=sys.stderr)
        size = sum(parameter.numel() for parameter in run.state.model.parameters())
        left_out = f", {run.train.n_too_long} too long and left out" if run.train.n_too_long else ""
        where = f", {team.size} processes" if team.size > 1 else ""
        print(f"{size:,} parameters, {len(run.train):,} examples{left_out}{where}", file=sys.stderr)
        heartbeat.update(step=run.state.step)
        _follow(run, heartbeat, asked)
        if run.best is not None:
            scores = {"steps": run.state.step, "loss": run.best.loss, "accuracy": run.best.accuracy}
            print(json.dumps(scores, allow_nan=False))
    return 0


def _follow(run: Run, heartbeat: Heartbeat | None, asked: Asked) -> None:
    """Run the steps, and show them in the terminal and in the status, if this process has one."""
    from tqdm import tqdm

    made, silent = run.state.step, heartbeat is None
    bar = tqdm(total=run.config.steps, initial=made, unit="step", dynamic_ncols=True, disable=silent)
    shown: dict[str, str] = {}
    rate, began = 0.0, monotonic()  # rate: target tokens per second, over about the last fifty steps
    with bar, closing(run.steps()) as steps:
        for count, step in enumerate(steps, start=1):
            rate += (step.n_tokens / step.seconds - rate) * max(0.02, 1 / count)
            left = (run.config.steps - step.step) * (monotonic() - began) / count
            if heartbeat is not None:
                heartbeat.update(step=step.step, tokens_per_second=rate, seconds_left=left)
            shown |= {"loss": f"{step.loss:.3f}", "tokens/s": f"{rate:,.0f}"}
            if step.validation is not None:
                shown |= {"valid": f"{step.validation.loss:.3f}", "accuracy": f"{step.validation.accuracy:.4f}"}
            bar.set_postfix(shown, refresh=False)
            bar.update()
            if step.step < run.config.steps and run.team.sums(float(bool(asked)))[0]:
                raise KeyboardInterrupt  # in all processes after the same step


def _keep_freed_memory() -> None:
    """Make the C library keep freed memory, where it can be told to (glibc).

    Otherwise it would return the memory of each step's arrays to the system and get it back, zeroed, for the next step,
    which takes longer than much of the arithmetic.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the most it accepts
    except (AttributeError, OSError, TypeError):
        pass  # another C library: slower, but just as correct

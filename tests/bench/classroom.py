"""A class at one server: one student alone, and then all of them; what they see, and what the server uses for it.

The students have no browsers (see ``students.py``). ``--beside training`` compares a class while a training that the
page would start runs, with the same class without it; ``--beside model`` does so with one more student who types for a
language model of 100 million random parameters. ``--keys 12 --seconds 600 --watch 60`` is an hour of typing in ten
minutes, with what the server uses after each. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from model.config import ModelConfig, TrainConfig
from model.families.shelves import FOLDERS
from model.jobs.launch import Launcher
from model.jobs.limits import Limits
from model.text.tokenizer import Tokenizer
from model.training.data import DataConfig
from model.training.folder import ask as ask_run
from model.training.folder import read_run
from tests.bench.harness import HEADLIGHT, Server, percentile95, report, report_ratio, require_checkpoint, server
from tests.bench.students import Seen, drawn_from, shuffled, study_together, tour

MEDIAN_TARGET, TAIL_TARGET, BESIDE_TARGET = 3, 8, 2
MIB_A_SESSION = 6
FORGOTTEN = 135  # seconds after which Streamlit has forgotten a session that left
LARGE = {"n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 20_000}  # of GPT-2: 101 million parameters


class Used(NamedTuple):
    """What a process and its children use."""

    mib: float  # resident, of the process
    cpu: float  # seconds, of the process
    threads: int
    files: int
    processes: int


def used(pid: int) -> Used:
    """What a server uses now."""
    said = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines())
    times = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return Used(
        mib=int(said["VmRSS"].split()[0]) / 1024,
        cpu=(int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
        threads=int(said["Threads"]),
        files=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        processes=sum(len(one.read_text().split()) for one in Path(f"/proc/{pid}/task").glob("*/children")),
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=int, default=30, help="students in the class")
    parser.add_argument("--seconds", type=float, default=180, help="for which the class types")
    parser.add_argument("--keys", type=float, default=2, help="keys a second of each student")
    parser.add_argument("--sentences", type=Path, help="a file of what they type, one a line")
    parser.add_argument("--beside", choices=("training", "model"), help="compare the class with and without it")
    parser.add_argument("--rounds", type=int, default=2, help="of the class without and with what is beside it")
    parser.add_argument("--watch", type=float, help="report what the server uses every so many seconds")
    parser.add_argument("--leave", action="store_true", help=f"wait {FORGOTTEN} s for the memory after all have left")


def run(options: argparse.Namespace) -> None:
    """Print what one student sees and what each of a class does, and what the server uses."""
    require_checkpoint()
    lines = shuffled
    if options.sentences:
        lines = partial(drawn_from, options.sentences.read_text(encoding="utf-8").splitlines())
    studied = partial(_studied, keys=options.keys, lines=lines, watch=options.watch)
    if options.beside == "training":
        _compare(options, studied, _training, {})
    elif options.beside == "model":
        with _large_model() as (environment, name):
            _compare(options, studied, partial(_typing_at, name, options.seconds), environment)
    else:
        with server(HEADLIGHT) as one:
            _one_and_all(options, studied, one)


def _one_and_all(options: argparse.Namespace, studied: Callable[..., Seen], one: Server) -> None:
    asyncio.run(tour(one.url))
    studied(one, 1, 5, report_as=None)  # to warm up
    alone = studied(one, 1, min(options.seconds, 60))
    before = used(one.pid)
    at_work: list[Used] = []
    together = studied(one, options.sessions, options.seconds, at_work=at_work)
    if options.leave:
        time.sleep(FORGOTTEN)
        studied(one, 1, 5, report_as=None)  # Streamlit forgets who left when somebody comes
        after = used(one.pid)
        report("classroom", before=before._asdict(), at_work=at_work[0]._asdict(), after_all_left=after._asdict())
    for name, figure, target in (("median", median, MEDIAN_TARGET), ("p95", percentile95, TAIL_TARGET)):
        ratio = figure(together.keys) / median(alone.keys)
        report_ratio("classroom", ratio, at_most=target, figure=name, sessions=options.sessions)
    a_session = (at_work[0].mib - before.mib) / options.sessions
    report_ratio("classroom", a_session / MIB_A_SESSION, at_most=1, figure="memory", mib_a_session=a_session)


def _compare(
    options: argparse.Namespace,
    studied: Callable[..., Seen],
    beside: Callable[[Server], AbstractContextManager[None]],
    environment: dict[str, str],
) -> None:
    """The class without and with something beside it, in turns."""
    os.environ.update(environment)
    seen: dict[str, list[float]] = {"without": [], "with": []}
    with server(HEADLIGHT) as one:
        studied(one, 1, 5, report_as=None)
        for _ in range(options.rounds):
            for case in seen:
                with beside(one) if case == "with" else nullcontext():
                    seen[case] += studied(one, options.sessions, options.seconds, report_as=case).keys
    ratio = percentile95(seen["with"]) / percentile95(seen["without"])
    report_ratio("classroom", ratio, at_most=BESIDE_TARGET, figure="p95", beside=options.beside)


def _studied(
    one: Server,
    sessions: int,
    seconds: float,
    *,
    keys: float,
    lines: Callable[[int], Iterator[str]],
    watch: float | None = None,
    report_as: str | None = "",
    at_work: list[Used] | None = None,
) -> Seen:
    """What a class sees; reported as one ``case`` of a comparison, if it has a name, and not at all for None."""
    before = used(one.pid)
    found = [] if at_work is None else at_work
    study = study_together(one.url, sessions, seconds, keys, lines, before_leaving=lambda: found.append(used(one.pid)))
    seen = asyncio.run(study if watch is None else _watched(study, one.pid, watch))
    if report_as is not None:
        report(
            "classroom",
            **({"case": report_as} if report_as else {}),
            sessions=sessions,
            median_s=median(seen.keys),
            p95_s=percentile95(seen.keys),
            run_median_s=median(seen.runs),
            run_p95_s=percentile95(seen.runs),
            page_median_s=median(seen.pages or [0]),
            asked_a_second=seen.typed / seconds,
            answers_a_second=len(seen.keys) / seconds,
            errors=seen.errors,
            wrong=seen.wrong,
            cpu_cores=(found[0].cpu - before.cpu) / seconds,
            before=before._asdict(),
            at_work=found[0]._asdict(),
        )
    return seen


async def _watched(study: Coroutine[Any, Any, Seen], pid: int, every: float) -> Seen:
    """What a class sees, while it is reported what the server uses."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(every)
            report("classroom", case="watched", **used(pid)._asdict())

    watching = asyncio.create_task(watch())
    try:
        return await study
    finally:
        watching.cancel()


@contextmanager
def _training(_: Server) -> Iterator[None]:
    """A training as the page starts it, at work."""
    with tempfile.TemporaryDirectory() as root:
        folder, launcher = Path(root) / "run", Launcher(Path(root), Limits())
        folder.mkdir()
        launcher.start(
            folder,
            DataConfig(task="reverse"),
            ModelConfig(vocab_size=len(Tokenizer.characters())),
            TrainConfig(steps=50_000),
        )
        while not (folder / "run.json").exists() or not read_run(folder).status.step:
            time.sleep(0.2)
        first = read_run(folder).status
        yield
        last = read_run(folder).status
        report("classroom", case="training", steps_per_s=(last.step - first.step) / (last.updated - first.updated))
        ask_run(folder, "stop")
        while read_run(folder).status.alive:
            time.sleep(0.2)


@contextmanager
def _large_model() -> Iterator[tuple[dict[str, str], str]]:
    """The environment in which a server offers a large language model of random weights, and its name there."""
    from tests.model.families.folders import make  # transformers takes seconds to import

    with tempfile.TemporaryDirectory() as root:
        make(Path(root) / "shelf" / "large", "gpt2", **LARGE)
        yield {FOLDERS: str(Path(root) / "shelf")}, "shelf/large"


@contextmanager
def _typing_at(name: str, seconds: float, one: Server) -> Iterator[None]:
    """One more student, who types for a checkpoint of this name."""
    study = study_together(one.url, 1, seconds, 2, shuffled, {"checkpoint": name})
    with ThreadPoolExecutor(1) as thread:
        large = thread.submit(asyncio.run, study)
        yield
        seen = large.result()
    report("classroom", case="large model", answers=len(seen.keys), median_s=median(seen.keys), errors=seen.errors)

"""From the command ``python -m model train`` to the first line of its log: what somebody waits for a curve.

The command is the one that the Train page gives for a task, with the settings that the page begins with.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from model.config import ModelConfig, TrainConfig
from model.jobs.launch import arguments
from model.training.data import DataConfig
from model.training.estimate import frames
from model.training.folder import read_run
from model.training.recipes import recipe
from tests.bench.harness import ROOT, report_ratio

TARGET = 8.0  # seconds


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3, help="starts")
    parser.add_argument("--task", default="reverse", help="what is trained")


def run(options: argparse.Namespace) -> None:
    """Print the median seconds."""
    given = _arguments(options.task)
    seconds = [_first_point(given) for _ in tqdm(range(options.rounds + 1), unit="start", leave=False)][
        1:
    ]  # the first one warms the file cache up
    took = median(seconds)
    report_ratio("start", took / TARGET, at_most=1, task=options.task, rounds=options.rounds, seconds=took)


def _arguments(task: str) -> list[str]:
    """The options of the command that the page would start."""
    settings = recipe(task)

    def chosen(config: type[Any]) -> dict[str, Any]:
        return {field.name: settings[field.name] for field in fields(config) if field.name in settings}

    model, train = ModelConfig(**chosen(ModelConfig)), TrainConfig(**chosen(TrainConfig))
    return arguments(
        DataConfig(**chosen(DataConfig), task=task), model, replace(train, keep_every=frames(model, train))
    )


def _first_point(given: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "model", "train", f"--out={out}", *given], cwd=ROOT, stderr=subprocess.DEVNULL
        ) as process:
            try:
                while process.poll() is None and not ((out / "run.json").exists() and read_run(out).log):
                    time.sleep(0.01)
                took = time.perf_counter() - began
                if process.poll() is not None:
                    raise RuntimeError(f"the training ended with status {process.returncode} before its first step")
            finally:
                process.kill()
    return took

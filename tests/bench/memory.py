"""The memory of the server process over thousands of keystrokes: it should stay level.

A real browser types seeded random letters at the end of the example sentence and deletes them again, each key as
soon as the page shows what the last one did, so that no keystroke is skipped: 10,000 take about half an hour. At the
start and after each tenth a line says how much memory the server has resident; the last line compares the end with
the second tenth, when the caches are full. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from string import ascii_lowercase

from tqdm import tqdm

from tests.bench.harness import HEADLIGHT, chromium, report, report_ratio, require_checkpoint
from tests.bench.keystroke import typist

TARGET = 1.05
LETTERS = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keystrokes", type=int, default=10_000, help="how many")


def run(options: argparse.Namespace) -> None:
    """Print the server's resident memory as it goes, and how much it grew."""
    require_checkpoint()
    if not Path("/proc/self/status").is_file():
        raise RuntimeError("this benchmark reads /proc, which only Linux has")
    sizes: list[float] = []
    with chromium() as browser, typist(browser, HEADLIGHT) as one:
        keys = _keys()
        for tenth in tqdm(range(11), unit="tenth", leave=False):
            done = tenth * options.keystrokes // 10
            for key in islice(keys, done - (tenth - 1) * options.keystrokes // 10 if tenth else 0):
                one.press(key, idle=0)
            sizes.append(resident(one.pid))
            report("memory", keystrokes=done, resident_mib=sizes[-1])
    report_ratio("memory", sizes[-1] / sizes[2], at_most=TARGET, growth_mib=sizes[-1] - sizes[2])


def _keys() -> Iterator[str]:
    random_ = random.Random(0)
    while True:
        yield from random_.choices(ascii_lowercase, k=LETTERS)
        yield from ["Backspace"] * LETTERS


def resident(pid: int) -> float:
    """MiB of a process in memory, shared libraries included."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

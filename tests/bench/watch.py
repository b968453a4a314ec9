"""A training that the page starts: the time until its curve has a point, and what visitors who watch cost it.

The first is from the click on Start to the frame whose curve has a point, in a real browser. For the second the run
goes on while nobody watches and while visitors do, in turns; they have no browser, which would take the
training's processor (see ``watcher.py``). The run is stopped at the end and its folder deleted.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Page
from tqdm import tqdm

from model.training.folder import ask, read_run
from tests.bench.harness import HEADLIGHT, ROOT, START_SECONDS, chromium, report_ratio, server
from tests.bench.watcher import crowd

FIRST_POINT, SLOW_DOWN = 8.0, 1.1
POINT = ".st-key-loss_curve .scatterlayer path"
SETTINGS = "reverse_transformer_steps=50000"  # the longest that a server allows: it must not end meanwhile


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--visitors", type=int, default=5, help="who watch")
    parser.add_argument("--rounds", type=int, default=4, help="of training unwatched, then watched")
    parser.add_argument("--seconds", type=float, default=20, help="of each")


def run(options: argparse.Namespace) -> None:
    """Print the seconds to the first point, and the steps a second in both cases."""
    name = f"bench-{time.time_ns()}"
    folder = ROOT / "runs" / name
    with server(HEADLIGHT) as running:
        try:
            with _form(running.url) as page:
                page.get_by_label("Name of the run").fill(name)
                page.get_by_label("Name of the run").press("Tab")
                began = time.perf_counter()
                page.get_by_role("button", name="Start", exact=True).click()
                page.locator(POINT).first.wait_for()
                first = time.perf_counter() - began
            report_ratio("first_point", first / FIRST_POINT, at_most=1, seconds=first)
            rates: dict[str, list[float]] = {"alone": [], "watched": []}
            for turn in tqdm(range(-1, options.rounds), unit="round", leave=False):
                for case, visitors in (("alone", 0), ("watched", options.visitors)):
                    rate = _rate(folder, running.url, visitors, options.seconds)
                    if turn >= 0:
                        rates[case].append(rate)
        finally:
            _end(folder)
    alone, watched = median(rates["alone"]), median(rates["watched"])
    report_ratio(
        "watch", alone / watched, at_most=SLOW_DOWN, visitors=options.visitors, rounds=options.rounds,
        alone_steps_per_s=alone, watched_steps_per_s=watched,
    )  # fmt: skip


@contextmanager
def _form(url: str) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(1000 * START_SECONDS)
        page.goto(f"{url}/train?{SETTINGS}")
        page.get_by_role("button", name="Start", exact=True).wait_for()
        page.wait_for_timeout(2000)
        yield page


def _rate(folder: Path, url: str, visitors: int, seconds: float) -> float:
    """Steps a second, by the times at which the training itself wrote how far it is."""
    before = read_run(folder).status
    if visitors:
        asyncio.run(crowd(url, "train", f"run={folder.name}", visitors, seconds))
    else:
        time.sleep(seconds)
    after = read_run(folder).status
    if after.state != "running" or after.updated == before.updated:
        raise RuntimeError(f"the training does not go on: {after.state} {after.reason}")
    return (after.step - before.step) / (after.updated - before.updated)


def _end(folder: Path) -> None:
    if (folder / "run.json").exists():
        ask(folder, "stop")
        give_up = time.monotonic() + START_SECONDS
        while read_run(folder).status.alive and time.monotonic() < give_up:
            time.sleep(0.2)
    shutil.rmtree(folder, ignore_errors=True)

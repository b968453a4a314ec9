"""From the command ``streamlit run`` to the first painted heatmap, against an app that only echoes a text.

Chromium runs already; each start has a fresh server and a fresh browser context, with nothing cached. The page is
opened as soon as the server answers. The end is the frame that first shows the translation, the overview and the
head's heatmap, or the echoed text (see ``probe.js``). The two apps take turns.
"""

from __future__ import annotations

import argparse
from statistics import median

from tqdm import tqdm

from tests.bench.harness import (
    ECHO,
    HEADLIGHT,
    App,
    chromium,
    first_paint,
    report_ratio,
    require_checkpoint,
    server,
    visit,
)

TARGET = 1.6


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="starts of each app")


def run(options: argparse.Namespace) -> None:
    """Print the median seconds of both."""
    require_checkpoint()
    apps: dict[str, App] = {"echo": ECHO, "headlight": HEADLIGHT}
    seconds: dict[str, list[float]] = {name: [] for name in apps}
    with chromium() as browser:
        for turn in tqdm(range(-1, options.rounds), unit="round", leave=False):
            for name, app in apps.items():
                with server(app) as running, visit(browser, app, running.url) as page:
                    took = first_paint(page) - running.started
                if turn >= 0:  # the first round warms the file cache up
                    seconds[name].append(took)
    echo, headlight = median(seconds["echo"]), median(seconds["headlight"])
    report_ratio("startup", headlight / echo, at_most=TARGET, rounds=options.rounds, echo_s=echo, headlight_s=headlight)

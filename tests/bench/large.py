"""Overview and one head of a large trace: bytes for the browser, and the server's time.

The trace has 6 layers, 12 heads and 512 tokens, the size at which BertViz writes 869 MB in 36 s. Its patterns are
random; what is measured does not depend on them. Measured is a whole run of a page that shows the two, with the head
and the row that say most chosen by their numbers, and a sentence about the row.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from model.trace import AttentionMap
from tests.bench.harness import report_ratio

LAYERS, HEADS, TOKENS = 6, 12, 512
BYTES, SECONDS = 1_500_000, 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="measured runs")


def run(options: argparse.Namespace) -> None:
    """Print the bytes of both pictures and the seconds to make them, each against its target."""
    app = AppTest.from_function(page, args=(random_map(),), default_timeout=120)
    seconds = []
    for turn in range(options.rounds + 1):
        began = time.perf_counter()
        app.run()
        if app.exception:
            raise RuntimeError(f"the page failed: {app.exception}")
        if turn:  # the first run imports
            seconds.append(time.perf_counter() - began)
    sent = sum(component(element).ByteSize() for element in app.get("bidi_component"))
    report_ratio("large_bytes", sent / BYTES, at_most=1.0, tokens=TOKENS, bytes=sent)
    report_ratio("large_seconds", median(seconds) / SECONDS, at_most=1.0, tokens=TOKENS, seconds=median(seconds))


def component(element: Any) -> Any:
    return element.proto


def random_map() -> AttentionMap:
    weights = np.random.default_rng(0).random((LAYERS, HEADS, TOKENS, TOKENS), dtype=np.float32)
    tokens = tuple(f" token{i}" for i in range(TOKENS))
    pattern = weights / weights.sum(-1, keepdims=True)
    return AttentionMap(kind="encoder", pattern=pattern, query_tokens=tokens, key_tokens=tokens)


def page(attention_map):  # its source alone is run, so it can name no type
    """What Explore shows of an ``AttentionMap``; a script of its own, so its imports stand inside."""
    from viz.components.head import head
    from viz.components.overview import overview, overview_data
    from viz.look.choice import telling_head, telling_row
    from viz.look.picture import picture
    from viz.look.theme import LIGHT
    from viz.look.words import describe_row

    layer, chosen = telling_head(attention_map)
    row = telling_row(attention_map, layer, chosen)
    shown = picture(attention_map)
    overview(overview_data(shown, layer, chosen, theme=LIGHT, means=True), key="o", on_choose=lambda: None)
    head(
        shown,
        layer,
        chosen,
        pinned=row,
        scale="linear",
        description=describe_row(shown, layer, chosen, row),
        theme=LIGHT,
        key="h",
        on_pin=lambda: None,
    )

"""Buttons that measure on this machine, with a bar that shows how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import streamlit as st

from model.compare.costs import LENGTHS, Timing, measure
from viz.look.look import Look
from viz.state import session

_Item = TypeVar("_Item")


def with_progress(items: Iterable[_Item], n: int, label: str) -> Iterator[_Item]:
    """The items, with a bar that fills as they come."""
    bar = st.progress(0.0, label)
    for place, item in enumerate(items, start=1):
        bar.progress(min(1.0, place / n), label)
        yield item
    bar.empty()


def measured_timings(look: Look) -> list[Timing] | None:
    """The times of layers with the model's sizes: measured at a click, and kept; None before."""
    config = look.opened.config
    name = f"timings {config.d_model} {config.n_heads}"
    if st.button(f"Measure on this machine (up to {LENGTHS[-1]} tokens)", icon=":material/speed:", key="measure_times"):
        session.keep(name, list(with_progress(measure(config), len(LENGTHS), "Measuring …")))
    return session.kept(name)

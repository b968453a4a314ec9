"""Buttons that measure on this machine, with a bar that shows how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from model.compare.cost import CostPlan
from model.compare.points import LayerCost, by_layer
from viz.look.look import Look
from viz.state import session

LENGTHS, REPEATS = (32, 64, 128, 256, 512, 1024), 5
_Item = TypeVar("_Item")


def with_progress(items: Iterable[_Item], n: int, label: str) -> Iterator[_Item]:
    """The items, with a bar that fills as they come."""
    bar = st.progress(0.0, label)
    for place, item in enumerate(items, start=1):
        bar.progress(min(1.0, place / n), label)
        yield item
    bar.empty()


def measured_costs(look: Look) -> Mapping[str, Sequence[LayerCost]] | None:
    """What each kind of layer costs with the model's sizes: measured at a click, and kept; None before."""
    config = look.opened.config
    plan = CostPlan(lengths=LENGTHS, repeats=REPEATS, d_model=config.d_model, n_heads=config.n_heads)
    name = f"costs {config.d_model} {config.n_heads}"
    if st.button(f"Measure on this machine (up to {LENGTHS[-1]} tokens)", icon=":material/speed:", key="measure_times"):
        found = with_progress(plan.measure(), plan.total, "Measuring …")
        session.keep(name, by_layer([cost for cost in found if cost is not None]))
    return session.kept(name)

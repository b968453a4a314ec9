"""What the Transformer buys, measured: parallel computation, long range, and what attention costs.

``python -m model.compare`` measures all three, or those named among ``steps``, ``distance`` and ``cost``, and writes
what the page Architectures draws.
"""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from tqdm import tqdm

from model.checkpoint import PRETRAINED
from model.compare.cost import CostPlan
from model.compare.distance import DistancePlan
from model.compare.points import DistanceScore, LayerCost, StepTime
from model.compare.steps import StepPlan

MEASURED = PRETRAINED / "architectures.json"
REPORT_SECONDS = 0.5
Plan = StepPlan | DistancePlan | CostPlan
Point = StepTime | DistanceScore | LayerCost
PLANS: Mapping[str, Plan] = MappingProxyType({"steps": StepPlan(), "distance": DistancePlan(), "cost": CostPlan()})
"""What is recorded."""
QUICK: Mapping[str, Plan] = MappingProxyType(
    {
        "steps": StepPlan(lengths=(8, 32, 128, 512), repeats=2),
        "distance": DistancePlan(distances=(4, 16, 64), learning_rates=(3e-3,), seeds=(2,)),
        "cost": CostPlan(lengths=(64, 256, 512, 1024, 2048), repeats=3),
    }
)
"""What a visitor measures: less, because others are waiting."""
_POINTS: Mapping[str, type[Point]] = MappingProxyType({"steps": StepTime, "distance": DistanceScore, "cost": LayerCost})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The points of one part with the plan they were measured by, and where and when."""

    plan: Plan
    points: tuple[Point, ...]
    machine: str
    date: str


@dataclass(slots=True)
class Going:
    """A measurement under way; ``advance`` until it is done, or drop it."""

    plan: Plan
    n_done: int = 0
    points: list[Point] = field(default_factory=list)
    _rest: Iterator[Point | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._rest = self.plan.measure()

    @property
    def done(self) -> bool:
        return self.n_done == self.plan.total

    def advance(self, seconds: float) -> None:
        """Go on measuring for about ``seconds``, at least one step if any is left."""
        until = time.monotonic() + seconds
        for point in self._rest:
            self.n_done += 1
            if point is not None:
                self.points.append(point)
            if time.monotonic() >= until:
                return

    def finish(self) -> Measured:
        """What was measured here, now."""
        return Measured(
            plan=self.plan, points=tuple(self.points), machine=this_machine(), date=datetime.now(UTC).date().isoformat()
        )


def this_machine() -> str:
    """Processor, cores, threads, PyTorch and the load average of the last minute, in words."""
    threads = torch.get_num_threads()
    return (
        f"{_processor()}, {os.cpu_count()} cores, {'one thread' if threads == 1 else f'{threads} threads'}, "
        f"torch {torch.__version__}, load {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    """The name of the processor if the system tells it (Linux), else its kind."""
    try:
        known = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        known = None
    return known[1].strip() if known else platform.machine()


def recorded() -> dict[str, Measured]:
    """What :func:`main` measured last, by part; only the parts it has measured.

    Raises:
        OSError: there is no record.
        ValueError: the file is not a record.
    """
    try:
        parts = json.loads(MEASURED.read_text(encoding="utf-8"))
        return {name: _measured(name, parts[name]) for name in PLANS if name in parts}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{MEASURED.name} is not a record of these measurements: {error!r}") from error


def recorded_part(name: str) -> Measured | None:
    """The record of one part; None if there is none, or none that can be read."""
    try:
        return recorded().get(name)
    except (OSError, ValueError):
        return None


def _measured(name: str, fields: Mapping[str, Any]) -> Measured:
    plan: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in fields["plan"].items()
    }
    return Measured(
        plan=type(PLANS[name])(**plan),
        points=tuple(_POINTS[name](**point) for point in fields["points"]),
        machine=fields["machine"],
        date=fields["date"],
    )


def main(names: Sequence[str] = ()) -> None:
    """Measure the parts named, or all, on one thread, and write them into :data:`MEASURED`.

    Raises:
        ValueError: there is no such part.
    """
    if unknown := set(names) - set(PLANS):
        raise ValueError(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(PLANS)}")
    torch.set_num_threads(1)
    for name in names or PLANS:
        going = Going(PLANS[name])
        with tqdm(total=going.plan.total, desc=name, unit="run", dynamic_ncols=True) as bar:
            while not going.done:
                going.advance(REPORT_SECONDS)
                bar.update(going.n_done - bar.n)
        parts = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
        parts[name] = asdict(going.finish())
        MEASURED.write_text(json.dumps(parts) + "\n", encoding="utf-8")

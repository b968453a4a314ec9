"""What is on screen: everything a picture, a panel or an export needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass

from model.checkpoint import Checkpoint
from model.trace import AttentionMap, Kind, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one text: the model, its trace, and the kind, layer, head and row (from 0) that were chosen."""

    opened: Checkpoint
    trace: Trace
    kind: Kind
    layer: int
    head: int
    row: int

    @property
    def attention_map(self) -> AttentionMap:
        """The map of the chosen kind."""
        return self.trace.map(self.kind)

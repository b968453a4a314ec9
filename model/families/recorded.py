"""A trace that was saved, opened as if it were a model: it has read one text, and reads no other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from torch import Tensor

from model.checkpoint import Checkpoint, CheckpointError
from model.families.elsewhere import Sizes
from model.families.proof import HeadPass
from model.families.trace_file import TraceFileError
from model.families.trace_file import loads as loads_trace
from model.network.capabilities import Capability
from model.trace import Kind, Trace


def loads(data: bytes, name: str) -> Checkpoint:
    """Open a trace from the bytes of its file.

    Raises:
        CheckpointError: it holds none.
    """
    try:
        trace = loads_trace(data, name)
    except TraceFileError as error:
        raise CheckpointError(str(error)) from error
    return opened(trace, name, hashlib.sha256(data).hexdigest())


def opened(trace: Trace, name: str, digest: str) -> Checkpoint:
    """What a page opens to show ``trace``."""
    model = Recorded(trace)
    return Checkpoint(
        name=name,
        model=cast("Any", model),
        tokenizer=cast("Any", Labels()),
        task="",
        training={},
        digest=digest,
        elsewhere=model,
    )


class Recorded:
    """A trace in the place of a model."""

    def __init__(self, trace: Trace) -> None:
        self.recorded = trace

    @property
    def can(self) -> frozenset[Capability]:
        kinds = {"encoder": Capability.ENCODER, "cross": Capability.CROSS_ATTENTION}
        return frozenset(kinds[kind] for kind in self.recorded.kinds if kind in kinds)

    @property
    def config(self) -> Sizes:
        first, longest = self.recorded.maps[0], max(one.pattern.shape[2] for one in self.recorded.maps)
        return Sizes(
            architecture="recording", vocab_size=0, n_layers=first.n_layers, n_heads=first.n_heads,
            n_key_heads=first.n_heads, d_model=0, d_head=0, max_len=longest,
            n_parameters=0,
        )  # fmt: skip

    def trace(self, name: str, source: str, target: str | None, *, prefix: Sequence[int] = (), more: int = 0) -> Trace:
        """The one that was recorded, whatever is asked for."""
        return self.recorded

    mask = None

    def masked(self, text: str, row: int) -> str:
        """The text as it is: a recording fills nothing."""
        return text

    def likely(self, source: Sequence[int], target: Sequence[int]) -> Tensor:
        """
        Raises:
            ValueError: always; a recording has no probabilities but those it was saved with.
        """
        raise ValueError("a recording does not include the other tokens that the model could have written")

    def parts(self, source: str, second: str) -> None:
        """None: it reads no pairs."""

    def head(self, trace: Trace, kind: Kind, layer: int, head: int) -> HeadPass:
        """
        Raises:
            ValueError: always; only patterns were recorded.
        """
        raise ValueError("A recording has patterns, but not the queries and keys behind them.")

    def configuration(self) -> Mapping[str, object]:
        """None: a recording has no config."""
        return {}

    def card(self) -> Mapping[str, str]:
        said = {"Recorded from": self.recorded.model_name, "Text": self.recorded.source}
        sizes = (
            f"{one.kind}: {_count(one.n_layers, 'layer')} × {_count(one.n_heads, 'head')}, "
            f"{one.pattern.shape[2]} × {one.pattern.shape[3]}"
            for one in self.recorded.maps
        )
        return {**said, "Attention": "; ".join(sizes)}

    def close(self) -> None:
        """As :class:`model.families.elsewhere.Elsewhere` has it."""
        del self.recorded


class Labels:
    """A recording has labels and no tokenizer: nothing can be written in its words."""

    def __len__(self) -> int:
        return 0

    def encode(self, text: str) -> list[int]:
        return []

    def decode(self, ids: Sequence[int]) -> str:
        return ""

    def labels(self, ids: Sequence[int]) -> tuple[str, ...]:
        return ()

    def require_target(self, ids: Sequence[int]) -> None:
        """
        Raises:
            ValueError: there are ids, and it writes none.
        """
        if ids:
            raise ValueError("a recording writes nothing")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"

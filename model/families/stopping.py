"""A pass that nobody waits for any more is given up in its midst."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import nn


class GivenUpError(Exception):
    """What was computed is no longer wanted."""


_unwanted: ContextVar[Callable[[], bool] | None] = ContextVar("unwanted", default=None)


@contextmanager
def given_up_when(unwanted: Callable[[], bool]) -> Iterator[None]:
    """Until the ``with`` block ends, a pass of this thread through a network that :func:`may_be_given_up` ends with
    :class:`GivenUpError` once ``unwanted``, asked before each of its modules, says so."""
    token = _unwanted.set(unwanted)
    try:
        yield
    finally:
        _unwanted.reset(token)


def may_be_given_up(net: nn.Module) -> None:
    """From now on passes through ``net`` can be given up between two of its modules."""
    for part in net.modules():
        if next(part.children(), None) is not None:  # a layer, or a block in one: often enough
            part.register_forward_pre_hook(_ask)


def _ask(module: nn.Module, inputs: Any) -> None:
    unwanted = _unwanted.get()
    if unwanted is not None and unwanted():
        raise GivenUpError

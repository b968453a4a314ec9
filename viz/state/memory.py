"""What the C library does with this server's memory. Where it is not glibc, it decides on its own."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable

M_ARENA_MAX, HEAPS = -8, 2
"""A parameter of glibc's ``mallopt``, and how many heaps there may be."""


def share_heaps() -> None:
    """From now on threads share :data:`HEAPS` heaps.

    Streamlit runs each page in a thread of its own, and glibc has up to eight heaps a core for them; what is free in
    one does not serve another. Ten students who type for a minute then take 12 to 17 MB more than with two heaps.
    """
    if (mallopt := _of_libc("mallopt")) is not None:
        mallopt(M_ARENA_MAX, HEAPS)


def give_back(*, collect: bool) -> None:
    """Give the system what is free in the heaps; ``collect`` what is garbage first, which holds up every thread for up
    to a quarter of a second."""
    if collect:
        gc.collect()
    if (malloc_trim := _of_libc("malloc_trim")) is not None:
        malloc_trim(0)


def _of_libc(name: str) -> Callable[..., int] | None:
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):  # Windows has no library of that kind
        return None

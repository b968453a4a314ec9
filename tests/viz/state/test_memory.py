"""Memory goes back to the system."""

import gc
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

from tests.bench.memory import resident
from viz.state import memory

of_glibc = pytest.mark.skipif(memory._of_libc("malloc_trim") is None, reason="only glibc is told")


@of_glibc
def test_what_is_free_between_others_is_given_back():
    own = os.getpid()
    pieces = [np.ones(100_000, np.uint8) for _ in range(2_000)]  # small enough to lie in a heap
    full = resident(own)
    del pieces[:-1]  # what is left is at the end of the heap, which so cannot shrink
    memory.give_back(collect=False)
    assert resident(own) < full - 150
    assert len(pieces) == 1


def test_garbage_is_collected_only_when_asked():
    class Node:
        other: object

    def cycle() -> weakref.ref[Node]:
        one = Node()
        one.other = one
        return weakref.ref(one)

    gc.disable()
    try:
        found = cycle()
        memory.give_back(collect=False)
        assert found() is not None
        memory.give_back(collect=True)
        assert found() is None
    finally:
        gc.enable()


HEAPS = """
import ctypes, os, threading
from viz.state import memory
libc = ctypes.CDLL(None)
if SHARED:
    memory.share_heaps()
barrier = threading.Barrier(9)
def work():
    kept = [bytearray(2000) for _ in range(1000)]
    barrier.wait()
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for one in threads:
    one.start()
barrier.wait()
libc.fdopen.restype = ctypes.c_void_p
read, write = os.pipe()
file = ctypes.c_void_p(libc.fdopen(write, b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(os.read(read, 1_000_000).decode().count("<heap nr="))
barrier.wait()
"""


@of_glibc
def test_threads_share_heaps():
    def heaps(shared: bool) -> int:
        script = HEAPS.replace("SHARED", str(shared))
        return int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)

    assert heaps(shared=False) > memory.HEAPS
    assert heaps(shared=True) <= memory.HEAPS


def test_a_library_without_such_functions(monkeypatch: pytest.MonkeyPatch):
    assert memory._of_libc("no_such_function") is None

    def none(_: object) -> object:
        raise TypeError("Windows has no library of that kind")

    monkeypatch.setattr(memory.ctypes, "CDLL", none)
    memory.share_heaps()
    memory.give_back(collect=False)

"""model/training/machine.py: the free memory, as Linux tells it."""

from pathlib import Path

import pytest

from model.training.machine import free_memory, has_fast_bfloat16

MEMINFO = "MemTotal:       24684084 kB\nMemFree:          434124 kB\nMemAvailable:    1000 kB\n"


@pytest.fixture
def meminfo(tmp_path: Path) -> Path:
    (tmp_path / "meminfo").write_text(MEMINFO)
    return tmp_path / "meminfo"


@pytest.mark.parametrize(
    ("limit", "used", "cache", "free"),
    [
        ("max", 5, 0, 1_024_000),
        (None, 5, 0, 1_024_000),
        ("99999999", 5, 0, 1_024_000),
        ("700", 600, 0, 100),
        ("700", 701, 0, 0),
        ("700", 700, 11, 22),
    ],
)
def test_a_container_may_have_less(limit: str | None, used: int, cache: int, free: int, meminfo: Path, tmp_path: Path):
    """``cache`` bytes each of files that were read lately and longer ago: they make room when asked to."""
    if limit is not None:
        (tmp_path / "limit").write_text(f"{limit}\n")
    (tmp_path / "used").write_text(f"{used}\n")
    (tmp_path / "memory.stat").write_text(f"anon 3\nall_active_file {cache}\nall_inactive_file {cache}\n")
    assert free_memory(meminfo, [(tmp_path, "limit", "used", "all_")]) == free


def test_where_the_system_does_not_tell_it_is_not_known(tmp_path: Path):
    assert free_memory(tmp_path / "nothing", []) is None


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="this is no Linux")
def test_this_machine_has_some_but_not_any_amount():
    free = free_memory()
    assert free is not None
    assert 10**6 < free < 10**15


@pytest.mark.parametrize(
    ("flags", "fast"), [("fpu avx512_bf16 sse", True), ("amx_bf16", True), ("fpu avx512f", False), ("", False)]
)
def test_the_processors_flags_tell_of_bfloat16(flags: str, fast: bool, tmp_path: Path):
    (tmp_path / "cpuinfo").write_text(f"model name\t: a CPU\nflags\t\t: {flags}\nbugs: amx_bf16\n")
    assert has_fast_bfloat16(tmp_path / "cpuinfo") == fast
    assert not has_fast_bfloat16(tmp_path / "nothing")

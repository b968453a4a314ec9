"""What this machine has, as far as the system says: how much free memory, and whether bfloat16 is fast."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", ""),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
"""Where a container's memory limit and use are found: control groups, versions 2 and 1."""
CACHES = ("active_file", "inactive_file")
"""What counts as used but is freed when needed."""


def free_memory(
    meminfo: Path = Path("/proc/meminfo"), cgroups: Iterable[tuple[Path, str, str, str]] = CGROUPS
) -> int | None:
    """Bytes that a program can still allocate without swapping, within a container's limit; None if not known."""
    found = [_available(meminfo), *(_left(*cgroup) for cgroup in cgroups)]
    return min((size for size in found if size is not None), default=None)


def _available(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None  # a system other than Linux
    sizes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return sizes[0] * 1024 if sizes else None


def _left(folder: Path, limit: str, used: str, prefix: str) -> int | None:
    try:
        left = int((folder / limit).read_text()) - int((folder / used).read_text())
        sizes = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, left + sum(int(sizes[prefix + name]) for name in CACHES))
    except (OSError, ValueError, KeyError):
        return None  # there is no such file, or it says "max"


def has_fast_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16 matrices faster than float32 ones; False if not known."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return "avx512_bf16" in flags or "amx_bf16" in flags

"""Lint, format and types are part of the test run; their settings: pyproject.toml, for scripts .ox*rc.json."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sysconfig.get_path("scripts"))
COMMANDS = {
    "lint": (sys.executable, "-m", "ruff", "check", "."),
    "format": (sys.executable, "-m", "ruff", "format", "--check", "."),
    "types": (sys.executable, "-m", "pyright", "--pythonpath", sys.executable),
    "lint of scripts": (PROGRAMS / "oxlint", "--deny-warnings", "tests", "viz"),
    "format of scripts": (PROGRAMS / "oxfmt", "--check", "tests", "viz"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_style(command: tuple[str | Path, ...]) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr

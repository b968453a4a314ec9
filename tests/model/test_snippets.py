"""The snippets of the Guide run as they are shown, and give the same numbers."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "model" / "snippets"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    return {name: runpy.run_path(str(FOLDER / f"{name}.py")) for name in NAMES}


def test_there_are_three():
    assert NAMES == ["from_scratch", "with_keras", "with_torch"]


@pytest.mark.parametrize("name", NAMES)
def test_all_give_the_same(results: dict[str, dict[str, Any]], name: str):
    for what, shape in (("output", (1, 5, 8)), ("weights", (1, 2, 5, 5))):
        found = np.asarray(results[name][what])
        assert found.shape == shape
        np.testing.assert_allclose(found, np.asarray(results["from_scratch"][what]), atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_each_runs_by_itself(name: str, tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("[[1.    0.    0.    0.    0.   ]\n [0.055 0.945")

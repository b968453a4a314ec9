"""What a server allows."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from model.jobs.limits import PREFIX, Limits, read_limits


def test_without_variables_the_defaults_hold():
    assert read_limits({"PATH": "/bin", "HEADLIGHT": "3"}) == Limits()


def test_each_limit_has_a_variable():
    given = {
        "HEADLIGHT_AT_ONCE": "0", "HEADLIGHT_QUEUED": "2", "HEADLIGHT_PARAMETERS": "3", "HEADLIGHT_STEPS": "5",
        "HEADLIGHT_MEMORY_MB": "7", "HEADLIGHT_DISK_MB": "11", "HEADLIGHT_UPLOAD_MB": "13",
    }  # fmt: skip
    expected = Limits(at_once=0, queued=2, parameters=3, steps=5, memory_mb=7, disk_mb=11, upload_mb=13)
    assert read_limits(given) == expected


@pytest.mark.parametrize("text", ["", "-1", "2.5", "two", "²", "1e3"])
def test_what_is_no_number_is_named(text: str):
    with pytest.raises(ValueError, match="HEADLIGHT_STEPS must be a whole number"):
        read_limits({"HEADLIGHT_STEPS": text})


def test_the_readme_says_what_they_are():
    readme = Path(__file__).parents[3] / "README.md"
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \| (\d+) \|", readme.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name.lower(): int(value) for name, value in rows} == asdict(Limits())

"""viz/look/numbers.py: numbers are written one way, and can be read back."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.look.numbers import SMALL, fixed, number, power_of_ten

RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read(text: str) -> float:
    """The number that a person reads."""
    digits, _, exponent = text.replace("−", "-").partition("·10")
    return float(digits) * 10 ** int(exponent.translate(RAISED) or 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.125, "0.125"), (-3.5, "−3.5"), (9.1e-6, "9.1·10⁻⁶"), (-2.4e-7, "−2.4·10⁻⁷"),
        (123456.0, "123456"), (9.9999, "10"), (12345678.0, "1.2·10⁷"), (math.inf, "∞"), (math.nan, "undefined"),
    ],
)  # fmt: skip
def test_numbers_by_hand(value: float, text: str):
    assert number(value) == text


@given(st.floats(-1e300, 1e300, allow_subnormal=False))
def test_a_number_can_be_read_back(value: float):
    text = number(value)
    assert not re.search(r"[e-]", text)
    assert read(text) == pytest.approx(value, rel=0.051)
    assert abs(value) < SMALL or read(number(value, 6)) == pytest.approx(value, rel=0.051)


@pytest.mark.parametrize(("value", "text"), [(2.4e-7, "2.4·10⁻⁷"), (0.0, "0"), (12.0, "1.2·10¹"), (-math.inf, "−∞")])
def test_powers_of_ten(value: float, text: str):
    assert power_of_ten(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(-1.256, 2, "−1.26"), (3, 1, "3.0"), (-0.001, 2, "0.00"), (-math.inf, 2, "−∞")]
)
def test_digits_after_the_point(value: float, digits: int, text: str):
    assert fixed(value, digits) == text

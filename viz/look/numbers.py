"""How numbers are written on screen, the same everywhere: short, with a true minus sign, and small ones as powers of
ten."""

from __future__ import annotations

import math

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALL, LARGE = 1e-3, 1e6
"""What is smaller than the first, or not smaller than the second, is written as a power of ten."""


def number(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, such as ``0.125``, ``−3.5`` and ``2.4·10⁻⁷``."""
    if not math.isfinite(value) or value == 0:
        return fixed(value, 0)
    if not SMALL <= abs(value) < LARGE:
        return power_of_ten(value)
    text = fixed(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))
    return text.rstrip("0").rstrip(".") if "." in text else text


def power_of_ten(value: float) -> str:
    """Such as ``2.4·10⁻⁷``; 0 is ``0``."""
    if not math.isfinite(value) or value == 0:
        return fixed(value, 0)
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}·10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", "−")


def fixed(value: float, digits: int) -> str:
    """A number with so many digits after the point."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def short_probability(probability: float) -> str:
    """Two digits, and never 0.00 for what is possible."""
    return f"{probability:.2f}" if probability >= 0.005 else "<0.01"

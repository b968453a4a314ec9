"""A measure of every head, as colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.heads.measures import Measure
from viz.look.theme import Theme, coloured


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The colour of every head, uint8 ``[layer, head, 3]``: between ``stops``, in even steps from ``low`` to ``high``.

    Where the measure is undefined, it is that of the ground.
    """

    stops: tuple[str, ...]
    low: float
    high: float
    colours: np.ndarray


def measured(measure: Measure, values: np.ndarray, theme: Theme) -> Measured:
    """The colours of ``values`` ``[layer, head]``, NaN where undefined.

    They span what the measure can be, so that two sentences compare; without a bound, up to the largest value.
    """
    stops = theme.diverging if measure.low < 0 else theme.scale
    high = measure.high if measure.high is not None else float(np.nan_to_num(values).max()) or 1.0
    colours = coloured((np.nan_to_num(values, nan=measure.low) - measure.low) / (high - measure.low), stops)
    colours[np.isnan(values)] = coloured(np.zeros(1), (theme.inverse, theme.inverse))[0]
    return Measured(stops=stops, low=measure.low, high=high, colours=colours)

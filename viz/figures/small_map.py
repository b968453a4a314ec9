"""A head as a picture of a few pixels a cell, for beside a text."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np

from viz.look.theme import Theme, coloured


def small_map(levels: np.ndarray, theme: Theme) -> str:
    """The address of a PNG with a pixel a cell, which a browser enlarges as it is, of ``[row, column]`` from 0 to 1."""
    from PIL import Image  # only who makes an experiment waits for it

    made = BytesIO()
    Image.fromarray(coloured(levels, theme.scale)).save(made, "PNG")
    return "data:image/png;base64," + base64.b64encode(made.getvalue()).decode("ascii")

"""One head over the steps of a training, as an animation: what the browser plays, a page to take along, and a GIF."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np

from model.trace import Kind
from viz.export.document import STYLE as DOCUMENT_STYLE
from viz.export.document import details, document
from viz.export.drawings import head_drawing
from viz.export.provenance import Provenance
from viz.export.svg import escaped
from viz.look.geometry import COLUMNS_ARE, ROWS_ARE
from viz.look.numbers import fixed
from viz.look.picture import Picture
from viz.look.theme import Theme, short_token

FRAME_SECONDS, LAST_SECONDS = 0.35, 2.0
STYLE = "body { max-width: 60rem; }"
HTML = """<div class="film">
<div class="bar"><button type="button" class="play">Play</button>
<button type="button" class="back" aria-label="One step back">‹</button>
<input type="range" min="0" step="1" aria-label="Step">
<button type="button" class="on" aria-label="One step on">›</button><output></output></div>
<p class="written"></p>
<div class="stage"><canvas class="map" role="img" tabindex="0"></canvas><canvas class="curve" role="img"></canvas></div>
<p class="said" role="status"></p>
</div>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One head over the steps: ``levels`` uint8 ``[step, query, key]``, the weights in 255ths.

    ``written`` is what the model wrote by itself at each step; ``values`` ``[step]`` a measure of the head (NaN
    where undefined) that lies between ``low`` and ``high``; ``formed`` the step where the head forms. ``made`` says
    what all steps share; its checkpoint is the run's name, its digest that of the last step.
    """

    made: Provenance
    kind: Kind
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    steps: tuple[int, ...]
    digests: tuple[str, ...]
    written: tuple[str, ...]
    levels: np.ndarray
    measure: str
    values: np.ndarray
    low: float
    high: float
    formed: int | None

    @property
    def title(self) -> str:
        words = self.made.items()
        return f"{words['attention']}, layer {self.made.layer}, head {self.made.head}, while training"

    def items(self) -> Mapping[str, str]:
        """Where it comes from, by name: what all steps share, and each step's checkpoint."""
        said = {"run" if name == "checkpoint" else name: text for name, text in self.made.items().items()}
        said.pop("digest")
        said["measure"] = self.measure
        said["checkpoints (step: SHA-256)"] = "; ".join(
            f"{step}: {digest}" for step, digest in zip(self.steps, self.digests, strict=True)
        )
        return said


class FilmData(TypedDict):
    """What ``film.js`` plays: ``levels`` are bytes, ``across`` and ``down`` what columns and rows are, the others as in
    :class:`Film`."""

    title: str
    rows: list[str]
    columns: list[str]
    across: str
    down: str
    steps: list[int]
    written: list[str]
    levels: str
    measure: str
    values: list[float | None]
    low: float
    high: float
    formed: int | None
    scale: list[str]
    accent: str
    text: str
    seconds: float
    autoplay: bool


def film_data(film: Film, theme: Theme, *, autoplay: bool = False) -> FilmData:
    """What ``film.js`` plays; by itself, once, if ``autoplay`` and if the reader has not asked for less motion."""
    return {
        "title": film.title,
        "rows": [short_token(token) for token in film.rows],
        "columns": [short_token(token) for token in film.columns],
        "across": COLUMNS_ARE,
        "down": ROWS_ARE,
        "steps": list(film.steps),
        "written": list(film.written),
        "levels": base64.b64encode(np.ascontiguousarray(film.levels).tobytes()).decode("ascii"),
        "measure": film.measure,
        "values": [None if np.isnan(value) else round(float(value), 4) for value in film.values],
        "low": film.low,
        "high": film.high,
        "formed": film.formed,
        "scale": list(theme.scale),
        "accent": theme.accent,
        "text": theme.text,
        "seconds": FRAME_SECONDS,
        "autoplay": autoplay,
    }


def film_html(film: Film, theme: Theme, *, player: str, style: str) -> bytes:
    """A page of its own that plays it and needs no network; the script ``player`` finds the data in ``#film``."""
    heading = f"<h1>{escaped(film.title)}</h1>"
    return document(
        film.title,
        f"{heading}\n{HTML}\n{details(film.items())}",
        style="\n".join((DOCUMENT_STYLE % {"ground": theme.inverse, "text": theme.text}, STYLE, style)),
        data={"film": film_data(film, theme)},
        script=player,
    ).encode("utf-8", "replace")


def film_gif(film: Film, theme: Theme) -> bytes:
    """An animated GIF, a frame a step; where it comes from is drawn on every frame and stands in its comment."""
    from viz.export.raster import raster

    frames = [raster(drawing) for drawing in _drawings(film, theme)]
    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    # Captions differ in length; a GIF has one size.
    whole = [_on_ground(frame, size, theme.inverse) for frame in frames]
    file = io.BytesIO()
    milliseconds = [round(1000 * FRAME_SECONDS)] * (len(whole) - 1) + [round(1000 * LAST_SECONDS)]
    said = json.dumps(film.items(), ensure_ascii=True).encode("ascii")
    whole[0].save(
        file, "GIF", save_all=True, append_images=whole[1:], duration=milliseconds, loop=0, comment=said, disposal=1
    )
    return file.getvalue()


def _on_ground(frame: Any, size: tuple[int, int], colour: str) -> Any:
    from PIL import Image

    ground = Image.new("RGB", size, colour)
    ground.paste(frame, (0, 0))
    return ground.quantize(128)


def _drawings(film: Film, theme: Theme) -> Iterator[Any]:
    layer, head = (film.made.layer or 1) - 1, (film.made.head or 1) - 1
    for place, step in enumerate(film.steps):
        pattern = np.zeros((layer + 1, head + 1, *film.levels.shape[1:]), dtype=np.float32)
        pattern[layer, head] = film.levels[place] / 255
        shown = Picture(
            kind=film.kind,
            pattern=pattern,
            rows=film.rows,
            columns=film.columns,
            row_places=tuple((i,) for i in range(len(film.rows))),
            column_places=tuple((i,) for i in range(len(film.columns))),
        )
        value = fixed(film.values[place], 2)
        made = replace(
            film.made,
            checkpoint=f"{film.made.checkpoint}, step {step:,} of {film.steps[-1]:,}; {film.measure} {value}",
            digest=film.digests[place],
            notes=(*film.made.notes, f"on its own the model writes: {film.written[place]}"),
        )
        yield head_drawing(shown, layer, head, made, theme=theme)

"""The door for notebooks: all attention of a trace in a cell, or in a file, drawn by the page's own scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model.files import write_whole
from model.trace import Trace
from viz.components.notebook import HTML, SCRIPT, STYLE, notebook_data
from viz.export.document import details, document
from viz.export.svg import escaped
from viz.look.picture import Display, RowNames

HEIGHT = 640
"""In CSS pixels, of a frame that may not know how high it ought to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """A page that shows a trace; a notebook shows it as the result of a cell."""

    trace: Trace
    display: Display
    said: Mapping[str, str] = field(default_factory=dict)

    def html(self) -> str:
        """The whole page. It asks no server for anything."""
        title = f"Attention of {self.trace.model_name}"
        body = f"{HTML}\n<details><summary>Where it comes from</summary>{details(self.said)}</details>"
        data = {"maps": notebook_data(self.trace, self.display)}
        return document(title, body, style=STYLE, data=data, script=SCRIPT)

    def save(self, path: str | Path) -> None:
        """Write the page to a file, whole or not at all."""
        write_whole(Path(path), self.html().encode("utf-8", "replace"))

    def _repr_html_(self) -> str:
        # In a frame neither its styles nor its names meet those of the notebook, or of another cell.
        title = escaped(f"Attention of {self.trace.model_name}")
        style = f"width: 100%; height: {HEIGHT}px; border: 0"
        inner = self.html().replace("&", "&amp;").replace('"', "&quot;")
        return f'<iframe title="{title}" style="{style}" srcdoc="{inner}"></iframe>'


def explore(trace: Trace, *, rows: RowNames = "predicted", words: bool = False, special: bool = True) -> Explored:
    """All layers and heads of every kind of attention in a trace: at a glance, and one as a heatmap, lines or text.

    Args:
        trace: of :func:`model.capture.capture`, :meth:`Trace.of` or a recording.
        rows: what names a row of a decoder: the token "predicted" there, or the one "fed in".
        words: make one row or column of the tokens of a word.
        special: show the special tokens.
    """
    said = {"model": trace.model_name, "source": trace.source, "output": trace.target}
    display = Display(rows=rows, words=words, special=special)
    return Explored(trace=trace, display=display, said={name: text for name, text in said.items() if text})

"""What the cards of the shipped checkpoints say about them: the scores are kept there, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from model import checkpoint

PAIRS: Mapping[str, str] = MappingProxyType({"translate-en-fr": "lstm-translate-en-fr", "dates": "lstm-dates"})
"""Each shipped Transformer, and the LSTM of the same size trained on the same task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The figures by which a checkpoint is compared: ``bleu`` (cased, 13a) and ``exact_match`` in percent, and on how
    many texts it was ``scored``; None if not given. ``steps_before`` counts the updates of earlier runs that its own
    continues."""

    name: str
    parameters: int
    bleu: float | None
    exact_match: float | None
    scored: int | None = None
    steps_before: int = 0


def read_card(name: str) -> Card | None:
    """The card of a shipped checkpoint; None if the checkpoint or its card is missing.

    Raises:
        ValueError: the card does not say how many parameters there are, or gives no score.
    """
    if name not in checkpoint.pretrained():
        return None
    try:
        text = (checkpoint.PRETRAINED / f"{name}.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return parse_card(name, text)


def parse_card(name: str, text: str) -> Card:
    """The numbers in a card: ``695,680 parameters``, the scores in a sentence or under a table's heading, the number of
    dates or sentences they were measured on, and ``--steps`` of its commands, the last of which made the checkpoint.

    Raises:
        ValueError: it does not say how many parameters there are, or gives no score.
    """
    parameters = re.search(r"([\d,]*\d)\s+parameters", text)
    scored = re.search(r"\*\*Scores?\*\*\s+on\s+.*?([\d,]*\d)\s+(?:dates|sentences)", text)
    scores = _table(text)
    sentence = re.search(r"exact\s+match\s+([\d.]+\d|\d+)\s*%", text)
    bleu = next((scores[title] for title in scores if title.startswith("BLEU (cased")), None)
    exact_match = scores.get("exact match", float(sentence[1]) if sentence else None)
    if parameters is None or (bleu is None and exact_match is None):
        raise ValueError(f"the card of {name} gives no {'number of parameters' if parameters is None else 'score'}")
    return Card(
        name=name,
        parameters=_whole(parameters),
        bleu=bleu,
        exact_match=exact_match,
        scored=None if scored is None else _whole(scored),
        steps_before=sum(map(int, re.findall(r"--steps\s+(\d+)", text)[:-1])),
    )


def _whole(found: re.Match[str]) -> int:
    return int(found[1].replace(",", ""))


def _table(text: str) -> dict[str, float]:
    """The number under each heading of the tables in a Markdown text; only the first row of a table, the checkpoint's
    own, counts."""
    found: dict[str, float] = {}
    titles: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            titles = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not titles:
            titles = cells
        elif len(cells) == len(titles):
            numbers = (re.match(r"[\d.]+", cell) for cell in cells)
            found = {title: float(number[0]) for title, number in zip(titles, numbers, strict=True) if number} | found
    return found

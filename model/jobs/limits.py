"""What a server allows of the training runs that visitors start. Its owner sets it in environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from model.config import TrainConfig
from model.training.estimate import MEGABYTE, Estimate

PREFIX = "HEADLIGHT_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The defaults suit a machine with two cores. Each field has a variable, such as ``HEADLIGHT_AT_ONCE`` for
    ``at_once``.

    At most ``at_once`` training runs go on together, each with its share of the cores; with 0 none can be started from
    the page, but runs started in a terminal are still shown. ``queued`` more may wait. A model has at most
    ``parameters``, a run at most ``steps`` and, by the estimate, ``memory_mb`` megabytes of memory and ``disk_mb`` of
    checkpoints; the files uploaded for it have at most ``upload_mb`` in total.
    """

    at_once: int = 1
    queued: int = 8
    parameters: int = 20_000_000
    steps: int = 50_000
    memory_mb: int = 4000
    disk_mb: int = 1000
    upload_mb: int = 20


def read_limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits that the server's owner has set.

    Raises:
        ValueError: a variable is not a whole number of at least 0.
    """
    names = {field.name: PREFIX + field.name.upper() for field in fields(Limits)}
    given = {name: environment[variable] for name, variable in names.items() if variable in environment}
    for name, text in given.items():
        if not (text.isascii() and text.isdecimal()):
            raise ValueError(f"{names[name]} must be a whole number, 0 or more, but it is {text!r}")
    return Limits(**{name: int(text) for name, text in given.items()})


def refuse_too_large(needed: Estimate, train: TrainConfig, limits: Limits) -> None:
    """
    Raises:
        ValueError: the training run is larger than this server allows; the message says what it needs and what helps.
    """
    memory, disk = needed.memory // MEGABYTE, needed.disk // MEGABYTE
    for what, value, most, helps in (
        ("has {:,} steps", train.steps, limits.steps, "ask for fewer"),
        ("has {:,} parameters", needed.parameters, limits.parameters, "choose fewer layers or smaller vectors"),
        (
            "needs about {:,} MB of memory", memory, limits.memory_mb,
            "choose fewer layers, smaller vectors or fewer tokens in a batch",
        ),
        ("needs about {:,} MB of disk", disk, limits.disk_mb, "choose a smaller model"),
    ):  # fmt: skip
        if value > most:
            raise ValueError(f"this training run {what.format(value)}, but this server allows {most:,}: {helps}")

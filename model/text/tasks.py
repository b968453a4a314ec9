"""What a model can be trained on without files: seeded algorithmic tasks."""

from __future__ import annotations

import datetime
import itertools
import random
import string
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from model.config import TINY
from model.text.reading import Pair

ALPHABET = string.ascii_letters + string.digits + string.punctuation + " "
MAX_STRING = 20
"""The longest string in string tasks that set no limit of their own."""
PATIENCE = 1000
"""The most examples drawn for each one that is wanted."""

SMALL: Mapping[str, Any] = MappingProxyType(
    {**TINY, "steps": 1600, "batch_tokens": 2048, "learning_rate": 3e-3, "warmup": 200}
)
ONE_HEAD: Mapping[str, Any] = MappingProxyType(
    {
        **SMALL,
        **{"n_layers": 1, "n_heads": 1, "d_model": 64, "d_ff": 128, "positional": "learned"},
        **{"steps": 1500, "batch_tokens": 1024, "learning_rate": 5e-3, "warmup": 100, "average": 0.98},
    }
)
"""Everything that is copied passes through one cross-attention pattern, where it can be seen, after half a minute of
training on one core. With learned positions the pattern becomes sharper than with sinusoidal ones in the same number of
steps (0.73 against 0.51 of the weight on the anti-diagonal)."""

TRANSLATION = "translate"
"""The task of a model trained on text files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task whose examples are generated.

    ``longest`` is the number of characters of its longest text, source or target; ``alphabet`` what its sources are
    written in. ``alignment``, where there is one, gives the source position that target position ``i`` is copied from
    in a string of length ``n``; ``rewrite``, where the sources are strings, gives the target of any string over the
    alphabet and raises :class:`ValueError` for a text that has none. ``recipe`` has the settings that solve the task in
    minutes on two cores with ``architecture``, the one it is for; ``shown_by`` is the measure of a cross-attention head
    (:mod:`model.heads.measures`) that shows when the task has been learned.
    """

    name: str
    summary: str
    example: str
    draw: Callable[[random.Random], Pair]
    longest: int
    alphabet: str = ALPHABET
    alignment: Callable[[int, int], int] | None = None
    rewrite: Callable[[str], str] | None = None
    recipe: Mapping[str, Any] = field(default_factory=lambda: SMALL)
    architecture: str = "transformer"
    shown_by: str | None = None

    def answer(self, text: str) -> str | None:
        """The right answer to any ``text``, including one that a person types; None where the task does not define
        it."""
        try:
            return None if self.rewrite is None else self.rewrite(text)
        except ValueError:
            return None


def generate(name: str, n: int, *, seed: int, held_out: bool = False) -> list[Pair]:
    """``n`` examples of a task. The same arguments give the same examples on every machine.

    Whether a target is held out is fixed for good by a checksum of its text (one in ten is), so whatever is
    evaluated with ``held_out=True`` was never a target in training, with any seed.

    Raises:
        ValueError: there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"there is no task {name!r}; the tasks are {', '.join(TASKS)}")
    draw = TASKS[name].draw
    random_ = random.Random(f"{name} {seed} {held_out}")
    drawn = (draw(random_) for _ in itertools.count())
    return _chosen(drawn, n, held_out=held_out)


def of_length(name: str, n: int, length: int, *, seed: int) -> list[Pair]:
    """``n`` held-out examples of a string task, each of ``length`` characters, however long that is.

    Raises:
        ValueError: there is no such task, its sources are not strings of any length, or ``length`` is below 1.
    """
    task = TASKS.get(name)
    if task is None or (rewrite := task.rewrite) is None:
        on_strings = ", ".join(task.name for task in TASKS.values() if task.rewrite)
        raise ValueError(f"the tasks on strings of any length are {on_strings}, but the task is {name!r}")
    if length < 1:
        raise ValueError(f"length must be at least 1 character, but it is {length}")
    random_ = random.Random(f"{name} {seed} {length}")
    drawn = ("".join(random_.choices(task.alphabet, k=length)) for _ in itertools.count())
    pairs = ((text, rewrite(text)) for text in drawn)
    return _chosen(pairs, n, held_out=True)


def _chosen(drawn: Iterator[Pair], n: int, *, held_out: bool) -> list[Pair]:
    """The first ``n`` whose targets are held out, or are not.

    Raises:
        ValueError: hardly any are; a task with so few targets cannot be trained on some and evaluated on others.
    """
    among = itertools.islice(drawn, PATIENCE * (n + 10))
    found = list(itertools.islice((pair for pair in among if _is_held_out(pair[1]) == held_out), n))
    if len(found) < n:
        raise ValueError(f"too few different targets: of {PATIENCE * (n + 10)} examples only {len(found)} can be used")
    return found


def _is_held_out(target: str) -> bool:
    return zlib.crc32(target.encode()) % 10 == 0


def _string_task(
    name: str,
    summary: str,
    rewrite: Callable[[str], str],
    *,
    alphabet: str = ALPHABET,
    longest: int = MAX_STRING,
    example: str = "attention",
    **options: Any,
) -> Task:
    """A task on strings of up to ``longest`` characters of ``alphabet``, whose targets are no longer than that."""

    def draw(random_: random.Random) -> Pair:
        text = "".join(random_.choices(alphabet, k=random_.randint(1, longest)))
        return text, rewrite(text)

    return Task(
        name=name, summary=f"a string of up to {longest} characters, {summary}", example=example, draw=draw,
        longest=longest, alphabet=alphabet, rewrite=rewrite, **options,
    )  # fmt: skip


# Dates: each format is a template, made from a space-separated order of parts and the spellings of each part.
_DAYS = ("{day}", "{day:02}", "{ordinal}", "the {ordinal}", "the {word}")
_MONTHS = ("{month_name}", "{month_short}", "{month_short}.")
_WEEKDAYS = ("", "{weekday} ", "{weekday}, ", "{weekday_short} ", "{weekday_short}, ")
_YEARS = ("{year}", "'{year_short}")


def _date_formats() -> tuple[str, ...]:
    worded = [
        weekday + order.format(day=day, month=month, year=year)
        for weekday, day, month, year in itertools.product(_WEEKDAYS, _DAYS, _MONTHS, _YEARS)
        for order in (
            "{day} {month} {year}",
            "{day} of {month} {year}",
            "{month} {day}, {year}",
            "{month} {day} {year}",
        )
    ]
    # In digits only: slashes mean month first (as in the United States), dots and dashes day first.
    digits = [
        weekday + date
        for weekday in _WEEKDAYS
        for date in (
            *(
                "{year}-{month:02}-{day:02}",
                "{year}/{month}/{day}",
                "{year}.{month:02}.{day:02}",
                "{year}{month:02}{day:02}",
            ),
            *("{month}/{day}/{year}", "{month:02}/{day:02}/{year}", "{month}/{day}/{year_short}"),
            *("{day}.{month}.{year}", "{day:02}.{month:02}.{year}", "{day}.{month}.{year_short}"),
            *("{day}-{month}-{year}", "{day:02}-{month:02}-{year}", "{day:02}-{month_short}-{year}"),
        )
    ]
    return tuple(dict.fromkeys(worded + digits))


DATE_FORMATS = _date_formats()
_FIRST_DAY, _LAST_DAY = datetime.date(1900, 1, 1).toordinal(), datetime.date(2099, 12, 31).toordinal()
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth"),
    *("nineteenth", "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth"),
    *("twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first"),
)
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CASES: tuple[Callable[[str], str], ...] = (str, str, str.lower, str.upper)


def _draw_date(random_: random.Random) -> Pair:
    date = datetime.date.fromordinal(random_.randint(_FIRST_DAY, _LAST_DAY))
    template = random_.choice(DATE_FORMATS)
    while "year_short" in template and not 1969 <= date.year <= 2068:  # POSIX: 69-99 are 19xx, 00-68 are 20xx
        template = random_.choice(DATE_FORMATS)
    return random_.choice(_CASES)(write_date(date, template)), date.isoformat()


def write_date(date: datetime.date, template: str) -> str:
    """``date`` in words or digits, by one of :data:`DATE_FORMATS`. The names are English whatever the locale."""
    day = date.day
    suffix = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    month, weekday = _MONTH_NAMES[date.month - 1], _WEEKDAY_NAMES[date.weekday()]
    return template.format(
        day=day,
        ordinal=f"{day}{suffix}",
        word=_ORDINALS[day - 1],
        month=date.month,
        month_name=month,
        month_short=month[:3],
        weekday=weekday,
        weekday_short=weekday[:3],
        year=date.year,
        year_short=f"{date.year % 100:02}",
    )


TASKS = MappingProxyType(
    {
        task.name: task
        for task in (
            _string_task("copy", "unchanged", str, alignment=lambda i, n: i, recipe=ONE_HEAD, shown_by="diagonal"),
            _string_task(
                "reverse",
                "backwards",
                lambda text: text[::-1],
                alignment=lambda i, n: n - 1 - i,
                recipe=ONE_HEAD,
                shown_by="anti-diagonal",
            ),
            _string_task("sort", "in ASCII order", lambda text: "".join(sorted(text))),
            _string_task(
                "repeat",
                "once more: for --architecture decoder",
                str,
                alignment=lambda i, n: i,
                recipe={**SMALL, "steps": 4000, "learning_rate": 4e-3, "warmup": 300},
                architecture="decoder",
            ),
            Task(
                name="dates",
                summary="an English date in any of hundreds of formats, as ISO 8601",
                example="Friday, the third of May 2019",
                draw=_draw_date,
                longest=len("Wednesday, the twenty-seventh of September 2023"),
                recipe={
                    **{"n_layers": 2, "d_model": 128, "d_ff": 256, "max_len": 64},
                    **{"steps": 2000, "learning_rate": 2e-3, "warmup": 300},
                },
            ),
        )
    }
)

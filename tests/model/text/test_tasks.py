"""model/text/tasks.py: the answers are right, and what is held out was never seen."""

import calendar
import datetime
import itertools
import random
import re
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.tasks import DATE_FORMATS, MAX_STRING, TASKS, generate, of_length, write_date
from model.text.tokenizer import Tokenizer

DAY = datetime.date(2019, 5, 3)
ANSWERS = {"copy": str, "reverse": lambda text: text[::-1], "sort": lambda text: "".join(sorted(text)), "repeat": str}
ON_STRINGS = [name for name, task in TASKS.items() if task.rewrite]

# What Python's own parser calls the parts of a template. "{ordinal}" and "{word}" it does not know.
DIRECTIVES = {
    "{day}": "%d",
    "{day:02}": "%d",
    "{month}": "%m",
    "{month:02}": "%m",
    "{month_name}": "%B",
    "{month_short}": "%b",
    "{year}": "%Y",
    "{year_short}": "%y",
    "{weekday}": "%A",
    "{weekday_short}": "%a",
}
PARSED_BY_PYTHON = [template for template in DATE_FORMATS if not re.search("ordinal|word", template)]


@pytest.mark.parametrize(
    ("date", "template", "expected"),
    [
        (DAY, "{weekday}, the {word} of {month_name} {year}", "Friday, the third of May 2019"),
        (DAY, "{weekday_short} {ordinal} {month_short}. '{year_short}", "Fri 3rd May. '19"),
        (DAY, "{year}-{month:02}-{day:02}", "2019-05-03"),
        (DAY, "{month}/{day}/{year_short}", "5/3/19"),
        (datetime.date(2000, 2, 29), "{day:02}.{month:02}.{year}", "29.02.2000"),
        (datetime.date(2005, 12, 31), "{month_short} {day}, '{year_short}", "Dec 31, '05"),
        (datetime.date(1999, 8, 21), "the {word} of {month_name} {year}", "the twenty-first of August 1999"),
    ],
)
def test_dates_by_hand(date: datetime.date, template: str, expected: str):
    assert write_date(date, template) == expected


@pytest.mark.parametrize(
    ("day", "ordinal"),
    [
        *((1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th"), (12, "12th"), (13, "13th")),
        *((20, "20th"), (21, "21st"), (22, "22nd"), (23, "23rd"), (24, "24th"), (30, "30th"), (31, "31st")),
    ],
)
def test_ordinals(day: int, ordinal: str):
    assert write_date(datetime.date(2019, 5, day), "{ordinal}") == ordinal


def test_the_date_formats_are_many_and_differ():
    assert len(DATE_FORMATS) >= 200
    assert len(set(DATE_FORMATS)) == len(DATE_FORMATS)
    # 2003-02-01 was a Saturday; day, month and year differ, and the day needs a zero and an ordinal.
    written = {write_date(datetime.date(2003, 2, 1), template) for template in DATE_FORMATS}
    assert len(written) == len(DATE_FORMATS)


@given(
    date=st.dates(datetime.date(1969, 1, 1), datetime.date(2068, 12, 31)), template=st.sampled_from(PARSED_BY_PYTHON)
)
def test_python_reads_the_date_that_was_meant(date: datetime.date, template: str):
    pattern = re.sub(r"\{.*?\}", lambda part: DIRECTIVES[part.group()], template)
    assert datetime.datetime.strptime(write_date(date, template), pattern).date() == date


def test_every_generated_date_says_its_target():
    """Each number and name in the source is one of the target's, in all templates and cases."""
    for source, target in generate("dates", 997, seed=5):
        date = datetime.date.fromisoformat(target)
        lowered = source.lower()
        for names in (calendar.month_name[1:], calendar.day_name):
            named = [name for name in names if re.search(rf"\b{name[:3].lower()}(?:{name[3:].lower()})?\b", lowered)]
            assert set(named) <= {date.strftime("%B"), date.strftime("%A")}, source
        if not (compact := re.fullmatch(r"(?:\D*)(\d{4})(\d\d)(\d\d)", source)):
            numbers = sorted(int(number) for number in re.findall(r"\d+", source))
            assert set(numbers) <= {date.day, date.month, date.year, date.year % 100}, source
        else:
            assert "-".join(compact.groups()) == target


def test_a_year_of_two_digits_is_unambiguous():
    for source, target in generate("dates", 499, seed=7):
        if "'" in source:
            assert datetime.datetime.strptime(source[-2:], "%y").year == int(target[:4])  # as POSIX reads it


@pytest.mark.parametrize("name", ANSWERS)
def test_strings_have_the_right_answers(name: str):
    assert all(target == ANSWERS[name](source) for source, target in generate(name, 199, seed=3))


@pytest.mark.parametrize("name", ON_STRINGS)
def test_strings_are_as_long_as_the_task_says_and_in_its_alphabet(name: str):
    task, pairs = TASKS[name], generate(name, 499, seed=3)
    assert {len(source) for source, _ in pairs} == set(range(1, task.longest + 1))
    assert set("".join(source for source, _ in pairs)) <= set(task.alphabet)
    assert all(task.answer(source) == target for source, target in pairs)


def test_no_date_is_longer_than_the_task_says():
    september = [datetime.date(2023, 9, day) for day in range(1, 31)]  # no month has a longer name
    assert max(len(write_date(*one)) for one in itertools.product(september, DATE_FORMATS)) == TASKS["dates"].longest


def test_a_text_that_a_task_says_nothing_of_has_no_answer():
    numbers = replace(TASKS["copy"], rewrite=lambda text: str(int(text) + 1))
    assert (numbers.answer("41"), numbers.answer("x"), TASKS["dates"].answer("1 May 2019")) == ("42", None, None)


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.alignment])
def test_the_alignment_points_to_where_a_character_came_from(name: str):
    alignment = TASKS[name].alignment
    assert alignment is not None
    for source, target in generate(name, 97, seed=2):
        assert "".join(source[alignment(i, len(target))] for i in range(len(target))) == target


@pytest.mark.parametrize("name", TASKS)
def test_held_out_targets_are_never_trained_on(name: str):
    held_out = {target for _, target in generate(name, 199, seed=0, held_out=True)}
    assert all(zlib.crc32(target.encode()) % 10 == 0 for target in held_out)
    for seed in (0, 1):
        assert held_out.isdisjoint(target for _, target in generate(name, 1999, seed=seed))


@pytest.mark.parametrize("name", TASKS)
def test_the_arguments_decide_the_examples(name: str):
    pairs = generate(name, 31, seed=1)
    random.seed(99)  # the global generator plays no part
    assert generate(name, 31, seed=1) == pairs
    assert generate(name, 13, seed=1) == pairs[:13]
    assert generate(name, 31, seed=2) != pairs


def test_the_examples_are_the_same_on_every_machine():
    dates = [("Monday 21st Sep 1970", "1970-09-21"), ("TUESDAY, OCTOBER THE SIXTH 2065", "2065-10-06")]
    assert generate("dates", 2, seed=0) == dates
    assert generate("reverse", 2, seed=0) == [("O/1>%Ow%gilf", "flig%wO%>1/O"), ("h*L-_VHBKrH", "HrKBHV_-L*h")]


@pytest.mark.parametrize("name", TASKS)
def test_what_a_person_sees_of_a_task(name: str, characters: Tokenizer):
    task = TASKS[name]
    assert task.name == name
    assert task.summary
    assert characters.decode(characters.encode(task.example)) == task.example


def test_a_task_of_few_targets_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("model.text.tasks.TASKS", {"one": replace(TASKS["copy"], draw=lambda random_: ("a", "b"))})
    with pytest.raises(ValueError, match="too few different targets: of 11000 examples only 0"):
        generate("one", 1, seed=0, held_out=zlib.crc32(b"b") % 10 != 0)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=f"no task 'revers'; the tasks are {', '.join(TASKS)}"):
        generate("revers", 1, seed=0)


@pytest.mark.parametrize("name", ON_STRINGS)
@pytest.mark.parametrize("length", [3, MAX_STRING, 3 * MAX_STRING])
def test_strings_of_one_length_are_held_out_at_any_length(name: str, length: int):
    pairs = of_length(name, 53, length, seed=3)
    assert pairs == of_length(name, 53, length, seed=3)
    assert pairs != of_length(name, 53, length, seed=4)
    assert len(pairs) == 53
    for source, target in pairs:
        assert len(source) == length
        assert set(source) <= set(TASKS[name].alphabet)
        assert target == TASKS[name].answer(source)
        assert zlib.crc32(target.encode()) % 10 == 0


@pytest.mark.parametrize("name", ["dates", "translate", ""])
def test_only_strings_have_any_length(name: str):
    with pytest.raises(ValueError, match=f"{', '.join(ON_STRINGS)}, but the task is '{name}'"):
        of_length(name, 5, 7, seed=3)


def test_no_string_is_shorter_than_one():
    with pytest.raises(ValueError, match="at least 1 character, but it is 0"):
        of_length("copy", 5, 0, seed=3)

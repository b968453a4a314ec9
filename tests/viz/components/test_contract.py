"""The scripts take what the TypedDicts give them, and look for nothing outside their components."""

import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from viz.components import sources
from viz.components.arrival import ArrivalData
from viz.components.connection import ConnectionData
from viz.components.followed import Answer, Follow, FollowedData, PartData
from viz.components.head import HeadData
from viz.components.notebook import MapData, NotebookData, ThemeData, ViewData
from viz.components.output import OutputData
from viz.components.overview import OverviewData
from viz.components.path import PathData
from viz.components.pictures import FollowHere, PicturesData
from viz.components.presentation import PresentationData
from viz.components.save_png import PngData
from viz.components.strips import OperandData, StripData
from viz.components.views import VIEWS
from viz.export.film import FilmData
from viz.state.address import Address

SCRIPTS = Path(sources.__file__).parent
OVERVIEW = set(sources.modules("overview"))
VIEW_DATA = {view.script: get_type_hints(view.data)["return"] for view in VIEWS}
SHARED = {"canvas", "colours", "packed"}
GIVEN = {"page.follow.output", "data.app", "fields[name]", "selector"}
"""Selectors of the page that a script may look for."""
CONTRACTS: list[tuple[Any, set[str], str]] = [
    # What is given, the scripts that take it, and the name by which they do.
    (OverviewData, OVERVIEW - SHARED, "data"),
    *((given, set(sources.modules(script)) - SHARED, "data") for script, given in VIEW_DATA.items()),
    (StripData, set(sources.modules("strips")) - SHARED - {"followed", "typing"}, "data"),
    (OperandData, set(sources.modules("strips")) - SHARED, "operand"),
    (FilmData, set(sources.modules("film")) - SHARED, "data"),
    (NotebookData, {"notebook"}, "data"),
    (MapData, {"notebook"}, "map"),
    (ViewData, {"notebook"}, "view"),
    (ThemeData, {"notebook"}, "theme"),
    (PathData, {"path"}, "data"),
    (PngData, set(sources.modules("save_png")) - SHARED, "data"),
    (OutputData, {"output"}, "data"),
    (Address, {"address"}, "addresses"),
    (FollowHere, {"pictures", "typing"}, "follow"),
    (Follow, {"typing"}, "follow"),
    (FollowedData, {"followed"}, "data"),
    (Answer, {"followed"}, "answer"),
    (PartData, {"said"}, "data"),
    (PartData, {"heatmap"}, "data"),
    (PresentationData, {"presentation"}, "said"),
    (ConnectionData, {"connection"}, "data"),
    (ArrivalData, {"arrival"}, "data"),
]


def taken(text: str, name: str) -> set[str]:
    """The keys that a script reads of ``name``: as ``name.key``, or as it takes it apart."""
    apart = re.findall(rf"\{{([^{{}}]*)\}}\s*(?:=|of)\s*(?:\w+\.)*{name}\b(?!\.)", text)
    keys = {key.partition(":")[0].strip() for part in apart for key in part.split(",")}
    found = {*re.findall(rf"\b{name}\.(\w+)", text), *keys}
    return {key for key in found if key and not key.startswith("...")}


def code(script: str) -> str:
    return (SCRIPTS / f"{script}.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("given", "scripts", "name"), CONTRACTS, ids=lambda one: getattr(one, "__name__", None))
def test_a_script_takes_what_it_is_given(given: Any, scripts: set[str], name: str):
    assert set().union(*(taken(code(script), name) for script in scripts)) == set(given.__annotations__)


def test_the_pictures_take_what_they_are_given():
    read = taken(code("pictures"), "data")
    assert read == {*PicturesData.__annotations__, "follow"}
    assert VIEW_DATA["head"] is HeadData


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("const { a, b: c, ...rest } = map.data; f(data.d);", {"a", "b", "d"}),
        ("for (const { a, b } of data) f(data.c.d, other.e);", {"a", "b", "c"}),
        ("const { a } = data.b; const [c] = metadata.e;", {"b"}),
        ("function f({\n  data,\n}) {}", set()),
    ],
)
def test_what_counts_as_taken(text: str, keys: set[str]):
    assert taken(text, "data") == keys


def test_no_script_looks_for_what_another_has_drawn():
    """A component finds its own nodes below ``parentElement``; of the page it knows the selectors that it is given."""
    for path in SCRIPTS.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert "st-key-" not in text, path.name
        assert set(re.findall(r"document\.querySelector\w*\(([^)]*)\)", text)) <= GIVEN, path.name
        assert set(re.findall(r"closest\?*\.*\(([^)]*)\)", text)) <= {
            "page.follow.field",
            "data.turners",
            "path.data.parts",
        }, path.name

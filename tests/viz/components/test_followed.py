"""viz/components/followed.py: what the browser is told of the parts of a page; and the scripts it gets once."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from viz.components import sources
from viz.components.followed import LEAST, packed
from viz.components.served import FILES
from viz.components.served import answer as served

LONG, OTHER = "a" * LEAST, "b" * 2 * LEAST


def test_what_is_long_is_told_once():
    parts = {
        "one": LONG,
        "two": {"values": OTHER, "rows": (LONG, "short"), "shape": (2, 3), "framed": None, "steady": True},
        "three": [{"values": OTHER}],
    }
    told = packed(parts)
    assert told["arrays"] == [LONG, OTHER]
    assert json.dumps(told).count(OTHER) == 1
    assert json.loads(json.dumps(told["parts"])) == {
        "one": {"array": 0},
        "two": {
            "values": {"array": 1}, "rows": [{"array": 0}, "short"], "shape": [2, 3], "framed": None, "steady": True,
        },
        "three": [{"values": {"array": 1}}],
    }  # fmt: skip


def test_a_script_is_served_under_the_name_that_loads_it():
    client: Any = TestClient(Starlette(routes=[Route("/scripts/{name}.js", served)]))
    for name in FILES:
        found = client.get(f"/scripts/{name}.js?anything")
        assert found.status_code == 200
        assert found.headers["content-type"].startswith("text/javascript")
        assert "immutable" in found.headers["cache-control"]
        assert found.text.startswith("const $")
    for name in ("typing", "nothing", "..%2Fsources"):
        assert client.get(f"/scripts/{name}.js").status_code == 404
    one, other = (sources.loaded("scripts/a.js", text) for text in ("1", "2"))
    assert one != other

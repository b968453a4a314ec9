"""viz/components/sources.py: what the browser gets of a file."""

from pathlib import Path

import pytest

from viz.components import sources


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("// why\nlet a = 1; // here\n", "let a = 1; // here"),
        ("  let a;\n\n    let b;\n", "let a;\nlet b;"),
        ("/** What.\n * @param a\n */\nfunction f() {}\n/* also */\nf();", "function f() {}\nf();"),
        ("/* one */ f();\n/** two */\ng();", "/* one */ f();\ng();"),
        ('const url = "http://a"; /* b */', 'const url = "http://a"; /* b */'),
    ],
)
def test_comments_on_lines_of_their_own_and_indentation_stay_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sent: str
):
    monkeypatch.setattr(sources, "_HERE", tmp_path)
    (tmp_path / "a.js").write_text(text, encoding="utf-8")
    assert sources.source("a.js") == sent

"""A page of its own that asks nobody for anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from viz.export.svg import escaped

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline';
 script-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
{data}
<script type="module">{script}</script>
</body>
</html>
"""
STYLE = """body { margin: 1rem; font: 14px system-ui, sans-serif; background: %(ground)s; color: %(text)s; }
dt { font-weight: 600; margin-top: 0.5rem; } dd { margin: 0; overflow-wrap: anywhere; }"""
"""Of a page with :func:`details`, on a ``ground``."""


def document(title: str, body: str, *, style: str, data: Mapping[str, Any], script: str) -> str:
    """The page.

    Args:
        title: as text; the ``body`` is HTML.
        style: CSS.
        data: by its id, what the ``script``, a module, finds as JSON in an element.
        script: JavaScript.
    """
    return PAGE.format(
        title=escaped(title),
        style=style,
        body=body,
        data="\n".join(
            f'<script type="application/json" id="{name}">{_embedded(one)}</script>' for name, one in data.items()
        ),
        script=script,
    )


def details(said: Mapping[str, str]) -> str:
    """What is said by names, as HTML."""
    return f"<dl>{''.join(f'<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>' for name, text in said.items())}</dl>"


def _embedded(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(data).replace("<", "\\u003c")

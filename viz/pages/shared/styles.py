"""What all pages look like, as CSS on the tokens of :mod:`viz.look.theme`."""

from __future__ import annotations

HEADER = """
[data-testid="stHeader"], [data-testid="stToolbar"] { height: var(--header); min-height: 0; }
[data-testid="stToolbar"] > div { justify-content: flex-start; }
[data-testid="stTopNav"] { max-width: calc(100vw - 15rem); }
[data-testid="stTopNavLink"] span, [data-testid="stTopNavLink"] p { color: var(--text); }
[data-testid="stExpandSidebarButton"] { width: auto; padding: 0 0.5rem; gap: 0.25rem; color: var(--text); }
[data-testid="stExpandSidebarButton"]::after { content: "Pages" / ""; }
.st-key-switches {
  position: fixed; z-index: 999991; top: 0; right: 3.5rem; width: auto; height: var(--header);
  display: flex; flex-flow: row nowrap; align-items: center; gap: var(--space-near);
}
[data-testid="stLayoutWrapper"]:has(> :is(.st-key-switches, .st-key-turner)) { position: absolute; }
.st-key-switches .stElementContainer { width: auto; }
.st-key-switches button { min-height: 2rem; padding: 0 0.75rem; white-space: nowrap; }
.st-key-turner { display: none; }
"""
ON_SCREEN = """
:root { --header: 3.75rem; }
.stMainBlockContainer { padding: 4rem max(1rem, min(2.5rem, 3vw)) 2rem; }
.st-key-switch_controls { display: none; }
"""
ON_A_WALL = """
:root { --header: 2.75rem; }
.stMainBlockContainer { padding: 3.25rem 1.5rem 0.5rem; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.75rem; }
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-aside_"]) { display: none; }
[data-testid="stTopNav"] { max-width: calc(100vw - 26rem); }
[data-testid="stTopNavLink"] > span:has([data-testid="stIconMaterial"]) { display: none; }
[data-testid="stTopNavLink"] { padding: 0.1rem 0.4rem; }
.st-key-turner {
  position: fixed; z-index: 3; right: 1rem; bottom: 0.5rem; width: auto; padding: 0 0.75rem; border-radius: 1rem;
  display: flex; flex-flow: row nowrap; align-items: center; gap: 0.75rem;
  background: var(--page); border: 1px solid var(--faint);
}
@media (min-width: 1200px) {
  .st-key-turner {
    z-index: 999991; top: 0; right: 27rem; bottom: auto; height: var(--header); border: none; background: none;
  }
}
.st-key-turner .stElementContainer, .st-key-turner .stMarkdown { width: auto; margin: 0; }
.st-key-turner [data-testid="stMarkdownContainer"] { margin: 0; }
.st-key-turner button { min-height: 2rem; }
.st-key-turner p { margin: 0; white-space: nowrap; font-variant-numeric: tabular-nums; }
"""
FOLDED = """
:is([data-testid="stLayoutWrapper"], .stElementContainer):has(> :is(.st-key-page_top, [class*="st-key-controls_"])),
[class*="st-key-controls_"] { display: none; }
"""
READABLE = """
[data-stale="true"] { opacity: 1 !important; }
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: var(--muted); opacity: 1; }
[data-testid="stCaptionContainer"] code { color: var(--text); font-size: 0.9em; }
.stCode .token { color: var(--text) !important; opacity: 1; }
.stCode .token.comment { color: var(--muted) !important; }
.stCode .token:is(.keyword, .boolean, .operator-word) { color: var(--more) !important; }
.stCode .linenumber { color: var(--muted) !important; opacity: 1; }
.stCode .token:is(.string, .triple-quoted-string, .string-interpolation) { color: var(--less) !important; }
:is(a, button, summary, [role="radio"], [tabindex="0"]):focus-visible {
  outline: 2px solid var(--primary); outline-offset: 2px;
}
[data-testid="stBaseButton-primary"] p { color: var(--page); }
[data-testid="stTopNavLink"]:focus-visible { outline-offset: -2px; box-shadow: none; }
:is(svg, canvas):focus:not(:focus-visible) { outline: none; }
"""
"""A contrast of 4.5 : 1 where Streamlit has less, and a ring around whatever has keyboard focus. What is
being computed again stays readable until it is replaced."""
NARROW = """
.katex-display { overflow-x: auto; overflow-y: hidden; padding: 6px 4px; max-width: 100%; }
.stColumn, .stVerticalBlock, .stMarkdown { min-width: 0; }
@media (max-width: 900px) {
  .stHorizontalBlock:has(> .stColumn) { flex-wrap: wrap; }
  .stHorizontalBlock > .stColumn { flex: 1 1 100%; min-width: 100%; }
  .st-key-page_top .stHorizontalBlock { gap: 0.25rem; }
}
"""
"""Half a window, which is what 200% of zoom leaves: columns stand below each other, formulas scroll in their card."""
ALL = HEADER + READABLE + NARROW

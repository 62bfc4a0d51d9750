"""Every link of every page leads to a file, and to a heading of it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")])


@cache
def headings(page: Path) -> set[str]:
    """Gives the anchors that a page's headings have: small letters, hyphens for spaces, no other signs."""
    lines = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        led_to = (page.parent / path).resolve() if path else page
        assert led_to.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in headings(led_to), f"{target}: no such heading"


def test_every_page_and_picture_of_the_docs_is_linked_from_another():
    linked = set()
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s#]+)", page.read_text("utf-8")):
            if not target.startswith("http"):
                linked.add((page.parent / target).resolve())
    shown = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/pictures/**/*.*")]
    assert not [path.name for path in shown if path not in linked]

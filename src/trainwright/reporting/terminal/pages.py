"""The page of a finding on the terminal."""

from __future__ import annotations

from ..pages import Page
from .lines import INDENT, Line, table


def page_lines(page: Page, width: int = 80) -> list[Line]:
    """Writes what the documentation says of a code: what is wrong, the parts of its page, and a real case.

    Args:
        page: of the code.
        width: columns to wrap to.
    """
    rows = [*page.parts.items(), *([("A real case", page.case)] if page.case else [])]
    title = f"{page.code}: {page.title}" if page.title else page.code
    return [Line(), Line(title, "bold"), *table(rows, width, INDENT), Line()]

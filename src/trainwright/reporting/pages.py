"""The page of a finding in the documentation: what its code means, what is often taken for it, what mends it.

The pages are `docs/findings/*.md`, one a code of the diagnosis, and the entries of `docs/findings.md` for codes of data
and checks. They are part of the package, so that the terminal and the report can say them without any network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from trainwright.errors import InputError, did_you_mean

PLACES = (Path(__file__).with_name("docs"), Path(__file__).parents[3] / "docs")
"""Where the pages lie: in an installed package, and in the sources."""

PART = re.compile(r"^- \*\*([\w ]+)\*\*: (.*?)(?=^- \*\*|\Z)", re.DOTALL | re.MULTILINE)
CASE = re.compile(r"^<!-- case -->\n(.*?)^<!-- /case -->\n", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r"!\[[^]]*\]\([^)]*\)\n?")
LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")
HELPFUL = ("False alarms", "Fix", "Do")
"""Parts of a page that say more than a finding itself does."""


@dataclass(frozen=True)
class Page:
    """What the documentation says of a code.

    Attributes:
        code: of the finding.
        title: what is wrong, in a sentence; empty where it is the first of the parts.
        case: the words about a real run that shows it; empty where none was measured.
        parts: name → paragraph in Markdown without links, in the page's order.
    """

    code: str
    title: str
    case: str
    parts: Mapping[str, str]

    @property
    def help(self) -> Mapping[str, str]:
        """The parts that go beyond what the finding says."""
        return {name: text for name, text in self.parts.items() if name in HELPFUL}


def page_of(code: str) -> Page | None:
    """Gives the page of a code, None where the documentation has none."""
    return pages().get(code)


def explained(code: str) -> Page:
    """Gives the page of a code.

    Raises:
        InputError: no finding has this code.
    """
    page = page_of(code)
    if page is None:
        raise InputError(
            "there is no such finding", expected="the code of a finding", got=code, hint=did_you_mean(code, pages())
        )
    return page


@cache
def pages() -> Mapping[str, Page]:
    """Reads all pages by code; none where the package came without them."""
    docs = next((place for place in PLACES if (place / "findings.md").is_file()), None)
    if docs is None:
        return {}
    _, *entries = re.split(r"^### (.+)$", (docs / "findings.md").read_text("utf-8"), flags=re.MULTILINE)
    found = {
        code: Page(code, "", "", _parts(re.split("^## ", text, flags=re.MULTILINE)[0]))
        for code, text in zip(entries[::2], entries[1::2], strict=True)
    }
    for file in sorted((docs / "findings").glob("*.md")):
        found[file.stem] = _read(file)
    return found


def as_html(text: str) -> Markup:
    """Marks up a paragraph: every word is escaped, and what stands between backticks is code.

    >>> as_html("`a < b`, or not")
    Markup('<code>a &lt; b</code>, or not')
    """
    parts = text.split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


def _read(file: Path) -> Page:
    text = file.read_text("utf-8")
    case = CASE.search(text)
    _, _, body = CASE.sub("", text).partition("\n")
    title = " ".join(body.partition(" [All findings]")[0].split())
    real = "" if case is None else _plain(PICTURE.sub("", case[1])).partition("**A real case**: ")[2]
    return Page(file.stem, title, real, _parts(body))


def _parts(text: str) -> dict[str, str]:
    return {name: _plain(words) for name, words in PART.findall(text)}


def _plain(text: str) -> str:
    """Joins the lines of a paragraph and leaves the targets of its links out."""
    return " ".join(LINK.sub(r"\1", text).split())

"""Lines of text with a style, wrapped and aligned; what both faces of the terminal print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..wording import NBSP

LABEL_WIDTH = 10
INDENT = "  "


@dataclass(frozen=True)
class Line:
    """One line for the terminal. `style` is a rich style; the plain face leaves it out. `label` is drawn apart."""

    text: str = ""
    style: str = ""
    label: str = ""

    def plain(self) -> str:
        """Gives the line without any style.

        >>> Line("10 classes", label="data").plain()
        '  data      10 classes'
        """
        return (self.start() + self.text).rstrip()

    def start(self) -> str:
        """Gives the label as it stands in front of the text."""
        return INDENT + self.label.ljust(LABEL_WIDTH) if self.label else ""


def labelled(label: str, texts: Iterable[str], width: int, style: str = "") -> list[Line]:
    """Sets texts beneath each other to the right of one label; long ones are wrapped between words.

    Words are never broken, so that a path can be copied even where it is longer than the line.

    >>> [line.plain() for line in labelled("data", ["one two"], width=16)]
    ['  data      one', '            two']
    """
    left = len(INDENT) + LABEL_WIDTH
    wrapped = [part for text in texts for part in _wrap(text, width - left)]
    lines = [Line(" " * left + part, style) for part in wrapped]
    if label and wrapped:
        lines[0] = Line(wrapped[0], style, label)
    return lines


def table(rows: Sequence[Sequence[str]], width: int, indent: str = INDENT * 2) -> list[Line]:
    """Aligns rows in columns; the last column is wrapped within itself.

    >>> [line.text for line in table([("lr", "0.1", "by rule of thumb, see docs"), ("epochs", "30", "")], width=41)]
    ['    lr      0.1  by rule of thumb, see', '                 docs', '    epochs  30']
    """
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    left = len(indent) + sum(widths) + 2 * len(widths)
    lines = []
    for row in rows:
        start = indent + "".join(cell.ljust(size + 2) for cell, size in zip(row[:-1], widths, strict=True))
        parts = _wrap(row[-1], max(width - left, 24)) or [""]
        lines.append(Line((start + parts[0]).rstrip()))
        lines += [Line(" " * left + part) for part in parts[1:]]
    return lines


def _wrap(text: str, width: int) -> list[str]:
    indent = len(text) - len(text.lstrip())
    parts = textwrap.wrap(
        text,
        max(width, 1),
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent=" " * (indent + 2 if indent else 0),
    )
    return [part.replace(NBSP, " ") for part in parts]

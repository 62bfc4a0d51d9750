"""What the audit found in the pictures, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.errors import shown_of

from ..views.audit import PART_WORDS, ColumnFacts, data_summary
from ..wording import count, number, plural, printable
from .lines import Line, labelled

CLASSES_SHOWN = 40
REJECTED_SHOWN = 10
TWINS_SHOWN = 5
TWINS_NAMED = 4


def audit_lines(audit: Mapping[str, Any], width: int = 80) -> list[str]:
    """Says what stands in the data: parts, classes, sizes, copies, and what cannot be used.

    Args:
        audit: what data/audit.json holds.
        width: columns to wrap to.
    """
    view = data_summary(audit)
    things = view.things
    total = f"{plural(view.pictures, 'picture')} {things.counted(len(view.names))}"
    lines = [Line(), *labelled("data", [f"{printable(view.title)}: {total}", printable(view.description)], width)]
    parts = [
        f"{PART_WORDS[row.part]} {count(row.pictures)} ({'given' if row.given else 'made by us'})"
        if row.pictures
        else f"no {PART_WORDS[row.part]} part"
        for row in view.parts
    ]
    lines += labelled("parts", parts, width)
    lines += labelled("found", [f"{name}: {printable(words)}" for name, words in view.facts], width)
    most = shown_of(len(view.twins), TWINS_SHOWN)
    shown = [printable(" = ".join(names[:TWINS_NAMED])) for names in view.twins[:most]]
    rest = len(view.twins) - most
    lines += labelled("copies", [*shown, *([f"and {count(rest)} more groups"] if rest > 0 else [])], width)
    lines += labelled("notes", [printable(note) for note in view.notes], width)
    if view.rejected:
        most = shown_of(len(view.rejected), REJECTED_SHOWN)
        shown = [f"{printable(name)}: {printable(reason)}" for name, reason in view.rejected[:most]]
        rest = len(view.rejected) - most
        lines += labelled("rejected", [*shown, *([f"and {count(rest)} more"] if rest > 0 else [])], width)
    if view.columns:
        heads = ("column", "smallest", "median", "largest", "mean", "deviation")
        rows = [heads, *((printable(c.name), *map(number, _five(c))) for c in view.columns)]
        sizes = [max(len(row[place]) for row in rows) for place in range(len(heads))]
        lines.append(Line())
        for row in rows:
            cells = [cell.rjust(size) for cell, size in zip(row[1:], sizes[1:], strict=True)]
            lines.append(Line(f"  {row[0]:<{sizes[0]}}  {'  '.join(cells)}"))
    if not view.classes:
        return [line.plain() for line in lines]
    most = shown_of(len(view.classes), CLASSES_SHOWN)
    labels = [printable(row.label) for row in view.classes[:most]]
    size = max(map(len, [things.one, *labels]))
    lines += [Line(), Line(f"  {things.one:<{size}}     train    valid     test")]
    for label, row in zip(labels, view.classes, strict=False):
        lines.append(Line(f"  {label:<{size}}  {count(row.train):>8} {count(row.valid):>8} {count(row.test):>8}"))
    if len(view.classes) > most:
        lines.append(Line(f"  and {count(len(view.classes) - most)} more {things.many}"))
    return [line.plain() for line in lines]


def _five(column: ColumnFacts) -> tuple[float, ...]:
    return column.smallest, column.median, column.largest, column.mean, column.deviation

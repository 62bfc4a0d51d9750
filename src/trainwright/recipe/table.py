"""The settings as tables in Markdown, for the documentation."""

from __future__ import annotations

from .catalog import Setting, describe
from .scalars import format_value

_HEAD = "| Key | Default | Unit | Range | Meaning | Source |\n|---|---|---|---|---|---|"


def settings_table() -> str:
    """Writes one table a section; docs/recipe.md holds this text.

    >>> settings_table().splitlines()[0]
    '### data'
    """
    blocks: dict[str, list[str]] = {}
    for row in describe():
        blocks.setdefault(row.section, []).append(_line(row))
    return "\n\n".join("\n".join([f"### {section}\n", _HEAD, *lines]) for section, lines in blocks.items())


def _line(row: Setting) -> str:
    range_words = row.range if row.choices or row.examples else ", or ".join([row.range, *row.words])
    only = [f"{key} is {' or '.join(values)}" for key, values in row.applies.items()]
    only += [f"{row.needs} is {row.needed}"] if row.needs else []
    meaning = f"{row.meaning} Only where {' and '.join(only)}." if only else row.meaning
    cells = [f"`{row.key}`", f"`{format_value(row.default)}`", row.unit, range_words or row.kind, meaning, row.source]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"

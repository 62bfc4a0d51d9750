"""Checks before training: each on lines of its own, or all of them on one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

MARKS = {"passed": "ok", "warned": "warn", "failed": "FAILED", "skipped": "skipped"}

NAME, MARK = 20, 9
"""Width of the columns that come before what was seen."""

TELLING = ("first-loss", "few-pictures")
"""Checks whose figures are told even where they pass."""


def check_lines(row: Mapping[str, Any]) -> list[str]:
    """Writes a check and, where it did not pass, its likely causes.

    Args:
        row: `name, verdict, summary, causes`, as in checks.json.
    """
    line = f"  {row['name']:<{NAME}}{MARKS[row['verdict']]:<{MARK}}{row['summary']}"
    causes = [f"  {'':<{NAME + MARK}}perhaps: {cause}" for cause in row["causes"]]
    return [line, *causes]


def checks_texts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sums checks up: how many of each verdict, what those saw that are worth telling, and which were not made."""
    counts = Counter(row["verdict"] for row in rows)
    parts = [f"{counts[verdict]} {verdict}" for verdict in ("passed", "warned", "failed") if counts[verdict]]
    told = [row["summary"] for row in rows if row["name"] in TELLING and row["verdict"] == "passed"]
    skipped = [row["name"] for row in rows if row["verdict"] == "skipped"]
    not_made = [f"not made: {', '.join(skipped)}"] if skipped else []
    return [", ".join(parts), *told, *not_made]

"""The checks before training, as they stand in checks.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..wording import count

VERDICTS = {"passed": "passed", "warned": "warned", "failed": "failed", "skipped": "not made"}


@dataclass(frozen=True)
class CheckRow:
    """One check: its name, `passed`, `warned`, `failed` or `skipped`, what was seen, and the likely causes."""

    name: str
    verdict: str
    summary: str
    causes: tuple[str, ...] = ()


def check_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[CheckRow, ...]:
    """Reads checks.json; of an earlier version of the program a check has `passed` in the place of a verdict."""
    return tuple(
        CheckRow(
            name=row["name"],
            verdict=row.get("verdict") or ("passed" if row["passed"] else "warned"),
            summary=row["summary"],
            causes=tuple(row.get("causes", ())),
        )
        for row in rows
    )


def checks_summary(rows: Sequence[CheckRow]) -> str:
    """Counts verdicts and names those that did not pass.

    >>> checks_summary([CheckRow("a", "passed", ""), CheckRow("b", "skipped", "")])
    '1 passed, 1 not made.'
    """
    counts = Counter(row.verdict for row in rows)
    parts = [f"{count(counts[verdict])} {words}" for verdict, words in VERDICTS.items() if counts[verdict]]
    wrong = [f"{row.name}: {row.summary}" for row in rows if row.verdict == "failed"]
    return "; ".join([", ".join(parts), *wrong]) + "."

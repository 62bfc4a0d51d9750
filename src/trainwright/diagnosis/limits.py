"""Limits beyond which a number is unusual, as quantiles over a kept set of healthy runs, and how often codes are right.

`limits.json` is written by `benchmarks/faults/limits.py` from the half of the corpus that sets limits; a limit that it
does not hold has the value given where it is asked for, which is the rule's own choice.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("limits.json")


@cache
def _kept() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}


def limit(name: str, otherwise: float) -> float:
    """Gives a limit by its name.

    Args:
        name: of the statistic, such as `update_high.weight.sgd`.
        otherwise: where the corpus sets none.
    """
    return float(_kept().get("limits", {}).get(name, {}).get("value", otherwise))


def confidence_of(code: str) -> float | None:
    """Gives the share of cases in which a code was right where it was told first, over the corpus; None unmeasured."""
    return _kept().get("confidence", {}).get(code)

"""How a run ended, if it did, told from its records alone."""

from __future__ import annotations

from typing import Literal

from trainwright.runs import StopRecord

Outcome = Literal["completed", "early-stopping", "interrupted", "non-finite-loss", "check-failed", "unfinished"]


def outcome_of(stop: StopRecord | None) -> Outcome:
    """Names how a run ended. Without a stop record it either still trains or was killed; a file cannot tell which.

    >>> outcome_of(None)
    'unfinished'
    """
    return "unfinished" if stop is None else stop.kind

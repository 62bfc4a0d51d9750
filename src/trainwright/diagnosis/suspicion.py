"""What a rule says: a cause that it suspects, with the numbers that speak for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainwright.runs import ExperimentKind

from .course import Course

Need = Literal[
    "steps", "epochs", "validation", "watch", "probes", "trust", "units", "answers", "valid answers", "recipe"
]
"""What a rule cannot do without."""


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A cause that may be at work.

    Attributes:
        code: stable, with a page in the documentation.
        strength: how clear the sign is, from 0 to 1: 0.5 at the limit of what healthy runs show, 1 far beyond; causes
            are ranked by it.
        persistent: whether the sign stood in two windows or probes running.
        harmful: whether the run is measurably worse off: it learns less than healthy runs do, or got worse.
        exact: whether it was checked exactly, and not weighed against healthy runs; then it needs no persistence.
        fatal: whether going on is pointless.
        summary: one sentence, with the numbers that were measured.
        evidence: names with units → what was measured.
        advice: recipe key → value to try, or `do` → sentence; the first thing to do first.
        since_step: the step at which the sign was first seen.
        layers: where.
        explains: codes whose signs this cause brings about; they are not told as causes beside it.
        source: of the rule.
        experiment: what would confirm or refute it, tried on a copy of the net.
        confirmed: whether that was tried and confirmed it.
    """

    code: str
    strength: float
    persistent: bool
    harmful: bool
    summary: str
    evidence: Mapping[str, Any]
    advice: Mapping[str, Any]
    exact: bool = False
    fatal: bool = False
    since_step: int | None = None
    layers: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    source: str = "own choice"
    experiment: ExperimentKind | None = None
    confirmed: bool = False


@dataclass(frozen=True)
class Rule:
    """How one code is found.

    Attributes:
        code: of the finding.
        look: from the course of a run to a suspicion, or None; pure.
        needs: without all of these the rule cannot speak, and the diagnosis says so.
    """

    code: str
    look: Callable[[Course], Suspicion | None]
    needs: frozenset[Need] = field(default_factory=frozenset[Need])

"""What a check before training says: a verdict, the numbers that decide it, and where it fails the likely causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainwright.runs import Finding

Verdict = Literal["passed", "warned", "failed", "skipped"]

TOO_LONG = "would take more than a tenth of the training"
"""Why a check is not made, or not to its end, as the first act of a training."""


@dataclass(frozen=True)
class Check:
    """One rung of the ladder.

    Attributes:
        name: stable, such as `first-loss`.
        verdict: `failed` says that training cannot work as it stands, `warned` that it may not, `skipped` that the
            check could not be made, or had no time.
        summary: what was seen, in one sentence.
        evidence: the numbers that decide, by name with unit; what is not finite is None.
        causes: what is likely wrong, the likeliest first; empty where nothing is.
        finding: what a run is told of it; None where it passed.
    """

    name: str
    verdict: Verdict
    summary: str
    evidence: Mapping[str, float | str | None] = field(default_factory=dict[str, float | str | None])
    causes: tuple[str, ...] = ()
    finding: Finding | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against training; also where nothing could be looked at."""
        return self.verdict != "failed"

    def plain(self) -> dict[str, Any]:
        """Gives the check as JSON values: `name, verdict, summary, evidence, causes`."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "summary": self.summary,
            "evidence": dict(self.evidence),
            "causes": list(self.causes),
        }


def passed(name: str, summary: str, evidence: Mapping[str, float | str | None] | None = None) -> Check:
    """Says that a check saw nothing wrong."""
    return Check(name, "passed", summary, evidence or {})


def skipped(name: str, why: str) -> Check:
    """Says that a check was not made."""
    return Check(name, "skipped", why)


def alarm(
    name: str,
    code: str,
    summary: str,
    *,
    causes: tuple[str, ...],
    evidence: Mapping[str, float | str | None] | None = None,
    advice: Mapping[str, object] | None = None,
    layers: tuple[str, ...] = (),
    source: str = "own choice",
    stop: bool = True,
) -> Check:
    """Says that a check saw something wrong, as a verdict and as a finding.

    Args:
        name: of the check.
        code: of the finding.
        summary: what was seen.
        causes: what is likely wrong, the likeliest first.
        evidence: the numbers that decide.
        advice: recipe keys and the values to try; the first cause where there are none.
        layers: where it was seen.
        source: who says that this is a fault.
        stop: whether training cannot work so; else it may.
    """
    evidence = evidence or {}
    finding = Finding(
        code=code,
        severity="stop" if stop else "warn",
        summary=summary,
        evidence=evidence,
        advice=advice or {"do": causes[0]},
        since_step=0,
        layers=layers,
        source=source,
    )
    return Check(name, "failed" if stop else "warned", summary, evidence, causes, finding)

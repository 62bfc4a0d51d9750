"""From the course of a run to what is wrong with it, in the order in which a person should read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trainwright.runs import Finding, History, Severity

from .course import Course, Known
from .limits import confidence_of
from .needs import present
from .rules import RULES
from .suspicion import Suspicion

PROMISING = 0.5
"""Strength below which a suspicion is not told."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and where was looked.

    Attributes:
        findings: the most likely cause first.
        looked_at: codes whose rules could speak.
        impossible: code → what it would need that is not there.
    """

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    impossible: Mapping[str, tuple[str, ...]]


def diagnose(history: History, known: Known | None = None) -> Diagnosis:
    """Looks at a run by all rules and weighs their causes against each other.

    A second stage, which begins anew on other pictures and has no validation, is not looked at.

    Args:
        history: of the run, as far as it has come.
        known: what is known of it beside.
    """
    course = Course(history.first_stage, known or Known())
    there = present(course)
    able = [rule for rule in RULES if rule.needs <= there]
    suspicions = [found for rule in able if (found := rule.look(course)) is not None]
    return Diagnosis(
        findings=tuple(finding_of(suspicion) for suspicion in ranked(suspicions)),
        looked_at=tuple(dict.fromkeys(rule.code for rule in able)),
        impossible={
            rule.code: tuple(sorted(rule.needs - there))
            for rule in RULES
            if not rule.needs <= there and rule.code not in {other.code for other in able}
        },
    )


def ranked(suspicions: list[Suspicion]) -> list[Suspicion]:
    """Orders causes: what is explained by a stronger one is a note behind it.

    Exact ones come first, then those that stop, that warn, that note; among these the strongest.
    """
    told = [suspicion for suspicion in suspicions if suspicion.strength >= PROMISING or suspicion.exact]
    explained = {
        code
        for cause in told
        if severity_of(cause) != "note"
        for code in cause.explains
        if not any(code in other.explains and cause.code in other.explains for other in told)
    }
    settled = [
        replace(suspicion, harmful=False, fatal=False) if suspicion.code in explained else suspicion
        for suspicion in told
    ]
    order = {"stop": 0, "warn": 1, "note": 2}
    return sorted(settled, key=lambda one: (order[severity_of(one)], not one.exact, -one.strength))


def severity_of(suspicion: Suspicion) -> Severity:
    """Says how loud a suspicion is told: an alarm needs a sign that stays, or an exact one, and harm."""
    if not suspicion.harmful or not (suspicion.persistent or suspicion.exact):
        return "note"
    return "stop" if suspicion.fatal else "warn"


def finding_of(suspicion: Suspicion) -> Finding:
    """Words a suspicion as a finding."""
    return Finding(
        code=suspicion.code,
        severity=severity_of(suspicion),
        summary=suspicion.summary,
        evidence=suspicion.evidence,
        advice=suspicion.advice,
        since_step=suspicion.since_step,
        layers=suspicion.layers,
        source=suspicion.source,
        confidence=1.0 if suspicion.exact else confidence_of(suspicion.code),
        diagnosed=True,
    )

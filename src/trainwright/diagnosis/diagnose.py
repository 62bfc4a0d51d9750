"""From the course of a run to what is wrong with it, in the order in which a person should read it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

from trainwright.runs import Finding, History, Severity

from .course import Course, Known
from .experiments import Wanted, wanted, weighed, would_tell
from .limits import confidence_of
from .needs import present
from .rules import RULES
from .suspicion import Suspicion

PROMISING = 0.5
"""Strength below which a suspicion is not told, unless an experiment confirms it."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and where was looked.

    Attributes:
        findings: the most likely cause first.
        looked_at: codes whose rules could speak.
        impossible: code → what it would need that is not there.
        wanted: experiments that would tell what the records do not.
    """

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    impossible: Mapping[str, tuple[str, ...]]
    wanted: tuple[Wanted, ...] = ()


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
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # numpy's, of zeros, infinities and empty columns, which rules allow for
        suspicions = [found for rule in able if (found := rule.look(course)) is not None]
        suspicions = [kept for found in suspicions if (kept := weighed(course, found)) is not None]
        causes = ranked(suspicions)
        asked = wanted(course, [*causes, *_hunches(suspicions, causes)])
    return Diagnosis(
        findings=tuple(finding_of(cause, would_tell(course, cause)) for cause in causes),
        looked_at=tuple(dict.fromkeys(rule.code for rule in able)),
        impossible={
            rule.code: tuple(sorted(rule.needs - there))
            for rule in RULES
            if not rule.needs <= there and rule.code not in {other.code for other in able}
        },
        wanted=asked,
    )


def ranked(suspicions: list[Suspicion]) -> list[Suspicion]:
    """Orders causes: what a cause explains is a note behind it, and each code is told once, by its clearest sign.

    First come those that stop, then those that warn, those that note; among these exact ones and those that an
    experiment confirmed, then the strongest.
    """
    told = [suspicion for suspicion in suspicions if suspicion.strength >= PROMISING or suspicion.exact]
    single = list({suspicion.code: suspicion for suspicion in sorted(told, key=_rank, reverse=True)}.values())
    explained = _explained(sorted(single, key=_rank))
    settled = [
        replace(suspicion, harmful=False, fatal=False) if suspicion.code in explained else suspicion
        for suspicion in single
    ]
    return sorted(settled, key=_rank)


def _hunches(suspicions: list[Suspicion], causes: list[Suspicion]) -> list[Suspicion]:
    """Lists suspicions too weak to be told, which an experiment may confirm, where no alarm explains them."""
    alarms = [cause for cause in causes if severity_of(cause) != "note"]
    told = {code for cause in causes for code in ((cause.code, *cause.explains) if cause in alarms else (cause.code,))}
    weak = [one for one in suspicions if one.strength < PROMISING and not one.exact and one.code not in told]
    return sorted(weak, key=_rank)


def _explained(suspicions: list[Suspicion]) -> set[str]:
    """Lists the codes that another cause brought about; only what is an alarm by itself explains anything.

    Of two that explain each other the one that ranks first stands, and where all stand in a circle, the first of all.
    """
    alarms = [suspicion for suspicion in suspicions if severity_of(suspicion) != "note"]
    explained = {
        effect.code
        for place, effect in enumerate(alarms)
        for other, cause in enumerate(alarms)
        if effect.code in cause.explains and not (cause.code in effect.explains and place < other)
    }
    if alarms and len(explained) == len(alarms):
        explained.discard(alarms[0].code)
    return explained


def _rank(suspicion: Suspicion) -> tuple[int, bool, float]:
    order = {"stop": 0, "warn": 1, "note": 2}
    return order[severity_of(suspicion)], not (suspicion.exact or suspicion.confirmed), -suspicion.strength


def severity_of(suspicion: Suspicion) -> Severity:
    """Says how loud a suspicion is told: an alarm needs a sign that stays, or an exact one, and harm."""
    if not suspicion.harmful or not (suspicion.persistent or suspicion.exact):
        return "note"
    return "stop" if suspicion.fatal else "warn"


def finding_of(suspicion: Suspicion, open_question: str = "") -> Finding:
    """Words a suspicion as a finding.

    Args:
        open_question: what would tell, to end the summary of an alarm.
    """
    severity = severity_of(suspicion)
    return Finding(
        code=suspicion.code,
        severity=severity,
        summary=suspicion.summary + (open_question if severity != "note" else ""),
        evidence=suspicion.evidence,
        advice=suspicion.advice,
        since_step=suspicion.since_step,
        layers=suspicion.layers,
        source=suspicion.source,
        confidence=1.0 if suspicion.exact else confidence_of(suspicion.code),
        diagnosed=True,
        experiment=suspicion.experiment if suspicion.confirmed else None,
    )

"""What is new in a run that grows: a finding appears once its sign stays, and is withdrawn when that is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trainwright.runs import Finding, History

from .course import Course, Known
from .diagnose import diagnose
from .experiments import Wanted

PATIENCE = 2
"""Looks running that must say something new before it is told: that a sign is there, stronger, weaker or gone."""

LOUDNESS = {"note": 0, "warn": 1, "stop": 2}


@dataclass(frozen=True)
class Told:
    """What has been told of a run so far.

    Attributes:
        standing: code → the finding as it was told last.
        waiting: code → looks running in which its sign was another than was told.
    """

    standing: Mapping[str, Finding] = field(default_factory=dict[str, Finding])
    waiting: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Told:
        """Takes up what a log tells, for a run that is resumed."""
        return cls({one.code: one for one in findings if one.diagnosed and one.withdrawn is None})


def news(
    told: Told, found: Sequence[Finding], step: int, *, patience: int = PATIENCE
) -> tuple[Told, tuple[Finding, ...]]:
    """Compares a look with what was told before it.

    What `patience` looks running say is told: a finding that is new, graver, milder, or gone; the last with
    `withdrawn`. What cannot wait, or needs not, is told at once: that going on is pointless, what was checked exactly,
    and what an experiment has confirmed. Whenever a finding is told anew it keeps the step since which it was first
    seen, so that both are known to be the same.

    Args:
        told: so far.
        found: by this look, the most likely cause first; of a code only the first counts.
        step: at which the look was made.
        patience: 1 where no other look will follow.

    Returns: what has been told with this look, and what of it is new.

    >>> dead, told = Finding(code="dead-units", severity="warn", summary="s", since_step=8), Told()
    >>> for step, seen in ((20, [dead]), (40, [dead]), (60, [dead]), (80, []), (100, [])):
    ...     told, new = news(told, seen, step)
    ...     print(step, [one.withdrawn for one in new])
    20 []
    40 [None]
    60 []
    80 []
    100 [100]
    """
    by_code = {finding.code: finding for finding in reversed(found)}
    standing: dict[str, Finding] = {}
    waiting: dict[str, int] = {}
    new: list[Finding] = []
    for code in dict.fromkeys([*(finding.code for finding in found), *told.standing]):
        before, now = told.standing.get(code), by_code.get(code)
        if before is not None and now is not None and now.severity == before.severity and not _confirmed(now, before):
            standing[code] = before
            continue
        times = told.waiting.get(code, 0) + 1
        if times < patience and not _urgent(now, before):
            waiting[code] = times
            if before is not None:
                standing[code] = before
        elif now is not None:
            known = now.since_step if before is None else before.since_step
            standing[code] = replace(now, since_step=step if known is None else known)
            new.append(standing[code])
        elif before is not None:
            new.append(replace(before, withdrawn=step))
    return Told(standing, waiting), tuple(new)


def _confirmed(now: Finding, before: Finding | None) -> bool:
    """Says whether an experiment has confirmed a finding since it was told."""
    return now.experiment is not None and (before is None or before.experiment is None)


def _urgent(now: Finding | None, before: Finding | None) -> bool:
    """Says whether a finding is graver than was told, and such that no other look would make it surer."""
    if now is None or (before is not None and LOUDNESS[now.severity] < LOUDNESS[before.severity]):
        return False
    return now.severity == "stop" or now.confidence == 1.0 or _confirmed(now, before)


def not_told_by_the_loop(found: Sequence[Finding], history: History) -> tuple[Finding, ...]:
    """Leaves out what ended the run and was told by the loop itself, which knows more of it than the records."""
    ended = {one.code for one in history.findings if one.severity == "stop" and not one.diagnosed}
    return tuple(one for one in found if one.code not in ended)


class LiveDiagnosis:
    """Diagnoses a run again and again while it grows, and gives only what is new.

    Args:
        known: what is known of the run beside its records.
        findings: that its log holds already, so that a resumed run is not told twice.
    """

    def __init__(self, known: Known | None = None, findings: Iterable[Finding] = ()) -> None:
        self.known = known or Known()
        self.told = Told.of(findings)
        self.wanted: tuple[Wanted, ...] = ()

    def look(self, history: History, *, last: bool = False, asking: bool = False) -> tuple[Finding, ...]:
        """Diagnoses the run as far as it has come.

        Args:
            history: of the run, from its start.
            last: whether the run is over, so that what has gone is taken back at once.
            asking: whether experiments can be made; where one would tell, nothing is told before.

        Returns: findings that are new, told anew or withdrawn, in the order in which to read them.
        """
        diagnosis = diagnose(history, self.known)
        self.wanted = diagnosis.wanted
        if asking and self.wanted:
            return ()
        found = not_told_by_the_loop(diagnosis.findings, history)
        step, patience = Course(history.first_stage).last_step, 1 if last else PATIENCE
        self.told, new = news(self.told, found, step, patience=patience)
        return new

"""What is new in a run that grows: a finding appears once, as it is made, and is withdrawn when its sign is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trainwright.runs import Finding, History

from .course import Course, Known
from .diagnose import diagnose
from .experiments import Wanted

GONE_FOR = 2
"""Looks running without the sign of a finding, or with a weaker one, after which it is taken back."""

LOUDNESS = {"note": 0, "warn": 1, "stop": 2}


@dataclass(frozen=True)
class Told:
    """What has been told of a run so far.

    Attributes:
        standing: code → the finding as it was told last.
        missed: code → looks running in which its sign was weaker than it was told, or gone.
    """

    standing: Mapping[str, Finding] = field(default_factory=dict[str, Finding])
    missed: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Told:
        """Takes up what a log tells, for a run that is resumed."""
        return cls({one.code: one for one in findings if one.diagnosed and one.withdrawn is None})


def news(
    told: Told, found: Sequence[Finding], step: int, *, patience: int = GONE_FOR
) -> tuple[Told, tuple[Finding, ...]]:
    """Compares a look with what was told before it.

    A finding is told when its code is first found, told anew at once when it is graver than it was told or an
    experiment has confirmed it, and told anew when it was milder, or gone, for `patience` looks running; then, where
    it is gone, with `withdrawn`. Whenever it is told anew it keeps the step since which it was first seen, so that both
    are known to be the same.

    Args:
        told: so far.
        found: by this look, the most likely cause first; of a code only the first counts.
        step: at which the look was made.
        patience: 1 where no other look will follow.

    Returns: what has been told with this look, and what of it is new.

    >>> dead = Finding(code="dead-units", severity="warn", summary="s", since_step=8)
    >>> told, new = news(Told(), [dead], 20)
    >>> [len(new), *(len(news(told, again, 40)[1]) for again in ([dead], []))]
    [1, 0, 0]
    """
    by_code = {finding.code: finding for finding in reversed(found)}
    standing: dict[str, Finding] = {}
    missed: dict[str, int] = {}
    new: list[Finding] = []
    for code in dict.fromkeys([*(finding.code for finding in found), *told.standing]):
        before, now = told.standing.get(code), by_code.get(code)
        if before is None:
            assert now is not None
            standing[code] = replace(now, since_step=step if now.since_step is None else now.since_step)
            new.append(standing[code])
            continue
        confirmed = now is not None and now.experiment is not None and before.experiment is None
        if now is not None and now.severity == before.severity and not confirmed:
            standing[code] = before
            continue
        is_graver = now is not None and (confirmed or LOUDNESS[now.severity] > LOUDNESS[before.severity])
        times = told.missed.get(code, 0) + 1
        if not is_graver and times < patience:
            standing[code], missed[code] = before, times
        elif now is not None:
            standing[code] = replace(now, since_step=before.since_step)
            new.append(standing[code])
        else:
            new.append(replace(before, withdrawn=step))
    return Told(standing, missed), tuple(new)


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
        step, patience = Course(history.first_stage).last_step, 1 if last else GONE_FOR
        self.told, new = news(self.told, found, step, patience=patience)
        return new

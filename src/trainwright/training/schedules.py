"""Learning-rate schedules: pure functions of the step, as a share of the peak rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from trainwright.errors import InputError
from trainwright.recipe import ScheduleSection


@dataclass(frozen=True)
class SincePeak:
    """Where a step stands after the warm-up.

    Args:
        rising: steps of the warm-up.
        steps: made since the peak, 0 for the first.
        last: what `steps` is in the last step of the run.
        per_epoch: steps an epoch.
    """

    rising: int
    steps: int
    last: int
    per_epoch: int

    @property
    def share(self) -> float:
        """The share of the way from the peak, 0, to the last step, 1."""
        return self.steps / max(self.last, 1)


def rate_factor(section: ScheduleSection, step: int, total: int, *, per_epoch: int, drops: int = 0) -> float:
    """Gives the rate of a step as a share of the peak rate.

    Args:
        section: the decided recipe's schedule.
        step: the step about to be made, 0 to total-1.
        total: number of optimizer steps of the whole run, at least 1.
        per_epoch: optimizer steps an epoch.
        drops: how often `plateau` has lowered the rate.

    Returns: a factor from 0 to 1. The first step has `start_factor` where there is a warm-up, the last step of a
        falling schedule has `final_factor`, if there is more than one step after the warm-up.

    >>> section = ScheduleSection(name="constant", warmup=0.5)
    >>> [round(rate_factor(section, step, 8, per_epoch=8), 2) for step in (0, 2, 4, 7)]
    [0.04, 0.52, 1.0, 1.0]
    """
    rising = warmup_steps(section, total)
    if step < rising:
        rise = _cosine if section.name == "one-cycle" else _linear
        factor = rise(section.start_factor, 1.0, step / rising)
    else:
        factor = COURSES[section.name](section, SincePeak(rising, step - rising, total - 1 - rising, per_epoch))
    return factor * section.drop_factor**drops


def check_schedule(section: ScheduleSection, total: int, *, per_epoch: int) -> None:
    """Refuses a schedule that has no room in a run, so that it would silently be another one.

    Args:
        total: number of optimizer steps of the whole run.
        per_epoch: optimizer steps an epoch.

    Raises:
        InputError: the first drop would come after the last step, or a rise or fall would be of less than 2 steps.
    """
    left, epochs = total - warmup_steps(section, total), total // per_epoch
    room = {
        "step": math.ceil(left / per_epoch) - 1,
        "plateau": epochs - risen_epoch(section, total, per_epoch=per_epoch) - 1,
    }.get(section.name, section.drop_epochs)
    if section.drop_epochs > room:
        raise InputError(
            "the schedule is longer than the training, and the rate would never drop",
            expected=f"at most {max(room, 0)} epochs to a drop, of {epochs}, {section.warmup:.0%} of them warm-up",
            got=f"{section.drop_epochs} epochs",
            where="schedule.drop_epochs",
            hint=(f"--set schedule.drop_epochs={room}, a" if room > 0 else "a")
            + " shorter schedule.warmup, or more epochs",
        )
    legs = {"cosine-restarts": section.cycles, "triangular": 2 * section.cycles - 1}.get(section.name, 1)
    if legs > 1 and left < 2 * legs:
        raise InputError(
            "the schedule has more cycles than the training has steps for",
            expected=f"at least {2 * legs} steps after the warm-up",
            got=f"{left} steps",
            where="schedule.cycles",
            hint="a smaller schedule.cycles, or more epochs",
        )


def warmup_steps(section: ScheduleSection, total: int) -> int:
    """Counts the steps before the peak; a run of more than one step always reaches its peak."""
    return min(round(section.warmup * total), total - 1)


def risen_epoch(section: ScheduleSection, total: int, *, per_epoch: int) -> int:
    """Gives the first epoch at whose end the warm-up is over, counted from 1.

    >>> risen_epoch(ScheduleSection(warmup=0.25), 100, per_epoch=10)
    3
    """
    return max(1, math.ceil(warmup_steps(section, total) / per_epoch))


def _linear(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _one_fall(section: ScheduleSection, since: SincePeak) -> float:
    return _cosine(1.0, section.final_factor, since.share)


def _straight_fall(section: ScheduleSection, since: SincePeak) -> float:
    return _linear(1.0, section.final_factor, since.share)


def _restarts(section: ScheduleSection, since: SincePeak) -> float:
    cycle, share = _part(since.share, section.cycles)
    return _cosine(_peak(section, cycle), section.final_factor, share)


def _triangles(section: ScheduleSection, since: SincePeak) -> float:
    leg, share = _part(since.share, 2 * section.cycles - 1)
    if leg % 2 == 0:
        return _linear(_peak(section, leg // 2), section.final_factor, share)
    return _linear(section.final_factor, _peak(section, leg // 2 + 1), share)


def _part(share: float, parts: int) -> tuple[int, float]:
    """Says which of several equal parts a share of the way lies in, and how far along it; the end is in the last."""
    part = min(int(share * parts), parts - 1)
    return part, share * parts - part


def _peak(section: ScheduleSection, cycle: int) -> float:
    return section.final_factor + (1.0 - section.final_factor) * section.cycle_decay**cycle


def _drops(section: ScheduleSection, since: SincePeak) -> float:
    return section.drop_factor ** (since.steps // (section.drop_epochs * since.per_epoch))


def _inverse_root(_: ScheduleSection, since: SincePeak) -> float:
    unit = max(since.rising, 1)
    return math.sqrt(unit / (unit + since.steps))


def _constant(_: ScheduleSection, __: SincePeak) -> float:
    return 1.0


COURSES: dict[str, Callable[[ScheduleSection, SincePeak], float]] = {
    "one-cycle": _one_fall,
    "cosine": _one_fall,
    "cosine-restarts": _restarts,
    "linear": _straight_fall,
    "triangular": _triangles,
    "step": _drops,
    "plateau": _constant,
    "inverse-sqrt": _inverse_root,
    "constant": _constant,
}
"""Every value of `schedule.name` and its course from the peak on."""

"""The rate for one-cycle by trying it: short one-cycles at rates around what the curve of a range test says.

The curve says which rates make the loss fall in the next step; what is asked for is the rate whose whole cycle ends
lowest. A net that learns nothing while the rate still grows may learn well in a cycle, too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from trainwright.data import Part, PreparedData, thinned
from trainwright.recipe import ScheduleSection
from trainwright.training import Answers, Setup, answer, build, rate_factor

from .own_loop import kept_generators
from .range_test import Sweep, advancing, advancing_twin
from .rate_suggestion import Suggestion
from .rehearsal import clearly_positive
from .subject import Lesson, Subject, undisturbed

BETWEEN = 10**0.25
"""Factor between the rates that are tried, 1.78."""

REACH = 2
"""Rates to both sides of the best that are tried at least, in steps of BETWEEN."""

JUDGED = 1_000
"""Pictures by which a cycle is judged at most."""

FEWEST_UNSEEN = 500
"""Validation pictures below which training pictures judge, since the losses of so few say little."""

NEED_LENGTH = ("step", "plateau")
"""Schedules that fall after so many epochs, which a short training does not have."""

LEAST_FALL = 0.05
"""Share of the loss of knowing nothing that the best cycle must take away for it to tell anything; own choice."""

NEAR = 0.1
"""Share of the best cycle's fall that a rate may lack to belong to the range, where the curve gives none."""


@dataclass(frozen=True)
class Cycles:
    """Short one-cycles and the losses that they ended with.

    Attributes:
        steps: of each.
        losses: peak rate → loss after the cycle, at most the loss of knowing nothing; in the order of the rates.
        blind: loss of knowing nothing, or of the net before, in the unit of `losses`.
        best: the rate whose loss and both neighbors' are lowest on average: at the edge of divergence one cycle may do
            well by luck. None where the best has no neighbor on one side.
        schedule: that each cycle follows in short, the recipe's; one-cycle for `step` and `plateau`, which need length.
        exhausted: whether no more cycles were allowed before the best had REACH neighbors on both sides.
        by_heart: whether the pictures that were learned from judged, and no others show that the best learned more
            than these by heart.
    """

    steps: int
    losses: dict[float, float] = field(default_factory=dict[float, float])
    blind: float = math.inf
    best: float | None = None
    schedule: str = "one-cycle"
    exhausted: bool = False
    by_heart: bool = False

    @property
    def informative(self) -> bool:
        """Whether a best rate was found that clearly learns."""
        return self.best is not None and self.learns

    @property
    def in_words(self) -> str:
        """What the cycles are."""
        return "one-cycles" if self.schedule == "one-cycle" else f"short trainings with the schedule {self.schedule}"

    @property
    def learns(self) -> bool:
        """Whether any cycle clearly learns."""
        return min(self.losses.values()) < (1 - LEAST_FALL) * self.blind

    @property
    def near(self) -> tuple[float, float]:
        """The rates around the best that learn nearly as much, the lowest and the highest."""
        assert self.best is not None, "asked of cycles that tell"
        rates, place = list(self.losses), list(self.losses).index(self.best)
        enough = self.losses[self.best] + NEAR * (self.blind - self.losses[self.best])
        below = list(itertools.takewhile(lambda rate: self.losses[rate] <= enough, reversed(rates[:place])))
        above = list(itertools.takewhile(lambda rate: self.losses[rate] <= enough, rates[place + 1 :]))
        return (below or [self.best])[-1], (above or [self.best])[-1]


def search_rate(judge: Callable[[float], float], start: float, sweep: Sweep, steps: int, blind: float) -> Cycles:
    """Tries rates around a start, towards the lower loss, until the best one has REACH neighbors on both sides, or no
    more may be tried.

    Args:
        judge: from a peak rate to the loss after a cycle, infinite where numbers ceased to be finite.
        start: where to begin; moved between the sweep's ends.
        sweep: its first and last rate bound what is tried, its `cycles` how often.
        steps: of a cycle, noted.
        blind: loss of knowing nothing; what is worse counts as that.
    """
    start = min(max(start, sweep.low), sweep.high)
    known, exhausted = dict[int, float](), False

    def tried(place: int) -> bool:
        """Tries a place, if it may be; tells whether it is known."""
        nonlocal exhausted
        rate = start * BETWEEN**place
        if place not in known and sweep.low <= rate * (1 + 1e-9) and rate <= sweep.high * (1 + 1e-9):
            if len(known) >= sweep.cycles:
                exhausted = True
                return False
            loss = judge(_rounded(rate))
            known[place] = loss if loss < blind else blind
        return place in known

    def mean_around(place: int) -> float:
        around = [known[near] for near in (place - 1, place, place + 1) if near in known]
        return sum(around) / len(around) if len(around) == 3 else math.inf

    tried(0)
    best = 0
    while True:  # in double steps, downhill
        for place in (best - REACH, best + REACH):
            tried(place)
        lowest = min(known, key=lambda place: (known[place], place))  # of equals the lower rate: all may have diverged
        if lowest == best or not all(tried(near) for near in (lowest - REACH, lowest + REACH)):
            best = lowest
            break
        best = lowest
    while True:  # in single steps, with both neighbors
        around = [tried(near) for near in range(best - REACH, best + REACH + 1)]
        lowest = min(known, key=lambda place: (mean_around(place), known[place]))
        if lowest == best or not all(around):
            break
        best = lowest
    seen_whole = math.isfinite(mean_around(min(known, key=lambda place: known[place])))
    found = _rounded(start * BETWEEN**lowest) if seen_whole else None
    losses = {_rounded(start * BETWEEN**place): known[place] for place in sorted(known)}
    return Cycles(steps, losses, blind, found, exhausted=exhausted)


def cycles_of_run(setup: Setup, data: PreparedData, sweep: Sweep, start: float) -> Cycles:
    """Makes short one-cycles for a recipe that has been built, each with a net built anew from the recipe's seed.

    Args:
        setup: stays as it was.
        data: its validation pictures judge a cycle, or training pictures where there are few, which then only bear
            witness that the best cycle learned something; as validation sees them.
        sweep: with the number of steps and of cycles.
        start: rate to begin with.
    """
    enough = data.valid.drawn >= FEWEST_UNSEEN
    part, learned = thinned(data.valid if enough else data.train, JUDGED), dict[float, bool]()
    steps = min(sweep.steps, setup.total_steps)
    asked = setup.recipe.schedule
    schedule = ScheduleSection() if asked.name in NEED_LENGTH else asked

    def judge(rate: float) -> float:
        with undisturbed():
            own = build(setup.recipe, data, preprocessor=setup.preprocessor)
            advance = advancing(own, data)
            if not all(advance(rate * factor) is not None for factor in _factors(schedule, steps)):
                return math.inf
            if not enough and data.valid:
                said = answer(own.judged, data.valid, [own.prepare_eval], own.machine, own.task)
                learned[rate] = clearly_positive(known - own.task.losses(said))
            return _loss(own, part)

    def untrained(part: Part) -> tuple[Answers, Answers]:
        with undisturbed():
            said = answer(setup.judged, part, [setup.prepare_eval], setup.machine, setup.task)
        return said, replace(said, logits_NK=torch.zeros_like(said.logits_NK))

    blind = min(setup.task.verdict(answers).loss for answers in untrained(part))
    held_out = untrained(data.valid) if data.valid and not enough else ()
    known = min((setup.task.losses(answers).mean().item() for answers in held_out), default=0.0)
    found = search_rate(judge, start, sweep, steps, blind)
    return replace(found, schedule=schedule.name, by_heart=not enough and not learned.get(found.best or 0.0, False))


def cycles_of_loop(subject: Subject, sweep: Sweep, start: float, loader: object) -> Cycles:
    """Makes short one-cycles for a loop that is not ours, on copies of its net and optimizer.

    Args:
        loader: that the subject walks through; begins each cycle with the same random numbers.
    """
    held_out = None if subject.unseen is None else subject.unseen(JUDGED)
    enough = held_out is not None and len(held_out.images_NCHW) >= FEWEST_UNSEEN
    seen, learned = held_out if held_out is not None and enough else subject.clean(JUDGED), dict[float, bool]()

    @torch.no_grad()
    def losses_of(model: torch.nn.Module, lesson: Lesson) -> Tensor:
        return subject.losses(subject.outputs(model.eval(), lesson.images_NCHW), lesson.labels)

    def judge(rate: float) -> float:
        with undisturbed(), kept_generators(loader):
            twin = subject.twin()
            twin.model.train()
            advance = advancing_twin(subject, twin)
            if not all(advance(rate * factor) is not None for factor in _factors(ScheduleSection(), sweep.steps)):
                return math.inf
            if held_out is not None and not enough:
                learned[rate] = clearly_positive(blind(held_out) - losses_of(twin.model, held_out))
            return losses_of(twin.model, seen).mean().item()

    @torch.no_grad()
    def blind(lesson: Lesson) -> float:
        with undisturbed():
            outputs_NK = subject.outputs(subject.twin().model.eval(), lesson.images_NCHW)
        before = subject.losses(outputs_NK, lesson.labels).mean().item()
        return min(before, subject.blind_loss(outputs_NK, lesson.labels))

    found = search_rate(judge, start, sweep, sweep.steps, blind(seen))
    return replace(found, by_heart=not enough and not learned.get(found.best or 0.0, False))


def settled(by_curve: Suggestion, cycles: Cycles) -> Suggestion:
    """Puts what the curve says and what the cycles say together: the cycles choose, the curve gives the range.

    Where the cycles find no best rate, the curve's reason stands, and nothing is suggested; nor is it where the curve
    does not tell and the cycles may have learned by heart, which a net does with labels of any kind.
    """
    if by_curve.suggested is None and cycles.by_heart:
        reason = f"{by_curve.reason}. Short trainings do not tell either: fewer than {FEWEST_UNSEEN} pictures are not "
        return replace(by_curve, reason=f"{reason}trained on, and by these no more is learned than by heart")
    if not cycles.informative or cycles.best is None:
        if by_curve.suggested is None:
            return by_curve
        tried = f"{min(cycles.losses):.3g} to {max(cycles.losses):.3g}"
        if not cycles.learns:
            reason = f"no short training clearly learns ({tried}); other ends (--from, --to), more --steps, or "
            reason += "`trainwright check`"
        elif cycles.exhausted:
            reason = (
                f"the best of {len(cycles.losses)} short trainings has no neighbor on one side ({tried}); more --cycles"
            )
        else:
            reason = f"the best short training lies at an end of the rates that may be tried ({tried}); wider ends "
            reason += "(--from, --to)"
        return replace(by_curve, suggested=None, lower=None, upper=None, informative=False, reason=reason)
    best, loss = cycles.best, cycles.losses[cycles.best]
    lower, upper = cycles.near
    told = (
        f"of {len(cycles.losses)} {cycles.in_words} of {cycles.steps} steps, {min(cycles.losses):.3g} to "
        f"{max(cycles.losses):.3g}, the one with a peak of {best:.3g} and its neighbors end lowest: loss {loss:.3g}"
    )
    if cycles.exhausted:
        told += " (more --cycles may find a better one)"
    if by_curve.lower is None or by_curve.upper is None:
        reason = f"{told}. The curve alone does not tell: {by_curve.reason}"
        return replace(by_curve, suggested=best, lower=lower, upper=upper, informative=True, reason=reason)
    lower, upper = min(by_curve.lower, best), max(by_curve.upper, best)
    return replace(by_curve, suggested=best, lower=lower, upper=upper, reason=f"{told}; {by_curve.reason}")


def _loss(setup: Setup, part: Part) -> float:
    """Asks the net that training would keep about a part; its batch statistics are not counted anew."""
    return setup.task.verdict(answer(setup.judged, part, [setup.prepare_eval], setup.machine, setup.task)).loss


def _factors(schedule: ScheduleSection, steps: int) -> Iterator[float]:
    return (rate_factor(schedule, step, steps, per_epoch=steps) for step in range(steps))


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")

"""The learning-rate range test: a rate that grows with every batch, and what the loss does under it."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from trainwright.data import PreparedData
from trainwright.errors import InputError, did_you_mean, together
from trainwright.training import NonFiniteLoss, Setup, build, grouped, set_rates

from .by_heart import step
from .subject import Subject, Twin, undisturbed

GROWTHS = ("exponential", "linear")
Ending = Literal["the last rate", "a loss above its start", "a loss that is not finite"]

FEWEST_STEPS, MOST_STEPS, MOST_SEEDS = 30, 10_000, 100
FEWEST_CYCLES, MOST_CYCLES = 5, 100

WINDOW = 0.05
"""Share of the steps over which the loss is smoothed. fastai's weight of 0.98, a window of 50 steps in 100, lags behind
the rate by decades; the mean over seeds takes away the rest of the noise. Own choice."""

RISEN = 2.0
"""Share of its first value from which the smoothed loss counts as diverged: all that was learned is lost, and more. By
the start, as in CS231n's search for rates (a cost above 3 times the first), and not by the lowest value, as in fastai
and Lightning (4 times): of an easy task the lowest loss is nearly 0, and 4 times that is noise."""

FIRST = 5
"""Steps by which the first value is known."""


@dataclass(frozen=True)
class Sweep:
    """How the rate grows.

    Attributes:
        growth: `exponential`: by the same factor with every step; `linear`: by the same amount.
        low, high: the first and the last rate, those of the group that has the largest.
        steps: optimizer steps of one seed.
        seeds: how many, counted up from the recipe's own.
        cycles: short one-cycles by which the rate is chosen at most; 0 reads it off the curve alone.

    Raises:
        InputError: lists what is wrong.

    Source: Smith 2017, Cyclical learning rates, section 3.3 (linear); Gugger 2018, How do you find a good learning rate
        (exponential).

    >>> Sweep(low=0.001, high=10.0, steps=41).rates[::10]
    (0.001, 0.01, 0.1, 1.0, 10.0)
    """

    growth: str = "exponential"
    low: float = 1e-5
    high: float = 10.0
    steps: int = 200
    seeds: int = 3
    cycles: int = 12

    def __post_init__(self) -> None:
        errors: list[InputError] = []
        if self.growth not in GROWTHS:
            hint = did_you_mean(self.growth, GROWTHS)
            errors.append(_wrong("there is no such growth", " or ".join(GROWTHS), str(self.growth), "growth", hint))
        if not (math.isfinite(self.low) and math.isfinite(self.high) and 0 < self.low < self.high):
            expected, got = "0 < from < to, both finite", f"from {self.low:g} to {self.high:g}"
            errors.append(_wrong("the rate cannot grow so", expected, got, "from, to", "--from 1e-5 --to 10"))
        for name, value, least, most in (
            ("steps", self.steps, FEWEST_STEPS, MOST_STEPS),
            ("seeds", self.seeds, 1, MOST_SEEDS),
        ):
            if not least <= value <= most:
                expected = f"{least} to {most:,} {name}"
                why = "too few to see a curve" if name == "steps" and value < least else "out of range"
                default = getattr(Sweep, name)
                errors.append(_wrong(f"{name}: {why}", expected, str(value), name, f"--{name} {default}"))
        if self.cycles and not FEWEST_CYCLES <= self.cycles <= MOST_CYCLES:
            expected = f"0, or {FEWEST_CYCLES} to {MOST_CYCLES} cycles"
            errors.append(_wrong("cycles: out of range", expected, str(self.cycles), "cycles", "--cycles 12"))
        if errors:
            raise together(errors)

    @property
    def rates(self) -> tuple[float, ...]:
        """The rate of each step; the first is `low`, the last `high`."""
        shares = [place / (self.steps - 1) for place in range(self.steps)]
        if self.growth == "linear":
            grown = [self.low + (self.high - self.low) * share for share in shares]
        else:
            grown = [self.low * (self.high / self.low) ** share for share in shares]
        return (self.low, *(float(f"{rate:.9g}") for rate in grown[1:-1]), self.high)


@dataclass(frozen=True)
class Trace:
    """What the loss did under one seed.

    Attributes:
        seed: of order, augmentation and first weights.
        losses: of each step's batch before the step, as training sees them.
        smoothed: the same, smoothed.
        ended: why there are no more.
    """

    seed: int
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    ended: Ending


def smooth(losses: Sequence[float], weight: float) -> list[float]:
    """Smooths a curve by an exponential mean that is corrected for its start.

    Args:
        losses: one a step.
        weight: of the mean so far, at least 0 and below 1.

    Source: Kingma & Ba 2015, section 3 (the correction); Gugger 2018, as in fastai.

    >>> smooth([4.0, 1.0], 0.5)
    [4.0, 2.0]
    """
    mean, smoothed = 0.0, list[float]()
    for place, loss in enumerate(losses, start=1):
        mean = weight * mean + (1 - weight) * loss
        smoothed.append(mean / (1 - weight**place))
    return smoothed


def weight_of(steps: int) -> float:
    """Gives the smoothing weight whose window is WINDOW of so many steps.

    >>> weight_of(100)
    0.8
    """
    return 1 - 1 / max(1.0, WINDOW * steps)


def first_level(losses: Sequence[float]) -> float:
    """Gives what a curve begins with: the mean of the first losses."""
    return sum(losses[:FIRST]) / len(losses[:FIRST])


def record(advance: Callable[[float], float | None], sweep: Sweep, seed: int) -> Trace:
    """Walks through the rates until the loss is clearly above its start, or not finite.

    Args:
        advance: makes a step at a rate; gives the loss before it, or None where that is not finite.
        sweep: how the rate grows.
        seed: noted.
    """
    weight, losses = weight_of(sweep.steps), list[float]()
    smoothed, ended = list[float](), "the last rate"
    for rate in sweep.rates:
        loss = advance(rate)
        if loss is None or not math.isfinite(loss):
            ended = "a loss that is not finite"
            break
        losses.append(loss)
        smoothed = smooth(losses, weight)
        start = first_level(losses)
        if len(losses) > FIRST and smoothed[-1] > start + (RISEN - 1) * abs(start):
            ended = "a loss above its start"
            break
    return Trace(seed, tuple(losses), tuple(smoothed), ended)


def traces_of_run(setup: Setup, data: PreparedData, sweep: Sweep) -> Iterator[Trace]:
    """Makes the test for a recipe that has been built, with every step as training would make it.

    Each seed has a net, an optimizer and an order of its own, built anew, so that the setup stays as it was; the parts
    of the data and the preparation of pictures are those of the setup.
    """
    training = setup.recipe.training
    for seed in range(training.seed, training.seed + sweep.seeds):
        recipe = setup.recipe.model_copy(update={"training": training.model_copy(update={"seed": seed})})
        with undisturbed():
            own = build(recipe, data, preprocessor=setup.preprocessor)
            yield record(advancing(own, data), sweep, seed)


def traces_of_loop(subject: Subject, sweep: Sweep) -> Iterator[Trace]:
    """Makes the test for a loop that is not ours, on copies of its net and optimizer.

    Seeds differ in what torch's random numbers decide, such as the order of a DataLoader that shuffles; the first
    weights are the same.
    """
    for seed in range(sweep.seeds):
        with undisturbed():
            torch.manual_seed(seed)
            twin = subject.twin()
            twin.model.train()
            yield record(advancing_twin(subject, twin), sweep, seed)


@torch.no_grad()
def blind_level(subject: Subject) -> float:
    """Gives the training loss of a classifier that knows nothing, and answers 0 for all; infinity in other tasks."""
    if subject.classes is None:
        return math.inf
    with undisturbed():
        lesson = subject.clean(512)
        few_NCHW = lesson.images_NCHW[:2]
        outputs_NK = subject.answer(copy.deepcopy(subject.model).eval(), few_NCHW).float()
        zeros_NK = outputs_NK.new_zeros(len(lesson.images_NCHW), *outputs_NK.shape[1:])
        return float(lesson.loss_of(zeros_NK))


def advancing_twin(subject: Subject, twin: Twin) -> Callable[[float], float | None]:
    """Gives a function that makes the next step of a twin in training mode at a rate: the loss before it, or None."""
    lessons, peak = subject.trained(), max(twin.rates)

    def advance(rate: float) -> float | None:
        twin.set_rate(rate / peak)
        lesson = next(lessons)
        outputs_NK = step(subject, twin, lesson)
        return None if outputs_NK is None else float(lesson.loss_of(outputs_NK))

    return advance


def advancing(setup: Setup, data: PreparedData) -> Callable[[float], float | None]:
    """Gives a function that makes the next step of a training at a rate: the loss before it, or None where numbers
    ceased to be finite."""
    setup.model.train()
    sizes, made = setup.sizes(data), itertools.count(1)
    walk = (
        (epoch, group)
        for epoch in itertools.count(1)
        for group in grouped(setup.order(data, epoch), sizes, setup.batches_per_step)
    )

    def advance(rate: float) -> float | None:
        epoch, group = next(walk)
        set_rates(setup.optimizer, rate)
        try:
            loss = setup.step(group, epoch).loss
        except NonFiniteLoss:
            return None
        if setup.average is not None:
            setup.average.update(setup.model, next(made))
        return loss

    return advance


def _wrong(problem: str, expected: str, got: str, where: str, hint: str) -> InputError:
    return InputError(problem, expected=expected, got=got, where=where, hint=hint)

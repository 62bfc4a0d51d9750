"""Checks that rehearse the beginning of training: does the loss fall at the chosen rate, and do pictures matter?

Legend: N pictures, F features of a picture.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from .by_heart import step
from .checks import TOO_LONG, Check, alarm, passed, skipped
from .first_loss import TOLERATED_EXCESS
from .subject import FEWEST, Lesson, OutOfTime, Subject, plainly

RATE, BLANK = "learning-rate", "blank-pictures"

STEPS = 100
"""Steps within which the loss must fall. Source: Stanford CS231n (find a rate that makes the loss go down within about
100 iterations)."""

FEWEST_PICTURES = 50
"""Pictures below which a rehearsal cannot be judged."""

FEWEST_STEPS = 20
"""A training of fewer is not rehearsed: too little can happen to say anything."""

MOST_BATCHES = 8
"""A training whose steps take more batches is not rehearsed: it would take too long."""

WARM_UP, DECAY = 0.2, 0.5
"""Shares of these steps in which the rate rises to the chosen one, and falls to 0 again: a training in miniature, as a
peak rate that is right for a schedule may make the loss fall only when it is over."""

LOWER, HIGHER = (0.1, 0.01, 1e-3, 1e-4), (10.0, 100.0, 1e3, 1e4)
"""Shares of the chosen rate that are tried where it fails, to say in which direction it is wrong."""

CLEAR = 3.0
"""Standard errors from which a difference is called one."""

LEAST_FALL = 0.01
"""Share of the loss of knowing nothing that must go in these steps: less is sure to be a fall, and no progress."""

IN_VAIN = 1e3
"""Times the chosen rate at which the loss must first fall for it to be called in vain; one less far off learns, slowly.
Digits, 1,600 steps: sgd at 1e-4 ends at 45 % accuracy, adamw at 1e-5 at 24 %.
"""

JUDGED = 512
"""Pictures by which a rehearsal is judged."""

ENOUGH = 300
"""Pictures from which on seeing nothing means that there is nothing to be seen."""

SIDE = 16
"""Pixels a side to which pictures are reduced before they are compared."""


@dataclass(frozen=True)
class Rehearsal:
    """Losses of each judged picture before and after some steps; None after, where the loss became not finite."""

    before_N: Tensor
    after_N: Tensor | None
    reference: float
    steps: int

    @property
    def fell(self) -> bool:
        """Whether the loss has clearly fallen, below that of the beginning and that of knowing nothing."""
        if self.after_N is None or not bool(self.after_N.isfinite().all()):
            return False
        from_above = bool(self.before_N.mean() > self.reference)
        began_N = torch.full_like(self.after_N, self.reference) if from_above else self.before_N
        return clearly_positive(began_N - self.after_N - LEAST_FALL * self.reference)

    @property
    def progress(self) -> float:
        """How far the loss has fallen, as a share of that of knowing nothing; −∞ where it became not finite."""
        if self.after_N is None or not bool(self.after_N.isfinite().all()):
            return -math.inf
        began = min(self.before_N.mean().item(), (1 + TOLERATED_EXCESS) * self.reference)
        return (began - self.after_N.mean().item()) / self.reference

    @property
    def words(self) -> str:
        if self.after_N is None or not bool(self.after_N.isfinite().all()):
            return f"the loss became not finite within {self.steps} steps"
        return f"loss {self.before_N.mean().item():.3f} → {self.after_N.mean().item():.3f} in {self.steps} steps"

    @property
    def evidence(self) -> dict[str, float | str | None]:
        after = None if self.after_N is None else self.after_N.mean().item()
        return {
            "loss_before": self.before_N.mean().item(),
            "loss_after": after if after is not None and math.isfinite(after) else None,
            "steps": self.steps,
        }


def check_rehearsal(subject: Subject) -> tuple[Check, Check]:
    """Trains a twin for some steps as training will begin, and another on blank pictures.

    Raises:
        OutOfTime: before the first twin was trained; later, what is known by then is told.

    Source: Stanford CS231n (rate); Karpathy 2019 (input-independent baseline).
    """
    steps = STEPS if subject.steps is None else min(STEPS, subject.steps)
    why = None
    if subject.optimizer is None:
        why = "no optimizer was given"
    elif steps < FEWEST_STEPS:
        why = f"training has {steps} steps only"
    elif subject.batches_per_step > MOST_BATCHES:
        why = f"a step takes {subject.batches_per_step} batches"
    if why is not None:
        return skipped(RATE, why), skipped(BLANK, why)
    seen = subject.clean(JUDGED)
    if len(seen.images_NCHW) < FEWEST_PICTURES:
        why = f"{len(seen.images_NCHW)} pictures are too few to tell"
        return skipped(RATE, why), skipped(BLANK, why)
    unseen = seen if subject.unseen is None else subject.unseen(JUDGED)
    chosen, chosen_unseen = rehearse(subject, steps, seen, unseen)
    if not chosen.fell:
        return _wrong_rate(subject, chosen, steps, seen), skipped(BLANK, "the rehearsal learned nothing")
    rate = passed(RATE, chosen.words, chosen.evidence)
    if len(unseen.images_NCHW) < FEWEST_PICTURES:
        return rate, skipped(BLANK, f"{len(unseen.images_NCHW)} validation pictures are too few to tell")
    try:
        _, blank_unseen = rehearse(subject, steps, blank(seen), blank(unseen), blanked=True)
    except OutOfTime:
        return rate, skipped(BLANK, TOO_LONG)
    return rate, _pictures_matter(subject, chosen_unseen, blank_unseen, unseen)


def rehearse(
    subject: Subject, steps: int, seen: Lesson, unseen: Lesson, *, factor: float = 1.0, blanked: bool = False
) -> tuple[Rehearsal, Rehearsal]:
    """Trains a twin as training would begin, with its schedule in miniature, and judges it by two sets of pictures.

    Args:
        steps: to be made.
        seen, unseen: training pictures, and pictures that are not trained on.
        factor: share of the chosen rate.
        blanked: whether every picture is zeroed.
    """
    subject.keep_time()
    twin = subject.twin()
    lessons = (seen, unseen)
    before = [_losses(subject, plainly(twin.model), lesson) for lesson in lessons]
    twin.model.train()
    finite = True
    lessons_of_training = subject.trained()
    for done in range(steps):
        twin.set_rate(factor * min(1.0, (done + 1) / (WARM_UP * steps), (steps - done) / (DECAY * steps)))
        group = list(islice(lessons_of_training, subject.batches_per_step))
        finite = step(subject, twin, *(map(blank, group) if blanked else group)) is not None
        if not finite:
            break
    after = [_losses(subject, plainly(twin.model), lesson) if finite else (None, None) for lesson in lessons]
    first, second = (
        Rehearsal(was_N, is_N, subject.blind_loss(said_NK, lesson.labels), steps)
        for lesson, (said_NK, was_N), (_, is_N) in zip(lessons, before, after, strict=True)
    )
    return first, second


def blank(lesson: Lesson) -> Lesson:
    """Takes away what pictures show, and leaves their labels.

    Blank pictures are all the same, and so are the answers to them, but for what is drawn by chance: FEWEST of them
    speak for any number, for less time.
    """
    few_NCHW, count = torch.zeros_like(lesson.images_NCHW[:FEWEST]), len(lesson.images_NCHW)
    return Lesson(few_NCHW, lesson.labels, lambda outputs_NK: lesson.loss_of(_for_all(outputs_NK, count)))


def _for_all(outputs_NK: Tensor, count: int) -> Tensor:
    """Repeats the answers to the same few pictures in turn, for so many."""
    return outputs_NK[torch.arange(count, device=outputs_NK.device) % len(outputs_NK)]


def _losses(subject: Subject, model: torch.nn.Module, lesson: Lesson) -> tuple[Tensor, Tensor]:
    outputs_NK = _for_all(subject.outputs(model, lesson.images_NCHW), len(lesson.labels))
    return outputs_NK, subject.losses(outputs_NK, lesson.labels)


def _wrong_rate(subject: Subject, chosen: Rehearsal, steps: int, seen: Lesson) -> Check:
    """Tries other rates, to say in which direction the chosen one is wrong, if it is."""
    assert subject.optimizer is not None
    rate = max(float(group["lr"]) for group in subject.optimizer.param_groups)
    progress = chosen.progress
    for factor in (*HIGHER, *LOWER) if progress > 0 else (*LOWER, *HIGHER):
        try:
            other, _ = rehearse(subject, steps, seen, seen, factor=factor)
        except OutOfTime:
            return _not_learned(chosen, rate, "other rates were not all tried, for time", "the learning rate is wrong")
        if other.fell:
            word = "high" if factor < 1 else "low"
            stop = progress < -TOLERATED_EXCESS if factor < 1 else factor >= IN_VAIN
            return alarm(
                RATE,
                "learning-rate-too-high" if factor < 1 else "learning-rate-too-low",
                f"at the chosen rate {rate:.3g} {chosen.words}; at {rate * factor:.3g}: {other.words}",
                evidence={**chosen.evidence, "learning_rate": rate, "rate_that_works": rate * factor},
                causes=(f"the learning rate is too {word}",),
                advice={"optim.lr": float(f"{rate * factor:.3g}")},
                source="Stanford CS231n, Neural networks 3",
                stop=stop,
            )
    return _not_learned(chosen, rate, "and no clear fall at any share of the rate from 0.0001 to 10,000 either")


def _not_learned(chosen: Rehearsal, rate: float, besides: str, *likelier: str) -> Check:
    return alarm(
        RATE,
        "nothing-learned",
        f"at the chosen rate {rate:.3g} {chosen.words}, {besides}",
        evidence={**chosen.evidence, "learning_rate": rate},
        causes=(*likelier, "labels do not belong to their pictures", "the task needs more steps than these"),
        stop=False,
    )


def _pictures_matter(subject: Subject, real: Rehearsal, blanked: Rehearsal, unseen: Lesson) -> Check:
    """Compares what was learned from pictures with what was learned from labels alone."""
    assert real.after_N is not None
    without_N = blanked.after_N if blanked.after_N is not None else torch.full_like(real.after_N, blanked.reference)
    gain_N = without_N - real.after_N
    summary = (
        f"after {real.steps} steps the loss is {real.after_N.mean().item():.3f} with pictures, "
        f"{without_N.mean().item():.3f} with blank ones"
    )
    evidence = {
        "loss_with_pictures": real.after_N.mean().item(),
        "loss_with_blank_pictures": without_N.mean().item(),
        "pictures": len(gain_N),
    }
    if clearly_positive(gain_N):
        return passed(BLANK, summary, evidence)
    agreement = neighbors_agree(subject, unseen)
    sure = len(gain_N) >= ENOUGH and agreement is not None and not agreement[0] > agreement[1] + CLEAR * agreement[2]
    if agreement is not None:
        evidence |= {"neighbors_of_one_class": agreement[0], "by_chance": agreement[1]}
    return alarm(
        BLANK,
        "labels-shuffled" if sure else "nothing-learned",
        f"{summary}: what pictures show does not help, and those that look alike are of one class no more often than "
        "by chance"
        if sure
        else f"{summary}: too little to tell whether what pictures show helps",
        evidence=evidence,
        causes=("labels do not belong to their pictures", "pictures are damaged on their way to the net"),
        source="Karpathy 2019, A Recipe for Training Neural Networks (input-independent baseline)",
        stop=sure,
    )


def neighbors_agree(subject: Subject, lesson: Lesson) -> tuple[float, float, float] | None:
    """Compares each picture with the one that looks most like it.

    Returns: the share of pairs of one class, that which chance would give, and its standard error; None in other tasks
        than classification.
    """
    if subject.classes is None:
        return None
    images_NCHW = lesson.images_NCHW.float()
    height, width = images_NCHW.shape[2:]
    features_NF = adaptive_avg_pool2d(images_NCHW, (min(SIDE, height), min(SIDE, width))).flatten(1)
    distance_NN = torch.cdist(features_NF, features_NF)
    distance_NN.fill_diagonal_(math.inf)
    agree = (lesson.labels[distance_NN.argmin(dim=1)] == lesson.labels).double().mean().item()
    count = len(features_NF)
    chance = sum(number * (number - 1) for number in Counter(lesson.labels.tolist()).values()) / count / (count - 1)
    return agree, chance, math.sqrt(chance * (1 - chance) / count)


def clearly_positive(gain_N: Tensor) -> bool:
    """Tells whether a mean lies above 0 by more than CLEAR of its standard errors."""
    if len(gain_N) < 2:
        return False
    return gain_N.mean().item() > CLEAR * gain_N.std().item() / math.sqrt(len(gain_N))

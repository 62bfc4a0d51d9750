"""Checks that learn some pictures by heart; a net that cannot do that learns nothing.

Legend: N pictures, K outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor

from trainwright.training import add_penalty, bring_back, shrink

from .checks import Check, alarm, passed, skipped
from .subject import Lesson, Subject, Twin, plainly

FEW, BATCHES = "few-pictures", "few-batches"

PICTURES = 20
"""Source: Stanford CS231n, Neural networks 3 (overfit a tiny subset of data: 20 examples)."""

SOME_BATCHES = 5
"""Source: Stanford CS231n, winter 2016, lecture 6 (5 to 10 batches)."""

STEPS = 200
"""Steps at each rate that is tried; own choice."""

AT_FIRST = 60
"""Steps at the chosen rate before other rates are tried; own choice: our nets learn the few pictures in 10 to 60, where
the rate is one for so few."""

SAFE_RATES = (1e-3, 1e-2)
"""Rates of Adam by which a few pictures are tried, too, so that a wrong rate does not look like a wrong net."""

LEARNED = 0.4
"""Share of the loss of knowing nothing that must be gone, where nothing is right or wrong; soft targets keep half of it
for ever."""


def check_few_pictures(subject: Subject) -> Check:
    """Learns a few pictures by heart, without regularization and augmentation, at the chosen rate, or else by Adam.

    Source: Stanford CS231n, Neural networks 3; Karpathy 2019 (overfit one batch).
    """
    lesson = subject.clean(PICTURES)
    count, best = len(lesson.images_NCHW), -math.inf
    by_adam = [(rate, STEPS) for rate in SAFE_RATES]
    for rate, most in by_adam if subject.optimizer is None else [(None, AT_FIRST), *by_adam, (None, STEPS)]:
        twin = subject.twin(regularized=False) if rate is None else subject.twin_by_adam(rate)
        steps, level = learn_by_heart(subject, twin, [lesson], most)
        if steps is not None:
            how = "" if rate is None else f" by Adam at {rate:g}"
            how += "" if rate is None or subject.optimizer is None else f", though not within {AT_FIRST} as chosen"
            return passed(
                FEW, f"{count} pictures learned by heart in {steps} steps{how}", {"pictures": count, "steps": steps}
            )
        best = max(best, level)
    return alarm(
        FEW,
        "cannot-overfit",
        f"{count} pictures cannot be learned by heart in {STEPS} steps, as chosen or by Adam: {_words(subject, best)}",
        evidence={"pictures": count, "steps": STEPS, _key(subject): best},
        causes=(
            "what the loss wants is not what the labels say",
            "gradients vanish on their way, or units are dead",
            "the net is too small",
        ),
        source="Stanford CS231n, Neural networks 3, sanity checks",
    )


def check_few_batches(subject: Subject) -> Check:
    """Learns some batches by heart at the chosen rate, without regularization and augmentation.

    Source: Stanford CS231n, winter 2016, lecture 6.
    """
    if subject.optimizer is None:
        return skipped(BATCHES, "no optimizer was given")
    lessons = list(islice(subject.clean_batches(), SOME_BATCHES))
    count = sum(len(lesson.images_NCHW) for lesson in lessons)
    steps, level = learn_by_heart(subject, subject.twin(regularized=False), lessons, STEPS)
    if steps is not None:
        return passed(
            BATCHES, f"{count} pictures learned by heart in {steps} steps", {"pictures": count, "steps": steps}
        )
    return alarm(
        BATCHES,
        "model-too-small",
        f"{count} pictures are not learned by heart within {STEPS} steps at the chosen rate: {_words(subject, level)}",
        evidence={"pictures": count, "steps": STEPS, _key(subject): level},
        causes=("the net is small for these pictures", "the chosen rate is far from the best", "labels are wrong"),
        stop=False,
    )


def learn_by_heart(
    subject: Subject, twin: Twin, lessons: Sequence[Lesson], most_steps: int
) -> tuple[int | None, float]:
    """Trains a twin on the same lessons again and again, until all that can be right is.

    Returns: the steps that it took, None where that many were not enough; and the best level of a round: the share of
        right answers, or of the loss of knowing nothing that is gone.
    """
    plainly(twin.model)
    count, best = sum(len(lesson.images_NCHW) for lesson in lessons), -math.inf
    goal = _reachable(subject, lessons)
    for done in range(0, most_steps, len(lessons)):
        level = 0.0
        for lesson in lessons:
            outputs_NK = step(subject, twin, lesson)
            if outputs_NK is None:
                return None, best
            level += _level(subject, lesson, outputs_NK) * len(lesson.images_NCHW) / count
        best = max(best, level)
        if level >= goal - 1e-9:
            return done + len(lessons), level
    return None, best


def step(subject: Subject, twin: Twin, *lessons: Lesson) -> Tensor | None:
    """Makes one step of a twin on lessons of one size: the last one's outputs before it, N K; None where a loss is not
    finite.

    Raises:
        OutOfTime: the subject's time is over.
    """
    subject.keep_time()
    twin.optimizer.zero_grad(set_to_none=True)
    outputs_NK = torch.empty(0)
    for lesson in lessons:
        outputs_NK = subject.answer(twin.model, lesson.images_NCHW)
        loss = lesson.loss_of(outputs_NK) / len(lessons)
        if not torch.isfinite(loss):
            return None
        loss.backward()
    kept = twin.regularization
    if kept is not None:
        add_penalty(kept, twin.optimizer)
    if subject.clip is not None:
        subject.clip(twin.model)
    if kept is not None:
        shrink(kept, twin.optimizer)
    twin.optimizer.step()
    if kept is not None:
        bring_back(kept, twin.optimizer)
    return outputs_NK.detach()


def _level(subject: Subject, lesson: Lesson, outputs_NK: Tensor) -> float:
    hits = subject.hits(outputs_NK, lesson.labels)
    if hits is not None:
        return float(hits) / len(outputs_NK)
    blind = subject.blind_loss(outputs_NK, lesson.labels)
    return 1.0 - subject.losses(outputs_NK, lesson.labels).mean().item() / blind if blind > 0 else 1.0


def _reachable(subject: Subject, lessons: Sequence[Lesson]) -> float:
    """Gives the level that a perfect net would reach: pictures that are the same and labelled otherwise lower it."""
    if subject.classes is None:
        return LEARNED
    right, count = 0, 0
    for lesson in lessons:
        _, same_N = torch.unique(lesson.images_NCHW.flatten(1), dim=0, return_inverse=True)
        table = torch.zeros(int(same_N.max()) + 1, subject.classes, device=same_N.device)
        table.index_put_((same_N, lesson.labels), torch.ones((), device=same_N.device), accumulate=True)
        right, count = right + int(table.max(dim=1).values.sum()), count + len(same_N)
    return right / count


def _words(subject: Subject, level: float) -> str:
    if not math.isfinite(level):
        return "the loss is not finite"
    if subject.classes is not None:
        return f"{level:.0%} right"
    return f"{level:.0%} of the loss of knowing nothing gone" if level > 0 else "the loss does not fall"


def _key(subject: Subject) -> str:
    return "accuracy" if subject.classes is not None else "share_of_loss_gone"

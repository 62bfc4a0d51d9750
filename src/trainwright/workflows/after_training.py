"""What a finished run says of itself: a result that is worse than knowing nothing is not left without a word."""

from __future__ import annotations

import torch

from trainwright.data import Part, PreparedData
from trainwright.recipe import Recipe, decided
from trainwright.runs import (
    EpochRecord,
    Evaluation,
    EvaluationRecord,
    Finding,
    MultiLabelRecord,
    RankingRecord,
)
from trainwright.training import Answers, Task, lower_rate, rate_of_auto, task_of_data

FAR_ABOVE = 3.0
"""Times the loss of a net that knows nothing, from which on a loss is called exploded. Nets of before any step lie
below 1.5 (checks hold that), nets that overfit above it on pictures that they did not learn from alone."""

PARTS = {"train": "training", "valid": "validation", "test": "test"}

NOT_LEARNED = 0.9
"""Share of that loss which the training pictures keep at least where nothing was learned from them."""


def exploded(last: EpochRecord, judged: Evaluation | None, recipe: Recipe, data: PreparedData) -> Finding | None:
    """Tells a result that is worse than knowing nothing, of a loss that grew beyond all measure and stayed finite.

    Three things must come together: the loss of the result, or of training, lies far above that of a net that says the
    same of every picture; training ended no better than that; and the answers are no better than such a net's. So a
    net that overfits, whose loss on new pictures is large, too, is none.

    Args:
        last: the last epoch.
        judged: the judgement of the result, where there are pictures for it.
        recipe: decided.
        data: that it learned from, and was judged on.
    """
    task = task_of_data(recipe.loss, data)
    blind = blind_loss(task, data.train if judged is None else data.test if judged.part == "test" else data.valid)
    losses = {"train": last.train_loss} | ({} if judged is None else {judged.part: judged.loss})
    worst = max(losses, key=lambda part: losses[part])
    if losses[worst] <= FAR_ABOVE * blind or last.train_loss <= NOT_LEARNED * blind:
        return None
    if judged is not None and not no_better_than_blind(judged):
        return None
    rate, usual = decided(recipe.optim.lr), rate_of_auto(recipe, pictures=data.train.drawn)
    return Finding(
        code="learning-rate-too-high",
        severity="warn",
        summary=(
            f"the result is worse than knowing nothing: its loss on {PARTS[worst]} pictures is {losses[worst]:.3g}, "
            f"that of one answer for all of them {blind:.3g}; most likely the learning rate {rate:g} is too high"
        ),
        evidence={
            **{f"{part}_loss": loss for part, loss in losses.items()},
            "loss_of_one_answer": blind,
            "peak_learning_rate": rate,
            "learning_rate_of_auto": usual,
        },
        advice=lower_rate(recipe, pictures=data.train.drawn),
    )


def blind_loss(task: Task, part: Part) -> float:
    """Computes the loss on a part of outputs of 0, which say the same of every picture."""
    outputs_NK = torch.zeros(len(part.labels_N), len(task.names))
    return task.losses(Answers(outputs_NK, part.labels_N, part.pairs_P2)).mean().item()


def no_better_than_blind(judged: Evaluation) -> bool:
    """Tells whether a judgement leaves it open, or rules out, that the net is better than one answer for all pictures.

    That answer is the most frequent class; the likelier of yes and no for each label; the mean; either order of a pair.
    """
    match judged:
        case EvaluationRecord():
            frequent = max(score.pictures for score in judged.per_class) / judged.pictures
            return judged.accuracy_interval[0] <= frequent
        case MultiLabelRecord():
            shares = [score.pictures / judged.pictures for score in judged.per_label]
            return judged.hamming_loss >= sum(min(share, 1 - share) for share in shares) / len(shares)
        case RankingRecord():
            return judged.pair_accuracy_interval[0] <= 0.5
        case _:
            return (judged.figures["r2"] or 0.0) <= 0

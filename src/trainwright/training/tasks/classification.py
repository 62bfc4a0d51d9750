"""The task classification: each picture is of one class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwright.runs import ClassScore, EvaluationRecord, Mistake, PartName, wilson_interval

from .task import MISTAKES_KEPT, Answers, Verdict

CALIBRATION_BINS = 15


def class_hits(logits_NK: Tensor, labels_N: Tensor) -> Tensor:
    """Counts the pictures whose class has the highest score."""
    return (logits_NK.argmax(dim=1) == labels_N).sum()


def logit_of_mean(logits_VNK: Sequence[Tensor]) -> Tensor:
    """Averages the probabilities of several views and gives them as scores, finite even of a sure net: float32 N K.

    The logit of the mean of p = σ(z) is ln Σ σ(z) - ln Σ σ(-z): nothing is taken from 1, which would round to 0.

    >>> logit_of_mean([torch.tensor([[80.0]]), torch.tensor([[80.0]])]).tolist()
    [[80.0]]
    """
    stacked_VNK = torch.stack(list(logits_VNK)).double()
    return (F.logsigmoid(stacked_VNK).logsumexp(dim=0) - F.logsigmoid(-stacked_VNK).logsumexp(dim=0)).float()


@dataclass(frozen=True)
class Classification:
    """One of K classes a picture.

    Attributes:
        names: of the classes.
        each_alone: each class has a probability of its own, by a sigmoid; else they share one, by a softmax.
    """

    names: tuple[str, ...]
    each_alone: bool = False
    figure = "accuracy"

    def hits(self, logits_NK: Tensor, labels_N: Tensor) -> Tensor:
        return class_hits(logits_NK, labels_N)

    def probabilities(self, logits_NK: Tensor) -> Tensor:
        """Turns scores into probabilities: float64 N K."""
        scores_NK = logits_NK.double()
        return scores_NK.sigmoid() if self.each_alone else scores_NK.softmax(dim=1)

    def averaged(self, logits_VNK: Sequence[Tensor]) -> Tensor:
        """Averages the probabilities, and gives them as scores."""
        if self.each_alone:
            return logit_of_mean(logits_VNK)
        chances_VNK = torch.stack(list(logits_VNK)).double().log_softmax(dim=2)
        return (chances_VNK.logsumexp(dim=0) - math.log(len(logits_VNK))).float()

    @property
    def blind(self) -> tuple[str, str]:
        return ("ln 2", "ln_2") if self.each_alone else (f"ln {len(self.names)}", "ln_classes")

    def losses(self, answers: Answers) -> Tensor:
        """Computes cross-entropies, in nats; of classes each for itself the mean over these."""
        if not self.each_alone:
            return F.cross_entropy(answers.logits_NK.double(), answers.labels_N, reduction="none")
        truth_NK = F.one_hot(answers.labels_N, len(self.names)).double()
        return F.binary_cross_entropy_with_logits(answers.logits_NK.double(), truth_NK, reduction="none").mean(dim=1)

    def verdict(self, answers: Answers) -> Verdict:
        accuracy = (answers.logits_NK.argmax(dim=1) == answers.labels_N).double().mean().item()
        return Verdict(score=accuracy, loss=self.losses(answers).mean().item(), accuracy=accuracy, figures={})

    def judge(self, answers: Answers, *, names: Sequence[str], part: PartName, epoch: int) -> EvaluationRecord:
        """Counts right answers, by class and by what is taken for what, and lists the surest mistakes.

        Source: Wilson 1927 (interval).
        """
        classes = self.names
        count, k = answers.logits_NK.shape
        probabilities_NK = self.probabilities(answers.logits_NK)
        confidence_N, predicted_N = probabilities_NK.max(dim=1)
        right_N = predicted_N == answers.labels_N
        correct = int(right_N.sum())
        confusion_KK = torch.bincount(answers.labels_N * k + predicted_N, minlength=k * k).view(k, k)
        per_class = class_scores(confusion_KK, classes)
        recalls = [score.recall for score in per_class if score.recall is not None]
        wrong = torch.where(~right_N)[0]
        worst = wrong[confidence_N[wrong].argsort(descending=True, stable=True)][:MISTAKES_KEPT]
        return EvaluationRecord(
            part=part,
            epoch=epoch,
            pictures=count,
            accuracy=correct / count,
            accuracy_interval=wilson_interval(correct, count),
            balanced_accuracy=math.fsum(recalls) / len(recalls),
            top_k_accuracy={
                str(top): top_k_accuracy(probabilities_NK, answers.labels_N, top) for top in (1, 5) if top < k
            },
            loss=self.losses(answers).mean().item(),
            calibration_error=calibration_error(confidence_N, right_N),
            per_class=per_class,
            confusion_KK=tuple(tuple(row) for row in confusion_KK.tolist()),
            mistakes=tuple(
                Mistake(
                    name=names[row],
                    row=row,
                    label=classes[int(answers.labels_N[row])],
                    predicted=classes[int(predicted_N[row])],
                    probability=float(confidence_N[row]),
                )
                for row in map(int, worst.tolist())
            ),
        )

    def described(self) -> dict[str, Any]:
        return {"name": "classification", "each_alone": self.each_alone}


def top_k_accuracy(probabilities_NK: Tensor, labels_N: Tensor, top: int) -> float:
    """Counts how often the right class is among the `top` likeliest ones; classes that tie come in class order.

    >>> top_k_accuracy(torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]), torch.tensor([2, 2]), 2)
    0.5
    """
    likeliest = probabilities_NK.argsort(dim=1, descending=True, stable=True)[:, :top]
    return (likeliest == labels_N[:, None]).any(dim=1).double().mean().item()


def calibration_error(confidence_N: Tensor, right_N: Tensor, bins: int = CALIBRATION_BINS) -> float:
    """Computes the expected calibration error: |how often right - how sure|, averaged over the pictures of each bin.

    Args:
        confidence_N: probability of the class that was called, 0 … 1.
        right_N: whether it was the right one.
        bins: equal, each with its upper end.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, eq. 3.

    >>> calibration_error(torch.tensor([0.8, 0.8, 0.6]), torch.tensor([True, False, True]))
    0.333...
    """
    confidence_N = confidence_N.double()
    bin_N = (confidence_N * bins).ceil().long().sub(1).clamp(0, bins - 1)
    gap_B = torch.zeros(bins, dtype=torch.float64).index_add_(0, bin_N, right_N.double() - confidence_N)
    return gap_B.abs().sum().item() / len(confidence_N)


def class_scores(confusion_KK: Tensor, classes: tuple[str, ...]) -> tuple[ClassScore, ...]:
    """Derives precision, recall and F1 of each class from counts; None where the denominator is 0.

    Args:
        confusion_KK: row i, column j counts pictures of class i called class j.
    """
    scores: list[ClassScore] = []
    for index, label in enumerate(classes):
        hits = int(confusion_KK[index, index])
        pictures, called = int(confusion_KK[index].sum()), int(confusion_KK[:, index].sum())
        scores.append(
            ClassScore(
                label=label,
                pictures=pictures,
                precision=hits / called if called else None,
                recall=hits / pictures if pictures else None,
                f1=2 * hits / (pictures + called) if pictures + called else None,
            )
        )
    return tuple(scores)

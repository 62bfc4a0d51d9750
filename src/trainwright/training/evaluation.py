"""A snapshot judged on one part of the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.data import Batch, Part, eval_batches
from trainwright.runs import ClassScore, EvaluationRecord, Mistake, wilson_interval

from .machine import Machine

MOST_PICTURES = 512
MOST_PIXELS = MOST_PICTURES * 64 * 64
"""What a batch holds at most where nothing is learned, so that maps of large pictures do not fill the memory."""

CALIBRATION_BINS = 15
MISTAKES_KEPT = 24


@dataclass(frozen=True)
class Answers:
    """What a model said of each picture: `logits_NK` float32 on the CPU, beside the true `labels_N`."""

    logits_NK: Tensor
    labels_N: Tensor

    @property
    def loss(self) -> float:
        """Mean cross-entropy without smoothing, in nats."""
        return F.cross_entropy(self.logits_NK.double(), self.labels_N).item()

    @property
    def accuracy(self) -> float:
        return (self.logits_NK.argmax(dim=1) == self.labels_N).double().mean().item()


def eval_batch(img_size: int) -> int:
    """Gives the pictures a batch where nothing is learned.

    Args:
        img_size: side of the square pictures, pixels.

    >>> [eval_batch(size) for size in (8, 64, 224, 2000)]
    [512, 512, 41, 1]
    """
    return max(1, min(MOST_PICTURES, MOST_PIXELS // img_size**2))


@torch.inference_mode()
def predict_logits(
    model: nn.Module, batches: Iterable[Batch], views: Sequence[Callable[[Batch], Tensor]], machine: Machine
) -> Tensor:
    """Runs pictures through a model in evaluation mode, and puts it back into the mode that it was in.

    Args:
        views: ways to prepare a batch; of several, the mean of the probabilities counts.

    Returns: logits N K, float32 on the CPU, one row a picture in the order of the batches; of several views the
        logarithm of the mean probabilities.
    """
    was_training = model.training
    model.eval()
    rows: list[Tensor] = []
    try:
        for batch in batches:
            with machine.autocast():
                logits_VNK = [model(prepare(batch)).float() for prepare in views]
            rows.append(_averaged([logits_NK.cpu() for logits_NK in logits_VNK]))
    finally:
        model.train(was_training)
    return torch.cat(rows)


def _averaged(logits_VNK: Sequence[Tensor]) -> Tensor:
    if len(logits_VNK) == 1:
        return logits_VNK[0]
    return torch.stack([logits_NK.double().softmax(dim=1) for logits_NK in logits_VNK]).mean(dim=0).log().float()


def answer(model: nn.Module, part: Part, views: Sequence[Callable[[Batch], Tensor]], machine: Machine) -> Answers:
    """Asks a model about every picture of a part, in storage order; views as in `predict_logits`."""
    batches = eval_batches(part, eval_batch(part.images_SCHW.shape[-1]))
    return Answers(predict_logits(model, batches, views, machine), part.labels_N)


def judge(
    answers: Answers,
    *,
    classes: tuple[str, ...],
    names: Sequence[str],
    part: Literal["train", "valid", "test", "other"],
    epoch: int,
) -> EvaluationRecord:
    """Computes all that we say about a model's answers on one part.

    Args:
        answers: logits and true labels of N pictures, at least one.
        classes: the K class names.
        names: the N picture names, in the order of the answers.
        part: which part was asked about.
        epoch: the epoch of the snapshot.

    Source: Wilson 1927 (interval); Guo et al. 2017 (expected calibration error).
    """
    from torchmetrics.functional.classification import multiclass_calibration_error, multiclass_confusion_matrix

    count, k = answers.logits_NK.shape
    probabilities_NK = answers.logits_NK.double().softmax(dim=1)
    confidence_N, predicted_N = probabilities_NK.max(dim=1)
    right_N = predicted_N == answers.labels_N
    correct = int(right_N.sum())
    confusion_KK = multiclass_confusion_matrix(predicted_N, answers.labels_N, num_classes=k)
    calibration = multiclass_calibration_error(
        probabilities_NK, answers.labels_N, num_classes=k, n_bins=CALIBRATION_BINS, norm="l1"
    )
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
        top_k_accuracy={str(top): top_k_accuracy(probabilities_NK, answers.labels_N, top) for top in (1, 5) if top < k},
        loss=answers.loss,
        calibration_error=calibration.item(),
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


def top_k_accuracy(probabilities_NK: Tensor, labels_N: Tensor, top: int) -> float:
    """Counts how often the right class is among the `top` likeliest ones; classes that tie come in class order.

    >>> top_k_accuracy(torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]), torch.tensor([2, 2]), 2)
    0.5
    """
    likeliest = probabilities_NK.argsort(dim=1, descending=True, stable=True)[:, :top]
    return (likeliest == labels_N[:, None]).any(dim=1).double().mean().item()


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

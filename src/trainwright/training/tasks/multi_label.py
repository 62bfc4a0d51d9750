"""The task multi-label: any number of labels hold for a picture, each told for itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwright.runs import LabelMistake, LabelScore, MultiLabelRecord, PartName, wilson_interval

from .classification import logit_of_mean
from .task import MISTAKES_KEPT, Answers, Verdict

THRESHOLD = 0.5
"""Probability from which on a label is said to hold."""


@dataclass(frozen=True)
class MultiLabel:
    """Any of K labels a picture."""

    names: tuple[str, ...]
    figure = "mean average precision"

    def hits(self, logits_NK: Tensor, labels_N: Tensor) -> None:  # noqa: ARG002
        return None

    @property
    def blind(self) -> tuple[str, str]:
        return "ln 2", "ln_2"

    def losses(self, answers: Answers) -> Tensor:
        """Computes logistic losses, the mean over labels, in nats."""
        logits_NK, truth_NK = answers.logits_NK.double(), answers.labels_N.double()
        return F.binary_cross_entropy_with_logits(logits_NK, truth_NK, reduction="none").mean(dim=1)

    def averaged(self, logits_VNK: Sequence[Tensor]) -> Tensor:
        """Averages the probabilities, and gives them as scores."""
        return logit_of_mean(logits_VNK)

    def verdict(self, answers: Answers) -> Verdict:
        """Chooses by mean average precision; where no label holds anywhere, by the loss."""
        counts = _counts(answers)
        precision = _mean_of(average_precisions(answers))
        loss = self.losses(answers).mean().item()
        return Verdict(
            score=-loss if precision is None else precision,
            loss=loss,
            figures={"mean_average_precision": precision, "f1_macro": _mean_of(_f1(*row) for row in counts)},
        )

    def judge(self, answers: Answers, *, names: Sequence[str], part: PartName, epoch: int) -> MultiLabelRecord:
        """Judges each label by itself, and all labels of a picture together.

        Source: Tsoumakas & Katakis 2007 (measures of several labels); Wilson 1927 (interval).
        """
        probabilities_NK = answers.logits_NK.double().sigmoid()
        truth_NK = answers.labels_N > 0
        right_NK = (probabilities_NK >= THRESHOLD) == truth_NK
        exact, count = int(right_NK.all(dim=1).sum()), len(right_NK)
        counts, precisions = _counts(answers), average_precisions(answers)
        scores = tuple(
            LabelScore(
                label=label,
                pictures=hits + missed,
                precision=hits / (hits + false) if hits + false else None,
                recall=hits / (hits + missed) if hits + missed else None,
                f1=_f1(hits, false, missed),
                average_precision=average,
            )
            for label, (hits, false, missed), average in zip(self.names, counts, precisions, strict=True)
        )
        hits, false, missed = (sum(column) for column in zip(*counts, strict=True))
        return MultiLabelRecord(
            part=part,
            epoch=epoch,
            pictures=count,
            mean_average_precision=_mean_of(precisions),
            f1_micro=_f1(hits, false, missed),
            f1_macro=_mean_of(score.f1 for score in scores),
            exact_match=exact / count,
            exact_match_interval=wilson_interval(exact, count),
            hamming_loss=(~right_NK).double().mean().item(),
            loss=self.losses(answers).mean().item(),
            per_label=scores,
            mistakes=self._mistakes(probabilities_NK, truth_NK, names),
        )

    def described(self) -> dict[str, Any]:
        return {"name": "multi-label"}

    def _mistakes(self, probabilities_NK: Tensor, truth_NK: Tensor, names: Sequence[str]) -> tuple[LabelMistake, ...]:
        """Lists the pictures with the surest wrong label, each once, the surest first."""
        doubt_NK = torch.where(truth_NK, 1 - probabilities_NK, probabilities_NK)
        worst_N, label_N = doubt_NK.max(dim=1)
        wrong = torch.where(worst_N > THRESHOLD)[0]
        rows = wrong[worst_N[wrong].argsort(descending=True, stable=True)][:MISTAKES_KEPT]
        return tuple(
            LabelMistake(
                name=names[row],
                row=row,
                label=self.names[int(label_N[row])],
                holds=bool(truth_NK[row, label_N[row]]),
                probability=float(probabilities_NK[row, label_N[row]]),
            )
            for row in map(int, rows.tolist())
        )


def average_precisions(answers: Answers) -> list[float | None]:
    """Computes the average precision of each label, None where it holds for no picture."""
    columns = zip(answers.logits_NK.T, answers.labels_N.T, strict=True)
    return [average_precision(scores_N, truth_N > 0) if truth_N.any() else None for scores_N, truth_N in columns]


def average_precision(scores_N: Tensor, truth_N: Tensor) -> float:
    """Averages the precision over the pictures that hold the label, each at the score at which it is found.

    Pictures of the same score are found together. Only the order of the scores counts.

    Source: Manning et al. 2008, Introduction to Information Retrieval, section 8.4.

    >>> average_precision(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([True, False, True]))
    0.833...
    """
    place_N = (-scores_N).unique(return_inverse=True)[1]
    found_S = torch.bincount(place_N).cumsum(dim=0)
    held_S = torch.bincount(place_N[truth_N], minlength=len(found_S))
    return ((held_S.cumsum(dim=0) / found_S.double()) * held_S).sum().item() / int(truth_N.sum())


def _counts(answers: Answers) -> list[tuple[int, int, int]]:
    """Counts for each label the pictures on which it was rightly seen, wrongly seen, and missed."""
    said_NK, truth_NK = answers.logits_NK.double().sigmoid() >= THRESHOLD, answers.labels_N > 0
    columns = (said_NK & truth_NK, said_NK & ~truth_NK, ~said_NK & truth_NK)
    return list(zip(*(column_NK.sum(dim=0).tolist() for column_NK in columns), strict=True))


def _f1(hits: int, false: int, missed: int) -> float | None:
    """Gives the harmonic mean of precision and recall; None where there is nothing to find and nothing was said."""
    return 2 * hits / (2 * hits + false + missed) if hits + false + missed else None


def _mean_of(values: Iterable[float | None]) -> float | None:
    """Averages what is defined; None where nothing is."""
    defined = [value for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None

"""Judgements in tasks other than classification: typed lines of a run's event log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PartName = Literal["train", "valid", "test", "other"]


@dataclass(frozen=True, kw_only=True)
class MultiLabelRecord:
    """A snapshot judged on one part in the task multi-label; a label is said to hold from probability 0.5 on.

    `mean_average_precision` is the mean of the labels' average precisions, `f1_micro` counts all decisions together,
    `f1_macro` is the mean over labels; each is None where nothing defines it. `exact_match` is the share of pictures
    all of whose labels are right, its interval Wilson's at 95 %; `hamming_loss` the share of wrong decisions. `loss` is
    the logistic one, the mean over pictures and labels. `mistakes` are the pictures with the surest wrong label.
    `unseen` holds `pictures` and the figures of those that the net was not trained on; else as in `EvaluationRecord`.
    """

    part: PartName
    epoch: int
    pictures: int
    mean_average_precision: float | None
    f1_micro: float | None
    f1_macro: float | None
    exact_match: float
    exact_match_interval: tuple[float, float]
    hamming_loss: float
    loss: float
    per_label: tuple[LabelScore, ...]
    mistakes: tuple[LabelMistake, ...] = ()
    trained_on: int | None = None
    unseen: Mapping[str, float | None] | None = None
    tta: str = "none"

    @property
    def figures(self) -> dict[str, float | None]:
        """Gives the whole in a few numbers, the one that chooses the best epoch first."""
        names = ("mean_average_precision", "f1_micro", "f1_macro", "exact_match", "hamming_loss")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class LabelScore:
    """One label in a judgement; `pictures` have it. Scores are None where nothing defines them."""

    label: str
    pictures: int
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None


@dataclass(frozen=True, kw_only=True)
class LabelMistake:
    """A label told wrongly: the picture's name and row in its part, the label, whether it holds, and how likely the
    net called it."""

    name: str
    row: int
    label: str
    holds: bool
    probability: float

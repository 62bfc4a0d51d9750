"""Judgements in tasks other than classification: typed lines of a run's event log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

PartName = Literal["train", "valid", "test", "other"]


LABEL_FIGURES = ("mean_average_precision", "f1_micro", "f1_macro", "exact_match", "hamming_loss")
"""Those of the task multi-label, the one that chooses the best epoch first."""


@dataclass(frozen=True, kw_only=True)
class FigureNames:
    """Names of a task's figures: of an epoch's validation, of a test, and which of these have `<name>_interval`."""

    valid: tuple[str, ...]
    tested: tuple[str, ...]
    sure: tuple[str, ...]


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
        return {name: getattr(self, name) for name in LABEL_FIGURES}


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


@dataclass(frozen=True, kw_only=True)
class RegressionRecord:
    """A snapshot judged on one part in the task regression; errors are in the units in which the numbers were given.

    `loss` is that of training, of standardized numbers, without weights. `mistakes` are the pictures that are farthest
    off, measured in deviations of their column. `trained_on`, `unseen` and `tta` as in `MultiLabelRecord`.
    """

    part: PartName
    epoch: int
    pictures: int
    loss: float
    per_column: tuple[ColumnScore, ...]
    mistakes: tuple[NumberMistake, ...] = ()
    trained_on: int | None = None
    unseen: Mapping[str, float | None] | None = None
    tta: str = "none"

    @property
    def figures(self) -> dict[str, float | None]:
        """Gives the whole in a few numbers, the one that chooses the best epoch first."""
        return figures_of_columns(self.per_column)


@dataclass(frozen=True, kw_only=True)
class ColumnScore:
    """One column of numbers in a judgement.

    `mae` is the mean absolute error, its interval the normal one at 95 % (None for one picture); `rmse` the root of
    the mean squared error, and `rmse_of_mean` what always answering the training part's mean would have. `r2` is the
    share of the variance that is explained, `spearman` the correlation of ranks; None where nothing varies. `points`
    are true and told numbers of pictures spread evenly over the part.
    """

    column: str
    mae: float
    mae_interval: tuple[float, float] | None
    rmse: float
    rmse_of_mean: float
    r2: float | None
    spearman: float | None
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class NumberMistake:
    """A number that is far off: the picture's name and row in its part, the column, the true number and the told."""

    name: str
    row: int
    column: str
    value: float
    predicted: float


@dataclass(frozen=True, kw_only=True)
class RankingRecord:
    """A snapshot judged on one part in the task ranking: how many pairs of pictures it puts in the right order.

    `pair_accuracy` is the share of `pairs` whose better picture has the higher score, equal ones counting as wrong; its
    interval is Wilson's at 95 %, as if pairs were independent, and so a little narrow where pictures stand in many.
    `ties` are pairs of equal scores. `loss` is that of training. `mistakes` are the pairs in which the worse one leads
    most. `trained_on`, `unseen` and `tta` as in `MultiLabelRecord`; `unseen` counts pictures in pairs of two unseen.
    """

    part: PartName
    epoch: int
    pictures: int
    pairs: int
    pair_accuracy: float
    pair_accuracy_interval: tuple[float, float]
    ties: int
    loss: float
    mistakes: tuple[PairMistake, ...] = ()
    trained_on: int | None = None
    unseen: Mapping[str, float | None] | None = None
    tta: str = "none"

    @property
    def figures(self) -> dict[str, float | None]:
        """Gives the whole in a few numbers, the one that chooses the best epoch first."""
        return {"pair_accuracy": self.pair_accuracy}


@dataclass(frozen=True, kw_only=True)
class PairMistake:
    """A pair in the wrong order: names and rows of the better and the worse picture, and by how much the worse one
    leads."""

    better: str
    worse: str
    row: int
    worse_row: int
    lead: float


def figure_names(task: Literal["multi-label", "regression", "ranking"], columns: Sequence[str]) -> FigureNames:
    """Lists the figures of a task by name, whether or not there is a part that gives them a value.

    Args:
        columns: of numbers, in order; has no meaning in other tasks.

    >>> figure_names("regression", ["age"]).tested
    ('r2', 'mae', 'rmse')
    """
    if task == "multi-label":
        return FigureNames(valid=("mean_average_precision", "f1_macro"), tested=LABEL_FIGURES, sure=("exact_match",))
    if task == "ranking":
        return FigureNames(valid=("pair_accuracy",), tested=("pair_accuracy",), sure=("pair_accuracy",))
    ends = [""] if len(columns) == 1 else [f"_{column}" for column in columns]
    names = ("r2", *(f"{error}{end}" for end in ends for error in ("mae", "rmse")))
    return FigureNames(valid=names, tested=names, sure=())


def figures_of_columns(scores: Sequence[ColumnScore]) -> dict[str, float | None]:
    """Sums columns of numbers up: the mean R², then the errors of each, with its name where there are several."""
    defined = [score.r2 for score in scores if score.r2 is not None]
    figures: dict[str, float | None] = {"r2": math.fsum(defined) / len(defined) if defined else None}
    for score in scores:
        end = "" if len(scores) == 1 else f"_{score.column}"
        figures |= {f"mae{end}": score.mae, f"rmse{end}": score.rmse}
    return figures

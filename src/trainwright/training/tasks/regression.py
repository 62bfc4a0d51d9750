"""The task regression: one or more numbers a picture, told in the units in which they were given.

Legend: N pictures, D columns of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainwright.data import Scale
from trainwright.recipe import LossSection
from trainwright.runs import ColumnScore, NumberMistake, PartName, RegressionRecord, figures_of_columns
from trainwright.runs.intervals import Z_95

from ..losses import build_loss
from .task import MISTAKES_KEPT, Answers, Verdict

POINTS_KEPT = 400
"""Pictures whose true and told numbers are kept for a drawing, spread evenly over the part."""


@dataclass(frozen=True)
class Regression:
    """D numbers a picture.

    Attributes:
        names: of the columns.
        scale: by which targets are standardized.
        loss: as in the recipe; decided.
    """

    names: tuple[str, ...]
    scale: Scale
    loss: LossSection
    figure = "R²"

    def hits(self, logits_NK: Tensor, labels_N: Tensor) -> None:  # noqa: ARG002
        return None

    @property
    def blind(self) -> tuple[str, str]:
        return "always the mean", "loss_of_the_mean"

    def losses(self, answers: Answers) -> Tensor:
        """Computes the training loss of each picture, the mean over columns, of standardized numbers."""
        loss_of = build_loss(self.loss)
        rows = zip(answers.logits_NK.split(1), answers.labels_N.split(1), strict=True)
        return torch.stack([loss_of(said_1D, true_1D, None) for said_1D, true_1D in rows]).double()

    def averaged(self, logits_VNK: Sequence[Tensor]) -> Tensor:
        """Averages the numbers."""
        return torch.stack(list(logits_VNK)).double().mean(dim=0).float()

    def restored(self, standardized_ND: Tensor) -> Tensor:
        """Brings numbers into the units in which they were given: float64 N D."""
        return torch.from_numpy(self.scale.restored(standardized_ND.double().numpy()))

    def verdict(self, answers: Answers) -> Verdict:
        """Chooses by R², the mean over columns; where it is not defined, by the loss."""
        loss = build_loss(self.loss)(answers.logits_NK, answers.labels_N, None).item()
        scores = self._scores(answers)
        figures = figures_of_columns(scores)
        r2 = figures["r2"]
        return Verdict(score=-loss if r2 is None else r2, loss=loss, figures=figures)

    def judge(self, answers: Answers, *, names: Sequence[str], part: PartName, epoch: int) -> RegressionRecord:
        """Measures the errors of each column, and lists the pictures whose numbers are farthest off.

        Source: Wright 1921 (share of variance that is explained); Spearman 1904.
        """
        said_ND, true_ND = self.restored(answers.logits_NK), self.restored(answers.labels_N)
        errors_N, column_N = (answers.logits_NK - answers.labels_N).abs().max(dim=1)
        rows = errors_N.argsort(descending=True, stable=True)[:MISTAKES_KEPT]
        return RegressionRecord(
            part=part,
            epoch=epoch,
            pictures=len(said_ND),
            loss=build_loss(self.loss)(answers.logits_NK, answers.labels_N, None).item(),
            per_column=self._scores(answers),
            mistakes=tuple(
                NumberMistake(
                    name=names[row],
                    row=row,
                    column=self.names[d],
                    value=self.scale.told(d, true_ND[row, d].item()),
                    predicted=self.scale.told(d, said_ND[row, d].item()),
                )
                for row, d in zip(map(int, rows.tolist()), map(int, column_N[rows].tolist()), strict=True)
            ),
        )

    def described(self) -> dict[str, Any]:
        loss = {"name": self.loss.name, "beta": self.loss.beta}
        return {
            "name": "regression",
            "mean": list(self.scale.mean),
            "deviation": list(self.scale.deviation),
            "loss": {key: value for key, value in loss.items() if key == "name" or self.loss.name == "smooth-l1"},
        }

    def _scores(self, answers: Answers) -> tuple[ColumnScore, ...]:
        said_ND, true_ND = self.restored(answers.logits_NK), self.restored(answers.labels_N)
        return tuple(
            column_score(name, said_ND[:, d], true_ND[:, d], self.scale.mean[d], partial(self.scale.told, d))
            for d, name in enumerate(self.names)
        )


def column_score(
    name: str, said_N: Tensor, true_N: Tensor, train_mean: float, tell: Callable[[float], float] = float
) -> ColumnScore:
    """Measures the errors of one column.

    Args:
        said_N, true_N: float64, in the column's own unit.
        train_mean: over the training part: what a net that knows nothing would say.
        tell: rounds the numbers of the points.
    """
    from scipy.stats import rankdata

    count = len(true_N)
    absolute_N = (said_N - true_N).abs()
    mae = absolute_N.mean().item()
    reach = Z_95 * absolute_N.std().item() / math.sqrt(count) if count > 1 else None
    kept = torch.arange(min(count, POINTS_KEPT)) * count // min(count, POINTS_KEPT)
    differ = count > 1 and bool((true_N != true_N[0]).any())
    told_apart = differ and bool((said_N != said_N[0]).any())
    return ColumnScore(
        column=name,
        mae=mae,
        mae_interval=None if reach is None else (max(mae - reach, 0.0), mae + reach),
        rmse=absolute_N.square().mean().sqrt().item(),
        rmse_of_mean=(true_N - train_mean).square().mean().sqrt().item(),
        r2=explained_share(said_N, true_N) if differ else None,
        spearman=float(np.corrcoef(rankdata(said_N), rankdata(true_N))[0, 1]) if told_apart else None,
        points=tuple(
            (tell(true), tell(said)) for true, said in zip(true_N[kept].tolist(), said_N[kept].tolist(), strict=True)
        ),
    )


def explained_share(said_N: Tensor, true_N: Tensor) -> float:
    """Computes R² = 1 - Σ(ŷ-y)²/Σ(y-ȳ)², whatever the unit and the zero of the numbers.

    Args:
        said_N, true_N: float64; the true ones differ.

    >>> explained_share(torch.tensor([1.0, 2.0, 2.0]), torch.tensor([1.0, 2.0, 3.0]))
    0.5
    """
    return 1 - ((said_N - true_N).square().sum() / (true_N - true_N.mean()).square().sum()).item()

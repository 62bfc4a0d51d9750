"""The task regression: one or more numbers a picture, told in the units in which they were given.

Legend: N pictures, D columns of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainwright.data import Scale
from trainwright.recipe import LossSection
from trainwright.runs import ColumnScore, NumberMistake, PartName, RegressionRecord, figures_of_columns
from trainwright.runs.intervals import Z_95

from ..losses import build_loss
from .task import Answers, Verdict

MISTAKES_KEPT = 24
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
                    column=self.names[int(column_N[row])],
                    value=float(true_ND[row, column_N[row]]),
                    predicted=float(said_ND[row, column_N[row]]),
                )
                for row in map(int, rows.tolist())
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
            column_score(name, said_N, true_N, mean)
            for name, said_N, true_N, mean in zip(self.names, said_ND.T, true_ND.T, self.scale.mean, strict=True)
        )


def column_score(name: str, said_N: Tensor, true_N: Tensor, train_mean: float) -> ColumnScore:
    """Measures the errors of one column.

    Args:
        said_N, true_N: float64, in the column's own unit.
        train_mean: over the training part: what a net that knows nothing would say.
    """
    from torchmetrics.functional.regression import r2_score, spearman_corrcoef

    count = len(true_N)
    absolute_N = (said_N - true_N).abs()
    mae = absolute_N.mean().item()
    reach = Z_95 * absolute_N.std().item() / math.sqrt(count) if count > 1 else math.inf
    differ = count > 1 and bool((true_N != true_N[0]).any())
    told_apart = differ and bool((said_N != said_N[0]).any())
    places = torch.arange(min(count, POINTS_KEPT)) * count // min(count, POINTS_KEPT)
    return ColumnScore(
        column=name,
        mae=mae,
        mae_interval=(max(mae - reach, 0.0), mae + reach),
        rmse=absolute_N.square().mean().sqrt().item(),
        rmse_of_mean=(true_N - train_mean).square().mean().sqrt().item(),
        r2=r2_score(said_N, true_N).item() if differ else None,
        spearman=spearman_corrcoef(said_N, true_N).item() if told_apart else None,
        points=tuple((true, said) for true, said in zip(true_N[places].tolist(), said_N[places].tolist(), strict=True)),
    )

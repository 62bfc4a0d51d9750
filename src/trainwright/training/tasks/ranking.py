"""The task ranking: a score a picture, higher for the better one of two.

Legend: N pictures, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainwright.recipe import LossSection
from trainwright.runs import PairMistake, PartName, RankingRecord, wilson_interval

from ..losses import build_loss
from .task import MISTAKES_KEPT, Answers, Verdict


@dataclass(frozen=True)
class Ranking:
    """One score a picture; only differences of scores mean something.

    Attributes:
        loss: as in the recipe; decided.
    """

    loss: LossSection
    names: tuple[str, ...] = ("score",)
    figure = "pair accuracy"

    def hits(self, logits_NK: Tensor, labels_N: Tensor) -> Tensor:  # noqa: ARG002
        """Counts the pictures of a batch whose pair is in the right order."""
        return 2 * (logits_NK[::2, 0] > logits_NK[1::2, 0]).sum()

    @property
    def blind(self) -> tuple[str, str]:
        return ("the margin", "margin") if self.loss.name == "margin-ranking" else ("ln 2", "ln_2")

    def losses(self, answers: Answers) -> Tensor:
        """Computes the training loss of each pair: float64 P."""
        loss_of = build_loss(self.loss)
        pairs_P21 = scores_of_pairs(answers)[:, :, None]
        return torch.stack([loss_of(pair_21, answers.labels_N, None) for pair_21 in pairs_P21]).double()

    def averaged(self, logits_VNK: Sequence[Tensor]) -> Tensor:
        """Averages the scores."""
        return torch.stack(list(logits_VNK)).double().mean(dim=0).float()

    def verdict(self, answers: Answers) -> Verdict:
        scores_P2 = scores_of_pairs(answers)
        accuracy = (scores_P2[:, 0] > scores_P2[:, 1]).double().mean().item()
        loss = build_loss(self.loss)(scores_P2.reshape(-1, 1), answers.labels_N, None).item()
        return Verdict(score=accuracy, loss=loss, figures={"pair_accuracy": accuracy})

    def judge(self, answers: Answers, *, names: Sequence[str], part: PartName, epoch: int) -> RankingRecord:
        """Counts pairs in the right order, and lists those that are farthest from it.

        Source: Wilson 1927 (interval).
        """
        scores_P2 = scores_of_pairs(answers)
        lead_P = scores_P2[:, 1] - scores_P2[:, 0]
        right, count = int((lead_P < 0).sum()), len(lead_P)
        wrong = torch.where(lead_P >= 0)[0]
        worst = wrong[lead_P[wrong].argsort(descending=True, stable=True)][:MISTAKES_KEPT]
        rows_P2 = rows_of_pairs(answers)
        mistakes: list[PairMistake] = []
        for pair in map(int, worst.tolist()):
            better, worse = map(int, rows_P2[pair].tolist())
            lead = float(lead_P[pair])
            mistakes.append(
                PairMistake(better=names[better], worse=names[worse], row=better, worse_row=worse, lead=lead)
            )
        return RankingRecord(
            part=part,
            epoch=epoch,
            pictures=len(names),
            pairs=count,
            pair_accuracy=right / count,
            pair_accuracy_interval=wilson_interval(right, count),
            ties=int((lead_P == 0).sum()),
            loss=self.verdict(answers).loss,
            mistakes=tuple(mistakes),
        )

    def described(self) -> dict[str, Any]:
        margin = {"margin": self.loss.margin} if self.loss.name == "margin-ranking" else {}
        return {"name": "ranking", "loss": {"name": self.loss.name, **margin}}


def rows_of_pairs(answers: Answers) -> Tensor:
    """Gives the rows of the better and the worse picture of each pair: int64 P 2."""
    if answers.pairs_P2 is not None:
        return answers.pairs_P2
    return torch.arange(len(answers.logits_NK)).reshape(-1, 2)


def scores_of_pairs(answers: Answers) -> Tensor:
    """Gives the scores of the better and the worse picture of each pair: float32 P 2."""
    return answers.logits_NK[:, 0][rows_of_pairs(answers)]

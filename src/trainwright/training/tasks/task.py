"""What every task can do; the loop, the final test, `evaluate` and `predict` ask it and know no task by name.

Legend: N pictures, T numbers that the net gives a picture, V views of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from trainwright.runs import Evaluation, PartName

MISTAKES_KEPT = 24
"""The worst answers that a judgement lists at most."""


@dataclass(frozen=True)
class Answers:
    """What a net said of each picture: `logits_NK` float32 on the CPU, beside what is true, `labels_N` as in a part.

    In ranking `pairs_P2` holds the rows of the better and the worse picture of each pair; None where they follow each
    other, as in a batch.
    """

    logits_NK: Tensor
    labels_N: Tensor
    pairs_P2: Tensor | None = None

    def of(self, rows_N: Tensor) -> Answers:
        """Leaves only some pictures.

        Args:
            rows_N: bool N.
        """
        pairs_P2 = None
        if self.pairs_P2 is not None:
            within = rows_N[self.pairs_P2].all(dim=1)
            pairs_P2 = (rows_N.cumsum(0) - 1)[self.pairs_P2[within]]
        return Answers(self.logits_NK[rows_N], self.labels_N[rows_N], pairs_P2)

    @property
    def judged(self) -> int:
        """Counts what there is to be judged: pictures, or pairs."""
        return len(self.labels_N) if self.pairs_P2 is None else len(self.pairs_P2)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the validation part says of an epoch.

    Attributes:
        score: by which the best epoch is chosen; higher is better.
        loss: without smoothing, in the training loss's own unit.
        accuracy: share of right answers; None in tasks that have no right and wrong.
        figures: the task's own by name, the one that chooses first; empty where accuracy says it all.
    """

    score: float
    loss: float
    accuracy: float | None = None
    figures: Mapping[str, float | None]


class Task(Protocol):
    """A task; implementations are frozen dataclasses."""

    @property
    def names(self) -> tuple[str, ...]:
        """Tells what each of the T numbers stands for."""
        ...

    @property
    def figure(self) -> str:
        """Says in words by what the best epoch is chosen."""
        ...

    def hits(self, logits_NK: Tensor, labels_N: Tensor) -> Tensor | None:
        """Counts the pictures of a training batch that were answered rightly; None where nothing is right or wrong."""
        ...

    @property
    def blind(self) -> tuple[str, str]:
        """Says what the loss of a net that knows nothing is, and calls that number by a name for evidence."""
        ...

    def losses(self, answers: Answers) -> Tensor:
        """Computes the loss of each picture without smoothing and weights: float64 N."""
        ...

    def averaged(self, logits_VNK: Sequence[Tensor]) -> Tensor:
        """Makes one answer of those to several views of the same pictures: float32 N K."""
        ...

    def verdict(self, answers: Answers) -> Verdict:
        """Sums up the answers to the validation part after an epoch."""
        ...

    def judge(self, answers: Answers, *, names: Sequence[str], part: PartName, epoch: int) -> Evaluation:
        """Computes all that we say about answers to one part.

        Args:
            answers: of at least one picture.
            names: of the N pictures, in the order of the answers.
            part: which part was asked about.
            epoch: the epoch of the snapshot.
        """
        ...

    def described(self) -> dict[str, Any]:
        """Lists, as JSON values, what a snapshot must keep of the task beside the names."""
        ...

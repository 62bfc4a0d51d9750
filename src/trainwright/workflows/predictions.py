"""What `predict` says of a picture, one kind a task, and the same as rows of a table."""

# Some of torch's methods have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from torch import Tensor

from trainwright.data import PREDICTION_COLUMNS
from trainwright.errors import InputError
from trainwright.training import THRESHOLD, Classification, Regression, Task


@dataclass(frozen=True)
class Prediction:
    """The class of one input.

    `label` and `probability` are those of the likeliest class, `top` lists the likeliest classes with their
    probabilities; where the picture could not be read they are None and empty, and `error` says why.
    """

    path: str
    label: str | None = None
    probability: float | None = None
    top: tuple[tuple[str, float], ...] = ()
    error: str | None = None

    @property
    def said(self) -> str:
        """Words the answer for a person."""
        return ", ".join(f"{label} {100 * probability:.1f} %" for label, probability in self.top)

    @property
    def cells(self) -> dict[str, str]:
        """Gives the answer as cells of a table, by column: those of the second class on behind the error."""
        named: dict[str, str] = {"label": "", "probability": "", "error": self.error or ""}
        for rank, (label, probability) in enumerate(self.top, 1):
            end = "" if rank == 1 else f"_{rank}"
            named |= {f"label{end}": label, f"probability{end}": f"{probability:.6f}"}
        return named


@dataclass(frozen=True)
class LabelsPrediction:
    """The labels of one input: `labels` are those that hold, from probability 0.5 on, the likeliest first;
    `probabilities` has all. Where the picture could not be read both are empty, and `error` says why."""

    path: str
    labels: tuple[str, ...] = ()
    probabilities: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str | None = None

    @property
    def said(self) -> str:
        """Words the answer for a person."""
        sure = [f"{label} {100 * self.probabilities[label]:.1f} %" for label in self.labels]
        if sure or not self.probabilities:
            return ", ".join(sure)
        likeliest = max(self.probabilities, key=self.probabilities.__getitem__)
        return f"no label holds; the likeliest is {likeliest} {100 * self.probabilities[likeliest]:.1f} %"

    @property
    def cells(self) -> dict[str, str]:
        """Gives the answer as cells of a table, by column."""
        chances = {f"probability_{label}": f"{value:.6f}" for label, value in self.probabilities.items()}
        return {"labels": ";".join(self.labels), "error": self.error or "", **chances}


@dataclass(frozen=True)
class NumbersPrediction:
    """The numbers of one input by column, in the units in which they were given; where the picture could not be read
    there are none, and `error` says why."""

    path: str
    values: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str | None = None

    @property
    def said(self) -> str:
        """Words the answer for a person."""
        return ", ".join(f"{column} {value:.6g}" for column, value in self.values.items())

    @property
    def cells(self) -> dict[str, str]:
        """Gives the answer as cells of a table, by column."""
        return {"error": self.error or "", **{column: f"{value:.9g}" for column, value in self.values.items()}}


@dataclass(frozen=True)
class ScorePrediction:
    """The score of one input, to be held against those of others: the higher, the better. None where the picture could
    not be read; then `error` says why."""

    path: str
    score: float | None = None
    error: str | None = None

    @property
    def said(self) -> str:
        """Words the answer for a person."""
        return "" if self.score is None else f"score {self.score:.6g}"

    @property
    def cells(self) -> dict[str, str]:
        """Gives the answer as cells of a table, by column."""
        return {"score": "" if self.score is None else f"{self.score:.9g}", "error": self.error or ""}


AnyPrediction = Prediction | LabelsPrediction | NumbersPrediction | ScorePrediction
"""What is said of one input; each task has its own kind."""


def predictions(task: Task, paths: Sequence[str], logits_NK: Tensor, top: int) -> list[AnyPrediction]:
    """Words what a net gave for some pictures.

    Args:
        top: classes to list for each picture; has no meaning in other tasks.
    """
    say = PREDICTED[task.described()["name"]]
    return [say(task, path, logits_K, top) for path, logits_K in zip(paths, logits_NK, strict=True)]


def unread(task: Task, path: str, error: str) -> AnyPrediction:
    """Says why there is no answer for an input."""
    return KINDS[task.described()["name"]](path=path, error=error)


def to_csv(answers: Sequence[AnyPrediction], *, top: int) -> str:
    """Writes one row a picture; what a row does not have is an empty cell.

    Columns: path, then label, probability, error, label_2, probability_2 and so on up to `top`; in the task multi-label
    labels, error, and a probability for each label; in regression error and the columns of numbers; in
    ranking score and error.

    Raises:
        InputError: a column of numbers has the name of another column, as runs of earlier versions may.
    """
    numbers = dict.fromkeys(name for one in answers if isinstance(one, NumbersPrediction) for name in one.values)
    taken = [name for name in numbers if name in PREDICTION_COLUMNS]
    if taken:
        raise InputError(
            f"the run has a column of numbers called '{taken[0]}', as the table of predictions has already",
            expected=f"columns of numbers other than {' and '.join(PREDICTION_COLUMNS)}",
            got=f"data.target_columns: {', '.join(numbers)}",
            where="--csv",
            hint="--json gives the numbers apart from path and error; training refuses such names today",
        )
    rows = [{"path": answer.path, **answer.cells} for answer in answers]
    further = [f"{name}_{rank}" for rank in range(2, top + 1) for name in ("label", "probability")]
    header = list(dict.fromkeys([*(name for row in rows for name in row), *further]))
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _class(task: Task, path: str, logits_K: Tensor, top: int) -> Prediction:
    probabilities_K = cast(Classification, task).probabilities(logits_K[None])[0]
    values, indices = probabilities_K.topk(min(top, len(task.names)))
    pairs = tuple((task.names[index], value) for index, value in zip(indices.tolist(), values.tolist(), strict=True))
    return Prediction(path, *pairs[0], top=pairs)


def _labels(task: Task, path: str, logits_K: Tensor, _: int) -> LabelsPrediction:
    chances: dict[str, float] = dict(zip(task.names, logits_K.double().sigmoid().tolist(), strict=True))
    held = sorted((label for label in chances if chances[label] >= THRESHOLD), key=lambda label: -chances[label])
    return LabelsPrediction(path, tuple(held), chances)


def _numbers(task: Task, path: str, logits_K: Tensor, _: int) -> NumbersPrediction:
    asked = cast(Regression, task)
    values_D = enumerate(asked.restored(logits_K[None])[0].tolist())
    told_D = (asked.scale.told(d, value) for d, value in values_D)
    return NumbersPrediction(path, dict(zip(task.names, told_D, strict=True)))


def _score(_: Task, path: str, logits_K: Tensor, __: int) -> ScorePrediction:
    return ScorePrediction(path, float(logits_K[0]))


PREDICTED: dict[str, Callable[[Task, str, Tensor, int], AnyPrediction]] = {
    "classification": _class,
    "multi-label": _labels,
    "regression": _numbers,
    "ranking": _score,
}
KINDS: dict[str, Callable[..., Any]] = {
    "classification": Prediction,
    "multi-label": LabelsPrediction,
    "regression": NumbersPrediction,
    "ranking": ScorePrediction,
}

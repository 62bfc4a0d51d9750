"""How the kept snapshot did on one part: the classes, what is taken for what, and the surest mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainwright.runs import EvaluationRecord
from trainwright.runs.intervals import wilson_interval

from .task_judgement import picture_of

MOST_PAIRS = 12


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class. `recall_interval` is Wilson's at 95 %; scores are None where nothing defines them."""

    label: str
    pictures: int
    found: int
    recall: float | None
    recall_interval: tuple[float, float] | None
    precision: float | None
    f1: float | None


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """Pictures of class `label` that were called `predicted`; `share` is of all pictures of `label`."""

    label: str
    predicted: str
    pictures: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Counts: row = what the picture is, column = what it was called. `shares_KK` divides each row by its sum."""

    labels: tuple[str, ...]
    counts_KK: tuple[tuple[int, ...], ...]
    shares_KK: tuple[tuple[float, ...], ...]
    pairs: tuple[ConfusedPair, ...]


@dataclass(frozen=True, kw_only=True)
class MistakeRow:
    """A wrong answer that the net was sure of. `picture` is the small PNG beside the run, None where there is none."""

    name: str
    label: str
    predicted: str
    probability: float
    picture: Path | None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """An evaluation, laid out to be read.

    `majority_share` is what always answering the most frequent class of this part would score.
    """

    part: Literal["train", "valid", "test", "other"]
    epoch: int
    pictures: int
    right: int
    accuracy: float
    interval: tuple[float, float]
    balanced_accuracy: float
    top_5_accuracy: float | None
    loss: float
    calibration_error: float
    majority_label: str
    majority_share: float
    classes: tuple[ClassRow, ...]
    confusion: Confusion
    mistakes: tuple[MistakeRow, ...]


def judgement(record: EvaluationRecord, mistakes_folder: Path | None = None) -> Judgement:
    """Lays out one evaluation.

    Args:
        record: the evaluation.
        mistakes_folder: pictures of its mistakes, named by their place in the record: 0000.png, 0001.png and so on.
    """
    frequent = max(record.per_class, key=lambda score: score.pictures)
    mistakes = tuple(
        MistakeRow(
            name=mistake.name,
            label=mistake.label,
            predicted=mistake.predicted,
            probability=mistake.probability,
            picture=picture_of(mistakes_folder, index),
        )
        for index, mistake in enumerate(record.mistakes)
    )
    return Judgement(
        part=record.part,
        epoch=record.epoch,
        pictures=record.pictures,
        right=round(record.accuracy * record.pictures),
        accuracy=record.accuracy,
        interval=record.accuracy_interval,
        balanced_accuracy=record.balanced_accuracy,
        top_5_accuracy=record.top_k_accuracy.get("5"),
        loss=record.loss,
        calibration_error=record.calibration_error,
        majority_label=frequent.label,
        majority_share=frequent.pictures / record.pictures,
        classes=class_rows(record),
        confusion=confusion([score.label for score in record.per_class], record.confusion_KK),
        mistakes=mistakes,
    )


def class_rows(record: EvaluationRecord) -> tuple[ClassRow, ...]:
    """Sorts the classes by recall, the weakest first; classes without a picture come last."""
    rows = []
    for score in record.per_class:
        found = round((score.recall or 0.0) * score.pictures)
        rows.append(
            ClassRow(
                label=score.label,
                pictures=score.pictures,
                found=found,
                recall=score.recall,
                recall_interval=wilson_interval(found, score.pictures) if score.pictures else None,
                precision=score.precision,
                f1=score.f1,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.recall is None, row.recall or 0.0, row.label)))


def confusion(labels: Sequence[str], counts_KK: Sequence[Sequence[int]]) -> Confusion:
    """Finds the shares of each row and the pairs of classes that are most often confused.

    Args:
        labels: K class names.
        counts_KK: K rows (what it is) of K counts (what it was called).

    >>> confusion(["a", "b"], [[3, 1], [0, 4]]).pairs[0].share
    0.25
    """
    shares, pairs = [], []
    for i, row in enumerate(counts_KK):
        total = sum(row)
        shares.append(tuple(cell / total if total else 0.0 for cell in row))
        pairs += [
            ConfusedPair(label=labels[i], predicted=labels[j], pictures=cell, share=cell / total)
            for j, cell in enumerate(row)
            if cell and i != j
        ]
    pairs.sort(key=lambda pair: (-pair.pictures, -pair.share, pair.label, pair.predicted))
    return Confusion(
        labels=tuple(labels),
        counts_KK=tuple(tuple(row) for row in counts_KK),
        shares_KK=tuple(shares),
        pairs=tuple(pairs[:MOST_PAIRS]),
    )

"""How the kept snapshot did on one part in tasks other than classification: all laid out alike, to be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trainwright.runs import MultiLabelRecord, RankingRecord, RegressionRecord

from ..wording import count, interval, number, percent, plural

GUESS = 0.5
SENTENCES = 4
SCATTERS = 6
"""So many columns are told in sentences, and drawn."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A number with its name and what it means."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """Scores of each label or column: a head, rows of cells (the first is a name), and what the scores mean."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class BadAnswer:
    """A picture on which the net was far off. `picture` is the small PNG beside the run, None where there is none."""

    name: str
    words: str
    quiet: str
    picture: Path | None


@dataclass(frozen=True, kw_only=True)
class TaskJudgement:
    """An evaluation in words: a verdict, sentences, facts, a table, and the worst answers with their title.

    `scatters` are names of columns, each with points of a true and a told number.
    """

    part: Literal["train", "valid", "test", "other"]
    epoch: int
    pictures: int
    verdict: str
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    table: ScoreTable
    scatters: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = ()
    worst_title: str
    worst: tuple[BadAnswer, ...]
    worst_note: str


def labels_judgement(record: MultiLabelRecord, pictures: Path | None) -> TaskJudgement:
    """Lays out a judgement of several labels.

    Args:
        record: the judgement.
        pictures: folder with the pictures of its mistakes, named by their place in the record.
    """
    exact = percent(record.exact_match, record.pictures)
    sure = interval(*record.exact_match_interval, record.pictures)
    scores = sorted(record.per_label, key=lambda score: (score.f1 is None, score.f1 or 0.0, score.label))
    return TaskJudgement(
        part=record.part,
        epoch=record.epoch,
        pictures=record.pictures,
        verdict=f"The mean average precision on the {record.part} pictures is "
        f"{percent(record.mean_average_precision)}.",
        sentences=(
            f"All labels are right for {exact} of {plural(record.pictures, 'picture')} that were set apart; on others "
            f"of the same kind, with 95 % confidence, for {sure}.",
            f"Of single decisions, a label for a picture, {percent(1 - record.hamming_loss)} are right; F1 over all of "
            f"them is {percent(record.f1_micro)}.",
        ),
        facts=(
            Fact(
                name="Mean average precision",
                value=percent(record.mean_average_precision),
                note="how well each label ranks the pictures, mean over labels",
            ),
            Fact(name="F1, all decisions", value=percent(record.f1_micro), note="frequent labels count most"),
            Fact(name="F1, mean over labels", value=percent(record.f1_macro), note="every label counts the same"),
            Fact(name="All labels right", value=exact, note=f"95 %: {sure}"),
            Fact(name="Wrong decisions", value=percent(record.hamming_loss), note="Hamming loss"),
            Fact(name="Loss", value=number(record.loss), note="nats a label; 0.69 is blind guessing"),
        ),
        table=ScoreTable(
            title="Label by label, the weakest first",
            head=("Label", "Pictures", "Average precision", "Precision", "Recall", "F1"),
            rows=tuple(
                (
                    score.label,
                    count(score.pictures),
                    *(percent(x) for x in (score.average_precision, score.precision, score.recall, score.f1)),
                )
                for score in scores
            ),
            note="A label is said to hold from probability 0.5 on. Precision: of the pictures that were given the "
            "label, the share that has it. Recall: of those that have it, the share that was given it. Average "
            "precision needs no threshold: it is 100 % where all pictures that have the label are likelier than all "
            "others.",
        ),
        worst_title="The surest mistakes",
        worst=tuple(
            BadAnswer(
                name=mistake.name,
                words=f"{mistake.label} {'missed' if mistake.holds else 'seen where it is not'}",
                quiet=f"probability {percent(mistake.probability)}",
                picture=picture_of(pictures, place),
            )
            for place, mistake in enumerate(record.mistakes)
        ),
        worst_note="Pictures with the label of which the net was most certain, and wrong; as it saw them.",
    )


def numbers_judgement(record: RegressionRecord, pictures: Path | None) -> TaskJudgement:
    """Lays out a judgement of columns of numbers; arguments as in `labels_judgement`."""
    r2 = record.figures["r2"]
    of_all = "" if len(record.per_column) == 1 else ", the mean over columns,"
    first = record.per_column[0]
    better = first.rmse < first.rmse_of_mean
    return TaskJudgement(
        part=record.part,
        epoch=record.epoch,
        pictures=record.pictures,
        verdict=f"R²{of_all} on the {record.part} pictures is {number(r2)}.",
        sentences=(
            *(
                f"{score.column} is off by {number(score.mae)} on average over {plural(record.pictures, 'picture')} "
                f"(95 %: {_between(score.mae_interval)})."
                for score in record.per_column[:SENTENCES]
            ),
            f"The root of the mean squared error of {first.column} is {number(first.rmse)}; always answering the mean "
            f"of the training part would have {number(first.rmse_of_mean)}"
            + ("." if better else ": this net has not been shown to do better than that."),
        ),
        facts=(
            Fact(name="R²", value=number(r2), note=f"share of the variance that is explained{of_all.rstrip(',')}"),
            Fact(name="Mean absolute error", value=number(first.mae), note=f"{first.column}, in its own unit"),
            Fact(name="Root mean squared error", value=number(first.rmse), note=f"{first.column}, in its own unit"),
            Fact(name="Loss", value=number(record.loss), note="of numbers in deviations from their mean"),
        ),
        table=ScoreTable(
            title="Column by column",
            head=("Column", "MAE", "95 %", "RMSE", "RMSE of the mean", "R²", "Rank correlation"),
            rows=tuple(
                (
                    score.column,
                    number(score.mae),
                    _between(score.mae_interval),
                    *(number(x) for x in (score.rmse, score.rmse_of_mean, score.r2, score.spearman)),
                )
                for score in record.per_column
            ),
            note="MAE: mean absolute error. RMSE: root of the mean squared error, to which large errors add most; of "
            "the mean: that of always answering the mean of the training part. R²: 1 − the ratio of the squared errors "
            "to those of the part's own mean. Rank correlation: Spearman's.",
        ),
        scatters=tuple((score.column, score.points) for score in record.per_column[:SCATTERS]),
        worst_title="Farthest off",
        worst=tuple(
            BadAnswer(
                name=mistake.name,
                words=f"{mistake.column} {number(mistake.value)}, told {number(mistake.predicted)}",
                quiet=f"off by {number(abs(mistake.predicted - mistake.value))}",
                picture=picture_of(pictures, place),
            )
            for place, mistake in enumerate(record.mistakes)
        ),
        worst_note="The pictures whose numbers are farthest off, as the net saw them.",
    )


def pairs_judgement(record: RankingRecord, pictures: Path | None) -> TaskJudgement:
    """Lays out a judgement of pairs; arguments as in `labels_judgement`."""
    right, sure = percent(record.pair_accuracy, record.pairs), interval(*record.pair_accuracy_interval, record.pairs)
    low, _ = record.pair_accuracy_interval
    guess = "" if low > GUESS else " This net has not been shown to do better than that."
    return TaskJudgement(
        part=record.part,
        epoch=record.epoch,
        pictures=record.pictures,
        verdict=f"{right} of the pairs of {record.part} pictures are in the right order.",
        sentences=(
            f"Of {plural(record.pairs, 'pair')} of {plural(record.pictures, 'picture')} {right} have the higher score "
            f"on the better one (95 %: {sure}, as if pairs had no pictures in common).",
            f"A guess would be right for half of them.{guess}",
        ),
        facts=(
            Fact(name="Pairs in the right order", value=right, note=f"95 %: {sure}"),
            Fact(name="Pairs", value=count(record.pairs), note=f"{plural(record.ties, 'pair')} of equal scores"),
            Fact(name="Loss", value=number(record.loss), note="mean over pairs"),
        ),
        table=ScoreTable(title="", head=(), rows=(), note=""),
        worst_title="Farthest from the right order",
        worst=tuple(
            BadAnswer(
                name=f"{mistake.better} against {mistake.worse}",
                words="left is better",
                quiet=f"right leads by {number(mistake.lead)}",
                picture=picture_of(pictures, place),
            )
            for place, mistake in enumerate(record.mistakes)
        ),
        worst_note="Pairs in which the worse picture has the higher score, those with the widest lead first; as the "
        "net saw them.",
    )


def _between(ends: tuple[float, float] | None) -> str:
    return number(None) if ends is None else f"{number(ends[0])} to {number(ends[1])}"


def picture_of(folder: Path | None, place: int) -> Path | None:
    """Finds the drawing of a mistake, None where there is none."""
    path = folder / f"{place:04d}.png" if folder is not None else None
    return path if path is not None and path.is_file() else None


LAID_OUT: dict[type[Any], Callable[[Any, Path | None], TaskJudgement]] = {
    MultiLabelRecord: labels_judgement,
    RegressionRecord: numbers_judgement,
    RankingRecord: pairs_judgement,
}
"""Kind of judgement → how it is laid out."""

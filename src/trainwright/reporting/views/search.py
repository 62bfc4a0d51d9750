"""A search in plain numbers: its trials, its stages, and what its pictures show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwright.runs import SearchFolder, TrialRecord

from ..terminal.search import border_words, importance_words, setting_words, value_words
from ..wording import figure_name, plural, printable


@dataclass(frozen=True, kw_only=True)
class SearchAxis:
    """One searched setting. `values` are those of all trials, numbers, or of a choice the places of its words.

    `boxes` are the ends of each stage's box, in the same numbers; `words` the choices, none of numbers. `distinct`
    counts the different values that were tried, `distinct_on_a_grid` those that as many trials on a grid over all
    settings would have tried.
    """

    key: str
    log: bool
    values: tuple[float, ...]
    boxes: tuple[tuple[float, float], ...]
    words: tuple[str, ...]
    distinct: int
    distinct_on_a_grid: int


@dataclass(frozen=True, kw_only=True)
class TrialView:
    """One trial in words and numbers; `value` is None where it cannot be judged, `rank` 0 for the best to 1."""

    number: int
    stage: int
    ended: str
    reason: str
    value: float | None
    words: str
    settings: tuple[str, ...]
    losses: tuple[float, ...]
    scores: tuple[float | None, ...]
    epochs: int
    epochs_spent: float
    rank: float | None
    best: bool


@dataclass(frozen=True, kw_only=True)
class SearchView:
    """A search as its report shows it. `so_far` is the best value after each trial."""

    name: str
    folder: str
    data: str
    model: str
    figure: str
    title: str
    sentences: tuple[str, ...]
    axes: tuple[SearchAxis, ...]
    trials: tuple[TrialView, ...]
    so_far: tuple[float | None, ...]
    stages: tuple[Mapping[str, Any], ...]
    borders: tuple[str, ...]
    importance: Mapping[str, float]
    importance_words: str
    epochs_spent: float
    time_s: float
    command: str


def read_search(folder: SearchFolder) -> SearchView:
    """Reads a search's folder.

    Raises:
        InputError: a file of it is damaged.
    """
    facts, records = folder.read_facts(), folder.read_trials()
    figure, best = str(facts["figure"]), facts["best"]
    number = None if best is None else best["trial"]
    return SearchView(
        name=printable(folder.name),
        folder=printable(str(folder.path)),
        data=printable(facts["data"]),
        model=printable(facts["model"]),
        figure=figure_name(figure),
        title=_title(facts),
        sentences=tuple(_sentences(facts, records)),
        axes=tuple(_axis(key, facts["stages"], records) for key in facts["space"]),
        trials=_trials(records, number),
        so_far=_so_far(records),
        stages=tuple(facts["stages"]),
        borders=tuple(border_words(border) for border in facts["borders"]),
        importance={} if facts["importance"] is None else facts["importance"]["shares"],
        importance_words=importance_words(facts["importance"]),
        epochs_spent=facts["epochs_spent"],
        time_s=facts["time_s"],
        command=f"trainwright train --recipe {printable(str(folder.best))}",
    )


def _title(facts: Mapping[str, Any]) -> str:
    if facts["best"] is None:
        return "No trial came to its end"
    figure = figure_name(facts["figure"])
    words = value_words(facts["best"]["value"], facts["figure"])
    return f"{figure[:1].upper()}{figure[1:]} {words} on validation pictures"


def _sentences(facts: Mapping[str, Any], records: Sequence[TrialRecord]) -> list[str]:
    """Says what was done and what came of it."""
    counted = {ended: sum(record.ended == ended for record in records) for ended in ("pruned", "diverged", "finding")}
    words = {"pruned": "given up as hopeless", "diverged": "diverged", "finding": "given up for a finding"}
    early = [f"{count} {words[ended]}" for ended, count in counted.items() if count]
    done = f"{plural(len(records), 'trial')}{': ' + ', '.join(early) if early else ''}; {facts['ended']}."
    best = facts["best"]
    if best is None:
        return [done]
    settings = ", ".join(f"{key} {setting_words(value)}" for key, value in best["settings"].items())
    over = f", mean over {facts['folds']} folds" if facts["folds"] else ""
    found = f"The best is trial {best['trial']} of stage {best['stage']}, {plural(best['epochs'], 'epoch')}{over}: "
    chosen = (
        "The figure was chosen as the best of many on the same pictures, so that on others it is likely a little "
        "worse; the test part was not looked at."
    )
    return [f"{found}{printable(settings)}.", done, chosen]


def _trials(records: Sequence[TrialRecord], best: int | None) -> tuple[TrialView, ...]:
    values = sorted((record.value for record in records if record.value is not None), reverse=True)
    return tuple(
        TrialView(
            number=record.trial,
            stage=record.stage or 1,
            ended=record.ended,
            reason=printable(record.reason),
            value=record.value,
            words=value_words(record.value, record.figure),
            settings=tuple(printable(setting_words(value)) for value in record.settings.values()),
            losses=record.train_losses,
            scores=record.scores,
            epochs=record.epochs,
            epochs_spent=record.epochs_spent,
            rank=None if record.value is None else values.index(record.value) / max(len(values) - 1, 1),
            best=record.trial == best,
        )
        for record in records
    )


def _so_far(records: Sequence[TrialRecord]) -> tuple[float | None, ...]:
    """Gives the best value of a trial that came to its end, after each trial."""
    best: float | None = None
    column: list[float | None] = []
    for record in records:
        if record.ended == "completed" and record.value is not None and (best is None or record.value > best):
            best = record.value
        column.append(best)
    return tuple(column)


def _axis(key: str, stages: Sequence[Mapping[str, Any]], records: Sequence[TrialRecord]) -> SearchAxis:
    """Reads the column of one setting."""
    dimensions = [next(one for one in stage["dimensions"] if one["key"] == key) for stage in stages]
    values = [record.settings[key] for record in records]
    choices: list[Any] = list(dimensions[0]["choices"])
    of_choice = dimensions[0]["scale"] == "choice"
    boxes = [
        (min(map(choices.index, one["choices"])), max(map(choices.index, one["choices"])))
        if of_choice
        else (one["low"], one["high"])
        for one in dimensions
    ]
    whole = round(len(records) ** (1 / len(stages[0]["dimensions"])))
    return SearchAxis(
        key=key,
        log=dimensions[0]["scale"] == "log",
        values=tuple(float(choices.index(value)) if of_choice else float(value) for value in values),
        boxes=tuple(boxes),
        words=tuple(printable(setting_words(choice)) for choice in choices),
        distinct=len({repr(value) for value in values}),
        distinct_on_a_grid=min(whole, len(choices)) if of_choice else whole,
    )

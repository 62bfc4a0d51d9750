"""A search on the terminal: what is searched, a row for each trial, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.runs import TrialRecord

from ..wording import figure_name, number, percent, plural, printable, short_duration
from .lines import Line, labelled

SHARES = ("accuracy", "mean_average_precision", "pair_accuracy")
"""Figures that are shares of 1."""

ENDED = {
    "completed": "",
    "pruned": "given up: hopeless",
    "diverged": "diverged",
    "finding": "given up: finding",
    "interrupted": "interrupted",
    "refused": "settings do not fit",
}
"""How a trial ended → what its row says of it."""

SETTING_WIDTH = 12


def value_words(value: float | None, figure: str) -> str:
    """Words the value of a trial in its figure's own way.

    >>> value_words(0.98765, "accuracy"), value_words(0.5, "r2")
    ('98.77\\xa0%', '0.5000')
    """
    if value is None:
        return "–"
    return percent(value, 10_000) if figure.replace(" ", "_") in SHARES else f"{value:.4f}"


def setting_words(value: Any) -> str:
    """Words the value of a setting for a column."""
    if isinstance(value, float):
        return number(value)
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def stage_lines(stage: Mapping[str, Any], stages: int, figure: str, width: int = 96) -> list[Line]:
    """Says what a stage is about to do, and heads its rows.

    Args:
        stage: `number, epochs, trials, sampler, pruner, fixed, box` as in search.json.
        stages: how many there are.
        figure: by which trials are judged.
    """
    constant = ", at a constant rate" if "schedule.name" in stage["fixed"] else ""
    how = f"{plural(stage['trials'], 'trial')} of {plural(stage['epochs'], 'epoch')}{constant}"
    pruner = {"none": "none is given up early"}.get(stage["pruner"], f"hopeless ones given up by {stage['pruner']}")
    box = [f"{key} {words}" for key, words in stage["box"].items()]
    names = "".join(f"{_short(key):>{SETTING_WIDTH + 1}}" for key in stage["box"])
    return [
        Line(),
        *labelled(f"stage {stage['number']}/{stages}", [f"{how}, {stage['sampler']}, {pruner}", *box], width, "bold"),
        Line(f"    trial{names}  {'valid ' + figure_name(figure):>15}   epochs   time", "bold"),
    ]


def trial_line(record: TrialRecord, *, best: bool) -> Line:
    """Writes one trial as a row."""
    cells = "".join(f"{_cut(setting_words(value)):>{SETTING_WIDTH + 1}}" for value in record.settings.values())
    value = value_words(record.value, record.figure) + (" *" if best else "  ")
    text = f"    {record.trial:>5}{cells}  {value:>17} {record.epochs_spent:>6.3g} {short_duration(record.time_s):>6}"
    return Line(f"{text}  {ENDED[record.ended]}".rstrip(), "green" if best else "")


def border_lines(borders: Sequence[Mapping[str, Any]], width: int = 96) -> list[Line]:
    """Tells which best values lie on the border of their boxes, and what became of it."""
    return labelled("border", [border_words(border) for border in borders], width, "yellow")


def border_words(border: Mapping[str, Any]) -> str:
    """Words one border, as `Border` has it.

    >>> border_words({"key": "optim.lr", "side": "upper", "value": 1.0, "stage": 1, "own": False, "grown_to": 10.0})
    'optim.lr: the best value of stage 1, 1.00, lies on the upper border of its box, which grows to 10.0'

    Of a search of one stage no box was narrowed.
    """
    start = (
        f"{border['key']}: the best value of stage {border['stage']}, {setting_words(border['value'])}, lies on the "
        f"{border['side']} border of its box"
    )
    if border["own"]:
        return f"{start}, and the setting can have none beyond it"
    if border["grown_to"] is None:
        narrowed = border["stage"] > 1
        why = "the box may have been narrowed too far" if narrowed else "search again with one that reaches farther"
        return f"{start}; values beyond it may be better ({why})"
    return f"{start}, which grows to {setting_words(border['grown_to'])}"


def importance_words(importance: Mapping[str, Any] | None) -> str:
    """Words how much hangs on each setting.

    Args:
        importance: `stage` and `shares` as in search.json.
    """
    if importance is None:
        return "cannot tell: too few trials of one length were trained to their end"
    shares = ", ".join(f"{key} {percent(share)}" for key, share in importance["shares"].items())
    return f"{shares} of the differences between the trials of stage {importance['stage']}"


def search_result_lines(facts: Mapping[str, Any], folder: str, width: int = 96) -> list[Line]:
    """Says what came of a search.

    Args:
        facts: as in search.json.
        folder: of the search, as the user would write it.
    """
    best, figure = facts["best"], facts["figure"]
    counted = f"{plural(facts['trials'], 'trial')}, {number(facts['epochs_spent'])} epochs, {facts['ended']}"
    lines = [Line()]
    if best is not None:
        settings = ", ".join(f"{key} {setting_words(value)}" for key, value in best["settings"].items())
        words = value_words(best["value"], figure)
        over = f", mean over {facts['folds']} folds" if facts["folds"] else ""
        told = f"validation {figure_name(figure)} {words}{over}: trial {best['trial']} of stage {best['stage']}"
        lines += labelled("best", [f"{told}, {plural(best['epochs'], 'epoch')}", settings], width, "bold")
    lines += labelled("spent", [counted], width)
    lines += labelled("hangs on", [importance_words(facts["importance"])], width)
    lines += labelled("report", [f"{printable(folder)}/report.html"], width)
    if best is not None:
        lines += labelled("next", [f"trainwright train --recipe {printable(best['recipe'])}"], width)
    return lines


def _short(key: str) -> str:
    return _cut(key.partition(".")[2])


def _cut(text: str) -> str:
    return text if len(text) <= SETTING_WIDTH else f"{text[: SETTING_WIDTH - 1]}…"

"""What came out of search.py: its rows, one a trial, and the tables of results/search.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

EPOCHS, TRIALS = 15, 60
MOST = EPOCHS * TRIALS
LEAST = 300
"""Epochs that TPE and Hyperband are given although they reached the target, so that all can be compared at as many."""

AT = (100, 150, 200, 300, 450, 900)
ANEW = 2
"""Trainings of each winner with other first weights and other orders."""

OURS, RANDOM, TPE, HYPERBAND = "search", "60 random trials", "TPE, median", "random, Hyperband"
WAYS = (OURS, TPE, HYPERBAND, RANDOM)


class Kept:
    """The rows of a file, one a trial."""

    def __init__(self, file: Path) -> None:
        self.file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def of(self, seed: int, way: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["seed"] == seed and row["way"] == way]

    def add(self, seed: int, way: str, record: Any, **more: Any) -> None:
        row = {
            "seed": seed,
            "way": way,
            "settings": rounded(record.settings),
            "epochs": record.epochs,
            "spent": round(record.epochs_spent, 3),
            "value": record.value,
            "ended": record.ended,
            "scores": record.scores,
            "time_s": round(record.time_s, 2),
            **more,
        }
        self.rows.append(row)
        with self.file.open("a") as file:
            file.write(json.dumps(row) + "\n")


def rounded(settings: Mapping[str, Any]) -> dict[str, float]:
    """Gives the searched settings of a trial with six digits, as they are kept."""
    return {key: float(f"{value:.6g}") for key, value in settings.items() if not key.startswith("training.")}


def target(kept: Kept, seed: int) -> float:
    """Gives the best accuracy of a seed's random trials."""
    return max(row["value"] for row in kept.of(seed, RANDOM) if _is_whole(row))


def _is_whole(row: Mapping[str, Any]) -> bool:
    return row["ended"] == "completed" and row["epochs"] == EPOCHS


def in_turn(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Gives each trial that was trained to the end of its 15 epochs, with the epochs spent until then."""
    spent = 0.0
    for row in rows:
        spent += row["spent"]
        if _is_whole(row):
            yield spent, row


def reached(rows: Sequence[Mapping[str, Any]], aim: float) -> float | None:
    """Gives the epochs spent until a trial was as good as the aim, or None."""
    return next((spent for spent, row in in_turn(rows) if row["value"] >= aim), None)


def best_within(rows: Sequence[Mapping[str, Any]], epochs: float) -> Mapping[str, Any] | None:
    """Gives the best trial that ended within so many epochs."""
    return max((row for spent, row in in_turn(rows) if spent <= epochs), key=lambda row: row["value"], default=None)


def tables(kept: Kept, seeds: Sequence[int]) -> str:
    seeds = [seed for seed in seeds if len(kept.of(seed, RANDOM)) == TRIALS]
    return "\n".join([*_epochs_to_target(kept, seeds), *_best_so_far(kept, seeds), *_trained_anew(kept, seeds)]) + "\n"


def _epochs_to_target(kept: Kept, seeds: Sequence[int]) -> list[str]:
    aims = {seed: target(kept, seed) for seed in seeds}
    head = " | ".join(f"seed {seed}: {100 * (1 - aims[seed]):.2f} %" for seed in seeds)
    lines = [
        "## Epochs to the target",
        "",
        "Epochs spent until a trial of 15 epochs came to the error of the best of 60 random ones (in the head); in",
        "brackets all that were spent. What has not come there counts in the mean with these, or with",
        f"{MOST} where it has ended or has spent as many.",
        "",
        f"| | {head} | mean |",
        "|---|" + "---|" * (len(seeds) + 1),
    ]
    for way in WAYS:
        cells: list[str] = []
        counted: list[float] = []
        open_ends = False
        for seed in seeds:
            rows = kept.of(seed, way)
            found, spent = reached(rows, aims[seed]), sum(row["spent"] for row in rows)
            stopped = found is None and way != OURS and spent < MOST
            open_ends |= stopped
            counted.append(found if found is not None else spent if stopped else MOST)
            cells.append(f"{'not reached' if found is None else f'{found:.0f}'} ({spent:.0f})")
        at_least = "at least " if open_ends else ""
        lines.append(f"| {way} | {' | '.join(cells)} | {at_least}{statistics.mean(counted):.0f} |")
    return lines


def _best_so_far(kept: Kept, seeds: Sequence[int]) -> list[str]:
    lines = [
        "",
        "## The best at as many epochs",
        "",
        "Validation error in per cent of the best trial of 15 epochs so far, mean over the seeds and of each seed; `-`",
        "where a seed has none yet, or spent fewer. Our search keeps what it has when it has ended.",
        "",
        "| | " + " | ".join(f"{epochs} epochs" for epochs in AT) + " |",
        "|---|" + "---|" * len(AT),
    ]
    for way in WAYS:
        cells = []
        for epochs in AT:
            bests = [_best_at(kept.of(seed, way), way, epochs) for seed in seeds]
            errors = [None if best is None else 100 * (1 - best["value"]) for best in bests]
            each = ", ".join("-" if error is None else f"{error:.1f}" for error in errors)
            known = [error for error in errors if error is not None]
            cells.append(f"{statistics.mean(known):.2f} ({each})" if len(known) == len(seeds) else f"({each})")
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return lines


def _best_at(rows: Sequence[Mapping[str, Any]], way: str, epochs: float) -> Mapping[str, Any] | None:
    spent = sum(row["spent"] for row in rows)
    return best_within(rows, epochs) if way == OURS or spent >= min(epochs, 0.99 * MOST) else None


def _trained_anew(kept: Kept, seeds: Sequence[int]) -> list[str]:
    lines = [
        "",
        "## What the winners are worth",
        "",
        f"Best within {LEAST} epochs (of the 60 random trials: of all), and the same settings {ANEW} times with other",
        "first weights and orders: mean of the errors in per cent.",
        "",
        "| | " + " | ".join(f"seed {seed}: as found, anew" for seed in seeds) + " | mean, anew |",
        "|---|" + "---|" * (len(seeds) + 1),
    ]
    variances: list[float] = []
    luck: list[float] = []
    for way in WAYS:
        cells, means = [], []
        for seed in seeds:
            best = best_within(kept.of(seed, way), MOST if way == RANDOM else LEAST)
            anew = [100 * (1 - row["value"]) for row in kept.of(seed, f"anew: {way}")]
            if best is None or len(anew) < ANEW:
                cells.append("-")
                continue
            found = 100 * (1 - best["value"])
            variances.append(statistics.variance(anew))
            luck.append(statistics.mean(anew) - found)
            means.append(statistics.mean(anew))
            cells.append(f"{found:.2f}, {means[-1]:.2f}")
        whole = f"{statistics.mean(means):.2f}" if len(means) == len(seeds) else "-"
        lines.append(f"| {way} | {' | '.join(cells)} | {whole} |")
    if variances:
        deviation = statistics.mean(variances) ** 0.5
        lines += [
            "",
            f"One setting deviates by {deviation:.2f} points from training to training ({len(variances)} settings,",
            f"{ANEW} trainings each); what was found was {statistics.mean(luck):.2f} points better than came anew.",
        ]
    return lines

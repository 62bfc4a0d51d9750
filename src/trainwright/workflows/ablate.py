"""`trainwright ablate`: what each trick is worth on these pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Unpack

from trainwright.data import PreparedData, read_split, write_data_files
from trainwright.errors import InputError, Interrupted, together
from trainwright.recipe import Recipe, compose, read_recipe_file, write_recipe
from trainwright.reporting import RunConsole, ablation_lines, ablation_picture, ablation_view
from trainwright.runs import (
    EventWriter,
    RunFolder,
    TrialRecord,
    create_run,
    default_name,
    read_records,
    refuse_bad_out,
    to_json,
    write_atomic,
)
from trainwright.training import listening
from trainwright.tuning import Effect, Trick, effect_of, read_tricks, tricks_in_use

from .requests import ShortSettings, recipe_from_python
from .trials import TrialBench

DEFAULT_ABLATIONS = Path("ablations")
"""Where ablations are kept when nobody says otherwise."""

SEEDS = 6
"""The fewest at which a trick that ruins every training is sure to hurt: of 5 pairs a sign test is never sure."""

FEWEST_SEEDS, MOST_SEEDS = 2, 1_000


@dataclass(frozen=True)
class Ablation:
    """What each trick came to.

    Attributes:
        path: of its folder: recipe.yaml, data, events.jsonl, ablation.json, effects.svg.
        facts: what `ablate --json` prints: `data, model, epochs, seeds, figure, trials`, `valid_pictures`, and
            `tricks`, the best first, rows of `name, key, on, off, effect, low, high, verdict, reason, seeds, needed,
            cost, cost_low, cost_high, also`.
    """

    path: Path
    facts: Mapping[str, Any]

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """Gives the row of a trick.

        Raises:
            KeyError: none has this name.
        """
        rows = {row["name"]: row for row in self.facts["tricks"]}
        if name not in rows:
            raise KeyError(f"no trick {name!r}: {', '.join(rows)}")
        return rows[name]

    def __str__(self) -> str:
        return "\n".join(ablation_lines(ablation_view(self.facts)))


def ablate(
    data: str | Path | None = None,
    *,
    tricks: Sequence[str] = (),
    seeds: int = SEEDS,
    recipe: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    name: str | None = None,
    **short: Unpack[ShortSettings],
) -> Ablation:
    """Measures what tricks are worth on a set of pictures: pairs of trials with and without each, on the same seeds.

    Args:
        data: built-in data (`digits`, `fashion-mnist`) or a path to pictures.
        tricks: recipe keys, their last parts (`label-smoothing`) or words of a choice (`one-cycle`) that the recipe
            uses; or with a value (`mixup=0.2`) that it is to be tried with. None: all that the recipe uses.
        seeds: pairs of each trick, from 2.
        recipe: a recipe file to start from.
        settings: dotted recipe key → value.
        out: folder in which the ablation's folder is made; `ablations` when left out.
        name: of the ablation; made from date, model and data when left out. The name of an unfinished one goes on.
        **short: as for `train`.

    Raises:
        InputError: data, recipe or tricks are wrong.
        Interrupted: Ctrl-C or SIGTERM; finished trials are kept.
    """
    asked = recipe_from_python(data, recipe, short, settings)
    with RunConsole(json=True) as console:
        return ablate_recipe(asked, list(tricks), seeds, Path(out or DEFAULT_ABLATIONS), name, console)


def ablate_recipe(
    asked: Recipe, words: Sequence[str], seeds: int, out: Path, name: str | None, console: RunConsole
) -> Ablation:
    """Makes the trials that are still to be made, seed by seed, and judges every trick.

    Args:
        asked: what all trials have in common.
        words: of `--tricks`; none for all that the recipe uses.
        seeds: counted up from the recipe's own.
        out: folder in which the ablation's folder is made.
        name: of that folder; None makes one.
        console: is told how far it has come.
    """
    if not FEWEST_SEEDS <= seeds <= MOST_SEEDS:
        raise InputError(
            "out of range" if seeds > MOST_SEEDS else "one pair says nothing about chance",
            expected=f"{FEWEST_SEEDS} to {MOST_SEEDS:,} seeds",
            got=str(seeds),
            where="--seeds",
            hint=f"--seeds {SEEDS}",
        )
    _refuse_uneven(asked)
    refuse_bad_out(out)
    bench = TrialBench(asked, console)
    base, data = bench.decided({})
    tricks = read_tricks(words, base) if words else tricks_in_use(base)
    if not tricks:
        raise InputError("the recipe uses no trick that could be taken out", hint="--tricks NAME=VALUE tries one")
    also = {trick.name: _also(bench, trick) for trick in tricks}
    folder = _folder(out, name, asked, base, data)
    trials = _run_all(folder, bench, tricks, seeds, console)

    grain = 0.0 if data.task == "regression" else 1 / data.valid.drawn
    rows = [_row(trick, effect_of(_pairs(trick, trials), grain=grain), also[trick.name]) for trick in tricks]
    rows.sort(key=lambda row: -1e9 if row["effect"] is None else row["effect"], reverse=True)
    facts = {
        "data": data.title,
        "model": base.model.name,
        "epochs": base.training.epochs,
        "seeds": seeds,
        "figure": next(iter(trials.values())).figure,
        "valid_pictures": data.valid.drawn,
        "trials": len(trials),
        "tricks": rows,
    }
    write_atomic(folder.path / "ablation.json", to_json(facts, indent=1))
    write_atomic(folder.path / "effects.svg", ablation_picture(ablation_view(facts)))
    return Ablation(folder.path, facts)


Key = tuple[str, int]
"""Settings as text, and the seed: what a trial is known by."""


def _key(settings: Mapping[str, Any], seed: int) -> Key:
    return json.dumps(dict(settings), sort_keys=True), seed


def _run_all(
    folder: RunFolder, bench: TrialBench, tricks: Sequence[Trick], seeds: int, console: RunConsole
) -> dict[Key, TrialRecord]:
    """Makes every trial that the folder does not hold yet; trials that pairs have in common are made once.

    Raises:
        Interrupted: finished trials are kept.
    """
    sides = [side for trick in tricks for side in (trick.with_it, trick.without_it)]
    distinct = {json.dumps(dict(side), sort_keys=True): side for side in sides}
    first = bench.asked.training.seed
    wanted = [
        (side, seed)
        for seed in range(first, first + seeds)
        for side in (list(distinct.values()) if (seed - first) % 2 == 0 else reversed(list(distinct.values())))
    ]  # there and back, so that a machine that slows down slows both sides
    with EventWriter(folder.events) as events:
        kept = [record for record in read_records(folder.events) if isinstance(record, TrialRecord)]
        made = {_key(record.settings, record.seed): record for record in kept}
        done = sum(_key(*trial) in made for trial in wanted)
        if done:
            console.note(f"{done} of {len(wanted)} trials were made before and are taken from {folder.events}")
        for place, (settings, seed) in enumerate(wanted):
            if _key(settings, seed) in made:
                continue
            console.progress("trials", place, len(wanted))
            with listening() as interruption:
                record = bench.run(settings, number=len(made) + 1, seed=seed, interruption=interruption)
            if record.ended == "interrupted":
                kept_now = sum(_key(*trial) in made for trial in wanted)
                raise Interrupted(
                    f"{record.reason}; {kept_now} of {len(wanted)} trials are kept",
                    hint=f"the same words with --out '{folder.path.parent}' --name '{folder.name}' go on",
                )
            events.write(record)
            made[_key(settings, seed)] = record
        console.progress("trials", len(wanted), len(wanted))
    return {_key(settings, seed): made[_key(settings, seed)] for settings, seed in wanted}


def _pairs(trick: Trick, trials: Mapping[Key, TrialRecord]) -> list[tuple[TrialRecord, TrialRecord]]:
    seeds = dict.fromkeys(seed for _, seed in trials)
    return [(trials[_key(trick.with_it, seed)], trials[_key(trick.without_it, seed)]) for seed in seeds]


def _also(bench: TrialBench, trick: Trick) -> dict[str, str]:
    """Lists what `auto` decides otherwise without the trick, apart from it: key → `with, without`.

    Raises:
        InputError: without the trick, or with it, the recipe contradicts itself.
    """
    decided: list[Recipe] = []
    errors: list[InputError] = []
    for word, side in (("with", trick.with_it), ("without", trick.without_it)):
        try:
            decided.append(bench.build(side)[0].recipe)
        except InputError as error:
            errors.append(
                InputError(
                    f"{word} {trick.name}: {error.problem}",
                    expected=error.expected,
                    got=error.got,
                    where=f"--tricks {trick.name}",
                    hint=error.hint,
                )
            )
    if errors:
        raise together(errors)
    return {
        key: f"{mine}, without it {theirs}"
        for key, mine, theirs in decided[0].differences(decided[1])
        if key != trick.key and "auto" not in (mine, theirs)
    }


def _row(trick: Trick, effect: Effect, also: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": trick.name,
        "key": trick.key,
        "on": trick.on,
        "off": trick.off,
        "effect": effect.mean,
        "low": effect.low,
        "high": effect.high,
        "verdict": effect.verdict,
        "reason": effect.reason,
        "seeds": effect.seeds,
        "needed": effect.needed,
        "cost": effect.cost,
        "cost_low": effect.cost_low,
        "cost_high": effect.cost_high,
        "also": dict(also),
    }


def _refuse_uneven(asked: Recipe) -> None:
    """Refuses what would train the two of a pair for different times, or train what nothing judges.

    Raises:
        InputError: early stopping, or a second stage.
    """
    wrong = {
        "training.patience": (asked.training.patience, 0, "pairs are trained for the same number of epochs"),
        "training.retrain": (asked.training.retrain, "none", "trials are judged before a second stage"),
    }
    errors = [
        InputError(why, expected=f"{key}: {none}", got=str(value), where=key, hint=f"--set {key}={none}")
        for key, (value, none, why) in wrong.items()
        if value != none
    ]
    if errors:
        raise together(errors)


def _folder(out: Path, name: str | None, asked: Recipe, base: Recipe, data: PreparedData) -> RunFolder:
    """Makes the folder of a new ablation, or opens the one of that name, whose recipe and pictures must be the same.

    Raises:
        InputError: an ablation of this name had another recipe or other pictures, or something else is there.
    """
    there = RunFolder(out / name) if name is not None else None
    if there is not None and there.recipe.is_file() and not there.environment.exists():  # which every run has
        stored = compose(read_recipe_file(there.recipe))
        errors = [
            InputError(f"{key} is another than in the ablation", expected=repr(theirs), got=repr(mine))
            for key, mine, theirs in asked.differences(stored)
        ]
        if errors:
            raise InputError.several(f"{there.path} was made with another recipe; choose another --name", errors)
        if read_split(there.split) != data.split:
            raise InputError(
                "the pictures, their labels or their parts are others than when this ablation began",
                expected=f"those in {there.split}",
                got=data.title,
                hint="choose another --name",
            )
        return there
    automatic = default_name(base.model.name, data.title, datetime.now())
    folder = create_run(out, name or automatic, automatic=name is None)
    write_data_files(data, folder)
    write_atomic(folder.recipe, write_recipe(asked))
    return folder

"""`trainwright train`: data → check → train → test → report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

from trainwright.data import (
    PreparedData,
)
from trainwright.errors import InputError
from trainwright.recipe import Choice, Recipe, compose, read_recipe_file
from trainwright.reporting import RunConsole, second_stage, write_report
from trainwright.runs import (
    DEFAULT_OUT,
    EventWriter,
    ResumeRecord,
    RunFolder,
    open_run,
    refuse_bad_name,
    refuse_bad_out,
    refuse_existing,
    refuse_watched,
    sweep_temporary,
)
from trainwright.training import (
    Best,
    FirstStage,
    Progress,
    Ranks,
    Setup,
    build,
    kept_preprocessor,
    load_newest,
    opened_ranks,
    restore,
)

from .after_training import exploded
from .before_training import check_before_training, findings_before_training
from .deciding import decide, refuse_early
from .final_test import judge_result
from .guarding import Guard, finish_going_back, refuse_guard_in_ranks, set_by_guard
from .layout import draw_start, lay_out, make_folder, note_changed_code, write_findings
from .plan import run_plan
from .range_test import decide_rate, was_found
from .ranks import follow, look_together, refuse_other_words
from .requests import NAMES_OF_TRAIN, TrainSettings, recipe_from_python, refuse_name_beside_resume
from .retraining import first_stage, newest_of_second, retrain
from .run import Run
from .stages import run_stage, telling_interruptions, warn_of_breakdown

OF_THE_DAY = ("data.cache", "machine.workers")
"""Settings that `auto` takes from what is free on the machine, and that change no figure."""


def train(
    data: str | Path | None = None,
    *,
    recipe: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    name: str | None = None,
    resume: Path | str | None = None,
    check: bool = True,
    **short: Unpack[TrainSettings],
) -> Run:
    """Trains a classifier on a set of pictures, tests it once, and writes a run folder with a report.

    Args:
        data: built-in data (`digits`, `fashion-mnist`) or a path to pictures.
        recipe: a recipe file to start from.
        settings: dotted recipe key → value, for everything that has no short name here.
        out: folder in which the run's folder is made; `runs` when left out.
        name: name of the run; made from date, model and data when left out. The name of an unfinished run with the
            same recipe resumes it.
        resume: a run to go on with; nothing else may then ask for another recipe.
        check: whether checks are made before the first step, in at most a tenth of the training's time.
        **short: `model, weights, epochs, batch_size, lr, weight_decay, opt, sched, init, img_size, seed, workers,
            device, guard`, and `experiments` (`auto` or `never`).

    Returns: the finished run.

    Raises:
        InputError: data or recipe are wrong; says what, where, and what to try.
        TrainingError: a check failed, or the loss became not finite; the run is kept.
        Interrupted: Ctrl-C or SIGTERM; says what was kept.
    """
    asked = recipe_from_python(data, recipe, short, settings, NAMES_OF_TRAIN)
    refuse_name_beside_resume(resume, out, name)
    with RunConsole() as console:
        if resume is not None:
            return resume_run(Path(resume), asked, console, checks=check)
        return train_run(asked, Path(out or DEFAULT_OUT), name, console, checks=check)


def train_run(asked: Recipe, out: Path, name: str | None, console: RunConsole, *, checks: bool = True) -> Run:
    """Starts a run, or goes on with the unfinished one of that name and recipe."""
    with opened_ranks() as ranks:
        refuse_other_words(ranks, asked)
        if not ranks.leads:
            return Run(follow(ranks))
        run = _begin(asked, out, name, console, ranks, checks)
        ranks.part()
        return run


def resume_run(path: Path, asked: Recipe, console: RunConsole, *, checks: bool = True) -> Run:
    """Goes on with a run from its last whole checkpoint; what was asked for beside must agree with its recipe."""
    with opened_ranks() as ranks:
        refuse_other_words(ranks, asked)
        if not ranks.leads:
            return Run(follow(ranks))
        run = _resume(open_run(path), asked, console, ranks, checks)
        ranks.part()
        return run


def _begin(asked: Recipe, out: Path, name: str | None, console: RunConsole, ranks: Ranks, checks: bool) -> Run:
    if name is not None:
        refuse_bad_name(name)
        if RunFolder(out / name).recipe.is_file():
            return _go_on_by_name(open_run(out / name), asked, console, ranks, checks)
        if (out / name).exists():
            refuse_existing(RunFolder(out / name))
    refuse_bad_out(out)
    refuse_guard_in_ranks(asked, ranks)
    refuse_early(asked)
    with telling_interruptions(None):
        data = look_together(ranks, asked, console.progress)
        recipe, test = decide_rate(decide(asked, data), data, console)
        setup = build(recipe, data, progress=console.progress, ranks=ranks)
        folder = make_folder(out, name, recipe, data)
    with telling_interruptions(folder), EventWriter(folder.events) as events:
        lay_out(folder, recipe, data, test)
        first = _learn(folder, events, setup, data, console, resumed=False, checks=checks)
        del setup  # its net and moments, before a second stage has its own
        return _conclude(folder, events, first, console)


def _resume(folder: RunFolder, asked: Recipe, console: RunConsole, ranks: Ranks, checks: bool) -> Run:
    refuse_watched(folder)
    finish_going_back(folder)
    stored = compose(read_recipe_file(folder.recipe))
    given = {key: value for key, value in asked.items() if asked.origin(key).kind in ("user", "file")}
    said = {
        key: value
        for key, value in given.items()
        if value != "auto" and not was_found(folder, key, value) and not set_by_guard(folder, key, value)
    }
    _refuse_another(folder, {key: (value, stored.get(key)) for key, value in said.items()})
    run = Run(folder)
    if run.finished:
        console.note(f"{folder.path} is finished; nothing is left to train")
        _complete_report(folder)
        ranks.told(None)
        return run
    warn_of_breakdown(folder, run.history, console)
    return _go_on(folder, stored, stored, console, ranks, checks)


def _learn(
    folder: RunFolder,
    events: EventWriter,
    setup: Setup,
    data: PreparedData,
    console: RunConsole,
    *,
    resumed: bool,
    checks: bool,
) -> FirstStage:
    """Checks and trains, in a folder that stands and whose log this process alone writes."""
    console.log_to(folder.log)
    draw_start(folder, setup, data)
    told = Run(folder).history.findings
    progress = _take_up(folder, events, setup, console) if resumed else Progress()
    if setup.weights is not None:
        console.note(setup.weights.summary())
    in_second = newest_of_second(folder) is not None
    console.start(run_plan(folder, setup.recipe, data, setup, progress if resumed and not in_second else None))
    for finding in findings_before_training(setup, data):
        if finding not in told:
            console.finding(finding)
            events.write(finding)
    if checks and progress.step == 0 and not in_second:
        check_before_training(folder, events, setup, data, console)

    if not in_second:
        setup, progress = _train(folder, events, setup, data, console, progress)
    return first_stage(folder, setup, data, progress)


def _train(
    folder: RunFolder, events: EventWriter, setup: Setup, data: PreparedData, console: RunConsole, progress: Progress
) -> tuple[Setup, Progress]:
    """Trains to the end of the first stage; goes back and on again where the guard wants it, with another recipe."""
    while True:
        recipe = setup.recipe
        guard = Guard(folder, events, console, recipe) if recipe.training.guard else None
        if run_stage(folder, folder.checkpoints, events, console, setup, data, progress, guard=guard):
            return setup, progress
        assert guard is not None, "nothing else cuts a stage short"
        step, time_s, ranks = progress.step, progress.train_time_s + progress.epoch_time_s, setup.ranks
        recipe = guard.go_back(step, data.train.drawn)
        del setup  # its net and moments, before there are others
        kept = kept_preprocessor(folder.checkpoints / "last", data)
        setup = build(recipe, data, preprocessor=kept, progress=console.progress, ranks=ranks)
        checkpoint, _ = load_newest(folder.checkpoints / "last")
        progress = Progress() if checkpoint is None else restore(checkpoint, setup, changed=True)
        progress.train_time_s = time_s  # lost work took its time, too
        if not (folder.checkpoints / "best").is_dir():
            progress.best = Best()
        draw_start(folder, setup, data)


def _conclude(folder: RunFolder, events: EventWriter, first: FirstStage, console: RunConsole) -> Run:
    """Makes the second stage where one is asked for, tests the result and reports."""
    if first.recipe.training.retrain != "none":
        retrain(folder, events, console, first)
    evaluation = judge_result(folder, first.recipe, first.data)
    if evaluation is not None:
        events.write(evaluation)
    found = exploded(Run(folder).history.epochs.rows[-1], evaluation, first.recipe, first.data)
    if found is not None:
        console.finding(found)
        events.write(found)
        write_findings(folder)
    report = write_report(folder)
    run = Run(folder)
    evaluations = {} if evaluation is None else {evaluation.part: evaluation}
    history = run.history
    console.result(
        folder.path,
        evaluations,
        report=report,
        findings=history.findings,
        retrained=second_stage(history),
        first_stop=history.first_stop,
    )
    return run


def _take_up(folder: RunFolder, events: EventWriter, setup: Setup, console: RunConsole) -> Progress:
    """Restores what the last whole checkpoint of a run holds; begins anew where there is none."""
    sweep_temporary(folder.path)
    note_changed_code(folder, setup.recipe, console)
    checkpoint, complaints = load_newest(folder.checkpoints / "last")
    for complaint in complaints:
        console.note(complaint)
    progress = Progress() if checkpoint is None else restore(checkpoint, setup)
    where = "the start" if checkpoint is None else checkpoint.path.name
    step, epoch = progress.step, progress.epoch - 1
    told, second = Run(folder).history.retrain, newest_of_second(folder)
    if told is not None and second is not None:
        step, epoch, where = told.step + second.meta["step"], told.epoch + second.meta["epoch"] - 1, "retraining/last"
    events.write(ResumeRecord(step=step, epoch=epoch, checkpoint=where))
    return progress


def _go_on_by_name(folder: RunFolder, asked: Recipe, console: RunConsole, ranks: Ranks, checks: bool) -> Run:
    """Resumes the run of a name when the same was asked for as then; never writes over another run."""
    if Run(folder).finished:
        _complete_report(folder)
        raise InputError(
            "a finished run of this name exists, and runs are never overwritten",
            got=str(folder.path),
            hint="another --name, or none to have one made from the date",
        )
    finish_going_back(folder)
    return _go_on(folder, compose(read_recipe_file(folder.recipe)), asked, console, ranks, checks)


def _go_on(folder: RunFolder, stored: Recipe, asked: Recipe, console: RunConsole, ranks: Ranks, checks: bool) -> Run:
    """Trains a run further with its stored recipe, if what is asked for comes to the same on its data.

    A recipe of an earlier version lacks settings that there are today; they are decided as if nobody had given them.
    """
    refuse_guard_in_ranks(stored, ranks)
    with telling_interruptions(folder), EventWriter(folder.events) as events:
        data = look_together(ranks, asked, console.progress, given_split=folder.split)
        recipe = decide(asked, data)
        why = "the run was made before there was this setting"
        newer = [key for key, value in stored.items() if value == "auto" and recipe.get(key) != "auto"]
        stored = stored.decide([Choice(key, recipe.get(key), why) for key in newer])
        left_out = {key for key in OF_THE_DAY if asked.get(key) == "auto"}
        left_out |= {key for key, value in asked.items() if was_found(folder, key, value)}
        left_out |= {key for key, value in recipe.items() if set_by_guard(folder, key, value)}
        pairs = recipe.differences(stored)
        _refuse_another(folder, {key: (mine, theirs) for key, mine, theirs in pairs if key not in left_out})
        kept = kept_preprocessor(folder.checkpoints / "last", data)
        setup = build(stored, data, preprocessor=kept, ranks=ranks)
        first = _learn(folder, events, setup, data, console, resumed=True, checks=checks)
        del setup  # as above
        return _conclude(folder, events, first, console)


def _complete_report(folder: RunFolder) -> None:
    """Writes the report of a finished run that was killed before it had one, or has one of an earlier stop."""
    if not folder.report.exists() or folder.report.stat().st_mtime_ns < folder.events.stat().st_mtime_ns:
        write_report(folder)


def _refuse_another(folder: RunFolder, pairs: Mapping[str, tuple[Any, Any]]) -> None:
    """Raises one error for all settings in which what was asked for differs from what the run was made with."""
    errors = [
        InputError(f"{key} is another than in the run", expected=repr(stored), got=repr(asked))
        for key, (asked, stored) in pairs.items()
        if asked != stored
    ]
    if errors:
        raise InputError.several(
            f"{folder.path} was made with another recipe; resume it as it is, or train under another --name", errors
        )

"""`trainwright evaluate`: a run's kept snapshot judged on pictures whose answers are known."""

# Some of torch's methods have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from trainwright.data import OtherPictures, Part, prepare, prepare_other, read_split
from trainwright.errors import InputError
from trainwright.recipe import DataSection, MachineSection, Recipe, compose, read_recipe_file
from trainwright.reporting import RunConsole
from trainwright.runs import (
    Evaluation,
    EvaluationRecord,
    PartName,
    RankingRecord,
    RunFolder,
    Unseen,
    refuse_watched,
)
from trainwright.training import Answers, Snapshot, Task, answer, choose_workers

from .opening import open_result


def evaluate_run(
    folder: RunFolder,
    source: str | Path | None,
    console: RunConsole,
    *,
    machine: MachineSection | None = None,
    tta: str = "none",
    fuse: bool = False,
) -> Evaluation:
    """Judges a run's result on the run's own test part, or on other data.

    Args:
        folder: the run.
        source: other data: its test part where it brings one, else all its pictures. Its classes must be among the
            run's. None: the run's own test part (validation part where there is none).
        console: is told how far reading has come, which pictures cannot be read, and how many the net has learned.
        machine: where to compute.
        tta: test-time augmentation: none, flip, five, ten or scales.
        fuse: fold batch normalization into convolutions: equal answers but for rounding.

    Raises:
        InputError: no such test-time augmentation, nothing to fold, no whole snapshot, data that cannot be read,
            unknown classes, or a run without such a part.
    """
    refuse_watched(folder)
    recipe = compose(read_recipe_file(folder.recipe))
    machine = machine or MachineSection()
    snapshot = open_result(folder, machine, fused=fuse)
    views = snapshot.views(tta)
    workers = choose_workers(machine)[0].value
    seen_N: list[bool] | None = None
    if source is None:
        name, part = _own_part(folder, recipe, workers, console, retrained=snapshot.retrained)
    else:
        name, others = "other", _other_part(folder, recipe, source, snapshot, workers, console)
        part, seen_N = others.part, _seen(folder, others.sha256s, retrained=snapshot.retrained)
    if not len(part):
        raise InputError(
            "the pictures that this run set apart were learned in its second stage; none is left to judge it on"
            if snapshot.retrained
            else "this run set no pictures apart that it could be judged on",
            expected="a test part" if snapshot.retrained else "a test or a validation part",
            where=str(folder.path),
            hint=f"give pictures whose answers are known: trainwright evaluate {folder.path} DATA",
        )
    answers = answer(snapshot.model, part, views, snapshot.machine, snapshot.task)
    record = snapshot.task.judge(answers, names=part.names, part=name, epoch=snapshot.epoch)
    record = replace(record, tta=tta)
    if len(views) > 1:
        console.note(f"answers are averaged over {len(views)} views of each picture ({tta})")
    if seen_N is None:
        return record
    record = _told_apart(record, answers, snapshot.task, part.names, seen_N)
    if any(seen_N):
        console.note(_seen_and_unseen(record, retrained=snapshot.retrained))
    return record


def _own_part(
    folder: RunFolder, recipe: Recipe, workers: int, console: RunConsole, *, retrained: bool
) -> tuple[PartName, Part]:
    """Reads what the run itself has set apart: its test part, or the validation part where there is none."""
    with _settings_are_for_train(folder):
        data = prepare(
            recipe.data,
            seed=recipe.training.seed,
            workers=workers,
            progress=console.progress,
            given_split=folder.split,
        )
    untouched = data.with_validation() if retrained else data
    return ("test", untouched.test) if len(untouched.test) else ("valid", untouched.valid)


def _other_part(
    folder: RunFolder, recipe: Recipe, source: str | Path, snapshot: Snapshot, workers: int, console: RunConsole
) -> OtherPictures:
    """Reads other data as the run's own, and says which pictures cannot be read."""
    section, meta = recipe.data.model_copy(update={"source": str(source)}), snapshot.meta
    _refuse_a_folder(section, snapshot.task.described()["name"], Path(source))
    with _settings_are_for_train(folder):
        others = prepare_other(
            section,
            classes=snapshot.classes,
            img_size=meta["img_size"],
            channels=meta["channels"],
            scale=snapshot.scale,
            workers=workers,
            progress=console.progress,
        )
    for picture, reason in others.rejected:
        console.note(f"left out, cannot be read: {picture}: {reason}")
    return others


def _seen(folder: RunFolder, sha256s: Sequence[str], *, retrained: bool) -> list[bool]:
    """Tells which pictures, by their content, the run was trained on."""
    learned = ("train", "valid") if retrained else ("train",)
    unused = _unpaired(folder)
    rows = [row for row in read_split(folder.split) if row.part in learned]
    trained = {row.sha256 for row in rows if row.name not in unused}
    return [sha256 in trained for sha256 in sha256s]


def _refuse_a_folder(section: DataSection, task: str, source: Path) -> None:
    """Refuses folders of pictures where they cannot hold the answers.

    Raises:
        InputError: the task asks for a manifest.
    """
    answers = {"regression": section.target_columns, "multi-label": section.label_column}.get(task)
    if answers is None or not source.is_dir():
        return
    columns = ",".join([section.path_column, *(name.strip() for name in answers.split(","))])
    raise InputError(
        f"a folder of pictures holds no answers of the task {task}",
        expected="a CSV, TSV or Parquet manifest",
        got=f"the folder {source}",
        hint=f"a CSV file whose first line is {columns}, and then a line a picture",
    )


@contextmanager
def _settings_are_for_train(folder: RunFolder) -> Generator[None]:
    """Says of advice that names a setting that it is for training: here the run's recipe settles how data are read.

    Raises:
        InputError: the one that was raised inside, with these words.
    """
    try:
        yield
    except InputError as error:
        advice = error.hint or error.problem  # several errors have theirs in the problem
        if not any(f"data.{name}" in advice for name in DataSection.model_fields):
            raise
        here = f"evaluate takes no settings and reads pictures as {folder.recipe} says: change the data"
        hint = f"{error.hint} (to train; {here})" if error.hint else here
        raise InputError(error.problem, expected=error.expected, got=error.got, where=error.where, hint=hint) from error


def _unpaired(folder: RunFolder) -> frozenset[str]:
    """Names the pictures of the run's parts that stand in no pair there, so that the net has not seen them."""
    audit = json.loads(folder.audit.read_text(encoding="utf-8"))
    return frozenset(audit.get("unpaired", ()))


def _told_apart(
    record: Evaluation, answers: Answers, task: Task, names: Sequence[str], seen_N: list[bool]
) -> Evaluation:
    """Judges the pictures that were not trained on by themselves."""
    new_N = ~torch.tensor(seen_N)
    apart = None
    if answers.of(new_N).judged:
        new_names = [name for name, seen in zip(names, seen_N, strict=True) if not seen]
        apart = task.judge(answers.of(new_N), names=new_names, part="other", epoch=record.epoch)
    if isinstance(record, EvaluationRecord):
        unseen = Unseen(pictures=0, accuracy=None, accuracy_interval=None)
        if isinstance(apart, EvaluationRecord):
            unseen = Unseen(pictures=apart.pictures, accuracy=apart.accuracy, accuracy_interval=apart.accuracy_interval)
        return replace(record, trained_on=sum(seen_N), unseen=unseen)
    figures: dict[str, float | None] = {} if isinstance(apart, EvaluationRecord | None) else apart.figures
    pairs_P2 = answers.of(new_N).pairs_P2
    pictures = int(new_N.sum()) if pairs_P2 is None else len(pairs_P2.unique())
    return replace(record, trained_on=sum(seen_N), unseen={"pictures": pictures, **figures})


def _seen_and_unseen(record: Evaluation, *, retrained: bool) -> str:
    """Says what the figures are worth where the net has learned some of the pictures."""
    where = "stood in the training part" + (" or in the validation part, which it learned, too" if retrained else "")
    text = f"{record.trained_on:,} of these {record.pictures:,} pictures {where}: the net has seen "
    unseen = record.unseen
    is_class = isinstance(unseen, Unseen)
    if is_class and unseen.pictures:
        return f"{text}their answers; the result of the {unseen.pictures:,} others stands by itself below"
    pictures, *figures = {"pictures": 0}.items() if is_class or not unseen else unseen.items()
    known = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in figures if value is not None]
    if not known:
        return f"{text}their answers, and these figures say nothing about new pictures"
    whom = "in pairs of two others" if isinstance(record, RankingRecord) else "others"
    return f"{text}their answers; of the {pictures[1] or 0:,} {whom}: {', '.join(known)}"


def evaluation_figures(record: Evaluation) -> dict[str, Any]:
    """Lists the figures of an evaluation as `evaluate --json` prints them."""
    if not isinstance(record, EvaluationRecord):
        plain = {name: value for name, value in asdict(record).items() if name not in ("epoch", "mistakes")}
        for several, one in (("per_label", "label"), ("per_column", "column")):
            if several in plain:
                plain[several] = {row.pop(one): row for row in plain[several]}
                for row in plain[several].values():
                    row.pop("points", None)
        return {**{name: plain.pop(name) for name in ("part", "pictures")}, **record.figures, **plain}
    return {
        "part": record.part,
        "pictures": record.pictures,
        "tta": record.tta,
        "trained_on": record.trained_on,
        "unseen": None if record.unseen is None else asdict(record.unseen),
        "accuracy": record.accuracy,
        "accuracy_interval": list(record.accuracy_interval),
        "top_k_accuracy": dict(record.top_k_accuracy),
        "balanced_accuracy": record.balanced_accuracy,
        "loss": record.loss,
        "calibration_error": record.calibration_error,
        "per_class": {
            score.label: {
                "pictures": score.pictures,
                "precision": score.precision,
                "recall": score.recall,
                "f1": score.f1,
            }
            for score in record.per_class
        },
    }

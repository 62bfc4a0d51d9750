"""`trainwright evaluate`: a run's kept snapshot judged on pictures whose classes are known."""

# Some of torch's methods have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from trainwright.data import prepare, prepare_other, read_split
from trainwright.errors import InputError
from trainwright.recipe import MachineSection, compose, read_recipe_file
from trainwright.reporting import RunConsole
from trainwright.runs import EvaluationRecord, RunFolder, Unseen, wilson_interval
from trainwright.training import Answers, answer, choose_workers, judge, open_snapshot


def evaluate_run(
    folder: RunFolder,
    source: str | Path | None,
    console: RunConsole,
    *,
    machine: MachineSection | None = None,
    tta: str = "none",
    fuse: bool = False,
) -> EvaluationRecord:
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
    recipe = compose(read_recipe_file(folder.recipe))
    machine = machine or MachineSection()
    snapshot = open_snapshot(folder.checkpoints, machine, fused=fuse)
    views = snapshot.views(tta)
    workers = choose_workers(machine)[0].value
    seen_N: list[bool] | None = None
    if source is None:
        data = prepare(
            recipe.data,
            seed=recipe.training.seed,
            workers=workers,
            progress=console.progress,
            given_split=folder.split,
        )
        untouched = data.with_validation() if snapshot.retrained else data
        name, part = ("test", untouched.test) if len(untouched.test) else ("valid", untouched.valid)
    else:
        section = recipe.data.model_copy(update={"source": str(source)})
        meta = snapshot.meta
        others = prepare_other(
            section,
            classes=snapshot.classes,
            img_size=meta["img_size"],
            channels=meta["channels"],
            workers=workers,
            progress=console.progress,
        )
        for picture, reason in others.rejected:
            console.note(f"left out, cannot be read: {picture}: {reason}")
        name, part = "other", others.part
        learned = ("train", "valid") if snapshot.retrained else ("train",)
        trained = {row.sha256 for row in read_split(folder.split) if row.part in learned}
        seen_N = [sha256 in trained for sha256 in others.sha256s]
    if not len(part):
        raise InputError(
            "this run set no pictures apart that it could be judged on",
            expected="a test or a validation part",
            where=str(folder.path),
            hint=f"give pictures whose classes are known: trainwright evaluate {folder.path} DATA",
        )
    answers = answer(snapshot.model, part, views, snapshot.machine)
    record = judge(answers, classes=snapshot.classes, names=part.names, part=name, epoch=snapshot.epoch)
    record = replace(record, tta=tta)
    if len(views) > 1:
        console.note(f"probabilities are averaged over {len(views)} views of each picture ({tta})")
    if seen_N is None:
        return record
    record = replace(record, trained_on=sum(seen_N), unseen=_unseen(answers, seen_N))
    if any(seen_N):
        console.note(_seen_and_unseen(record, retrained=snapshot.retrained))
    return record


def _unseen(answers: Answers, seen_N: list[bool]) -> Unseen:
    """Judges the pictures that were not trained on by themselves."""
    right_N = (answers.logits_NK.argmax(dim=1) == answers.labels_N).tolist()
    right = [right for right, seen in zip(right_N, seen_N, strict=True) if not seen]
    if not right:
        return Unseen(pictures=0, accuracy=None, accuracy_interval=None)
    interval = wilson_interval(sum(right), len(right))
    return Unseen(pictures=len(right), accuracy=sum(right) / len(right), accuracy_interval=interval)


def _seen_and_unseen(record: EvaluationRecord, *, retrained: bool) -> str:
    """Says what the figures are worth where the net has learned some of the pictures."""
    unseen = record.unseen
    where = "stood in the training part" + (" or in the validation part, which it learned, too" if retrained else "")
    text = f"{record.trained_on:,} of these {record.pictures:,} pictures {where}: the net has seen "
    if unseen is None or unseen.accuracy is None:
        return f"{text}their answers, and these figures say nothing about new pictures"
    return f"{text}their answers; of the {unseen.pictures:,} others {100 * unseen.accuracy:.1f} % are right"


def evaluation_figures(record: EvaluationRecord) -> dict[str, Any]:
    """Lists the figures of an evaluation as `evaluate --json` prints them."""
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

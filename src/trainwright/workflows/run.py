"""A run on disk, for Python: its figures, its answers, its report."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.recipe import Recipe, compose, read_recipe_file, target_columns, task_of
from trainwright.runs import (
    EpochRecord,
    Evaluation,
    EvaluationRecord,
    FigureNames,
    History,
    RetrainRecord,
    RunFolder,
    StopRecord,
    figure_names,
    open_run,
    read_all_records,
    refuse_watched,
)

if TYPE_CHECKING:
    from .predictions import AnyPrediction


NOTHING_TO_RETRAIN = "nothing-to-retrain"
"""The finding of a second stage that had reached its goal before its first step, so that there is none."""


class Run:
    """A run folder and what can be asked of it. Reads files; loads torch only to predict or evaluate."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Opens a run by its folder.

        Raises:
            InputError: no run lies there.
        """
        return cls(open_run(Path(path)))

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def recipe(self) -> Recipe:
        """The decided recipe that the run was made with.

        Raises:
            InputError: the run is of a loop that is not ours.
        """
        refuse_watched(self.folder)
        return compose(read_recipe_file(self.folder.recipe))

    @property
    def history(self) -> History:
        """All records so far, as columns."""
        return History.of(read_all_records(self.folder.events)) if self.folder.events.exists() else History()

    @property
    def finished(self) -> bool:
        """Whether training came to its end and the result was judged, so that nothing is left to resume."""
        history = self.history
        if self.folder.watched.is_file() and not self.folder.recipe.is_file():
            return history.finished
        if not history.finished or self._has_to_be_retrained(history):
            return False
        return bool(history.evaluations) or not self._has_pictures_to_judge()

    @property
    def retrained(self) -> bool:
        """Whether the result is the net of a second stage, which has learned the validation pictures, too."""
        return (self.folder.checkpoints / "retrained").is_dir()

    def _has_to_be_retrained(self, history: History) -> bool:
        done = self.retrained or any(finding.code == NOTHING_TO_RETRAIN for finding in history.findings)
        return self.recipe.training.retrain != "none" and not done

    def _has_pictures_to_judge(self) -> bool:
        learned = ("train", "valid") if self.retrained else ("train",)
        if task_of(self.recipe.data) == "ranking":
            pairs: dict[str, int] = json.loads(self.folder.audit.read_text(encoding="utf-8"))["pairs"]
            return any(pairs[part] for part in ("train", "valid", "test") if part not in learned)
        with self.folder.split.open(encoding="utf-8", newline="") as file:
            return any(row["part"] not in learned for row in csv.DictReader(file))

    @property
    def metrics(self) -> dict[str, Any]:
        """The result in figures, as `train --json` prints it.

        Keys: `run, model, parameters, epochs, stopped_because, wall_time_s` (training and validation, all sessions
        and stages together), `valid_accuracy` (of the kept epoch), `retrained` (None without a second stage, else
        `way, epochs, pictures, target_loss, added_loss, stopped_because`; then `epochs`, `stopped_because` and
        `valid_accuracy` are those of the first stage, whose weights are not the result), `test_accuracy,
        test_accuracy_interval` (95 %, Wilson; None without a test part), `guard` (for each time that it went back
        `code, step, before, after`), `findings`. In other tasks `valid_<name>` and `test_<name>` for each of the task's
        own figures stand in the place of the accuracies;
        docs/tasks.md lists them; without a part that they are of they are None.
        """
        history, recipe = self.history, self.recipe
        stop = history.stop
        first = history.stop if history.retrain is None else history.first_stop
        best = first.best_epoch if first else None
        second = [row for row in history.epochs.rows if row.stage == "retrain"]
        kept = next((epoch for epoch in history.epochs.rows if epoch.epoch == best), None)
        task = task_of(recipe.data)
        own = None if task == "classification" else figure_names(task, target_columns(recipe.data))
        return {
            "run": str(self.path),
            "model": recipe.model.name,
            "parameters": _parameters(self.folder),
            "epochs": len(history.epochs) - len(second),
            "stopped_because": first.reason if first else None,
            "wall_time_s": stop.train_time_s if stop else None,
            **_of_valid(kept, own),
            "retrained": _second_stage(history.retrain, second, stop),
            **_of_test(history.evaluation("test"), own),
            "guard": [
                {"code": one.code, "step": one.left_step, "before": dict(one.before), "after": dict(one.after)}
                for one in history.guards
            ],
            "findings": [_plain(finding) for finding in history.findings],
        }

    def evaluate(self, data: str | Path | None = None, *, tta: str = "none", fuse: bool = False) -> dict[str, Any]:
        """Judges the kept snapshot on the run's own test part, or on other data; see `evaluate --json`.

        Args:
            data: other pictures whose answers are known.
            tta: test-time augmentation: none, flip, five, ten or scales.
            fuse: fold batch normalization into convolutions: equal answers but for rounding.
        """
        from trainwright.reporting import RunConsole

        from .evaluate import evaluate_run, evaluation_figures

        with RunConsole() as console:
            return evaluation_figures(evaluate_run(self.folder, data, console, tta=tta, fuse=fuse))

    def predict(
        self, pictures: str | Path | Sequence[str | Path], *, top: int = 1, tta: str = "none", fuse: bool = False
    ) -> list[AnyPrediction]:
        """Says what the net has learned to say of each picture; one answer for every input, in order.

        Args:
            pictures: files, folders or patterns; one, or several.
            top: how many classes to list for each; 1 in tasks other than classification.
            tta: test-time augmentation: none, flip, five, ten or scales.
            fuse: fold batch normalization into convolutions: equal answers but for rounding.
        """
        from .predict import predict_run

        listed = [pictures] if isinstance(pictures, str | Path) else pictures
        return predict_run(self.folder, [str(picture) for picture in listed], top=top, tta=tta, fuse=fuse)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def report(self) -> Path:
        """Writes the report anew and returns its path."""
        from trainwright.reporting import write_report

        return write_report(self.folder)


def _of_valid(kept: EpochRecord | None, own: FigureNames | None) -> dict[str, Any]:
    """Gives what validation said of the kept epoch, under the names of the task's figures.

    Args:
        own: None in classification.
    """
    if own is None:
        return {"valid_accuracy": kept.valid_accuracy if kept else None}
    return {f"valid_{name}": kept.valid_figures.get(name) if kept else None for name in own.valid}


def _of_test(test: Evaluation | None, own: FigureNames | None) -> dict[str, Any]:
    """Gives what the test said, under the names of the task's figures; with intervals where they have some.

    Args:
        own: None in classification.
    """
    if own is None:
        judged = test if isinstance(test, EvaluationRecord) else None
        return {
            "test_accuracy": judged.accuracy if judged else None,
            "test_accuracy_interval": list(judged.accuracy_interval) if judged else None,
        }
    found: dict[str, Any] = {}
    judged = None if isinstance(test, EvaluationRecord) else test
    for name in own.tested:
        found[f"test_{name}"] = judged.figures[name] if judged else None
        if name in own.sure:
            found[f"test_{name}_interval"] = list(getattr(judged, f"{name}_interval")) if judged else None
    return found


def _second_stage(
    told: RetrainRecord | None, epochs: Sequence[EpochRecord], stop: StopRecord | None
) -> dict[str, Any] | None:
    """Lists the figures of a second stage; `added_loss` is that of the validation pictures at its end."""
    if told is None:
        return None
    return {
        "way": told.way,
        "epochs": len(epochs),
        "pictures": told.pictures,
        "target_loss": told.target_loss,
        "added_loss": epochs[-1].added_loss if epochs else told.added_loss,
        "stopped_because": stop.reason if stop else None,
    }


def _parameters(folder: RunFolder) -> int | None:
    if not folder.layers.exists():
        return None
    return sum(row["parameters"] for row in json.loads(folder.layers.read_text()))


def _plain(finding: object) -> dict[str, Any]:
    import dataclasses

    values = dataclasses.asdict(finding)  # type: ignore[call-overload]
    return {**values, "layers": list(values["layers"])}  # as JSON reads it

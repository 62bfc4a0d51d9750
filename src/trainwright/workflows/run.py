"""A run on disk, for Python: its figures, its answers, its report."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.recipe import Recipe, compose, read_recipe_file, task_of
from trainwright.runs import (
    EpochRecord,
    Evaluation,
    EvaluationRecord,
    History,
    RunFolder,
    open_run,
    read_records,
)

if TYPE_CHECKING:
    from .predictions import AnyPrediction


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
        """The decided recipe that the run was made with."""
        return compose(read_recipe_file(self.folder.recipe))

    @property
    def history(self) -> History:
        """All records so far, as columns."""
        return History.of(read_records(self.folder.events)) if self.folder.events.exists() else History()

    @property
    def finished(self) -> bool:
        """Whether training came to its end and the kept snapshot was judged, so that nothing is left to resume."""
        history = self.history
        return history.finished and (bool(history.evaluations) or not self._has_pictures_to_judge())

    def _has_pictures_to_judge(self) -> bool:
        with self.folder.split.open(encoding="utf-8", newline="") as file:
            return any(row["part"] != "train" for row in csv.DictReader(file))

    @property
    def metrics(self) -> dict[str, Any]:
        """The result in figures, as `train --json` prints it.

        Keys: `run, model, parameters, epochs, stopped_because, wall_time_s` (training and validation, all sessions
        together), `valid_accuracy` (of the kept epoch), `test_accuracy, test_accuracy_interval` (95 %, Wilson; None
        without a test part), `findings`. In other tasks `valid_<name>` and `test_<name>` for each of the task's own
        figures stand in the place of the accuracies; docs/tasks.md lists them.
        """
        history, recipe = self.history, self.recipe
        stop = history.stop
        best = stop.best_epoch if stop else None
        kept = next((epoch for epoch in history.epochs.rows if epoch.epoch == best), None)
        return {
            "run": str(self.path),
            "model": recipe.model.name,
            "parameters": _parameters(self.folder),
            "epochs": len(history.epochs),
            "stopped_because": stop.reason if stop else None,
            "wall_time_s": stop.train_time_s if stop else None,
            **_figures(kept, history.evaluation("test"), classified=task_of(recipe.data) == "classification"),
            "findings": [_plain(finding) for finding in history.findings],
        }

    def evaluate(self, data: str | Path | None = None, *, tta: str = "none") -> dict[str, Any]:
        """Judges the kept snapshot on the run's own test part, or on other data; see `evaluate --json`.

        Args:
            data: other pictures whose classes are known.
            tta: test-time augmentation: none, flip, five, ten or scales.
        """
        from trainwright.reporting import RunConsole

        from .evaluate import evaluate_run, evaluation_figures

        with RunConsole() as console:
            return evaluation_figures(evaluate_run(self.folder, data, console, tta=tta))

    def predict(
        self, pictures: str | Path | Sequence[str | Path], *, top: int = 1, tta: str = "none"
    ) -> list[AnyPrediction]:
        """Says what the net has learned to say of each picture; one answer for every input, in order.

        Args:
            pictures: files, folders or patterns; one, or several.
            top: how many classes to list for each; 1 in tasks other than classification.
            tta: test-time augmentation: none, flip, five, ten or scales.
        """
        from .predict import predict_run

        listed = [pictures] if isinstance(pictures, str | Path) else pictures
        return predict_run(self.folder, [str(picture) for picture in listed], top=top, tta=tta)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def report(self) -> Path:
        """Writes the report anew and returns its path."""
        from trainwright.reporting import write_report

        return write_report(self.folder)


def _figures(kept: EpochRecord | None, test: Evaluation | None, *, classified: bool) -> dict[str, Any]:
    """Gives what validation and test said of the kept epoch, under the names of the task's figures."""
    if classified:
        judged = test if isinstance(test, EvaluationRecord) else None
        return {
            "valid_accuracy": kept.valid_accuracy if kept else None,
            "test_accuracy": judged.accuracy if judged else None,
            "test_accuracy_interval": list(judged.accuracy_interval) if judged else None,
        }
    found: dict[str, Any] = {}
    if kept is not None:
        found |= {f"valid_{name}": value for name, value in kept.valid_figures.items()}
    if test is not None and not isinstance(test, EvaluationRecord):
        for name, value in test.figures.items():
            found[f"test_{name}"] = value
            if hasattr(test, f"{name}_interval"):
                found[f"test_{name}_interval"] = list(getattr(test, f"{name}_interval"))
    return found


def _parameters(folder: RunFolder) -> int | None:
    import json

    if not folder.layers.exists():
        return None
    return sum(row["parameters"] for row in json.loads(folder.layers.read_text()))


def _plain(finding: object) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(finding)  # type: ignore[call-overload]

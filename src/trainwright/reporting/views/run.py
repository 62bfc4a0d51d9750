"""Everything that a report shows of one run, read from its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from trainwright.diagnosis import Known, known_of
from trainwright.errors import InputError
from trainwright.runs import (
    EpochRecord,
    Evaluation,
    EvaluationRecord,
    Finding,
    GuardRecord,
    History,
    ResumeRecord,
    RetrainRecord,
    RunFolder,
    read_all_records,
)

from ..outcome import Outcome
from ..second_stage import second_stage
from ..steps import NextStep, next_steps
from .audit import DataSummary, data_summary
from .checks import CheckRow, check_rows
from .curves import Curves, StepCurve, curves, step_curve
from .diagnosis import DiagnosisView, diagnosis_view
from .headline import Headline, headline, headline_of_loop
from .judgement import Judgement, judgement
from .rate_curve import RateCurve, rate_curve
from .setup import Layers, RecipeRow, WatchedLoop, environment_rows, layers, recipe_rows, watched_loop
from .task_judgement import LAID_OUT, TaskJudgement
from .watch import WatchView, watch_view

View = TypeVar("View")

MOVES = {
    "augment.transform": "altered by a transform",
    "augment.flip": "flipped",
    "augment.vertical_flip": "turned upside down",
    "augment.crop_padding": "moved",
    "augment.translate": "moved",
    "augment.scale_jitter": "enlarged in part",
    "augment.resized_crop": "enlarged in part",
    "augment.rotate": "turned",
    "augment.scale": "made larger or smaller",
    "augment.stretch": "stretched",
    "augment.shear": "slanted",
    "augment.lens": "bent",
    "augment.brightness": "made brighter or darker",
    "augment.contrast": "changed in contrast",
    "augment.saturation": "changed in color",
    "augment.hue": "changed in color",
    "augment.fancy_pca": "changed in color",
    "augment.noise": "made noisy",
    "augment.cutout": "covered in part",
    "augment.erase": "covered in part",
    "augment.mixup": "blended with others",
    "augment.cutmix": "covered in part by others",
}
"""Recipe key → what it does to pictures where it is on."""

OFF = ("0", "0.0", "none")
"""Values of these settings that do nothing."""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run as plain data. What the run has not written (yet) is None or empty.

    `moves` are what augmentation did to training pictures, in words; `mixed` tells whether two pictures were put into
    one, `softened` whether labels were smoothed. `retrained` says how a second stage followed, if one did. `watched` is
    what is known of a loop that is not ours, in the place of a recipe and data.
    """

    name: str
    folder: Path
    data: str
    model: str
    headline: Headline
    checks: tuple[CheckRow, ...]
    range_test: RateCurve | None
    diagnosis: DiagnosisView
    watch: WatchView | None
    curves: Curves
    steps: StepCurve
    retrained: RetrainRecord | None
    epochs: tuple[EpochRecord, ...]
    judgements: tuple[Judgement | TaskJudgement, ...]
    first_batch: Path | None
    moves: tuple[str, ...]
    mixed: bool
    softened: bool
    audit: DataSummary | None
    layers: Layers | None
    environment: tuple[tuple[str, str], ...]
    command: str | None
    recipe: tuple[RecipeRow, ...]
    resumed: tuple[ResumeRecord, ...]
    guarded: tuple[GuardRecord, ...]
    next_steps: tuple[NextStep, ...]
    task: str = "classification"
    watched: WatchedLoop | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands, the gravest first."""
        return self.diagnosis.findings

    @property
    def outcome(self) -> Outcome:
        """How the run ended, if it did."""
        return self.headline.outcome


def read_view(folder: RunFolder) -> RunView:
    """Reads a run that is finished, interrupted, broken down or still training.

    Args:
        folder: the run.
    Raises:
        InputError: a file of the run is damaged.
    """
    history = History.of(read_all_records(folder.events) if folder.events.is_file() else ())
    recipe = _read(folder.recipe, recipe_rows, ())
    values = {row.key: row.value for row in recipe}
    epochs = history.epochs.rows
    judged = _judgements(history, folder.plots / "mistakes")
    watched = _read(folder.path / "watch.json", lambda text: watched_loop(json.loads(text)), None)
    planned = values.get("training.epochs", "")
    first_stage = [row for row in epochs if row.stage == "first"]
    if watched is not None:
        head = headline_of_loop(epochs, history.stop, watched.epochs)
    else:
        head = headline(
            judged[0] if judged else None,
            first_stage,
            history.first_stop or history.stop,
            int(planned) if planned.isdecimal() else None,
            again=second_stage(history),
            last=history.stop,
        )
    first_batch = folder.plots / "first-batch.png"
    audit = _read(folder.audit, lambda text: data_summary(json.loads(text)), None)
    return RunView(
        name=folder.path.resolve().name,
        folder=folder.path,
        data=audit.title if audit else values.get("data.source", "unknown data"),
        model=watched.model if watched else values.get("model.name", "unknown model"),
        headline=head,
        checks=_read(folder.checks, lambda text: check_rows(json.loads(text)), ()),
        range_test=_read(folder.range_test, lambda text: rate_curve(json.loads(text)), None),
        diagnosis=diagnosis_view(history, _known(folder)),
        watch=watch_view(history),
        curves=curves(epochs, history.first_stop or history.stop),
        steps=step_curve(history.steps.rows, history.retrain.step if history.retrain else None),
        retrained=history.retrain,
        epochs=epochs,
        judgements=judged,
        first_batch=first_batch if first_batch.is_file() else None,
        moves=tuple(dict.fromkeys(word for key, word in MOVES.items() if values.get(key, "0") not in OFF)),
        mixed=any(values.get(key, "0") not in OFF for key in ("augment.mixup", "augment.cutmix")),
        softened=values.get("loss.label_smoothing", "0") not in ("0", "0.0"),
        audit=audit,
        layers=_read(folder.layers, lambda text: layers(json.loads(text)), None),
        environment=_read(folder.environment, lambda text: environment_rows(json.loads(text)), ()),
        command=_read(folder.command, str.strip, None),
        recipe=recipe,
        resumed=history.resumes,
        guarded=history.guards,
        next_steps=next_steps(folder.path, head.outcome, history.findings),
        task=values.get("data.task", "classification"),
        watched=watched,
    )


def _known(folder: RunFolder) -> Known:
    """Reads what is known of a run; a recipe that this version does not understand is shown all the same."""
    try:
        return known_of(folder)
    except InputError:
        return Known()


def _judgements(history: History, mistakes: Path) -> tuple[Judgement | TaskJudgement, ...]:
    """Lays out the latest evaluation of each part, test first; the pictures of mistakes belong to the first."""
    records = [record for part in ("test", "valid") if (record := history.evaluation(part)) is not None]
    return tuple(_laid_out(record, None if index else mistakes) for index, record in enumerate(records))


def _laid_out(record: Evaluation, mistakes: Path | None) -> Judgement | TaskJudgement:
    if isinstance(record, EvaluationRecord):
        return judgement(record, mistakes)
    return LAID_OUT[type(record)](record, mistakes)


def _read(path: Path, lay_out: Callable[[str], View], missing: View) -> View:
    """Reads one of the small files of a run; a file that is not there (yet) gives `missing`."""
    if not path.is_file():
        return missing
    try:
        return lay_out(path.read_text("utf-8"))
    except (ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise InputError(
            "a file of the run is damaged, or was written by another version of trainwright",
            got=f"{type(error).__name__}: {error}",
            where=str(path),
            hint="restore the file, or move it away; the report is then written without what it holds",
        ) from None

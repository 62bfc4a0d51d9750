"""The typed lines of a run's event log. Frozen, plain data, units in the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .task_records import MultiLabelRecord, PartName, RankingRecord, RegressionRecord
from .watch_records import AnswersRecord, ExperimentKind, ExperimentRecord, ProbeRecord, UnitsRecord, WatchRecord

Severity = Literal["note", "warn", "stop"]


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One optimizer step. `loss` is the training loss as trained (smoothed labels, augmented pictures), without the
    `penalty` on weights and activations, which is None where none is a term of the loss."""

    step: int
    epoch: int
    learning_rate: float
    loss: float
    gradient_norm_before_clip: float | None = None
    penalty: float | None = None


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """One pass over the training part and the validation after it. Epochs and steps count from 1.

    `step` is the number of optimizer steps since the start of the run. `train_accuracy` is measured on the augmented
    pictures in training mode. `best` says whether this epoch's snapshot is the best so far. `data_wait_share` is the
    share of the training time spent waiting for the next batch. `valid_*` are None where there is no validation part.
    In tasks without right and wrong answers accuracies are None, and `valid_figures` holds the task's own figures by
    name, first the one that chooses the best epoch.

    `stage` tells the training that validation chooses from (`first`) from the one on its pictures, too, that follows
    it on request (`retrain`); there `best` is False, since nothing is chosen, and where it goes on until the added
    pictures are learned, `added_loss` is their loss in evaluation mode.
    """

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    best: bool
    train_time_s: float
    valid_time_s: float
    pictures_per_s: float
    data_wait_share: float
    memory_mib: float
    valid_figures: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    stage: Literal["first", "retrain"] = "first"
    added_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationRecord:
    """A snapshot judged on one part. `confusion_KK[i][j]` counts pictures of class i that were called class j.

    `accuracy_interval` is Wilson's at 95 %. `loss` is cross-entropy (of `logistic` that), without smoothing and
    weights. `calibration_error` is the expected calibration error over 15 equal bins. `top_k_accuracy` maps k to
    accuracy, for 1 and, where there are more than 5 classes, 5. `mistakes` are the most confident wrong answers, most
    confident first. `trained_on` counts pictures of foreign data, by their content, that stood in the training part,
    and `unseen` judges the others; None for the run's own parts. `tta` names the views of each picture whose
    probabilities were averaged.
    """

    part: PartName
    epoch: int
    pictures: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    top_k_accuracy: Mapping[str, float]
    loss: float
    calibration_error: float
    per_class: tuple[ClassScore, ...]
    confusion_KK: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...] = ()
    trained_on: int | None = None
    unseen: Unseen | None = None
    tta: str = "none"


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """The answers for those pictures of foreign data that the net was not trained on; None where there are none."""

    pictures: int
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """One class in an evaluation; scores are None where nothing defines them (no picture, no prediction)."""

    label: str
    pictures: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A wrong answer: the picture's name in the data and its row in its part, what it is, what it was called."""

    name: str
    row: int
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class ResumeRecord:
    """The run went on from a checkpoint: step records beyond `step` and epoch records beyond `epoch` that stand
    earlier in the log describe work that was lost and is done again; a reader leaves them out."""

    step: int
    epoch: int
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class GuardRecord:
    """The guard took the run back, as a resume does, and changed settings as the finding `code` advises.

    `step` and `epoch` are where the run went on from, `left_step` is the step at which it was left; what lies between
    is lost work. `checkpoint` is what was taken up. `before` and `after` map the recipe keys that changed to values.
    It is written first with `done` false, and again once checkpoints and recipe are those of the way back, so that a
    run that is killed between both goes all of the way when it is resumed.
    """

    step: int
    epoch: int
    left_step: int
    checkpoint: str
    code: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    done: bool = True


@dataclass(frozen=True, kw_only=True)
class RetrainRecord:
    """The first stage of training is over, and a second one on training and validation pictures together begins.

    `way` is how: `restart` from the first weights, `continue` from those of `best_epoch`. `step` and `epoch` are where
    the first stage ended; those of the second count on from there. `epochs` is how long it lasts at most, `pictures`
    what it learns from, `added` of them from the validation part. To `continue` until the loss of the added pictures
    falls from `added_loss` to `target_loss`, that of the training pictures, both in evaluation mode.
    """

    way: Literal["restart", "continue"]
    step: int
    epoch: int
    best_epoch: int
    epochs: int
    pictures: int
    added: int
    target_loss: float | None = None
    added_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class StopRecord:
    """A stage of training ended. `reason` in words; `best_epoch` is the epoch of the snapshot that is kept of it."""

    reason: str
    kind: Literal["completed", "early-stopping", "interrupted", "non-finite-loss", "check-failed"]
    epoch: int
    step: int
    best_epoch: int
    train_time_s: float


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something worth saying about a run, with the numbers that show it. Plain data: no markup, no tensors.

    `code` is stable and has a page in the documentation; `evidence` maps a name with its unit to a measured number
    or word; `advice` maps a recipe key to the value to try, or the word `do` to a sentence. `confidence` is how often
    a finding of this code was right where that was measured, from 0 to 1 (1: checked exactly); None where nobody
    measured it. `withdrawn` is the step at which its sign was gone, None while it stands; a finding that is withdrawn
    is told anew, with that step. `diagnosed` tells those that the course of training showed, which alone can be told
    anew, from what data, checks and the loop itself told once. `experiment` is the one that confirmed it, if any.
    """

    code: str
    severity: Severity
    summary: str
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    advice: Mapping[str, Any] = field(default_factory=dict[str, Any])
    since_step: int | None = None
    layers: tuple[str, ...] = ()
    source: str = "own choice"
    confidence: float | None = None
    withdrawn: int | None = None
    diagnosed: bool = False
    experiment: ExperimentKind | None = None


TrialEnding = Literal["completed", "diverged", "pruned", "finding", "interrupted", "refused"]
"""How a trial ended: after its last epoch (or out of patience), or before; `refused`: its settings do not fit each
other."""


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A training whose weights nobody keeps, made to learn what its `settings` (recipe key → value) are worth.

    `value` is the best score of the validation part, that of `best_epoch`, higher is better, and `figure` says what it
    is; None where no epoch was finished. `scores` and `train_losses` hold one number an epoch, `first_loss` is that
    of the first step, `epochs_spent` counts parts of an epoch, `time_s` is all that it took.

    In a search, `stage` is the stage that it belongs to. Of a trial that was trained once for each of several folds,
    `fold_values` holds the value of each and `value` is their mean, `scores` and `train_losses` are those of the first
    fold, and `epochs_spent` and `time_s` are sums.
    """

    trial: int
    settings: Mapping[str, Any]
    seed: int
    epochs: int
    figure: str
    value: float | None
    best_epoch: int | None
    ended: TrialEnding
    reason: str
    scores: tuple[float | None, ...]
    train_losses: tuple[float, ...]
    first_loss: float | None
    epochs_spent: float
    time_s: float
    stage: int | None = None
    fold_values: tuple[float | None, ...] = ()


Evaluation = EvaluationRecord | MultiLabelRecord | RegressionRecord | RankingRecord
"""A snapshot judged on one part; each task has its own."""

Watched = WatchRecord | ProbeRecord | UnitsRecord | AnswersRecord | ExperimentRecord
"""What watching measures."""

Record = (
    StepRecord
    | EpochRecord
    | Evaluation
    | ResumeRecord
    | GuardRecord
    | RetrainRecord
    | StopRecord
    | Finding
    | TrialRecord
    | Watched
)

"""Training: model and data become trained weights.

Comes in:   a decided recipe, prepared data
Goes out:   records told to observers, checkpoints, evaluations
May import: errors, recipe, runs, data, models
Read next:  setup.py and build.py, then loop.py and step.py
Example:    fit(build(recipe, data), data, Progress(), Checkpoints(folder), observers=[], interruption=Interruption())
"""

from .averaging import WeightAverage, ema_decay
from .build import build, check_batch_size
from .checkpoint import Checkpoint, load_checkpoint, load_newest, save_checkpoint
from .choice import choose_clipping, choose_loss, choose_training, lower_rate, rate_of_auto
from .clipping import gradient_norm
from .distributed import ALONE, Ranks, opened_ranks
from .ending import Observer, tell
from .evaluation import answer, eval_batch, predict_logits
from .interruption import Interruption, listening
from .loop import fit
from .losses import Loss, cross_entropy
from .lost_ranks import OfAnotherRank, RankLost
from .machine import (
    Machine,
    choose_device,
    choose_machine,
    choose_workers,
    cores,
    decide_machine,
    open_device,
    open_machine,
)
from .optimizers import build_optimizer, check_optimizer
from .parameter_groups import parameter_groups, set_rates, top_rate
from .progress import Checkpoints, Progress, kept_preprocessor, restore, training_state
from .regularization import add_penalty, bring_back, shrink
from .retraining import SECOND_STAGES, FirstStage, build_second, losses_at_the_stop
from .schedules import check_schedule, rate_factor
from .setup import Setup
from .snapshot import Snapshot, open_snapshot, snapshot_from, snapshot_meta
from .step import Group, NonFiniteLoss, batch_sizes, grouped, mixed_loss, steps_per_epoch, train_step
from .stopping import Before, Best, Cut, Enough, Goal, better, out_of_patience
from .tasks import THRESHOLD, Answers, Classification, Regression, Task, Verdict, task_of_data
from .witness import Seen, Witness, random_state, unmoved

__all__ = [
    "ALONE",
    "SECOND_STAGES",
    "THRESHOLD",
    "Answers",
    "Before",
    "Best",
    "Checkpoint",
    "Checkpoints",
    "Classification",
    "Cut",
    "Enough",
    "FirstStage",
    "Goal",
    "Group",
    "Interruption",
    "Loss",
    "Machine",
    "NonFiniteLoss",
    "Observer",
    "OfAnotherRank",
    "Progress",
    "RankLost",
    "Ranks",
    "Regression",
    "Seen",
    "Setup",
    "Snapshot",
    "Task",
    "Verdict",
    "WeightAverage",
    "Witness",
    "add_penalty",
    "answer",
    "batch_sizes",
    "better",
    "bring_back",
    "build",
    "build_optimizer",
    "build_second",
    "check_batch_size",
    "check_optimizer",
    "check_schedule",
    "choose_clipping",
    "choose_device",
    "choose_loss",
    "choose_machine",
    "choose_training",
    "choose_workers",
    "cores",
    "cross_entropy",
    "decide_machine",
    "ema_decay",
    "eval_batch",
    "fit",
    "gradient_norm",
    "grouped",
    "kept_preprocessor",
    "listening",
    "load_checkpoint",
    "load_newest",
    "losses_at_the_stop",
    "lower_rate",
    "mixed_loss",
    "open_device",
    "open_machine",
    "open_snapshot",
    "opened_ranks",
    "out_of_patience",
    "parameter_groups",
    "predict_logits",
    "random_state",
    "rate_factor",
    "rate_of_auto",
    "restore",
    "save_checkpoint",
    "set_rates",
    "shrink",
    "snapshot_from",
    "snapshot_meta",
    "steps_per_epoch",
    "task_of_data",
    "tell",
    "top_rate",
    "train_step",
    "training_state",
    "unmoved",
]

"""The training loop, in the order in which things happen.

Whatever changes a run (the rate, the best snapshot, the end) is a line here. Observers are told and cannot answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import psutil
import torch

from trainwright.data import Batch, Part, PreparedData, batches
from trainwright.runs import EpochRecord, StepRecord, StopRecord

from .ending import Observer, not_finite, refuse_damage, refuse_no_number, stop, tell
from .evaluation import answer
from .interruption import Interruption
from .non_finite import first_non_finite
from .parameter_groups import top_rate
from .progress import Checkpoints, Progress
from .reestimation import reestimate
from .schedules import rate_factor
from .setup import Setup
from .step import NonFiniteLoss, grouped, set_rate
from .stopping import Cut, Enough, Goal, better, on_a_plateau, out_of_patience
from .tasks import Verdict
from .witness import Witness


def fit(
    setup: Setup,
    data: PreparedData,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
    *,
    observers: Sequence[Observer],
    interruption: Interruption,
    goal: Goal | None = None,
    enough: Enough | None = None,
    witness: Witness | None = None,
) -> StopRecord:
    """Trains from where `progress` stands to the end of the last epoch, out of patience, a goal, or an interruption.

    Args:
        setup: what to train, and with what.
        data: its training part is learned, its validation part chooses the best epoch.
        progress: a new one, or one restored from a checkpoint.
        checkpoints: keep what was learned; None where nobody will ask for it again, and on all ranks but one.
        observers: are told each step, each epoch, and the end.
        interruption: looked at after every step.
        goal: looked at after every epoch; training ends where it is reached.
        enough: asked after every step and every epoch, once observers were told; what it gives ends training there.
        witness: looks at the live net after every step and every epoch.

    Returns: the record of the end; observers have been told it.

    Raises:
        TrainingError: the loss became not finite; weights of the last good checkpoint stay on disk.
    """
    drawn = data.train.drawn
    while progress.epoch <= setup.epochs and not progress.stopped_early:
        try:
            cut = _train_epoch(setup, data, progress, checkpoints, observers, interruption, enough, witness)
        except NonFiniteLoss as error:
            images_NCHW = setup.prepare_train(error.batch, setup.epochs_drawn + progress.epoch)
            layer = error.parameter or first_non_finite(setup.model, images_NCHW, setup.machine)
            layer = next((found for found in setup.ranks.gathered(layer) if found != "loss"), "loss")
            what = f"{error.what} became {error.value}"
            raise not_finite(setup, progress, drawn, what, progress.step + 1, layer, observers) from None
        refuse_damage(setup, progress, data.train.drawn, observers)
        if cut is not None:
            if cut.kind == "interrupted" and checkpoints is not None:
                checkpoints.save_last(setup, progress)
            return stop(progress, cut.kind, cut.reason, observers)

        judged = _judge_epoch(setup, data, progress, observers, goal)
        if witness is not None:
            witness.epoch(progress.step, progress.epoch)
        if checkpoints is not None and progress.best.epoch == progress.epoch:
            checkpoints.save_best(setup, progress)
        progress.reached = goal is not None and progress.added_loss is not None and progress.added_loss <= goal.loss
        impatient = out_of_patience(progress.best, progress.epoch, setup.recipe.training.patience)
        progress.stopped_early = impatient or progress.reached
        if setup.recipe.schedule.name == "plateau":
            since = max(progress.dropped_at, setup.risen_epoch)
            if on_a_plateau(progress.best, progress.epoch, since, setup.recipe.schedule.drop_epochs):
                progress.drops, progress.dropped_at = progress.drops + 1, progress.epoch
        cut = enough(judged) if enough is not None else None
        progress.next_epoch()
        if checkpoints is not None:
            checkpoints.save_last(setup, progress)
        if cut is not None:
            return stop(progress, cut.kind, cut.reason, observers)

    return _at_the_end(setup, progress, observers, goal)


def _train_epoch(
    setup: Setup,
    data: PreparedData,
    progress: Progress,
    checkpoints: Checkpoints | None,
    observers: Sequence[Observer],
    interruption: Interruption,
    enough: Enough | None,
    witness: Witness | None,
) -> Cut | None:
    """Makes the steps of the epoch that are still to be made, or those until it is cut short; tells why it was."""
    recipe = setup.recipe
    setup.model.train()
    saved_at, drawn = time.perf_counter(), setup.epochs_drawn + progress.epoch
    order = _Awaited(setup.order(data, drawn, progress.batch))
    sizes = setup.sizes(data)[progress.batch :]
    for group in grouped(order, sizes, setup.batches_per_step):
        started, waited_s = time.perf_counter(), order.waited_s
        factor = rate_factor(
            recipe.schedule,
            progress.step,
            setup.total_steps,
            per_epoch=setup.steps_per_epoch,
            drops=progress.drops,
        )
        rate = set_rate(setup.optimizer, recipe.optim, factor)
        setup.ranks.begin_step(recipe.training.seed, setup.before.steps + progress.step)
        result = setup.step(group, drawn, witnessed=witness is not None)
        progress.step += 1
        if setup.average is not None:
            setup.average.update(setup.model, progress.step)

        progress.batch += len(group.sizes)
        progress.steps_in_epoch += 1
        progress.loss_sum += result.loss * len(group.sizes)
        progress.correct = None if result.correct is None else (progress.correct or 0) + result.correct
        progress.pictures += result.pictures
        progress.waiting_time_s += order.waited_s - waited_s
        made = StepRecord(
            step=progress.step,
            epoch=progress.epoch,
            learning_rate=rate,
            loss=result.loss,
            penalty=result.penalty,
            gradient_norm_before_clip=result.gradient_norm_before_clip,
        )
        tell(observers, made)
        if witness is not None and result.seen is not None:
            witness.step(progress.step, progress.epoch, result.seen)
        now = time.perf_counter()
        progress.epoch_time_s += now - started
        if interruption.agreed(setup.ranks):
            return Cut("interrupted", f"interrupted by {interruption.signal_name}")
        if enough is not None and (cut := enough(made)) is not None:
            return cut
        due = now - saved_at >= recipe.training.checkpoint_every_s and progress.steps_in_epoch < setup.steps_per_epoch
        if checkpoints is not None and due:
            refuse_damage(setup, progress, data.train.drawn, observers)
            checkpoints.save_last(setup, progress)
            saved_at = time.perf_counter()
    return None


def _judge_epoch(
    setup: Setup, data: PreparedData, progress: Progress, observers: Sequence[Observer], goal: Goal | None
) -> EpochRecord:
    """Judges the net by the validation part after an epoch, sees whether it is the best so far, and tells it.

    Raises:
        TrainingError: a loss is not finite.
    """
    started, drawn = time.perf_counter(), data.train.drawn
    if setup.recipe.training.reestimate_batch_norm:
        reestimate(setup.judged, _clean(setup, data, progress), setup.prepare_eval, setup.machine, setup.ranks)
    verdict = _verdict(setup, data.valid) if data.valid else None
    score, loss = (verdict.score, verdict.loss) if verdict else (None, None)
    refuse_no_number(loss, data.valid, setup, progress, drawn, observers)
    if goal is not None:
        progress.added_loss = _verdict(setup, goal.added).loss
        refuse_no_number(progress.added_loss, goal.added, setup, progress, drawn, observers)
    valid_time_s = time.perf_counter() - started
    progress.train_time_s += progress.epoch_time_s + valid_time_s
    progress.best = better(progress.best, progress.epoch, score, loss)
    record = _epoch_record(setup, progress, verdict, valid_time_s)
    tell(observers, record)
    return record


def _at_the_end(setup: Setup, progress: Progress, observers: Sequence[Observer], goal: Goal | None) -> StopRecord:
    """Says how a stage ended that was not cut short."""
    if goal is not None and progress.added_loss is not None:
        done = f"after {progress.epoch - 1} of at most {setup.epochs} epochs the loss of the added pictures is"
        word = "no more" if progress.reached else "still more"
        than = f"{progress.added_loss:.3g}, {word} than the {goal.loss:.3g} of the training pictures at the stop"
        return stop(progress, "completed", f"{done} {than}", observers)
    if progress.stopped_early:
        reason = f"no better validation {setup.task.figure} since epoch {progress.best.epoch}"
        return stop(progress, "early-stopping", reason, observers)
    return stop(
        progress,
        "completed",
        "the one epoch done" if setup.epochs == 1 else f"all {setup.epochs} epochs done",
        observers,
    )


def _clean(setup: Setup, data: PreparedData, progress: Progress) -> Iterator[Batch]:
    """Walks once through all training pictures, mixed as this epoch mixes them, in batches of the training's size.

    Training leaves out a picture that is left over. Here it joins others: what trains on two may not on one alone.
    Of several ranks each takes whole batches, in turns.
    """
    seed, drawn = setup.recipe.training.seed, setup.epochs_drawn + progress.epoch
    smallest = min(2, setup.batch_size)
    return batches(
        data.train,
        setup.batch_size,
        seed=seed,
        epoch=drawn,
        start=setup.ranks.rank,
        step=setup.ranks.world,
        every_picture=True,
        smallest=smallest,
    )


class _Awaited:
    """Hands batches on, and adds up the seconds that were waited for them."""

    def __init__(self, order: Iterator[Batch]) -> None:
        self.order = order
        self.waited_s = 0.0

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        asked = time.perf_counter()
        try:
            return next(self.order)
        finally:
            self.waited_s += time.perf_counter() - asked


def _verdict(setup: Setup, part: Part) -> Verdict:
    """Asks the model that is judged about a part, and sums its answers up."""
    return setup.task.verdict(answer(setup.judged, part, [setup.prepare_eval], setup.machine, setup.task, setup.ranks))


def _epoch_record(setup: Setup, progress: Progress, verdict: Verdict | None, valid_time_s: float) -> EpochRecord:
    return EpochRecord(
        epoch=progress.epoch,
        step=progress.step,
        learning_rate=top_rate(setup.optimizer),
        train_loss=progress.loss_sum / progress.batch,
        train_accuracy=None if progress.correct is None else progress.correct / progress.pictures,
        valid_loss=verdict.loss if verdict else None,
        valid_accuracy=verdict.accuracy if verdict else None,
        valid_figures=verdict.figures if verdict else {},
        best=progress.best.epoch == progress.epoch,
        train_time_s=progress.epoch_time_s,
        valid_time_s=valid_time_s,
        pictures_per_s=progress.pictures / progress.epoch_time_s,
        data_wait_share=progress.waiting_time_s / progress.epoch_time_s,
        memory_mib=_memory_mib(setup.machine.device),
        added_loss=progress.added_loss,
    )


def _memory_mib(device: torch.device) -> float:
    """Measures the memory in use: the device's peak on CUDA, else this process's."""
    used = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss
    return used / 2**20

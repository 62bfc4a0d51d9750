"""What `auto` means for optimizer, batch size and length, said with the reason."""

from __future__ import annotations

from trainwright.recipe import (
    LOSSES_OF,
    SMOOTHED,
    TIMM_OPTIMIZER,
    Choice,
    LossSection,
    OptimSection,
    Recipe,
    Task,
    decided,
)

from .step import steps_per_epoch
from .timm_optimizers import timm_defaults

UNBOUNDED = ("l2",)
"""Losses whose gradient by the net's outputs grows with the error, and whose curvature never ends."""

CLIP_NORM = 3.0
"""Norm of the gradient with such a loss. At the start the curvature of l2 is 2 times the squared norm of what the head
sees, about 600 for small-resnet on colour pictures: with momentum 0.9 a rate above 0.002 makes the error grow from step
to step, and a short warm-up rises far above it before the net has adapted. docs/tasks.md has the measurements."""

WITH_VELOCITY = ("sgd", "momentum", "nesterov")
WEIGHT_DECAY = {"sgd": 5e-4, "momentum": 5e-4, "nesterov": 5e-4, "adamw": 0.05}
"""None of the others: where the step is divided by the root of squared gradients, so is the decay that is added to the
gradient, and it holds the least those weights that move most (Loshchilov & Hutter 2019, section 2)."""

BASE_RATE = {
    "sgd": 0.25,
    "momentum": 0.25,
    "nesterov": 0.25,
    "adagrad": 0.2,
    "rmsprop": 0.006,
    "adam": 0.004,
    "adamw": 0.004,
}
"""Peak rate of one-cycle for BASE_BATCH pictures a step, for nets with batch normalization. Own measurements: for sgd
and adamw those of benchmarks/, for adagrad, rmsprop and adam those in docs/optimizers.md. Rates that libraries begin
with, such as 0.001, are for constant rates and learn less in a short run."""

BASE_BATCH = 128
LARGEST_STEP = 8192
"""Pictures a step beyond which the rate grows no further; Goyal et al. 2017, figure 1."""

FEW_STEPS = 200
"""Steps of a run below which a rate falls in proportion: there is no time to come back from what the full rate breaks
in the warm-up. Measured with sgd on 180 pictures (benchmarks/results/small_folders.md)."""

FULL_BATCH_EPOCHS = 300
FULL_BATCH_STEP = 256
"""Pictures whose rate full-batch steps have at most. On digits (1,294 pictures, 300 steps, sgd) a rate of
0.5 came to 99.4 % in the test, 1 to 97.2 %, and 2.5 to 25.6 %."""


def choose_loss(section: LossSection, task: Task) -> list[Choice]:
    """Decides the loss of a task and how far its labels are smoothed, where the recipe says `auto`.

    >>> [choice.value for choice in choose_loss(LossSection(), "multi-label")]
    ['logistic', 0.0]
    """
    choices: list[Choice] = []
    name = section.name
    if name == "auto":
        name = LOSSES_OF[task][0]
        choices.append(Choice("loss.name", name, f"usual for {task}"))
    if section.label_smoothing == "auto":
        if name in SMOOTHED:
            choices.append(Choice("loss.label_smoothing", 0.1, f"usual with {name}"))
        elif task in ("classification", "multi-label"):
            choices.append(Choice("loss.label_smoothing", 0.0, f"{name} judges each label by itself"))
    return choices


def choose_clipping(section: OptimSection, loss: str) -> list[Choice]:
    """Decides the largest norm of the gradient, where the recipe says `auto`.

    Args:
        section: may hold `auto`.
        loss: its name, decided.

    >>> [choice.value for choice in choose_clipping(OptimSection(), "l2")]
    [3.0]
    """
    if section.clip_norm != "auto":
        return []
    if section.clip_value > 0 or section.clip_adaptive > 0:
        return [Choice("optim.clip_norm", 0.0, "another setting clips the gradient")]
    if loss in UNBOUNDED:
        reason = f"the gradient of {loss} grows with the error, and a rising rate could drive both to infinity"
        return [Choice("optim.clip_norm", CLIP_NORM, reason)]
    return [Choice("optim.clip_norm", 0.0, f"the gradient of {loss} has a bound of its own")]


def choose_training(recipe: Recipe, *, pictures: int) -> list[Choice]:
    """Decides the training settings that are still `auto`.

    Args:
        recipe: may hold `auto` in optim and training.
        pictures: number of training pictures.
    """
    optim, training = recipe.optim, recipe.training
    choices: list[Choice] = []
    batch_size = optim.batch_size
    if batch_size == "auto":
        batch_size = _batch_size(pictures)
        steps = pictures // batch_size
        reason = f"{pictures:,} training pictures, {steps:,} steps an epoch"
        choices.append(Choice("optim.batch_size", batch_size, reason))
    if optim.lr == "auto":
        choices.append(_rate_of_run(recipe, pictures, batch_size))
    if optim.weight_decay == "auto":
        choices.append(_weight_decay(recipe))
    if training.epochs == "auto":
        if optim.accumulate == "all":
            choices.append(Choice("training.epochs", FULL_BATCH_EPOCHS, "an epoch is one step"))
        else:
            choices.append(
                Choice(
                    "training.epochs",
                    _epochs(pictures),
                    f"the fewer pictures, the more often each is shown: {pictures:,} in training; from 8 to 40 epochs",
                )
            )
    return choices


def rate_of_auto(recipe: Recipe, *, pictures: int) -> float:
    """Tells the peak rate that `optim.lr: auto` would take in a recipe, whatever rate it has.

    Args:
        recipe: with a batch size that is decided.
        pictures: number of training pictures.
    """
    return float(_rate_of_run(recipe, pictures, decided(recipe.optim.batch_size)).value)


def lower_rate(recipe: Recipe, *, pictures: int) -> dict[str, float | str]:
    """Advises another `optim.lr` where that of a recipe was too high: auto if that is clearly lower, else a tenth.

    Args:
        recipe: with a rate and a batch size that are decided.
        pictures: number of training pictures.
    """
    rate = decided(recipe.optim.lr)
    clearly = rate > 1.5 * rate_of_auto(recipe, pictures=pictures)
    return {"optim.lr": "auto" if clearly else float(f"{rate / 10:.3g}")}


def _rate_of_run(recipe: Recipe, pictures: int, batch_size: int) -> Choice:
    """Chooses the peak rate for the length of a run, which may be left to `auto`, too."""
    optim, training = recipe.optim, recipe.training
    if optim.accumulate == "all":
        return _rate(optim, pictures, most=FULL_BATCH_STEP)
    epochs = _epochs(pictures) if training.epochs == "auto" else training.epochs
    steps = epochs * steps_per_epoch(pictures, batch_size, optim.accumulate)
    return _rate(optim, batch_size * optim.accumulate, most=LARGEST_STEP, steps=steps)


def _rate(optim: OptimSection, together: int, *, most: int, steps: int = FEW_STEPS) -> Choice:
    """Chooses the peak rate for a number of pictures a step, which beyond `most` count as if they were so many.

    Runs of fewer than FEW_STEPS steps get a share of it.

    Source: in proportion: Goyal et al. 2017, section 2.1; with the root: Krizhevsky 2014, Malladi et al. 2022.
    """
    if optim.name.startswith(TIMM_OPTIMIZER):
        rate, _ = timm_defaults(optim.name.removeprefix(TIMM_OPTIMIZER))
        return Choice("optim.lr", rate, f"what {optim.name} has when nobody names a rate")
    rate = BASE_RATE[optim.name]
    counted = min(together, most)
    velocity = optim.name in WITH_VELOCITY
    rule = "in proportion to" if velocity else "with the root of"
    value = float(f"{rate * (counted / BASE_BATCH) ** (1.0 if velocity else 0.5):.3g}")
    limit = "" if counted == together else f", for {together} as for {most}"
    if steps < FEW_STEPS:
        value = float(f"{value * max(steps, 1) / FEW_STEPS:.3g}")
        limit += f", and less for only {steps} steps"
    return Choice("optim.lr", value, f"{rate} at {BASE_BATCH} pictures a step, {rule} {counted}{limit}")


def _weight_decay(recipe: Recipe) -> Choice:
    name, regularization = recipe.optim.name, recipe.regularization
    if regularization.l1 > 0 or regularization.l2 > 0:
        return Choice("optim.weight_decay", 0.0, "regularization.l1 and l2 take its place")
    if name.startswith(TIMM_OPTIMIZER):
        _, decay = timm_defaults(name.removeprefix(TIMM_OPTIMIZER))
        return Choice("optim.weight_decay", decay, f"what {name} has when nobody names one")
    if name in WEIGHT_DECAY:
        return Choice("optim.weight_decay", WEIGHT_DECAY[name], f"usual for {name}")
    return Choice("optim.weight_decay", 0.0, f"{name} would divide it by the gradient's root; adamw decays rightly")


def _batch_size(pictures: int) -> int:
    """Gives the largest power of 2 that leaves 40 steps an epoch, from 16 to 128."""
    size = 16
    while size < 128 and pictures >= 2 * size * 40:
        size *= 2
    return min(size, pictures)


def _epochs(pictures: int) -> int:
    """Gives about 400,000 pictures of training, between 8 and 40 epochs."""
    return max(8, min(40, round(400_000 / pictures)))

"""What `auto` means for optimizer, batch size and length, said with the reason."""

from __future__ import annotations

from trainwright.recipe import Choice, Recipe

WEIGHT_DECAY = {"sgd": 5e-4, "adamw": 0.05}
BASE_RATE = {"sgd": (0.25, 128), "adamw": (0.004, 128)}
"""Peak rate of one-cycle at a batch size, for nets with batch normalization; own measurements in benchmarks/."""


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
        rate, at = BASE_RATE[optim.name]
        together = batch_size * optim.accumulate
        power = 1.0 if optim.name == "sgd" else 0.5
        rule = "in proportion to" if optim.name == "sgd" else "with the root of"
        value = float(f"{rate * (together / at) ** power:.3g}")
        choices.append(Choice("optim.lr", value, f"{rate} at {at} pictures a step, {rule} {together}"))
    if optim.weight_decay == "auto":
        choices.append(Choice("optim.weight_decay", WEIGHT_DECAY[optim.name], f"usual for {optim.name}"))
    if training.epochs == "auto":
        epochs = _epochs(pictures)
        choices.append(Choice("training.epochs", epochs, f"{pictures:,} training pictures"))
    return choices


def _batch_size(pictures: int) -> int:
    """Gives the largest power of 2 that leaves 40 steps an epoch, from 16 to 128."""
    size = 16
    while size < 128 and pictures >= 2 * size * 40:
        size *= 2
    return min(size, pictures)


def _epochs(pictures: int) -> int:
    """Gives about 400,000 pictures of training, between 8 and 40 epochs."""
    return max(8, min(40, round(400_000 / pictures)))

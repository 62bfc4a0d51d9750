"""From a decided recipe and prepared data to everything that the loop needs, made in one order in one place."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from trainwright.data import (
    Augmenter,
    Mixing,
    PreparedData,
    Preprocessor,
    batches,
    fit_preprocessor,
    wanted_components,
)
from trainwright.data import Progress as DataProgress
from trainwright.errors import InputError
from trainwright.models import (
    SCHEMES_ON_PICTURES,
    Built,
    WeightReport,
    fit_to_pictures,
    set_class_prior,
    source_preprocessing,
)
from trainwright.models import build as build_net
from trainwright.recipe import Recipe, decided

from .activations import check_activations
from .averaging import WeightAverage
from .class_weights import class_shares, class_weights
from .clipping import build_clip
from .compiling import check_compiling
from .distributed import ALONE, Ranks
from .evaluation import eval_batch
from .losses import build_loss, check_smoothing
from .machine import Machine, open_machine
from .optimizers import build_optimizer
from .reestimation import check_reestimation
from .regularization import hold_norms
from .schedules import check_schedule
from .setup import Setup
from .step import batch_sizes, batches_per_step, steps_per_epoch
from .tasks import task_of_data

FIRST_PICTURES = 128
"""Pictures that an initialization looks at; Mishkin & Matas 2015 find that more change nothing."""


def build(
    recipe: Recipe,
    data: PreparedData,
    *,
    preprocessor: Preprocessor | None = None,
    second: bool = False,
    progress: DataProgress | None = None,
    ranks: Ranks = ALONE,
) -> Setup:
    """Builds model, optimizer and all else from a decided recipe; equal recipes and data give equal weights.

    Args:
        recipe: decided.
        data: split and audited.
        preprocessor: of a run that goes on; None has it fitted on the training part.
        second: a stage that follows another, whose schedule may be cut so short that it has no drop.
        progress: told how far the fitting of the preprocessing has come, where it takes long.
        ranks: that train together.

    Raises:
        InputError: a setting does not fit the data (batch larger than the training part, smoothing too strong,
            pictures too large to be whitened) or the net (sparsity of activations that have none).
    """
    optim, training = recipe.optim, recipe.training
    batch_size = decided(optim.batch_size)
    per_epoch = steps_per_epoch(data.train.drawn, batch_size, optim.accumulate)
    check_counts(recipe, data, None if second else per_epoch)
    machine = open_machine(recipe.machine, ranks)
    if recipe.machine.compile:
        check_compiling(machine.device, ranks)
    built = checked_net(recipe, data, ranks)
    if preprocessor is None:
        source = source_preprocessing(built.model)
        preprocessor = fit_preprocessor(recipe.preprocess, data.train, source=source, progress=progress)
    augmenter = Augmenter(
        recipe.augment,
        preprocessor,
        seed=training.seed,
        channels_last=machine.channels_last,
        components_CC=wanted_components(recipe.augment, data.train),
        compiled=recipe.machine.compile,
    )
    model = machine.place(built.model)
    if recipe.init.scheme in SCHEMES_ON_PICTURES:
        images_NCHW = first_pictures(data, training.seed).to(machine.device)
        fit_to_pictures(model, recipe.init, augmenter.evaluate(images_NCHW), seed=training.seed)
    if recipe.init.class_prior:  # last, since a scheme that looks at pictures sets biases, too
        set_class_prior(model, prior_odds(recipe, data))
    optimizer = build_optimizer(optim, model)
    hold_norms(recipe.regularization, optimizer)  # the average begins with the first weights, so they are held, too
    torch.manual_seed(training.seed)
    return Setup(
        recipe=recipe,
        task=task_of_data(recipe.loss, data),
        machine=machine,
        preprocessor=preprocessor,
        augmenter=augmenter,
        mixing=Mixing.of(recipe.augment, seed=training.seed, pictures=len(data.train)),
        model=model,
        weights=built.weights,
        forward=torch.compile(model) if recipe.machine.compile else model,
        loss=build_loss(recipe.loss, weights_of_classes(recipe, data, machine)),
        optimizer=optimizer,
        clip=build_clip(optim),
        average=WeightAverage(model, training.ema) if training.ema > 0 else None,
        scaler=torch.amp.GradScaler(machine.device.type) if machine.dtype == torch.float16 else None,
        epochs=decided(training.epochs),
        batch_size=batch_size,
        batches_per_step=batches_per_step(data.train.drawn, batch_size, optim.accumulate),
        steps_per_epoch=per_epoch,
        ranks=ranks,
    )


def check_counts(recipe: Recipe, data: PreparedData, steps_an_epoch: int | None) -> None:
    """Refuses settings that the number of pictures or classes does not bear.

    Args:
        steps_an_epoch: by which the schedule is judged; None leaves it unjudged.

    Raises:
        InputError: batch larger than the training part, smoothing too strong, nothing to validate on, a schedule
            longer than the training.
    """
    check_batch_size(decided(recipe.optim.batch_size), data.train.drawn, pairs=data.task == "ranking")
    if data.task == "classification":
        check_smoothing(decided(recipe.loss.label_smoothing), len(data.classes))
    check_validation(recipe, data.valid.drawn)
    if steps_an_epoch is not None:
        steps = decided(recipe.training.epochs) * steps_an_epoch
        check_schedule(recipe.schedule, steps, per_epoch=steps_an_epoch)


def checked_net(recipe: Recipe, data: PreparedData, ranks: Ranks = ALONE) -> Built:
    """Builds the net on the CPU, and makes sure that the recipe's settings fit it.

    Raises:
        InputError: a head that would be overwritten, no activations to act on, batches too small to normalize by, no
            batch statistics to count anew.
    """
    optim = recipe.optim
    built = build_net(
        recipe.model,
        classes=len(data.classes),
        channels=data.channels,
        img_size=data.img_size,
        seed=recipe.training.seed,
        init=recipe.init,
    )
    check_head(recipe, built.weights)
    check_activations(recipe.regularization, built.model)
    smallest = min(batch_sizes(data.train.drawn, decided(optim.batch_size), optim.accumulate))
    check_shares(smallest, ranks)
    check_smallest_batch(built.model, data, smallest if recipe.training.sync_batch_norm else smallest // ranks.world)
    if recipe.training.reestimate_batch_norm:
        check_reestimation(built.model)
    return built


def first_pictures(data: PreparedData, seed: int) -> Tensor:
    """Draws the training pictures that an initialization looks at, uint8 N C H W, at most FIRST_PICTURES."""
    at_once = min(FIRST_PICTURES, eval_batch(data.img_size), data.train.drawn)
    return next(batches(data.train, at_once, seed=seed, epoch=0)).images_NCHW


def weights_of_classes(recipe: Recipe, data: PreparedData, machine: Machine) -> Tensor | None:
    """Gives what each class counts in the loss, float32 K on the device, or None where all count alike."""
    if recipe.loss.class_weights == "none":
        return None
    both_ways = recipe.loss.name == "logistic" and recipe.loss.class_weights == "balanced"
    shares = class_shares(data, "loss.class_weights", both_ways=both_ways)
    weights_K = class_weights(recipe.loss, data.classes, shares)
    return None if weights_K is None else weights_K.to(machine.device)


def prior_odds(recipe: Recipe, data: PreparedData) -> list[float]:
    """Gives what the last bias is the logarithm of: the share of each class in the loss; of `logistic`, its odds."""
    shares = class_shares(data, both_ways=recipe.loss.name == "logistic")
    weights_K = class_weights(recipe.loss, data.classes, shares)
    weights = [1.0] * len(shares) if weights_K is None else weights_K.tolist()
    if recipe.loss.name == "logistic":
        return [weight * share / (1 - share) for weight, share in zip(weights, shares, strict=True)]
    return [weight * share for weight, share in zip(weights, shares, strict=True)]


def check_head(recipe: Recipe, weights: WeightReport | None) -> None:
    """Refuses to overwrite the bias of a last layer that was loaded.

    Raises:
        InputError: `init.class_prior` beside weights whose head was kept.
    """
    if recipe.init.class_prior and weights is not None and not weights.head_replaced:
        raise InputError(
            "init.class_prior would overwrite the bias of the last layer, which was loaded with the weights",
            expected="a last layer that is new",
            got=f"one for {recipe.model.weights}'s own classes, as many as here",
            where="init.class_prior",
            hint="leave init.class_prior out",
        )


def check_batch_size(batch_size: int, drawn: int, *, pairs: bool = False) -> None:
    """Refuses a batch larger than the training part.

    Args:
        batch_size: as in the recipe.
        drawn: pictures of the training part, or its pairs.
        pairs: whether they are pairs.

    Raises:
        InputError: with the largest batch that fits.
    """
    if batch_size > drawn:
        raise InputError(
            "the batch is larger than the training part",
            expected=f"at most {drawn} {'pairs' if pairs else 'pictures'}",
            got=f"{batch_size}",
            where="optim.batch_size",
            hint=f"--batch-size {max(1, drawn // 8)}, or auto",
        )


def check_shares(pictures: int, ranks: Ranks) -> None:
    """Refuses more ranks than there are pictures, or pairs, in the smallest batch, so that one would have none.

    Raises:
        InputError: with the number of both.
    """
    if pictures < ranks.world:
        raise InputError(
            "a batch has fewer pictures than there are ranks to share it",
            expected=f"at least {ranks.world} a batch, one for each rank",
            got=f"{pictures}",
            where="optim.batch_size",
            hint="--batch-size is that of all ranks together; a larger one, or fewer ranks",
        )


def check_smallest_batch(model: nn.Module, data: PreparedData, pictures: int) -> None:
    """Refuses batches of one picture where a normalization is left with one number to take a mean of.

    Args:
        model: on the CPU; stays as it is.
        data: prepared.
        pictures: of the smallest batch.

    Raises:
        InputError: the model cannot train on single pictures of this size.
    """
    if pictures > 1:
        return
    twin = copy.deepcopy(model).train()
    try:
        with torch.no_grad(), torch.random.fork_rng([]):
            twin(torch.zeros(1, data.channels, data.img_size, data.img_size))
    except ValueError as error:
        raise InputError(
            "a batch of one picture leaves a normalization of this model nothing to take a mean of",
            expected="at least 2 pictures a batch, or larger pictures",
            got=str(error),
            where="optim.batch_size",
            hint="--batch-size 2 or more, or model.normalization: group",
        ) from error


def check_validation(recipe: Recipe, drawn: int) -> None:
    """Refuses settings that look at a validation part where there is none.

    Args:
        drawn: pictures of the validation part, or its pairs.

    Raises:
        InputError: names the setting, and how to get such a part.
    """
    training = recipe.training
    wants = {
        "schedule.name: plateau": recipe.schedule.name == "plateau",
        "training.patience": training.patience > 0,
        f"training.retrain: {training.retrain}": training.retrain != "none",
    }
    for setting, wanted in wants.items():
        if wanted and drawn == 0:
            raise InputError(
                f"{setting} needs a validation part",
                expected="pictures set apart, or brought in a folder or column of their own",
                got="none",
                where=setting.partition(":")[0],
                hint="data.valid_share above 0 and enough pictures (of each class, or in pairs), or another setting",
            )

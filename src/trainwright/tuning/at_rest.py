"""Checks that need no training: inputs, optimizer, regularization, pictures that mix, determinism.

Legend: N pictures, C channels, H W height and width, K outputs.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from trainwright.recipe import RegularizationSection
from trainwright.training import add_penalty

from .checks import Check, alarm, passed, skipped
from .first_loss import too_high
from .subject import Subject, plainly

INPUTS, OPTIMIZER, REGULARIZATION, SEPARATE, DETERMINISM = (
    "inputs",
    "optimizer",
    "regularization",
    "separate-pictures",
    "determinism",
)

LARGE, SMALL = 10.0, 0.02
"""Root mean square of inputs beyond which they are not scaled as nets are built for (1 after standardization, 0.5 of
pixels in [0, 1], 140 of bytes); own choice."""

PENALTY = 1e-3
"""L2 with which regularization is turned up."""


@torch.no_grad()
def check_inputs(subject: Subject) -> Check:
    """Looks at the numbers that the net is given: finite, of a size that nets are built for, no channel constant.

    A wrong size fails where it does harm already: where the untrained net is sure without reason.

    Source: LeCun et al. 1998, Efficient BackProp, section 4.3.
    """
    lesson = subject.clean(512)
    images_NCHW = lesson.images_NCHW.float()
    size = images_NCHW.square().mean().sqrt().item()
    mean_C = images_NCHW.transpose(0, 1).flatten(1).mean(dim=1)
    std_C = images_NCHW.transpose(0, 1).flatten(1).std(dim=1, correction=0)
    evidence: dict[str, float | str | None] = {
        "root_mean_square": size,
        "mean": mean_C.mean().item(),
        "smallest_channel_std": std_C.min().item(),
    }
    summary = f"inputs of size {size:.3g} (root mean square), mean {mean_C.mean().item():.3g}"
    if not torch.isfinite(images_NCHW).all():
        return alarm(
            INPUTS,
            "input-not-finite",
            "some inputs are not finite numbers",
            causes=("the preparation of pictures divides by 0, or pictures hold numbers that are not finite",),
        )
    constant = [str(channel) for channel, std in enumerate(std_C.tolist()) if std < 1e-6]
    if len(constant) == len(std_C):
        return alarm(
            INPUTS,
            "input-channel-constant",
            "all inputs are the same number, so that no picture can be told from another",
            evidence=evidence,
            causes=("pictures are scaled twice, or zeroed on their way to the net",),
        )
    if not SMALL <= size <= LARGE:
        outputs_NK = subject.outputs(copy.deepcopy(subject.model).train(), lesson.images_NCHW)
        losses_N = subject.losses(outputs_NK, lesson.labels)
        return alarm(
            INPUTS,
            "input-not-scaled",
            f"{summary}; nets are built for about 1",
            evidence=evidence,
            causes=(
                "pixels are not divided by 255 and standardized" if size > LARGE else "pixels are divided by 255 twice",
            ),
            source="LeCun et al. 1998, Efficient BackProp, section 4.3",
            stop=too_high(losses_N, subject.blind_loss(outputs_NK, lesson.labels)),
        )
    if constant:
        return alarm(
            INPUTS,
            "input-channel-constant",
            f"channel {', '.join(constant)} of the inputs is the same in every pixel of every picture",
            evidence=evidence,
            causes=("the channel carries nothing; gray pictures need no three channels",),
            stop=False,
        )
    return passed(INPUTS, summary, evidence)


def check_optimizer_holds(subject: Subject) -> Check:
    """Compares the parameters that the optimizer moves with those that the model wants to learn, one by one."""
    if subject.optimizer is None:
        return skipped(OPTIMIZER, "no optimizer was given")
    held = {id(parameter) for group in subject.optimizer.param_groups for parameter in group["params"]}
    names = dict(subject.model.named_parameters())
    trainable = {name: parameter for name, parameter in names.items() if parameter.requires_grad}
    missed = [name for name, parameter in trainable.items() if id(parameter) not in held]
    foreign = len(held - {id(parameter) for parameter in names.values()})
    evidence: dict[str, float | str | None] = {
        "trainable_tensors": len(trainable),
        "held_tensors": len(held),
        "missed_tensors": len(missed),
        "tensors_of_another_model": foreign,
    }
    if not trainable:
        return alarm(
            OPTIMIZER,
            "frozen-by-mistake",
            "no parameter of the model may learn",
            evidence=evidence,
            causes=("requires_grad is False for every parameter",),
        )
    if missed and foreign:
        return alarm(
            OPTIMIZER,
            "optimizer-holds-other-model",
            f"the optimizer holds {foreign} tensors that are not the model's, and misses {len(missed)} that are",
            evidence=evidence,
            causes=("the optimizer was built before the model was rebuilt, copied or moved",),
            layers=tuple(missed[:3]),
        )
    if missed:
        return alarm(
            OPTIMIZER,
            "optimizer-misses-parameters",
            f"the optimizer does not move {len(missed)} of {len(trainable)} trainable tensors, such as {missed[0]}",
            evidence=evidence,
            causes=("the optimizer was given only a part of model.parameters(), or layers were added after it",),
            layers=tuple(missed[:3]),
        )
    return passed(OPTIMIZER, f"the optimizer holds exactly the {len(trainable)} trainable tensors", evidence)


@torch.no_grad()
def check_regularization(subject: Subject) -> Check:
    """Turns regularization up, by the code that training adds it with, and looks whether the loss with it rises.

    Source: Stanford CS231n, Neural networks 3, sanity checks.
    """
    if subject.optimizer is None:
        return skipped(REGULARIZATION, "no optimizer was given")
    lesson, twin = subject.clean(128), subject.twin()
    plainly(twin.model)
    for group in twin.optimizer.param_groups:
        group.setdefault("decays", group.get("weight_decay", 0.0) > 0)
    if not any(group["decays"] for group in twin.optimizer.param_groups):
        return skipped(REGULARIZATION, "nothing decays, so that there is nothing to turn up")
    with torch.enable_grad():
        loss_with_graph = lesson.loss_of(subject.answer(twin.model, lesson.images_NCHW))
    loss_with_graph.backward()
    loss = loss_with_graph.item()
    penalty = add_penalty(RegularizationSection(l2=PENALTY), twin.optimizer) or 0.0
    evidence: dict[str, float | str | None] = {"loss": loss, "loss_with_l2_of_0.001": loss + penalty}
    if not penalty > 0:
        return alarm(
            REGULARIZATION,
            "no-gradient-at-start",
            "the loss does not rise with L2: all weights that decay are 0",
            evidence=evidence,
            causes=("weights were set to 0 and not initialized",),
            stop=False,
        )
    return passed(REGULARIZATION, f"loss {loss:.3f} rises to {loss + penalty:.3f} with L2 of {PENALTY:g}", evidence)


def check_separate_pictures(subject: Subject) -> Check:
    """Looks whether in evaluation what the net says of one picture hangs on that picture alone, by its gradient.

    Source: Karpathy 2019, A Recipe for Training Neural Networks (use backprop to chart dependencies).
    """
    lesson = subject.clean(4)
    if len(lesson.images_NCHW) < 2:
        return skipped(SEPARATE, "there is a single picture only")
    twin = copy.deepcopy(subject.model).eval()
    images_NCHW = lesson.images_NCHW.detach().clone().requires_grad_()
    outputs_NK = twin(images_NCHW)
    if outputs_NK.shape[0] != len(images_NCHW):
        return alarm(
            SEPARATE,
            "pictures-mix",
            f"{len(images_NCHW)} pictures go in and {outputs_NK.shape[0]} answers come out",
            causes=("a view or reshape takes pictures for something else",),
        )
    middle = len(images_NCHW) // 2
    (gradient_NCHW,) = torch.autograd.grad(outputs_NK[middle].sum(), images_NCHW, allow_unused=True)
    if gradient_NCHW is None:
        return skipped(SEPARATE, "no gradient comes back to the pictures")
    size_N = gradient_NCHW.flatten(1).abs().sum(dim=1)
    others = float(size_N.sum() - size_N[middle])
    evidence: dict[str, float | str | None] = {"gradient_by_itself": float(size_N[middle]), "by_others": others}
    whole_batches = any(isinstance(module, _BatchNorm) and module.running_mean is None for module in twin.modules())
    if others > 0:
        return alarm(
            SEPARATE,
            "pictures-mix",
            f"what the net says of one picture hangs on the others of its batch too (gradient {others:.3g}, by itself "
            f"{float(size_N[middle]):.3g})",
            evidence=evidence,
            causes=(
                "a view or reshape where a transpose is meant mixes pictures",
                "a normalization uses the batch in evaluation",
            ),
            source="Karpathy 2019, A Recipe for Training Neural Networks",
            stop=not whole_batches,
        )
    return passed(SEPARATE, "in evaluation no picture's answer hangs on another picture", evidence)


def check_determinism(subject: Subject) -> Check:
    """Makes the same step forward and back twice, with the same random numbers, and compares every bit."""
    lesson = subject.clean(64)

    def gradients() -> list[Tensor]:
        torch.manual_seed(0)
        twin = copy.deepcopy(subject.model).train()
        lesson.loss_of(subject.answer(twin, lesson.images_NCHW)).backward()
        return [parameter.grad for parameter in twin.parameters() if parameter.grad is not None]

    first, second = gradients(), gradients()
    differ = sum(not torch.equal(one, other) for one, other in zip(first, second, strict=True))
    evidence: dict[str, float | str | None] = {"tensors": len(first), "tensors_that_differ": differ}
    if differ:
        return alarm(
            DETERMINISM,
            "not-deterministic",
            f"the same step from the same seed gives other gradients in {differ} of {len(first)} tensors; runs cannot "
            "be repeated bit for bit",
            evidence=evidence,
            causes=(
                "operations that add in any order, as some on GPUs do",
                "a layer that draws random numbers of its own",
            ),
            stop=False,
        )
    return passed(DETERMINISM, "the same step from the same seed gives the same gradients, bit for bit", evidence)

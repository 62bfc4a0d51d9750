"""The loss of an untrained net: that of knowing nothing (of K classes ln K), of a sound form, and with a gradient."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .checks import Check, alarm, passed
from .subject import Lesson, Subject

NAME = "first-loss"

TOLERATED_EXCESS = 0.5
"""Share of that by which the first loss may lie above it; own choice, until thresholds come from a healthy corpus."""

PICTURES_FOR_GRADIENT = 16
"""Enough to see whether a gradient is exactly 0."""

SURE = 1e-4
"""By how much the probabilities of a picture may miss 1 and still be taken for probabilities."""


def check_first_loss(subject: Subject) -> Check:
    """Compares the loss of the untrained net with that of knowing nothing, on one batch of training pictures as they
    are, and looks at the form of outputs and loss.

    Where all pictures get the same answer, looks whether any gradient reaches the weights. Runs on a copy in training
    mode (batch statistics). Pretrained bodies pass too: their head is new. A single picture or pair has no standard
    error, so that its loss tells nothing and passes.

    Source: Karpathy 2019, A Recipe for Training Neural Networks (verify loss at init).
    """
    lesson = subject.clean(512)
    twin = copy.deepcopy(subject.model).train()
    outputs_NK = subject.outputs(twin, lesson.images_NCHW)
    wrong_form = _form(subject, lesson, outputs_NK)
    if wrong_form is not None:
        return wrong_form
    losses_N = subject.losses(outputs_NK, lesson.labels)
    loss, expected = losses_N.mean().item(), subject.blind_loss(outputs_NK, lesson.labels)
    error = losses_N.std().item() / math.sqrt(len(losses_N)) if len(losses_N) > 1 else None
    words, key = subject.blind
    evidence: dict[str, float | str | None] = {"first_loss": loss, "standard_error": error, key: expected}
    told = f"{loss:.3f} of a single one" if error is None else f"{loss:.3f} ± {error:.3f}"
    summary = f"first loss {told}, {words} = {expected:.3f}"
    if bool((outputs_NK == outputs_NK[:1]).all()) and not _gets_gradient(subject, twin, lesson):
        return alarm(
            NAME,
            "no-gradient-at-start",
            "the untrained net gives every picture the same answer, and no gradient reaches its weights: it cannot "
            "learn",
            evidence=evidence,
            causes=("weights that are all 0, or units that are never active", "a graph that is cut by detach"),
            advice={"init.scheme": "auto"},
            source="Goodfellow et al. 2016, Deep Learning, section 8.4 (units that start alike stay alike)",
        )
    if error is None:
        return passed(NAME, f"{summary}: a single loss tells nothing", evidence)
    if not math.isfinite(loss):
        return alarm(
            NAME,
            "initialization-too-large",
            "the loss of the untrained net is not a finite number",
            evidence={**evidence, "first_loss": None},
            causes=("inputs that are not scaled", "weights so large that activations overflow"),
        )
    if too_high(losses_N, expected):
        return alarm(
            NAME,
            "initialization-too-large",
            f"the untrained net is confidently wrong: {summary}",
            evidence=evidence,
            causes=("inputs that are not scaled", "a last layer with large weights"),
            advice={"do": "look for inputs that are not scaled, or a last layer with large weights"},
            source="Karpathy 2019, A Recipe for Training Neural Networks",
            stop=False,
        )
    return passed(NAME, summary, evidence)


def too_high(losses_N: Tensor, expected: float) -> bool:
    """Tells whether losses lie clearly above that of knowing nothing, so that a net is sure without reason."""
    error = losses_N.std().item() / math.sqrt(len(losses_N)) if len(losses_N) > 1 else math.inf
    return not losses_N.mean().item() - 2 * error <= (1 + TOLERATED_EXCESS) * expected


def _form(subject: Subject, lesson: Lesson, outputs_NK: Tensor) -> Check | None:
    """Looks for outputs and losses that cannot be meant.

    These are too few outputs, a loss that right answers raise, probabilities in the place of scores (a loss with a
    softmax of its own stays as it is where all scores rise alike), and a sum over the batch.
    """
    count = len(outputs_NK)
    if subject.classes is not None and outputs_NK.ndim == 2 and subject.classes > outputs_NK.shape[1]:
        return alarm(
            NAME,
            "head-size-mismatch",
            f"the net has {outputs_NK.shape[1]} outputs, and labels go up to {subject.classes - 1}",
            evidence={"outputs": outputs_NK.shape[1], "classes": subject.classes},
            causes=("the last layer is of another number of classes", "labels are counted from 1"),
        )
    loss = lesson.loss_of(outputs_NK).item()
    if loss < 0 and subject.classes is not None:
        right_NK = 10.0 * F.one_hot(lesson.labels, outputs_NK.shape[1]).to(outputs_NK.dtype)
        right, wrong = lesson.loss_of(right_NK).item(), lesson.loss_of(-right_NK).item()
        if right > wrong:
            return alarm(
                NAME,
                "negative-loss",
                f"the first loss is {loss:.3f}; right answers cost more ({right:.3g}) than wrong ones ({wrong:.3g})",
                evidence={"first_loss": loss, "loss_of_right_answers": right, "loss_of_wrong_answers": wrong},
                causes=("the sign of the loss is flipped",),
            )
    if subject.classes is not None and outputs_NK.ndim == 2 and outputs_NK.shape[1] > 1:
        sums_N = outputs_NK.sum(dim=1)
        shifted = lesson.loss_of(outputs_NK + 1.0).item()
        are_probabilities = bool((outputs_NK >= 0).all()) and bool(((sums_N - 1).abs() < SURE).all())
        if are_probabilities and abs(shifted - loss) < SURE * max(1.0, abs(loss)):
            return alarm(
                NAME,
                "softmax-twice",
                "the outputs of the net are probabilities already, and the loss applies a softmax of its own",
                evidence={"first_loss": loss, "smallest_sum": sums_N.min().item(), "largest_sum": sums_N.max().item()},
                causes=("a softmax at the end of the net; cross-entropy wants scores",),
                source="PyTorch, CrossEntropyLoss (expects unnormalized logits)",
            )
    mean = subject.losses(outputs_NK, lesson.labels).mean().item()
    if count >= 16 and mean > 0 and 0.75 < loss / (mean * count) < 1.25:
        return alarm(
            NAME,
            "loss-reduction-sum",
            f"the loss of {count} pictures is their sum, {loss:.4g}, where the mean is {mean:.3g}: gradients grow with "
            "the batch",
            evidence={"loss": loss, "mean_loss_of_a_picture": mean, "pictures": count},
            causes=("reduction='sum' in the loss",),
            stop=False,
        )
    return None


def _gets_gradient(subject: Subject, model: nn.Module, lesson: Lesson) -> bool:
    """Tells whether the loss has a gradient by any weight but those of vectors, such as biases."""
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter.ndim > 1]
    with torch.enable_grad():
        outputs_NK = subject.answer(model, lesson.images_NCHW)
    gradients = torch.autograd.grad(lesson.loss_of(outputs_NK), weights, allow_unused=True)
    return any(gradient is not None and bool(gradient.any()) for gradient in gradients)

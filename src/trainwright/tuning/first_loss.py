"""The first check before training: an untrained net knows nothing, its loss is that of knowing nothing (of K classes
ln K), and it can learn."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from trainwright.data import PreparedData, batches
from trainwright.runs import Finding
from trainwright.training import Answers, Loss, Setup, eval_batch

TOLERATED_EXCESS = 0.5
"""Share of that by which the first loss may lie above it; own choice, until thresholds come from a healthy corpus."""

PICTURES_FOR_GRADIENT = 16
"""Enough to see whether a gradient is exactly 0."""


@dataclass(frozen=True)
class Check:
    """One check before training: what was looked at, whether it passed, and the numbers that decide it."""

    name: str
    passed: bool
    summary: str
    verdict: str
    evidence: Mapping[str, float]
    finding: Finding | None = None


@torch.no_grad()
def check_first_loss(setup: Setup, data: PreparedData) -> Check:
    """Compares the loss of the untrained net with that of all scores 0, on one batch of training pictures as they are.

    Where all pictures get the same answer, looks whether any gradient reaches the weights. Runs on a copy in training
    mode (batch statistics), so the setup stays as it was. Pretrained bodies pass too: their head is new. A single
    picture or pair has no standard error, so that its loss tells nothing and passes.

    Source: Karpathy 2019, A Recipe for Training Neural Networks (verify loss at init).
    """
    batch = next(batches(data.train, min(eval_batch(data.img_size), data.train.drawn), seed=0, epoch=0))
    twin = copy.deepcopy(setup.model).train()
    state = torch.get_rng_state()
    images_NCHW = setup.prepare_eval(batch)
    with setup.machine.autocast():
        logits_NK = twin(images_NCHW)
    same = bool((logits_NK == logits_NK[:1]).all())
    stuck = same and not _gets_gradient(twin, setup.loss, images_NCHW, batch.labels_N)
    torch.set_rng_state(state)
    answers = Answers(logits_NK.cpu().float(), batch.labels_N)
    losses_N = setup.task.losses(answers)
    loss = losses_N.mean().item()
    error = losses_N.std().item() / math.sqrt(len(losses_N)) if len(losses_N) > 1 else None
    expected = setup.task.losses(replace(answers, logits_NK=torch.zeros_like(answers.logits_NK))).mean().item()
    words, name = setup.task.blind
    measured = {} if error is None else {"standard_error": error}
    evidence = {"first_loss": loss, **measured, name: expected}
    told = f"{loss:.3f} of a single one" if error is None else f"{loss:.3f} ± {error:.3f}"
    summary = f"first loss {told}, {words} = {expected:.3f}"
    passed = error is None or loss - 2 * error <= (1 + TOLERATED_EXCESS) * expected
    finding = None
    if not passed:
        finding = Finding(
            code="initialization-too-large",
            severity="warn",
            summary=f"the untrained net is confidently wrong: {summary}",
            evidence=evidence,
            advice={"do": "look for inputs that are not scaled, or a last layer with large weights"},
            since_step=0,
            source="Karpathy 2019, A Recipe for Training Neural Networks",
        )
    if stuck:
        return Check("first loss", False, summary, "no gradient reaches the weights", evidence, _no_gradient(evidence))
    limit = f"{TOLERATED_EXCESS:.0%} above"
    verdict = "as it should be before training" if passed else f"too high, more than {limit}"
    if error is None:
        verdict = "a single loss tells nothing"
    return Check("first loss", passed, summary, verdict, evidence, finding)


def _gets_gradient(model: nn.Module, loss_of: Loss, images_NCHW: Tensor, labels_N: Tensor) -> bool:
    """Tells whether the loss of some pictures has a gradient by any weight but those of vectors, such as biases."""
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter.ndim > 1]
    with torch.enable_grad():
        logits_NK = model(images_NCHW[:PICTURES_FOR_GRADIENT])
        loss = loss_of(logits_NK, labels_N[: len(logits_NK)].to(logits_NK.device), None)
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return any(gradient is not None and bool(gradient.any()) for gradient in gradients)


def _no_gradient(evidence: Mapping[str, float]) -> Finding:
    return Finding(
        code="no-gradient-at-start",
        severity="warn",
        summary="the untrained net gives every picture the same answer, and no gradient reaches its weights: it cannot "
        "learn",
        evidence=evidence,
        advice={"init.scheme": "auto"},
        since_step=0,
        source="Goodfellow et al. 2016, Deep Learning, section 8.4 (units that start alike stay alike)",
    )

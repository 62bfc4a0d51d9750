"""A training loop as people write it, in plain PyTorch, watched by three lines; what is wrong with it, the spec says.

Legend: N pictures, C channels, S side
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import building
import torch
from materials import Materials, Pair, augment, order_of, prepare
from nets import RATES
from spec import Spec
from torch import Tensor, nn
from torch.nn import functional as F

PROBED = 160
"""Pictures of the fixed probe set, fewer than `watch` takes, since a run here has 384 in all."""


@dataclass(frozen=True)
class Outcome:
    """What the net can do at the end, told by nobody to the watcher.

    Attributes:
        test_accuracy: on test pictures that are in order, in evaluation mode.
        told_accuracy: of the last validation, as the loop made it; None without one.
        train_accuracy: of the probe set with its labels, in evaluation mode.
    """

    test_accuracy: float
    told_accuracy: float | None
    train_accuracy: float


def train(spec: Spec, folder: Path | None) -> Outcome:
    """Trains a net as a spec says; watched into a folder, or not at all."""
    torch.manual_seed(spec.seed)
    materials = prepare(spec)
    x_train, y_train = materials.train
    model = building.build_net(spec, x_train.shape[1], x_train.shape[2], materials.classes)
    if spec.pretrained:
        pretrain(model, spec, materials)
    for layer in building.weighing(model, spec.frozen):
        layer.requires_grad_(False)
    optimizer = building.build_optimizer(spec, model)
    building.remake(spec, model)
    model = building.with_end(spec, model)
    loss_fn = building.build_loss(spec, y_train, materials.classes)
    batches = -(-len(x_train) // spec.batch)
    steps = spec.epochs * (batches // spec.accumulate)
    schedule = building.build_schedule(spec, optimizer, steps)
    told = None
    step = 0
    with watched(folder, model, optimizer, loss_fn, spec, materials, steps) as w:
        for _epoch in range(spec.stop_after or spec.epochs):
            right = 0
            for number, rows in enumerate(order_of(y_train, spec.block).split(spec.batch)):
                model.train(spec.eval_from is None or step < spec.eval_from * steps)
                x, y = augment(x_train[rows], spec.augment), y_train[rows]
                if spec.spike != 1 and step % 25 == 24:
                    x = x * spec.spike
                loss, outputs, y = forward(model, loss_fn, x, y, spec)
                right += int((outputs.argmax(1) == y_train[rows]).sum())
                sign = spec.sign if step >= spec.sign_from * steps else 1.0
                (sign * loss / (spec.accumulate if spec.divide else 1)).backward()
                if (number + 1) % spec.accumulate:
                    continue
                if spec.underflow is not None:
                    through_float16(model, spec.underflow)
                if spec.clip is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), spec.clip)
                optimizer.step()
                w.step(loss, *x_and_y(x, y))
                step += 1
                if spec.zero_every and step % spec.zero_every == 0:
                    optimizer.zero_grad()
                schedule.step()
            told = validated(w, model, materials.valid, spec, right / len(x_train))
    model.eval()
    return Outcome(
        test_accuracy=judged(model, materials.test, materials.classes),
        told_accuracy=told,
        train_accuracy=judged(model, (x_train[:PROBED], y_train[:PROBED]), materials.classes),
    )


def x_and_y(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor | None]:
    """Gives what the loop tells of a batch: labels only where they are classes."""
    return (x, y) if y.ndim == 1 else (x, None)


def forward(
    model: nn.Module, loss_fn: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, spec: Spec
) -> tuple[Tensor, Tensor, Tensor]:
    """Makes outputs and the loss of a batch, blended in pairs where the spec wants it."""
    if spec.mixup:
        share, other = float(torch.distributions.Beta(0.4, 0.4).sample()), torch.randperm(len(x))
        classes = torch.zeros(len(y), int(y.max()) + 1)
        outputs = model(share * x + (1 - share) * x[other])
        loss = share * loss_fn(outputs, y) + (1 - share) * loss_fn(outputs, y[other])
        return loss, outputs, classes
    with torch.autocast("cpu", torch.bfloat16, enabled=spec.autocast):
        outputs = model(x)
        return loss_fn(outputs, y), outputs, y


def through_float16(model: nn.Module, factor: float) -> None:
    """Rounds gradients as they are where the backward pass runs in float16 without a scaled loss."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.copy_((parameter.grad * factor).half().float() / factor)


def validated(w: Any, model: nn.Module, valid: Pair, spec: Spec, train_accuracy: float) -> float | None:
    """Validates after an epoch, the way the spec says; gives the accuracy that its author reads."""
    if spec.validate == "none":
        w.epoch(train_accuracy=train_accuracy)
        return None
    if spec.validate == "watch":
        found = w.validate(model, batched(valid, spec), train_accuracy=train_accuracy)
        if found is not None:
            return found.accuracy
        model.eval()
        return judged(model, valid, None)
    model.train(spec.valid_mode == "train")
    loss, right = 0.0, 0
    with torch.no_grad():
        for x, y in batched(valid, spec):
            outputs = model(x)
            loss += float(F.cross_entropy(outputs, y, reduction="sum"))
            right += int((outputs.argmax(1) == y).sum())
    count = len(valid[1])
    w.epoch(train_accuracy=train_accuracy, val_loss=loss / count, val_accuracy=right / count)
    return right / count


def batched(valid: Pair, spec: Spec) -> list[Pair]:
    """Cuts validation pictures into batches, changed at random where the spec wants it."""
    cut = zip(valid[0].split(spec.valid_batch), valid[1].split(spec.valid_batch), strict=True)
    return [(augment(x, spec.augment_valid), y) for x, y in cut]


@torch.no_grad()
def judged(model: nn.Module, pair: Pair, classes: int | None) -> float:
    """Gives the share of right answers in the mode in which the net is, among so many classes."""
    x, y = pair
    if not len(y):
        return 0.0
    answers = [model(part)[:, :classes].argmax(1) for part in x.split(200)]
    return float((torch.cat(answers) == y).float().mean())


def pretrain(model: nn.Module, spec: Spec, materials: Materials) -> None:
    """Trains the net before anybody watches; where layers are to be frozen, the head is new afterwards."""
    rate = RATES[spec.net]["adam"]
    before = replace(spec, optimizer="adam", momentum=0.9)
    optimizer = building.make_optimizer(before, list(model.parameters()), rate)
    x_train, y_train = materials.train
    model.train()
    for _ in range(spec.pretrained):
        for rows in torch.randperm(len(x_train)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(augment(x_train[rows], spec.augment)), y_train[rows]).backward()
            optimizer.step()
    optimizer.zero_grad()
    if spec.frozen:
        head = building.weighing(model)[-1]
        assert isinstance(head, nn.Linear)
        head.reset_parameters()


class Unwatched:
    """Stands where nobody watches."""

    def step(self, *_: Any) -> None: ...
    def epoch(self, **_: Any) -> None: ...
    def validate(self, *_: Any, **__: Any) -> None: ...


def watched(
    folder: Path | None,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    spec: Spec,
    materials: Materials,
    steps: int,
) -> contextlib.AbstractContextManager[Any]:
    """Watches with probes much closer together than in use, since a run here lasts 200 steps and not 100,000."""
    if folder is None:
        return contextlib.nullcontext(Unwatched())
    import trainwright as tw

    probe = tuple(part[:PROBED] for part in materials.train)
    return tw.watch(
        model, optimizer, loss_fn, run=folder, probe=probe, epochs=spec.epochs, steps=steps, share=1.0, first_steps=8
    )

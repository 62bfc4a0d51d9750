"""A plain training loop, watched or not, for tests of what a monitor sees and leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.monitoring import Monitor, Pictures
from trainwright.runs import Record
from trainwright.training import Seen, random_state

CPU = torch.device("cpu")


def pictures(count: int = 64, classes: int = 4, size: int = 8, channels: int = 3, seed: int = 0) -> Pictures:
    drawn = torch.Generator().manual_seed(seed)
    labels_N = torch.randint(0, classes, (count,), generator=drawn)
    images_NCHW = torch.randn(count, channels, size, size, generator=drawn) + labels_N[:, None, None, None] / 2
    return Pictures(images_NCHW, labels_N)


def net_with_everything() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Dropout(0.3),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 4),
    )


@dataclass
class Trained:
    """What a loop left behind."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    records: list[Record] = field(default_factory=list)
    random: Tensor = field(default_factory=torch.get_rng_state)

    def of(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


def trained(
    make: Callable[[], nn.Module] = net_with_everything,
    make_optimizer: Callable[[nn.Module], torch.optim.Optimizer] = lambda net: torch.optim.SGD(net.parameters(), 0.1),
    *,
    watched: bool = True,
    steps: int = 6,
    batch: int = 16,
    accumulate: int = 1,
    half: bool = False,
    between: Callable[[nn.Module], object] = lambda net: None,
    call: Callable[[nn.Module], nn.Module] = lambda net: net,
    zero: bool = True,
    **named: Any,
) -> Trained:
    """Trains from one seed; `between` is done between backward and the optimizer's step."""
    torch.manual_seed(5)
    net, data = make(), pictures()
    optimizer = make_optimizer(net)
    called, done = call(net), Trained(net, optimizer)
    monitor = None
    if watched:
        asked = {"probe": pictures(seed=1), "valid": pictures(40, seed=2), "loss_of": F.cross_entropy, **named}
        monitor = Monitor(called, optimizer, tell=done.records.append, **asked)
        monitor.begin()
    opened = (lambda: torch.autocast("cpu", torch.bfloat16)) if half else nullcontext
    for step in range(1, steps + 1):
        if zero:
            optimizer.zero_grad()
        for _ in range(accumulate):
            rows = torch.randint(0, len(data), (batch,))
            images, labels = data.images_NCHW[rows], data.labels[rows]
            put_back = random_state(CPU)
            with opened():
                loss = F.cross_entropy(called(images), labels)
            (loss / accumulate).backward()
        between(net)
        optimizer.step()

        def again(put_back=put_back, images=images, labels=labels) -> Tensor:
            put_back()
            with opened():
                return F.cross_entropy(called(images), labels)

        if monitor is not None:
            monitor.step(step, 1, Seen(loss.item(), images, labels, again if accumulate == 1 else None))
    if monitor is not None:
        monitor.epoch(steps, 1)
        monitor.finish(steps, 1)
        monitor.close()
    done.random = torch.get_rng_state()
    return done

"""What each of two ranks does in test_distributed.py and test_synchronizing.py: python one_of_two_ranks.py OUT.

Rank r writes what it measured to OUT/r.pt. Run with a world of 1 it is the reference: the same work on whole batches.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from trainwright.data import Batch, eval_batches
from trainwright.models.normalizations import BatchInstanceNorm2d
from trainwright.recipe import LossSection, OptimSection, RegularizationSection
from trainwright.training import Classification, Interruption, Machine, answer, opened_ranks, train_step
from trainwright.training.activations import with_noise
from trainwright.training.clipping import build_clip
from trainwright.training.losses import build_loss
from trainwright.training.optimizers import build_optimizer
from trainwright.training.reestimation import reestimate
from trainwright.training.step import Group, NonFiniteLoss
from trainwright.training.synchronizing import WholeBatch

CPU = Machine(torch.device("cpu"), torch.float32, channels_last=False)
UNEVEN = (7, 4, 5)
"""Pictures of the batches of a step; two ranks share none but one of them evenly."""


def batch_norm(ranks) -> dict[str, torch.Tensor]:
    """Normalizes maps N F H W forward and backward."""
    draw = torch.Generator().manual_seed(0)
    maps = torch.randn(7, 5, 3, 2, generator=draw, dtype=torch.float64) * 3 + 10
    pull = torch.randn(7, 5, 3, 2, generator=draw, dtype=torch.float64)
    rows = ranks.share(torch.arange(7))
    layer = nn.BatchNorm2d(5).double()
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2.0, generator=draw)
        layer.bias.uniform_(-1.0, 1.0, generator=draw)
    mine = maps[rows].requires_grad_()
    with contextlib.nullcontext() if ranks.alone else WholeBatch(ranks):
        out = layer(mine)
        frozen = F.batch_norm(mine.detach(), layer.running_mean, layer.running_var)
    (out * pull[rows]).sum().backward()
    for parameter in layer.parameters():
        ranks.add_up(parameter.grad)
    return {
        "out": out.detach(),
        "frozen": frozen,
        "gradient": mine.grad,
        "weight": layer.weight.grad,
        "bias": layer.bias.grad,
        "mean": layer.running_mean,
        "variance": layer.running_var,
    }


class Net(nn.Module):
    """Float64; the last layer has a parameter that no loss reaches."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.Softplus(),
            nn.Conv2d(6, 4, 3),
            BatchInstanceNorm2d(4),
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(36, 3),
        ).double()
        self.unused = nn.Parameter(torch.ones(2, dtype=torch.float64))

    def forward(self, images_NCHW: torch.Tensor) -> torch.Tensor:
        return self.layers(images_NCHW)


def group(ranks, seed: int) -> Group:
    draw = torch.Generator().manual_seed(seed)
    batches = []
    for count in UNEVEN:
        images = (torch.rand(count, 1, 5, 5, generator=draw) * 255).to(torch.uint8)
        labels, weights = torch.randint(3, (count,), generator=draw), torch.rand(count, generator=draw)
        rows = ranks.share(torch.arange(count))
        batches.append(Batch(images[rows], labels[rows], rows, weights[rows]))
    return Group(iter(batches), UNEVEN)


def steps(ranks, **options) -> dict[str, torch.Tensor]:
    """Makes 25 steps of three uneven batches each, with class weights, a sparsity penalty and a clipped norm."""
    model = Net().train()
    optimizer = build_optimizer(OptimSection(lr=0.05, weight_decay=0.01, momentum=0.9), model)
    weights_K = torch.tensor([2.0, 0.5, 1.0])
    results = [
        train_step(
            model,
            model,
            optimizer,
            None,
            group(ranks, seed),
            lambda batch: batch.images_NCHW.double() / 255,
            CPU,
            loss_of=build_loss(LossSection(name="cross-entropy", label_smoothing=0.1), weights_K),
            clip=build_clip(OptimSection(clip_norm=0.5)),
            regularization=RegularizationSection(sparsity=0.1, l2=0.01),
            ranks=ranks,
            **options,
        )
        for seed in range(25)
    ]
    return {
        **{name: tensor.clone() for name, tensor in model.state_dict().items()},
        "loss": torch.tensor([result.loss for result in results]),
        "penalty": torch.tensor([result.penalty for result in results]),
        "norm": torch.tensor([result.gradient_norm_before_clip for result in results]),
        "correct": torch.tensor([result.correct for result in results]),
    }


class Pictures:
    """A part whose pictures hold their own numbers."""

    on_disk, weights_N, pairs_P2 = False, None, None

    def __init__(self, count: int) -> None:
        self.labels_N, self.samples_N = torch.zeros(count).long(), torch.arange(count)
        self.images_SCHW = torch.arange(count, dtype=torch.uint8)[:, None, None, None]

    def __len__(self) -> int:
        return len(self.labels_N)

    def images(self, rows_N: torch.Tensor) -> torch.Tensor:
        return self.images_SCHW[rows_N]


def answers(ranks) -> dict[str, torch.Tensor]:
    """Answers five pictures, and one, with their own numbers."""
    task = Classification(("a", "b"))
    views = [lambda batch: batch.images_NCHW.float()]
    return {
        f"answers to {count}": answer(nn.Flatten(), Pictures(count), views, CPU, task, ranks).logits_NK
        for count in (5, 1)
    }


def statistics(ranks) -> dict[str, torch.Tensor]:
    """Counts batch statistics anew over three batches, of which rank 1 has one."""
    layer = nn.BatchNorm2d(1)
    batches = list(eval_batches(Pictures(12), 4))[ranks.rank :: ranks.world]
    reestimate(layer, batches, lambda batch: batch.images_NCHW.float(), CPU, ranks)
    return {"mean anew": layer.running_mean, "variance anew": layer.running_var}


def spoiled(ranks) -> str:
    """Makes a step in which only the last rank has a picture that is not finite."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2))
    before = [parameter.clone() for parameter in model.parameters()]
    rows = ranks.share(torch.arange(4))
    batch = Batch(torch.zeros(len(rows), 1, 1, 1), torch.zeros(len(rows)).long(), rows, None)
    broken = torch.where(rows == 3, torch.inf, 0.0)[:, None]
    try:
        train_step(
            lambda images: model(images) * broken,
            model,
            torch.optim.SGD(model.parameters(), 0.1),
            None,
            Group(iter([batch]), [4]),
            lambda batch: batch.images_NCHW,
            CPU,
            loss_of=build_loss(LossSection(name="cross-entropy", label_smoothing=0.0)),
            ranks=ranks,
        )
    except NonFiniteLoss as error:
        same = all(map(torch.equal, before, model.parameters()))
        return f"{error.what} {error.value}, weights {'as before' if same else 'moved'}"
    return "nothing noticed"


def interrupted(ranks) -> str | None:
    """Agrees on a signal that only the last rank has got."""
    interruption = Interruption()
    if ranks.rank == ranks.world - 1:
        interruption.signal_name = signal.Signals.SIGTERM.name
    interruption.agreed(ranks)
    return interruption.signal_name


def deviation(ranks) -> torch.Tensor:
    """Adds noise of the strength of 1 to numbers whose mean and deviation differ between ranks."""
    numbers = torch.arange(7.0) ** 2
    torch.manual_seed(0)
    noise = torch.randn_like(ranks.share(numbers))
    torch.manual_seed(0)
    return (with_noise(ranks.share(numbers), 1.0, ranks) - ranks.share(numbers)) / noise


def drawn(ranks) -> list[float]:
    """Draws what dropout would draw in a step: at rank 0 and rank 1."""
    ranks.begin_step(seed=3, step=7)
    return ranks.gathered(torch.rand(()).item())


def main(folder: Path) -> None:
    with opened_ranks() as ranks:
        found = {
            "rank": ranks.rank,
            "told": ranks.told("by rank 0" if ranks.leads else None),
            "batch_norm": batch_norm(ranks),
            "steps": steps(ranks),
            "apart": steps(ranks, sync_batch_norm=False),
            "answers": answers(ranks),
            "statistics": statistics(ranks),
            "spoiled": spoiled(ranks),
            "interrupted": interrupted(ranks),
            "deviation": deviation(ranks),
            "drawn": drawn(ranks),
        }
        torch.save(found, folder / f"{ranks.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Checks before training on set-ups that are broken in one way each, and on healthy ones, ugly ones among them.

    uv run python benchmarks/checks.py > benchmarks/results/checks.md
    uv run python benchmarks/checks.py --only "batch of 1"     # set-ups whose name holds these words

A broken set-up counts as stopped where the right check fails, and no other check fails before it. A healthy one counts
as stopped where any check fails; warnings are told apart. Data: scikit-learn's digits, Fashion-MNIST, drawn arrows.
Limits that were moved after a look at these set-ups: the pictures from which labels may be called shuffled (500 → 300),
the least fall of the loss (1 %), full batches left out of the rehearsal, and what makes a low rate fail, after the
batch of 2 had been stopped. All others stand as they were chosen before.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import trainwright as tw
from trainwright.data import prepare
from trainwright.recipe import DataSection

Checks = Any


def digits(*, scale: float = 1 / 16, mean: float = 0.3, std: float = 0.38) -> tuple[Tensor, Tensor]:
    bunch: Any = load_digits()
    images_NCHW = torch.tensor(bunch.images, dtype=torch.float32)[:, None] * scale
    order = torch.randperm(len(images_NCHW), generator=torch.Generator().manual_seed(0))
    return ((images_NCHW - mean) / std)[order], torch.tensor(bunch.target)[order]


def loaders(images_NCHW: Tensor, labels_N: Tensor) -> tuple[DataLoader[Any], DataLoader[Any]]:
    train = TensorDataset(images_NCHW[:1300], labels_N[:1300])
    held = slice(1300, None) if len(labels_N) > 1300 else slice(40, None)
    valid = TensorDataset(images_NCHW[held], labels_N[held])
    shuffled = torch.Generator().manual_seed(0)
    return DataLoader(train, 64, shuffle=True, generator=shuffled), DataLoader(valid, 256)


def cnn(*, norm: bool = True, outputs: int = 10, width: int = 16) -> nn.Sequential:
    torch.manual_seed(0)
    between = [nn.BatchNorm2d(width)] if norm else []
    more = [nn.BatchNorm2d(2 * width)] if norm else []
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        *between,
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, padding=1, stride=2),
        *more,
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * width * 16, outputs),
    )


def own(
    model: nn.Module,
    *,
    data: tuple[Tensor, Tensor] | None = None,
    valid: DataLoader[Any] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    optimizer: torch.optim.Optimizer | None = None,
    lr: float = 0.05,
) -> Checks:
    train, held = loaders(*(data or digits()))
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return tw.check_loop(model, train, valid_loader=valid or held, loss=loss, optimizer=optimizer)


def fashion(batch_size: int, *, in_order: bool = False) -> Checks:
    """Checks a loop on standardized pictures of Fashion-MNIST, with validation pictures as they come, or by class."""
    data = prepare(DataSection(source="fashion-mnist"), seed=0)
    rows_N = torch.arange(6000)
    train, held = ((part.images(rows_N).float(), part.labels_N[rows_N]) for part in (data.train, data.valid))
    images_NCHW, mean, std = train[0], train[0].mean(), train[0].std()
    order = held[1].argsort(stable=True) if in_order else rows_N
    pictures = TensorDataset((images_NCHW - mean) / std, train[1])
    held_out = TensorDataset((held[0][order] - mean) / std, held[1][order])
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    return tw.check_loop(
        model,
        DataLoader(pictures, batch_size, shuffle=True, generator=torch.Generator().manual_seed(0)),
        valid_loader=DataLoader(held_out, 256),
        optimizer=torch.optim.SGD(model.parameters(), lr=min(0.01, 0.001 * batch_size)),
    )


class MixesPictures(nn.Module):
    """Takes channels for pictures: a view where a transpose is meant."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = cnn(outputs=32), nn.Linear(32, 10)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        features_NF = self.body(images_NCHW)
        return self.head(features_NF.t().contiguous().view_as(features_NF))


class Square(torch.autograd.Function):
    """x² whose backward pass forgets the 2."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * ctx.saved_tensors[0]


class OwnActivation(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Square.apply(x)


class CutOff(nn.Module):
    """Forgets the way back to the body."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = cnn(outputs=32), nn.Linear(32, 10)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return self.head(self.body(images_NCHW).detach())


def arrows() -> tuple[Tensor, Tensor]:
    """Draws arrows that point to the left or to the right, at any place."""
    generator = torch.Generator().manual_seed(0)
    arrow = torch.tensor([[0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]])
    images_NCHW = torch.zeros(1600, 1, 12, 12)
    labels_N = torch.randint(0, 2, (1600,), generator=generator)
    for row, label in enumerate(labels_N.tolist()):
        y, x = torch.randint(0, 8, (2,), generator=generator).tolist()
        images_NCHW[row, 0, y : y + 5, x : x + 5] = arrow.flip(1) if label else arrow
    noise = 0.2 * torch.rand(images_NCHW.shape, generator=generator)
    return (images_NCHW * 0.8 + noise).mul(255), labels_N


def unscaled() -> Checks:
    return own(cnn(norm=False), data=digits(scale=255 / 16, mean=0, std=1))


def shuffled() -> Checks:
    images_NCHW, labels_N = digits()
    return own(cnn(), data=(images_NCHW, labels_N[torch.randperm(len(labels_N))]))


def other_model() -> Checks:
    optimizer = torch.optim.SGD(cnn().parameters(), lr=0.05)
    return own(cnn(), optimizer=optimizer)


def valid_not_standardized() -> Checks:
    _, held = loaders(*digits(scale=1, mean=0, std=1))
    return own(cnn(), valid=held)


def mirrored() -> Checks:
    with temporary() as folder:
        images_NCHW, labels_N = arrows()
        np.savez(f"{folder}/arrows.npz", images=images_NCHW.byte().numpy()[:, 0], labels=labels_N.numpy())
        return tw.check(f"{folder}/arrows.npz", settings={"augment.flip": 0.5}, epochs=10)


def dead() -> Checks:
    model = cnn(norm=False)
    for layer in model:
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.constant_(layer.bias, -100.0)
    return own(model)


@contextlib.contextmanager
def temporary() -> Iterator[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        yield folder


@dataclass(frozen=True)
class Broken:
    what: str
    right: str
    make: Callable[[], Checks]


def recipe(data: str = "digits", *, epochs: int = 10, **settings: Any) -> Callable[[], Checks]:
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    return lambda: tw.check(data, settings=dotted, epochs=epochs)


BROKEN = (
    Broken("pixels 0 … 255 into a net without normalization", "inputs", unscaled),
    Broken("a softmax in front of cross-entropy", "first-loss", lambda: own(nn.Sequential(cnn(), nn.Softmax(dim=1)))),
    Broken(
        "the loss with its sign flipped", "first-loss", lambda: own(cnn(), loss=lambda o, y: -F.cross_entropy(o, y))
    ),
    Broken("9 outputs for 10 classes", "first-loss", lambda: own(cnn(outputs=9))),
    Broken("all weights 0", "first-loss", recipe(init__scheme="zeros")),
    Broken("biases that kill every unit", "first-loss", dead),
    Broken("labels of other pictures", "blank-pictures", shuffled),
    Broken("a rate a thousand times too high", "learning-rate", lambda: own(cnn(), lr=50.0)),
    Broken("a rate of 1e-8", "learning-rate", lambda: own(cnn(), lr=1e-8)),
    Broken("a view that mixes pictures", "separate-pictures", lambda: own(MixesPictures())),
    Broken(
        "a backward pass without its 2",
        "gradients",
        lambda: own(nn.Sequential(cnn(outputs=32), OwnActivation(), nn.Linear(32, 10))),
    ),
    Broken("an optimizer of another model", "optimizer", other_model),
    Broken("a body cut off by detach", "gradient-flow", lambda: own(CutOff())),
    Broken("validation pictures that are not standardized", "pipeline", valid_not_standardized),
    Broken("flips of left and right arrows", "labels-kept", mirrored),
)

HEALTHY: dict[str, Callable[[], Checks]] = {
    "digits as they come": recipe(),
    "digits, plain net, adamw": recipe(model__name="plain", optim__name="adamw"),
    "digits, rmsprop": recipe(optim__name="rmsprop"),
    "digits, policy strong, mixup, cutmix": recipe(augment__policy="strong", augment__mixup=0.4, augment__cutmix=1.0),
    "digits, dropout 0.6, smoothing 0.2": recipe(model__name="plain", model__dropout=0.6, loss__label_smoothing=0.2),
    "digits, batch of 4, group norm": recipe(optim__batch_size=4, model__normalization="group", epochs=2),
    "digits, batch of 2": recipe(optim__batch_size=2, model__name="plain"),
    "digits, sgd at 1e-4": recipe(optim__lr=1e-4, epochs=60),
    "digits, full batch": recipe(optim__accumulate="all", epochs=40),
    "digits, kl, PCA whitening": recipe(loss__name="kl", preprocess__whiten="pca"),
    "digits, maxout, LSUV": recipe(model__activation="maxout", init__scheme="lsuv"),
    "digits, tanh, no normalization": recipe(
        model__activation="tanh", model__normalization="none", model__name="plain"
    ),
    "digits, L1, max-norm, noise": recipe(regularization__l1=1e-4, regularization__max_norm=3.0, augment__noise=0.1),
    "digits, sgd without momentum, 0.5": recipe(optim__momentum=0.0, optim__lr=0.5, model__name="plain"),
    "Fashion-MNIST as it comes": recipe("fashion-mnist"),
    "Fashion-MNIST, resnet18, adamw 1e-3": recipe(
        "fashion-mnist", model__name="resnet18", optim__name="adamw", optim__lr=1e-3
    ),
    "digits, mobilenetv3_small_050": recipe(model__name="mobilenetv3_small_050", data__img_size=32),
    "digits, convnext_atto, adamw": recipe(model__name="convnext_atto", data__img_size=32, optim__name="adamw"),
    "digits, vit_tiny, adamw": recipe(model__name="vit_tiny_patch16_224", data__img_size=32, optim__name="adamw"),
    "arrows without flips": lambda: arrows_without_flips(),
    "own loop: CNN with batch norm": lambda: own(cnn()),
    "own loop: without normalization, Adam": lambda: adam(cnn(norm=False), 1e-3),
    "own loop: linear classifier": lambda: own(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), lr=0.1),
    "own loop: fine rate 1e-4 of Adam": lambda: adam(cnn(), 1e-4),
    "own loop: pixels in [0, 1]": lambda: own(cnn(), data=digits(mean=0, std=1)),
    "own loop: log-softmax and NLL": lambda: own(nn.Sequential(cnn(), nn.LogSoftmax(dim=1)), loss=F.nll_loss),
    "own loop: smoothed targets": lambda: soft(),
    "own loop: one output, BCE": lambda: single(),
    "own loop: 60 pictures": lambda: own(cnn(), data=few()),
    "own loop: first layer frozen": lambda: frozen(),
    "own loop: Fashion-MNIST, batch of 1": lambda: fashion(1),
    "own loop: Fashion-MNIST, batch of 2": lambda: fashion(2),
    "own loop: Fashion-MNIST, validation in the order of classes": lambda: fashion(128, in_order=True),
}


def arrows_without_flips() -> Checks:
    with temporary() as folder:
        images_NCHW, labels_N = arrows()
        np.savez(f"{folder}/arrows.npz", images=images_NCHW.byte().numpy()[:, 0], labels=labels_N.numpy())
        return tw.check(f"{folder}/arrows.npz", epochs=10)


def soft() -> Checks:
    images_NCHW, labels_N = digits()
    return own(cnn(), data=(images_NCHW, 0.02 + 0.8 * F.one_hot(labels_N, 10).float()))


def single() -> Checks:
    images_NCHW, labels_N = digits()
    odd_N = labels_N % 2
    return own(
        cnn(outputs=1),
        data=(images_NCHW, odd_N),
        loss=lambda outputs, odd: F.binary_cross_entropy_with_logits(outputs.squeeze(1), odd.float()),
    )


def few() -> tuple[Tensor, Tensor]:
    images_NCHW, labels_N = digits()
    return images_NCHW[:60], labels_N[:60]


def adam(model: nn.Module, lr: float) -> Checks:
    return own(model, optimizer=torch.optim.Adam(model.parameters(), lr=lr))


def frozen() -> Checks:
    model = cnn()
    model[0].requires_grad_(False)
    moved = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return own(model, optimizer=torch.optim.SGD(moved, lr=0.05, momentum=0.9))


AIMED_AT, AIM_S = "Fashion-MNIST as it comes", 60


def head(words: str) -> str:
    """Says what was run, how often, and on what."""
    only, load = f' --only "{words}"' if words else "", os.getloadavg()[0]
    return f"""# Checks on broken and healthy set-ups

- command: `uv run python benchmarks/checks.py{only}`
- n = 1: each set-up was checked once; seconds are those of the clock
- {os.cpu_count()} cores ({platform.machine()}), no GPU; load of other programs before the start {load:.1f}
- trainwright {tw.__version__}, Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORDS")
    words = parser.parse_args().only
    print(head(words))
    print("| broken | right check | failed | what it said | s |")
    print("|---|---|---|---|---|")
    stopped = 0
    chosen = [broken for broken in BROKEN if words in broken.what]
    for broken in chosen:
        began = time.perf_counter()
        made = broken.make()
        failed = [check for check in made.all if check.verdict == "failed"]
        right = bool(failed) and failed[0].name == broken.right
        stopped += right
        names = ", ".join(check.name for check in failed) or "none"
        said = failed[0].summary if failed else "; ".join(c.name for c in made.all if c.verdict == "warned")
        took = time.perf_counter() - began
        print(f"| {broken.what} | {broken.right} | {names}{'' if right else ' ✗'} | {said} | {took:.0f} |", flush=True)
    print(f"\n{stopped} of {len(chosen)} stopped by the right check.\n")
    print("| healthy | failed | warned | s |")
    print("|---|---|---|---|")
    alarms, seconds = 0, dict[str, float]()
    healthy = {what: make for what, make in HEALTHY.items() if words in what}
    for what, make in healthy.items():
        began = time.perf_counter()
        made = make()
        failed = ", ".join(check.name for check in made.all if check.verdict == "failed")
        warned = ", ".join(check.name for check in made.all if check.verdict == "warned")
        alarms += bool(failed)
        seconds[what] = time.perf_counter() - began
        print(f"| {what} | {failed} | {warned} | {seconds[what]:.0f} |", flush=True)
    print(f"\n{alarms} of {len(healthy)} stopped.")
    if AIMED_AT in seconds:
        reached = "met" if seconds[AIMED_AT] <= AIM_S else "missed"
        print(f"\nThe aim for {AIMED_AT}, {AIM_S} s on 2 cores, is {reached}: {seconds[AIMED_AT]:.0f} s.")


if __name__ == "__main__":
    main()

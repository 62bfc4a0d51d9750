"""Somebody's own net, loader, loss and optimizer, described for the checks.

Legend: N pictures, C channels, H W height and width, K outputs.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, SequentialSampler, Subset

from trainwright.errors import InputError
from trainwright.models import evaluating

from .subject import Lesson, Subject

MOST_KEPT = 512
"""Pictures of the loader that are kept for checks which look at the same pictures again."""

OwnLoss = Callable[[Tensor, Tensor], Tensor]


@contextlib.contextmanager
def kept_generators(*loaders: object) -> Iterator[None]:
    """Gives loaders back the states of their own random generators, so that training draws what it would have drawn."""
    owners = [owner for loader in loaders for owner in (loader, getattr(loader, "sampler", None))]
    found = [generator for owner in owners if (generator := getattr(owner, "generator", None)) is not None]
    states = [generator.get_state() for generator in found]
    try:
        yield
    finally:
        for generator, state in zip(found, states, strict=True):
            generator.set_state(state)


def refuse_rate_of_0(optimizer: torch.optim.Optimizer, caller: str) -> None:
    """Makes sure that there is a rate by which a copy can be trained.

    Raises:
        InputError: it is 0 in every group, as a warm-up scheduler sets it at once.
    """
    if not any(float(group["lr"]) > 0 for group in optimizer.param_groups):
        raise InputError(
            "the optimizer's rate is 0, so that nothing can be learned with it, and groups have no shares of it",
            expected="a rate above 0 in at least one group",
            got="0 in all",
            where="optimizer",
            hint=f"make the optimizer anew, or call {caller} before a warm-up scheduler is attached",
        )


def subject_of_loop(
    model: nn.Module,
    loader: Iterable[Any],
    *,
    valid_loader: Iterable[Any] | None = None,
    loss: OwnLoss = F.cross_entropy,
    optimizer: torch.optim.Optimizer | None = None,
    steps: int | None = None,
) -> Subject:
    """Describes a training loop that is not ours.

    Args:
        model: on its device, N C H W → outputs N K.
        loader: gives pairs of inputs and labels; can be walked through again and again.
        valid_loader: the same of pictures that are not trained on.
        loss: (outputs, labels) → scalar.
        optimizer: over the model's parameters.
        steps: that training will make, where known.

    Raises:
        InputError: the loader gives nothing, or something else than pairs of tensors.
    """
    for name, given in (("loader", loader), ("valid_loader", valid_loader)):
        if given is not None and iter(given) is given:
            raise InputError(
                "a loader that can be walked through only once cannot be checked",
                expected="a DataLoader, or a list of batches",
                got=type(given).__name__,
                where=name,
                hint="list(loader) of some batches",
            )
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    images_NCHW, labels_N, size = _first(loader, device, "loader")
    valid = None if valid_loader is None else _first(_from_all_over(valid_loader), device, "valid_loader")
    with torch.no_grad(), evaluating(model):
        outputs = model(images_NCHW[:2])
    several = isinstance(outputs, Tensor) and outputs.ndim == 2 and outputs.shape[1] > 1
    classifies = several and not labels_N.is_floating_point() and labels_N.ndim == 1

    def lesson(images_NCHW: Tensor, labels_N: Tensor) -> Lesson:
        return Lesson(images_NCHW, labels_N, lambda outputs: loss(outputs, labels_N))

    def trained() -> Iterator[Lesson]:
        while True:
            for images_NCHW, labels_N in _pairs(loader, device):
                yield lesson(images_NCHW, labels_N)

    def clean_batches() -> Iterator[Lesson]:
        for first in range(0, len(labels_N), size):
            yield lesson(images_NCHW[first : first + size], labels_N[first : first + size])

    def losses(outputs_NK: Tensor, labels_N: Tensor) -> Tensor:
        with torch.no_grad():
            rows = zip(outputs_NK.split(1), labels_N.split(1), strict=True)
            return torch.stack([loss(said, true).reshape(()) for said, true in rows]).double().cpu()

    def blind_loss(outputs_NK: Tensor, labels_N: Tensor) -> float:
        if classifies:
            return math.log(max(outputs_NK.shape[1], 2))
        return losses(torch.zeros_like(outputs_NK), labels_N).mean().item()

    def hits(outputs_NK: Tensor, labels_N: Tensor) -> Tensor | None:
        return (outputs_NK.argmax(dim=1) == labels_N).sum() if classifies else None

    return Subject(
        model=model,
        optimizer=optimizer,
        batch_size=size,
        clean=lambda count: lesson(images_NCHW[:count], labels_N[:count]),
        clean_batches=clean_batches,
        unseen=None if valid is None else lambda count: lesson(valid[0][:count], valid[1][:count]),
        trained=trained,
        losses=losses,
        hits=hits,
        blind=("ln of the number of outputs", "ln_outputs") if classifies else ("outputs of 0", "loss_of_zeros"),
        blind_loss=blind_loss,
        classes=int(labels_N.max()) + 1 if classifies else None,
        steps=steps,
    )


def _from_all_over(loader: Iterable[Any]) -> Iterable[Any]:
    """Takes MOST_KEPT pictures from all over a list of batches, or a DataLoader that keeps the order of its pictures.

    Validation pictures often come class by class, and the first ones are no sample then. Any other loader stays as it
    is, as its last batches would cost a walk through all of it.
    """
    if isinstance(loader, list | tuple):
        return _thinned(loader) if all(map(_is_pair, loader)) else loader
    if not isinstance(loader, DataLoader) or type(loader).__iter__ is not DataLoader.__iter__:
        return loader
    if loader.batch_size is None or not isinstance(loader.sampler, SequentialSampler):
        return loader
    count = len(loader.sampler)
    places = [place for place in range(count) if _is_kept(place, count)]
    return DataLoader(Subset(loader.dataset, places), loader.batch_size, collate_fn=loader.collate_fn)


def _thinned(pairs: Sequence[Any]) -> Iterator[tuple[Tensor, Tensor]]:
    count, passed = sum(len(labels_N) for _, labels_N in pairs), 0
    for images_NCHW, labels_N in pairs:
        rows = [row for row in range(len(labels_N)) if _is_kept(passed + row, count)]
        passed += len(labels_N)
        if rows:
            yield images_NCHW[rows], labels_N[rows]


def _is_kept(place: int, count: int) -> bool:
    """Tells of each of so many places whether it is one of MOST_KEPT that lie evenly among them."""
    return count <= MOST_KEPT or (place + 1) * MOST_KEPT // count > place * MOST_KEPT // count


def _first(loader: Iterable[Any], device: torch.device, name: str) -> tuple[Tensor, Tensor, int]:
    """Keeps the first batches of a loader, MOST_KEPT pictures or a little more, and the size of the first.

    Raises:
        InputError: there is none.
    """
    images: list[Tensor] = []
    labels: list[Tensor] = []
    for images_NCHW, labels_N in _pairs(loader, device):
        if labels_N.ndim == 1 and not labels_N.is_floating_point() and bool((labels_N < 0).any()):
            kept_N = labels_N >= 0  # the others are left out of the loss (PyTorch's ignore_index)
            images_NCHW, labels_N = images_NCHW[kept_N], labels_N[kept_N]
        images.append(images_NCHW)
        labels.append(labels_N)
        if sum(map(len, labels)) >= MOST_KEPT:
            break
    if not images:
        raise InputError("the loader gives no batch", expected="pairs of inputs and labels", where=name)
    return torch.cat(images), torch.cat(labels), len(labels[0])


def _pairs(loader: Iterable[Any], device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Takes batches apart and moves them to a device.

    Raises:
        InputError: a batch is no pair of tensors.
    """
    for batch in loader:
        if not _is_pair(batch):
            raise InputError(
                "a batch of the loader is no pair of inputs and labels",
                expected="(inputs N C H W, labels N), two tensors",
                got=_described(batch),
                where="loader",
                hint="wrap the loader in a generator that gives such pairs",
            )
        yield batch[0].to(device), batch[1].to(device)


def _is_pair(batch: object) -> bool:
    return isinstance(batch, list | tuple) and len(batch) == 2 and all(isinstance(part, Tensor) for part in batch)


def _described(batch: object) -> str:
    if isinstance(batch, list | tuple):
        return f"{type(batch).__name__} of " + ", ".join(type(part).__name__ for part in batch)
    return type(batch).__name__

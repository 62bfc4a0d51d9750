"""Parts → batches: which pictures, in which order, and read before they are needed.

Legend: N pictures of a batch, C channels, H W height and width.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .augment.mixing import Mix, Mixing
from .augment.randomness import words
from .pictures import LabelledPictures

READ_AHEAD = 2
"""Batches that are read from disk while one is being computed on; bounds the memory that waits."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some pictures of a part.

    Attributes:
        images_NCHW: uint8.
        labels_N: what is true of each: int64, the index of its class; in other tasks float32 N T, numbers of a target.
        samples_N: int64, stable ids that the random numbers of augmentation hang on.
        weights_N: float32, each picture's weight in the loss; None where all count alike.
        mix: what is mixed into the pictures, or None.
    """

    images_NCHW: Tensor
    labels_N: Tensor
    samples_N: Tensor
    weights_N: Tensor | None
    mix: Mix | None = None


class TrainingPictures(LabelledPictures, Protocol):
    """What batches need of a part: pictures by position, 0 to len − 1, and what is known of each.

    `on_disk` says that the store is a memory-mapped file, so that reading ahead pays.
    """

    @property
    def on_disk(self) -> bool: ...
    @property
    def samples_N(self) -> Tensor: ...
    @property
    def weights_N(self) -> Tensor | None: ...
    @property
    def pairs_P2(self) -> Tensor | None: ...


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Shuffles 0 … count − 1: the order in which an epoch sees its pictures, a pure function of its arguments.

    Every position draws a 63-bit key and the keys are sorted, so that the order does not hang on how some version of a
    library shuffles.

    Args:
        seed: the run's seed.
        epoch: any count from 0.
        count: number of pictures.

    Returns: int64 permutation.

    >>> sorted(order(seed=1, epoch=2, count=4).tolist())
    [0, 1, 2, 3]
    """
    words_N2 = words(seed, epoch, torch.arange(count), {"order": 2})["order"].numpy()
    return np.argsort((words_N2[:, 0] << 31) | (words_N2[:, 1] >> 1), kind="stable")


def batches(
    part: TrainingPictures,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    start: int = 0,
    every_picture: bool = False,
    smallest: int = 1,
    mixing: Mixing | None = None,
    step: int = 1,
    share: Callable[[Tensor], Tensor] | None = None,
) -> Iterator[Batch]:
    """Walks through a part in this epoch's order; the last batch is left out where it would be short.

    Pictures on disk are read ahead by a thread that ends with the iterator.

    Args:
        part: the training pictures; where they come in pairs, pairs are walked through: a batch holds the better and
            the worse picture of its first pair, then those of its second.
        batch_size: pictures a batch, or pairs.
        seed, epoch: decide the order.
        start: index of the first batch wanted, so that an epoch can be taken up in its middle.
        every_picture: leave none out; the batches then differ by one picture at most, the largest first.
        smallest: with `every_picture`, rather one batch less, of more than `batch_size` pictures, than one of fewer
            than this; at most `batch_size`.
        mixing: brings another picture for each.
        step: every how many batches, from the first, one is wanted.
        share: picks what is wanted out of the pictures, or pairs, of each batch; the others are not read.
    """
    pairs_P2 = part.pairs_P2
    count = len(part) if pairs_P2 is None else len(pairs_P2)
    rows = torch.from_numpy(order(seed, epoch, count))
    whole = count // batch_size * batch_size
    parts = min(math.ceil(count / batch_size), max(1, count // smallest))
    chunks = rows.tensor_split(parts) if every_picture else rows[:whole].split(batch_size)
    chunks = chunks[start::step]
    if share is not None:
        chunks = [share(chosen) for chosen in chunks]
    if pairs_P2 is not None:
        chunks = [pairs_P2[chosen].flatten() for chosen in chunks]
    return _read(part, chunks, mixing, epoch)


def eval_batches(
    part: TrainingPictures, batch_size: int, share: Callable[[Tensor], Tensor] | None = None
) -> Iterator[Batch]:
    """Walks through all pictures in storage order, once each; the last batch may be short.

    Args:
        share: picks what is wanted out of the part's pictures; None wants all.
    """
    rows = torch.arange(len(part))
    return _read(part, (rows if share is None else share(rows)).split(batch_size))


def _read(
    part: TrainingPictures, rows_of_batches: Sequence[Tensor], mixing: Mixing | None = None, epoch: int = 0
) -> Iterator[Batch]:
    wanted = [rows_N for rows_N in rows_of_batches if len(rows_N)]
    if part.on_disk:
        return _read_ahead(part, wanted, mixing, epoch)
    return (_batch(part, rows_N, mixing, epoch) for rows_N in wanted)


def _read_ahead(
    part: TrainingPictures, rows_of_batches: Sequence[Tensor], mixing: Mixing | None, epoch: int
) -> Iterator[Batch]:
    """Keeps one thread reading the next batches; its errors come out here, and closing the iterator ends it."""
    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="trainwright-read-ahead") as reader:
        try:
            for rows_N in rows_of_batches:
                waiting.append(reader.submit(_batch, part, rows_N, mixing, epoch))
                if len(waiting) > READ_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _batch(part: TrainingPictures, rows_N: Tensor, mixing: Mixing | None, epoch: int) -> Batch:
    weights_N = None if part.weights_N is None else part.weights_N[rows_N]
    images_NCHW, samples_N = _images(part, rows_N), part.samples_N[rows_N]
    mix = None
    if mixing is not None:
        others_N = mixing.partners(samples_N, epoch)
        share_N, boxes_N4 = mixing.shares(samples_N, epoch, *images_NCHW.shape[2:])
        mix = Mix(
            _images(part, others_N),
            part.labels_N[others_N],
            part.samples_N[others_N],
            None if part.weights_N is None else part.weights_N[others_N],
            share_N,
            boxes_N4,
        )
    return Batch(images_NCHW, part.labels_N[rows_N], samples_N, weights_N, mix)


def _images(part: TrainingPictures, rows_N: Tensor) -> Tensor:
    """Reads pictures; from a disk from the lowest row to the highest, as they lie there, and then in order."""
    if not part.on_disk:
        return part.images(rows_N)
    sorted_N, came_from_N = rows_N.sort()
    return part.images(sorted_N).index_select(0, came_from_N.argsort())

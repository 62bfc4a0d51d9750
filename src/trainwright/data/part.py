"""One part of the data (training, validation or test): which rows of the store, and what is known of each.

Legend: S pictures in the store, N pictures of the part, C channels, H W height and width, T numbers of a target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures of one part, still lying in the store that all parts share.

    Args:
        images_SCHW: uint8, every picture of the data, in memory or memory-mapped; never changed.
        rows_N: int64, the store's row of each picture of this part.
        labels_N: what is true of each: int64, the index of its class; in other tasks float32 N T.
        samples_N: int64, the picture's place among all readable pictures sorted by name; random numbers hang on it,
            so it does not depend on the part, the order or the machine.
        names: the picture's name in the data.
        weights_N: float32, weight in the training loss, mean 1; None where all count alike.
        on_disk: whether the store is a memory-mapped file, so that reading ahead pays.
        pairs_P2: int64, the better and the worse picture of each pair, positions in this part; None but in ranking.
        mean_weight: what the given weights were divided by to make that mean 1.
    """

    images_SCHW: Tensor
    rows_N: Tensor
    labels_N: Tensor
    samples_N: Tensor
    names: Sequence[str]
    weights_N: Tensor | None = None
    on_disk: bool = False
    mean_weight: float = 1.0
    pairs_P2: Tensor | None = None

    @property
    def drawn(self) -> int:
        """Counts what an epoch of training draws: pictures, or pairs."""
        return len(self) if self.pairs_P2 is None else len(self.pairs_P2)

    def __len__(self) -> int:
        return len(self.names)

    def images(self, rows: Tensor) -> Tensor:
        """Copies pictures of this part out of the store.

        Args:
            rows: int64 n, positions in this part, each in [0, N).

        Returns: uint8 n C H W.
        """
        return self.images_SCHW.index_select(0, self.rows_N.index_select(0, rows))


def part_of(
    images_SCHW: Tensor,
    rows: np.ndarray,
    labels: np.ndarray,
    samples: np.ndarray,
    names: Sequence[str],
    weights: np.ndarray | None,
    *,
    on_disk: bool,
    mean_weight: float = 1.0,
    pairs: np.ndarray | None = None,
) -> Part:
    """Builds a part from columns of numpy; copies the columns, never the pictures. Labels as in `Part`."""
    labels = labels.astype(np.int64 if labels.ndim == 1 else np.float32)
    return Part(
        images_SCHW=images_SCHW,
        rows_N=torch.from_numpy(rows.astype(np.int64)),
        labels_N=torch.from_numpy(labels),
        samples_N=torch.from_numpy(samples.astype(np.int64)),
        names=tuple(names),
        weights_N=None if weights is None else torch.from_numpy(weights.astype(np.float32)),
        on_disk=on_disk,
        mean_weight=mean_weight,
        pairs_P2=None if pairs is None else torch.from_numpy(pairs.astype(np.int64)),
    )


def joined(one: Part, other: Part) -> Part:
    """Joins two parts of the same data to one, as if it had been divided so: in the order of the samples, weights of
    mean 1 over both."""
    samples_N, order_N = torch.cat([one.samples_N, other.samples_N]).sort()
    names = (*one.names, *other.names)
    weights_N, mean = None, 1.0
    if one.weights_N is not None and other.weights_N is not None:
        pairs = ((one.weights_N, one.mean_weight), (other.weights_N, other.mean_weight))
        given_N = torch.cat([scaled_N.double() * divisor for scaled_N, divisor in pairs])[order_N]
        mean = given_N.mean().item()
        weights_N = (given_N / mean).float()
    pairs_P2 = None
    if one.pairs_P2 is not None and other.pairs_P2 is not None:
        pairs_P2 = order_N.argsort()[torch.cat([one.pairs_P2, other.pairs_P2 + len(one)])]
    return replace(
        one,
        rows_N=torch.cat([one.rows_N, other.rows_N])[order_N],
        labels_N=torch.cat([one.labels_N, other.labels_N])[order_N],
        samples_N=samples_N,
        names=tuple(names[row] for row in order_N.tolist()),
        weights_N=weights_N,
        mean_weight=mean,
        pairs_P2=pairs_P2,
    )


def thinned(part: Part, most: int) -> Part:
    """Gives a part with at most so many pictures, spread evenly over it; one with pairs stays whole."""
    if len(part) <= most or part.pairs_P2 is not None:
        return part
    kept_N = torch.arange(most) * len(part) // most
    columns = {name: getattr(part, name)[kept_N] for name in ("rows_N", "labels_N", "samples_N")}
    weights_N = None if part.weights_N is None else part.weights_N[kept_N]
    return replace(part, **columns, weights_N=weights_N, names=tuple(part.names[row] for row in kept_N.tolist()))


def emptied(part: Part) -> Part:
    """Gives a part of the same data without pictures."""
    columns = {name: getattr(part, name)[:0] for name in ("rows_N", "labels_N", "samples_N")}
    weights_N = None if part.weights_N is None else part.weights_N[:0]
    pairs_P2 = None if part.pairs_P2 is None else part.pairs_P2[:0]
    return replace(part, **columns, names=(), weights_N=weights_N, pairs_P2=pairs_P2)

"""One part of the data (training, validation or test): which rows of the store, and what is known of each.

Legend: S pictures in the store, N pictures of the part, C channels, H W height and width, T numbers of a target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """

    images_SCHW: Tensor
    rows_N: Tensor
    labels_N: Tensor
    samples_N: Tensor
    names: Sequence[str]
    weights_N: Tensor | None = None
    on_disk: bool = False

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
    )

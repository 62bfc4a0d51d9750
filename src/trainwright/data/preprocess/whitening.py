"""PCA and ZCA whitening: one matrix that takes all correlation out of pictures.

With the eigenvectors U and eigenvalues λ of the covariance of training pictures, a centered picture x, written as a
row, becomes x U diag(1/√(λ+ε)), its principal components (PCA), or that times Uᵀ, a picture again (ZCA).

Legend: N pictures, C channels, H W height and width, V = C·H·W values of a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trainwright.data.free_memory import free_memory
from trainwright.errors import InputError

BYTES_A_PAIR = 48
"""Bytes to reckon with for each pair of a picture's values: LAPACK alone needs 32 (covariance, eigenvectors, and room
of 2V²); measured 47 for 3,072 values and 34 for 6,912, where chunks of pictures count for less
(benchmarks/results/whitening.md)."""
MOST_VALUES = 32_766
"""Values of a picture up to which LAPACK's 32-bit numbers count the room that it works in, 1 + 6V + 2V²."""
TURNED_BACK = {"pca": False, "zca": True}
"""Every value of `preprocess.whiten` but none, and whether components are turned back into pictures."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """A fitted whitening; final.

    Attributes:
        kind: one of TURNED_BACK.
        eigenvectors_VV: float32, one a column, by falling eigenvalue; of each, the entry of largest magnitude is
            positive.
        eigenvalues_V: float64, variances of u/255 (u: stored value) along them, at least 0.
        epsilon: what is added to each.
    """

    kind: str
    eigenvectors_VV: Tensor
    eigenvalues_V: Tensor
    epsilon: float
    _placed: dict[torch.device, Tensor] = field(default_factory=dict, init=False, repr=False)

    @property
    def gain_V(self) -> Tensor:
        """What each component is multiplied by, 1/√(λ+ε): float32."""
        return (self.eigenvalues_V + self.epsilon).rsqrt().float()

    def apply(self, centered_NCHW: Tensor) -> Tensor:
        """Whitens centered pictures, float32 N C H W, by one matrix product."""
        # An autocast region would compute in half the digits.
        with torch.autocast(centered_NCHW.device.type, enabled=False):
            return (centered_NCHW.flatten(1) @ self._matrix(centered_NCHW.device)).view(centered_NCHW.shape)

    def invert(self, whitened_NCHW: Tensor) -> Tensor:
        """Gives back centered pictures: float32 N C H W."""
        device = whitened_NCHW.device
        eigenvectors_VV = self.eigenvectors_VV.to(device)
        with torch.autocast(device.type, enabled=False):
            flat_NV = whitened_NCHW.flatten(1)
            components_NV = flat_NV @ eigenvectors_VV if TURNED_BACK[self.kind] else flat_NV
            return (components_NV / self.gain_V.to(device) @ eigenvectors_VV.T).view(whitened_NCHW.shape)

    def _matrix(self, device: torch.device) -> Tensor:
        """Keeps, on each device that asks, what pictures are multiplied by: float32 V V."""
        if device not in self._placed:
            matrix_VV = self.eigenvectors_VV * self.gain_V
            matrix_VV = matrix_VV @ self.eigenvectors_VV.T if TURNED_BACK[self.kind] else matrix_VV
            self._placed[device] = matrix_VV.to(device)
        return self._placed[device]


def fit_whitening(kind: str, covariance_VV: Tensor, epsilon: float) -> Whitening:
    """Finds the eigenvectors of a covariance, the largest eigenvalue first.

    An eigenvector's sign is free; as in scikit-learn's PCA its entry of largest magnitude is made positive.

    Args:
        kind: one of TURNED_BACK.
        covariance_VV: float64, of u/255.
        epsilon: what is added to each eigenvalue, above 0.

    >>> whitening = fit_whitening("pca", torch.tensor([[2.0, 0.0], [0.0, 3.0]]).double(), 1.0)
    >>> whitening.eigenvectors_VV.tolist(), whitening.gain_V.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [0.5, 0.5773502588272095])
    """
    eigenvalues_V, eigenvectors_VV = torch.linalg.eigh(covariance_VV)
    eigenvectors_VV = eigenvectors_VV.float().flip(1)
    largest_1V = eigenvectors_VV.abs().argmax(dim=0, keepdim=True)
    eigenvectors_VV *= eigenvectors_VV.gather(0, largest_1V).sign()
    # Where nothing varies, rounding makes some eigenvalues a little less than 0.
    return Whitening(kind, eigenvectors_VV, eigenvalues_V.flip(0).clamp(min=0), epsilon)


def check_whitening(channels: int, height: int, width: int) -> None:
    """Refuses pictures whose covariance and eigenvectors would not fit into the memory that is free.

    Raises:
        InputError: says what would be needed, what is free, and up to which size whitening works here.
    """
    values, free = channels * height * width, free_memory()
    needed = BYTES_A_PAIR * values**2
    if needed <= free and values <= MOST_VALUES:
        return
    side = math.isqrt(min(math.isqrt(free // BYTES_A_PAIR), MOST_VALUES) // channels)
    raise InputError(
        "these pictures are too large to be whitened",
        expected=f"at most {side}×{side} pixels, by the {free / 2**30:.1f} GiB of memory that are free",
        got=f"{height}×{width}×{channels}: {values:,} dimensions, whose covariance and eigenvectors need "
        f"{needed / 2**30:,.1f} GiB",
        where="preprocess.whiten",
        hint=f"--img-size {min(side, 32)}, or without whitening: --set preprocess.whiten=none",
    )

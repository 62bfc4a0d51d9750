"""A preprocessor's way into a checkpoint and back.

Legend: C channels, H W height and width, V = C·H·W values of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trainwright.errors import InputError

from .dimensions import Dimensions
from .preprocessor import Preprocessor
from .whitening import TURNED_BACK, Whitening


def preprocessor_state(preprocessor: Preprocessor) -> dict[str, Any]:
    """Gives everything as tensors and plain values; `preprocessor_from` takes it back."""
    constant_C = torch.zeros(len(preprocessor.mean_C), dtype=torch.bool)
    constant_C[list(preprocessor.constant_channels)] = True
    state: dict[str, Any] = {
        "mean_C": preprocessor.mean_C,
        "std_C": preprocessor.std_C,
        "constant_C": constant_C,
        "center": preprocessor.center,
        "scale": preprocessor.scale,
    }
    if (dimensions := preprocessor.dimensions) is not None:
        state |= {
            "offset_CHW": dimensions.offset_CHW,
            "divisor_CHW": dimensions.divisor_CHW,
            "constant_CHW": dimensions.constant_CHW,
        }
    if (whitening := preprocessor.whitening) is not None:
        state |= {
            "whiten": whitening.kind,
            "epsilon": whitening.epsilon,
            "eigenvectors_VV": whitening.eigenvectors_VV,
            "eigenvalues_V": whitening.eigenvalues_V,
        }
    return state


def preprocessor_from(state: Mapping[str, Any], *, channels: int, img_size: int) -> Preprocessor:
    """Rebuilds the very same preprocessor from its state.

    Args:
        state: from `preprocessor_state`.
        channels: of the net's pictures.
        img_size: side of the net's pictures, pixels.

    Raises:
        InputError: a tensor is missing, of another shape, or holds a number that is not finite.
    """
    values = channels * img_size**2
    shapes = {"C": (channels,), "CHW": (channels, img_size, img_size), "V": (values,), "VV": (values, values)}

    def tensor(name: str, kind: torch.dtype = torch.float64) -> Tensor:
        found, shape = state.get(name), shapes[name.rpartition("_")[2]]
        if not isinstance(found, Tensor) or tuple(found.shape) != shape or found.dtype != kind:
            what = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            raise _unfit(name, f"{kind} {shape}", what)
        if not found.isfinite().all():
            raise _unfit(name, "finite numbers", "a number that is not finite")
        return found

    constant = tuple(int(channel) for channel in torch.where(tensor("constant_C", torch.bool))[0])
    dimensions = whitening = None
    if "offset_CHW" in state:
        constant_CHW = tensor("constant_CHW", torch.bool)
        dimensions = Dimensions(tensor("offset_CHW"), _positive("divisor_CHW", tensor("divisor_CHW")), constant_CHW)
    if "whiten" in state:
        if state["whiten"] not in TURNED_BACK:
            raise _unfit("whiten", f"one of {', '.join(TURNED_BACK)}", repr(state["whiten"]))
        eigenvalues_V, epsilon = tensor("eigenvalues_V"), state["epsilon"]
        _positive("eigenvalues_V, with epsilon added,", eigenvalues_V + epsilon)
        whitening = Whitening(state["whiten"], tensor("eigenvectors_VV", torch.float32), eigenvalues_V, epsilon)
    std_C = _positive("std_C", tensor("std_C"))
    return Preprocessor(
        tensor("mean_C"), std_C, bool(state["center"]), bool(state["scale"]), constant, dimensions, whitening
    )


def _positive(name: str, divisor: Tensor) -> Tensor:
    if not (divisor > 0).all():
        raise _unfit(name, "numbers above 0", f"{divisor.min().item():g}")
    return divisor


def _unfit(name: str, expected: str, got: str) -> InputError:
    return InputError(
        "the preprocessing in the checkpoint does not fit its net",
        expected=f"{name}: {expected}",
        got=got,
        hint="use only checkpoints that trainwright wrote",
    )

"""What makes a step of several ranks the step of one process: sums over the whole batch instead of a rank's share.

Gradients are summed once, after the last backward of a step, in one exchange with the numbers that the step tells.
Each rank's loss is already its share of the whole, so that the sum needs no division and is what one process computes,
however uneven the shares; clipping, penalties, float16's scaling and averages then see the finished gradient.

N pictures of a rank's share · F channels · W ranks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from .distributed import Ranks
from .reestimation import batch_norms


def sum_step(model: nn.Module, numbers: Sequence[float], ranks: Ranks) -> list[float]:
    """Sums the gradients of all ranks, and some numbers beside them.

    A parameter that has a gradient on no rank keeps none, so that the optimizer leaves it alone as in one process.

    Returns: the sums of the numbers, rounded to float32; whole ones are exact up to 2²⁴.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    there = [parameter.grad is not None for parameter in parameters]
    told = torch.tensor([*numbers, *there])
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([told.to(gradients[0].device), *(gradient.flatten() for gradient in gradients)])
    ranks.add_up(flat)
    sums, summed = flat.split([len(told), len(flat) - len(told)])
    said = sums.tolist()
    pieces = summed.split([parameter.numel() for parameter in parameters])
    for parameter, piece, count in zip(parameters, pieces, said[len(numbers) :], strict=True):
        if count > 0:
            if parameter.grad is None:
                parameter.grad = torch.empty_like(parameter)
            parameter.grad.copy_(piece.view_as(parameter))
    return said[: len(numbers)]


@torch.no_grad()
def average_statistics(model: nn.Module, ranks: Ranks) -> None:
    """Averages the running statistics of batch normalization over ranks that normalize by their own shares."""
    norms = [buffer for norm in batch_norms(model) for buffer in norm.buffers(recurse=False)]
    kept = [buffer for buffer in norms if buffer.is_floating_point()]
    if kept:
        flat = torch.cat([buffer.flatten() for buffer in kept])
        ranks.add_up(flat)
        for buffer, piece in zip(kept, (flat / ranks.world).split([buffer.numel() for buffer in kept]), strict=True):
            buffer.copy_(piece)


class WholeBatch(TorchFunctionMode):
    """While it is open, batch normalization in training takes mean and variance over all ranks.

    It stands in for `torch.nn.functional.batch_norm`, which torch's layers, timm's and ours all call. So it needs no
    other modules, and what copies, evaluates or keeps the net never meets it. torch's SyncBatchNorm needs GPUs.
    """

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is F.batch_norm and (kwargs or {}).get("training"):
            return _normalized(self.ranks, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _normalized(
    ranks: Ranks,
    maps: Tensor,
    mean_F: Tensor | None,
    variance_F: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = True,  # noqa: ARG001 - the form of F.batch_norm
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Computes F.batch_norm in training over the batches of all ranks; moves the running statistics likewise."""
    with torch.no_grad():
        count, own_mean_F, own_variance_F = merged(ranks.stacked(_moments(maps)))
        if maps.numel() < 2 * maps.shape[1] and count < 2:  # the count alone would wait for a GPU
            raise ValueError(f"Expected more than 1 value per channel when training, got {int(count)} over all ranks")
        if mean_F is not None and variance_F is not None:
            mean_F.lerp_(own_mean_F.to(mean_F.dtype), momentum)
            variance_F.lerp_((own_variance_F * (count / (count - 1))).to(variance_F.dtype), momentum)
    return _Normalize.apply(maps, weight, bias, own_mean_F, own_variance_F, count, eps, ranks)  # pyright: ignore


def _exact(tensor: Tensor) -> Tensor:
    """Gives at least float32."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _moments(maps: Tensor) -> Tensor:
    """Gives count, means, and sums of squares about them, of each channel: F means, F sums, one count."""
    exact = _exact(maps.detach())
    axes = [axis for axis in range(maps.ndim) if axis != 1]
    variance_F, mean_F = torch.var_mean(exact, axes, correction=0)
    count = maps.numel() // maps.shape[1]
    return torch.cat([mean_F, variance_F * count, mean_F.new_tensor([count])])


def merged(every_W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Merges counts, means and sums of squares of ranks into those of the whole: count, mean F, variance F.

    Args:
        every_W: a row a rank: F means, F sums of squares about them, the count.

    Source: Chan et al. 1979, equation 1.5.

    >>> [number.tolist() for number in merged(torch.tensor([[1.0, 0.0, 1.0], [4.0, 1.5, 2.0]]))]
    [3.0, [3.0], [2.5]]
    """
    channels = every_W.shape[1] // 2
    means_WF, squares_WF, counts_W1 = every_W.double().split([channels, channels, 1], dim=1)
    count = counts_W1.sum()
    mean_F = (counts_W1 * means_WF).sum(dim=0) / count
    squares_F = squares_WF.sum(dim=0) + (counts_W1 * (means_WF - mean_F).square()).sum(dim=0)
    return count.to(every_W.dtype), mean_F.to(every_W.dtype), (squares_F / count).to(every_W.dtype)


class _Normalize(torch.autograd.Function):
    """Normalizes by given statistics forward; backward knows that they hang on the pictures of all ranks."""

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean_F: Tensor,
        variance_F: Tensor,
        count: Tensor,
        eps: float,
        ranks: Ranks,
    ) -> Tensor:
        ctx.save_for_backward(maps, weight, mean_F, (variance_F + eps).rsqrt())
        ctx.count, ctx.ranks, ctx.has_bias = count, ranks, bias is not None
        return F.batch_norm(maps, mean_F, variance_F, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        maps, weight, mean_F, scale_F = ctx.saved_tensors
        shape = [1, -1, *([1] * (maps.ndim - 2))]
        axes = [axis for axis in range(maps.ndim) if axis != 1]
        exact = _exact(gradient)
        normal = (_exact(maps) - mean_F.view(shape)) * scale_F.view(shape)
        bias_F, weight_F = exact.sum(axes), (exact * normal).sum(axes)
        sums_2F = torch.stack([bias_F, weight_F])
        ctx.ranks.add_up(sums_2F)
        mean_2F = sums_2F / ctx.count
        own = exact - mean_2F[0].view(shape) - normal * mean_2F[1].view(shape)
        own = own * (scale_F if weight is None else scale_F * weight).view(shape)
        return (
            own.to(maps.dtype),
            None if weight is None else weight_F.to(weight.dtype),
            bias_F if ctx.has_bias else None,
            *[None] * 5,
        )

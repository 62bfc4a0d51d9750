"""One pass over a batch: uint8 is read once, the finished float is written once.

Batches on a CPU go through the compiled kernel, all others through torch operations; both give the same bits there.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from .gather import gather_resample
from .geometry import lens_scale
from .plan import Noise, Plan

WORTH_A_KERNEL = 16_384
"""Values (N·C·H·W) of a batch from which the kernel is used: its first call ever compiles for 1.3 s (whole pixels) or
3.7 s (all other maps), the first of a process loads for 0.3 s, which a run on smaller batches never earns back (64
pictures of 8×8: 0.03 ms in the kernel, 0.19 ms in torch, on one core)."""

WORTH_A_THREAD = 100_000
"""Values a thread should have to itself: waking a thread costs as much as finishing about this many."""


def resample(
    images_NCHW: Tensor,
    plan: Plan,
    *,
    fill: str,
    constant_C: Tensor,
    channels_last: bool = False,
    compiled: bool = False,
) -> Tensor:
    """Carries out a plan: moves, colors, normalizes and hides.

    Args:
        images_NCHW: uint8, on any device; the result lies there too.
        plan: for as many pictures, on any device.
        fill: what stands outside the old picture, a mode of numpy.pad.
        constant_C: what fills hidden boxes, and the outside under `constant`: the training mean as the net sees it.
        channels_last: whether the result lies as N H W C in memory.
        compiled: whether torch.compile works on what a GPU does; the CPU has its kernel in any case.

    Returns: float32 N C H W.
    """
    device = images_NCHW.device
    plan = plan.to(device)
    if device.type == "cpu" and images_NCHW.numel() >= WORTH_A_KERNEL:
        return _resample_on_cpu(images_NCHW, plan, fill, constant_C, channels_last)
    gather = compiled_gather() if compiled and device.type != "cpu" else gather_resample
    finished_NCHW = gather(images_NCHW, plan, fill, constant_C.to(device))
    return finished_NCHW.contiguous(memory_format=_layout(channels_last))


@functools.cache
def compiled_gather() -> Callable[[Tensor, Plan, str, Tensor], Tensor]:
    """Hands gather_resample to torch.compile, after which no value between pixel and result is stored."""
    return torch.compile(gather_resample)


def _layout(channels_last: bool) -> torch.memory_format:
    return torch.channels_last if channels_last else torch.contiguous_format


def _resample_on_cpu(images_NCHW: Tensor, plan: Plan, fill: str, constant_C: Tensor, channels_last: bool) -> Tensor:
    """Shares the pictures out to as many threads as torch computes with."""
    # Imported here, because numba costs a second, and a GPU or small pictures do without.
    from .kernel import FILL_CODES, blend_pictures, move_pictures

    count, channels, height, width = images_NCHW.shape
    finished_NCHW = torch.empty((count, channels, height, width), memory_format=_layout(channels_last))
    in_memory_order = finished_NCHW.permute(0, 2, 3, 1) if channels_last else finished_NCHW
    pictures = images_NCHW.contiguous().numpy(), plan.maps_N23.contiguous().numpy()
    looks = plan.colors_NCD.contiguous().numpy(), plan.boxes_NB4.contiguous().numpy()
    place = (
        FILL_CODES[fill],
        constant_C.numpy(),
        in_memory_order.reshape(-1).numpy(),
        (1, width * channels, channels) if channels_last else (height * width, width, 1),
    )
    values = finished_NCHW.numel()
    if plan.whole_pixels and _channels_apart(plan.colors_NCD):
        _share_out(move_pictures, (*pictures, *looks, *place), count, values)
    else:
        lens_N = torch.empty(0) if plan.lens_N is None else plan.lens_N.contiguous()
        lens = lens_N.numpy(), lens_scale(height, width)
        noise = plan.noise or Noise(torch.empty(0), torch.empty(0, 2, dtype=torch.int64), torch.empty(0))
        noises = noise.std_N.contiguous().numpy(), noise.keys_N2.contiguous().numpy(), noise.normals_L.numpy()
        _share_out(blend_pictures, (*pictures, *lens, *looks, *noises, *place), count, values)
    return finished_NCHW


def channel_means(images_NCHW: Tensor) -> Tensor:
    """Gives the mean stored value of each channel of each picture, the same on every device: float32 N C."""
    count, channels, height, width = images_NCHW.shape
    if images_NCHW.device.type == "cpu" and images_NCHW.numel() >= WORTH_A_KERNEL:
        from .compiling import sum_channels

        sums_NC = torch.empty((count, channels), dtype=torch.int64)
        _share_out(sum_channels, (images_NCHW.contiguous().numpy(), sums_NC.numpy()), count, images_NCHW.numel())
    else:
        sums_NC = images_NCHW.sum(dim=(2, 3), dtype=torch.int64)
    return sums_NC.to(torch.float32) / (height * width)


def _share_out(kernel: Callable[..., None], arguments: tuple[Any, ...], count: int, values: int) -> None:
    """Runs a kernel over all pictures, each thread over some of them."""
    threads = max(1, min(torch.get_num_threads(), values // WORTH_A_THREAD))
    cuts = [count * thread // threads for thread in range(threads + 1)]
    elsewhere = [_crew(threads - 1).submit(kernel, *arguments, *cuts[at : at + 2]) for at in range(1, threads)]
    kernel(*arguments, 0, cuts[1])
    for work in elsewhere:
        work.result()


@functools.cache
def _crew(threads: int) -> ThreadPoolExecutor:
    """Keeps threads that wait for pictures; an own crew, because numba's threading layers may be entered by one caller
    at a time only, and a second OpenMP beside torch's would fight it for the cores."""
    return ThreadPoolExecutor(threads, thread_name_prefix="trainwright-augment")


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork; the child must hire its own.
    os.register_at_fork(after_in_child=_crew.cache_clear)


def _channels_apart(colors_NCD: Tensor) -> bool:
    """Tells whether every matrix only scales and shifts each channel."""
    linear_NCC = colors_NCD[:, :, :-1]
    return bool((linear_NCC == torch.diag_embed(linear_NCC.diagonal(dim1=1, dim2=2))).all())

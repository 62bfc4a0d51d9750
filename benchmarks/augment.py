"""Pictures a second of augmentation and normalization: ours, plain torch on batches, torchvision picture by picture.

All do flip (probability 0.5), random crop with padding (an eighth), cutout (a quarter), and normalization, from uint8
in memory to finished float batches. Rounds of all contenders alternate, so that a busy machine slows all of them alike.

    uv run python benchmarks/augment.py --rounds 9
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy
import torch
import torchvision
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

from trainwright.data import NOTHING, Augmenter, Preprocessor
from trainwright.data.augment import apply

CASES = ((512, 1, 28), (512, 3, 32), (256, 3, 96))
MEAN, STD = (0.45, 0.5, 0.55), (0.2, 0.25, 0.3)
FEWEST_SECONDS = 0.05
RESULTS = Path(__file__).parent / "results" / "augment.md"


def torch_on_batches(images_NCHW: Tensor, mean_C11: Tensor, std_C11: Tensor, padding: int, side: int) -> Tensor:
    """What one writes without much thought: each trick in turn, on the whole batch where torch offers it."""
    count, _, height, width = images_NCHW.shape
    pixels = (images_NCHW.float() / 255 - mean_C11) / std_C11
    padded = F.pad(pixels, (padding,) * 4)
    corner_N2 = torch.randint(0, 2 * padding + 1, (count, 2)).tolist()
    pixels = torch.stack(
        [picture[:, y : y + height, x : x + width] for picture, (y, x) in zip(padded, corner_N2, strict=True)]
    )
    pixels = torch.where((torch.rand(count) < 0.5)[:, None, None, None], pixels.flip(3), pixels)
    middle_N2 = torch.randint(0, height, (count, 2))
    row_H, column_W = torch.arange(height), torch.arange(width)
    hidden_NH = (row_H - middle_N2[:, :1] + side // 2).div(side, rounding_mode="floor") == 0
    hidden_NW = (column_W - middle_N2[:, 1:] + side // 2).div(side, rounding_mode="floor") == 0
    return pixels.masked_fill(hidden_NH[:, None, :, None] & hidden_NW[:, None, None, :], 0.0)


def contenders(count: int, channels: int, size: int) -> dict[str, Callable[[], Tensor]]:
    """Prepares one batch and every way to finish it."""
    images = torch.randint(0, 256, (count, channels, size, size), dtype=torch.uint8)
    samples = torch.arange(count)
    padding, side = size // 8, size // 4
    mean, std = MEAN[:channels], STD[:channels]
    mean_C11, std_C11 = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]
    section = NOTHING.model_copy(update={"flip": 0.5, "crop_padding": padding, "cutout": side})
    augmenter = Augmenter(section, Preprocessor.from_statistics(mean, std), seed=0, channels_last=True)
    each = v2.Compose(
        [
            v2.RandomCrop(size, padding=padding),
            v2.RandomHorizontalFlip(0.5),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
            v2.RandomErasing(p=1.0, scale=((side / size) ** 2,) * 2, ratio=(1.0, 1.0)),
        ]
    )
    plain = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])

    def through_torch() -> Tensor:
        apply.WORTH_A_KERNEL, kept = sys.maxsize, apply.WORTH_A_KERNEL
        finished = augmenter.train(images, samples, 1)
        apply.WORTH_A_KERNEL = kept
        return finished

    layout = torch.channels_last
    return {
        "ours, compiled kernel": lambda: augmenter.train(images, samples, 1),
        "ours, torch operations": through_torch,
        "plain torch on batches": lambda: torch_on_batches(images, mean_C11, std_C11, padding, side).contiguous(
            memory_format=layout
        ),
        "torchvision v2, picture by picture": lambda: torch.stack([each(image) for image in images]).contiguous(
            memory_format=layout
        ),
        "normalization only, ours": lambda: augmenter.evaluate(images),
        "normalization only, torchvision v2": lambda: torch.stack([plain(image) for image in images]).contiguous(
            memory_format=layout
        ),
    }


def measure(ways: dict[str, Callable[[], Tensor]], rounds: int) -> dict[str, float]:
    """Times every way in alternation; returns the least seconds that one batch took."""
    repeats = {}
    for name, way in ways.items():
        way()
        started = time.perf_counter()
        way()
        repeats[name] = max(1, round(FEWEST_SECONDS / (time.perf_counter() - started)))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            for _ in range(repeats[name]):
                way()
            times[name].append((time.perf_counter() - started) / repeats[name])
    return {name: min(values) for name, values in times.items()}


def main() -> None:
    """Measures all sizes with one thread and with two, prints the tables and keeps them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    lines = [
        "# Augmentation: pictures a second",
        "",
        "Flip, random crop with padding, cutout and normalization, from uint8 to float batches (channels last).",
        "Times are the best of n; the last column is the time of a way over that of the first way of its table.",
        "",
        f"- command: `uv run python benchmarks/augment.py --rounds {rounds}`",
        f"- n = {rounds} alternating rounds of at least {FEWEST_SECONDS} s a way",
        f"- {os.cpu_count()} cores ({platform.machine()}), no GPU; load of other programs before the start "
        f"{os.getloadavg()[0]:.1f}",
        f"- Python {platform.python_version()}, torch {torch.__version__}, torchvision {torchvision.__version__}, "
        f"numba {numba.__version__}, numpy {numpy.__version__}",
        "",
    ]
    for threads, (count, channels, size) in itertools.product((1, 2), CASES):
        torch.set_num_threads(threads)
        seconds = measure(contenders(count, channels, size), rounds)
        first = next(iter(seconds.values()))
        lines += [f"## {size}×{size}×{channels}, batches of {count}, {threads} thread{'s' * (threads > 1)}", ""]
        lines += ["| way | pictures/s | ms a batch | time over ours |", "|---|---:|---:|---:|"]
        lines += [
            f"| {name} | {count / value:,.0f} | {1000 * value:.2f} | {value / first:.2f} |"
            for name, value in seconds.items()
        ]
        lines.append("")
    text = "\n".join(lines)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()

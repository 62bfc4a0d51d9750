"""Pictures a second of strong augmentation: ours against kornia, albumentations and torchvision v2, in one run.

All do the same work, from uint8 in memory to normalized float batches, each picture with a draw of its own: flip
(probability 0.5), rotation ±15°, translation 10 %, scale 0.9 to 1.1, shear ±10°, brightness, contrast and saturation
0.3, hue 0.05. Each peer is used as its documentation advises: kornia on whole batches, albumentations and torchvision
picture by picture in a data set, read by a DataLoader, in the same process and with two worker processes. Rounds of all
contenders alternate, so that a busy machine slows all of them alike.

    uv run --group bench python benchmarks/augment_against.py --rounds 5
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import albumentations
import kornia
import kornia.augmentation
import numba
import numpy as np
import torch
import torchvision
from albumentations.pytorch import ToTensorV2
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from trainwright.data import NOTHING, Augmenter, Preprocessor

MEAN, STD = (0.45, 0.5, 0.55), (0.2, 0.25, 0.3)
BATCH = 256
LIMIT = "uint8 → float32 copy alone, the limit"
"""What no way can be faster than: it does nothing but move the bytes."""

RESULTS = Path(__file__).parent / "results" / "augment_against.md"

SECTION = NOTHING.model_copy(
    update={
        "flip": 0.5,
        "rotate": 15.0,
        "translate": 0.1,
        "scale": 0.1,
        "shear": 10.0,
        "brightness": 0.3,
        "contrast": 0.3,
        "saturation": 0.3,
        "hue": 0.05,
    }
)


class PictureByPicture(Dataset[Tensor]):
    """Pictures that are altered when they are asked for, as data sets of torchvision are."""

    def __init__(self, images_NCHW: Tensor, alter: Callable[[Tensor], Tensor]) -> None:
        self.images_NCHW, self.alter = images_NCHW, alter

    def __len__(self) -> int:
        return len(self.images_NCHW)

    def __getitem__(self, row: int) -> Tensor:
        return self.alter(self.images_NCHW[row])


class WithAlbumentations:
    """Alters one picture by albumentations, which wants H W C in NumPy."""

    def __init__(self) -> None:
        self.transform = albumentations.Compose(
            [
                albumentations.HorizontalFlip(p=0.5),
                albumentations.Affine(
                    rotate=(-15, 15),
                    translate_percent={"x": (-0.1, 0.1), "y": (-0.1, 0.1)},
                    scale=(0.9, 1.1),
                    shear={"x": (-10, 10), "y": (-10, 10)},
                    p=1.0,
                ),
                albumentations.ColorJitter(
                    brightness=(0.7, 1.3), contrast=(0.7, 1.3), saturation=(0.7, 1.3), hue=(-0.05, 0.05), p=1.0
                ),
                albumentations.Normalize(MEAN, STD),
                ToTensorV2(),
            ]
        )

    def __call__(self, image_CHW: Tensor) -> Tensor:
        return self.transform(image=np.ascontiguousarray(image_CHW.permute(1, 2, 0).numpy()))["image"]


def with_torchvision() -> Callable[[Tensor], Tensor]:
    """Alters one picture by torchvision's second version of transforms."""
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(0.5),
            v2.RandomAffine(15, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=(-10, 10, -10, 10), interpolation=2),
            v2.ColorJitter(0.3, 0.3, 0.3, 0.05),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def with_kornia() -> Callable[[Tensor], Tensor]:
    """Alters a batch by kornia, each picture with its own draw."""
    transform = kornia.augmentation.AugmentationSequential(
        kornia.augmentation.RandomHorizontalFlip(p=0.5),
        kornia.augmentation.RandomAffine(15.0, (0.1, 0.1), (0.9, 1.1), (-10.0, 10.0, -10.0, 10.0), p=1.0),
        kornia.augmentation.ColorJitter(0.3, 0.3, 0.3, 0.05, p=1.0),
        kornia.augmentation.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
    )
    return lambda images_NCHW: transform(images_NCHW.float() / 255)


def contenders(images_NCHW: Tensor) -> dict[str, Iterator[Tensor]]:
    """Prepares every way to draw finished batches without end."""
    augmenter = Augmenter(SECTION, Preprocessor.from_statistics(MEAN, STD), seed=0)
    samples_N = torch.arange(len(images_NCHW))
    batch, in_batch = images_NCHW[:BATCH], samples_N[:BATCH]
    transform = with_kornia()

    def ours() -> Iterator[Tensor]:
        epoch = 0
        while True:
            epoch += 1
            yield augmenter.train(batch, in_batch, epoch)

    def kornias() -> Iterator[Tensor]:
        while True:
            yield transform(batch)

    def loaded(alter: Callable[[Tensor], Tensor], workers: int) -> Iterator[Tensor]:
        loader = DataLoader(
            PictureByPicture(images_NCHW, alter), BATCH, num_workers=workers, persistent_workers=workers > 0
        )
        while True:
            yield from loader

    def copied() -> Iterator[Tensor]:
        while True:
            yield batch.float()

    return {
        "trainwright": ours(),
        LIMIT: copied(),
        "kornia": kornias(),
        "albumentations": loaded(WithAlbumentations(), 0),
        "albumentations, 2 workers": loaded(WithAlbumentations(), 2),
        "torchvision v2": loaded(with_torchvision(), 0),
        "torchvision v2, 2 workers": loaded(with_torchvision(), 2),
    }


def measure(size: int, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Times all ways in alternation: pictures a second, one number a round."""
    generator = torch.Generator().manual_seed(0)
    images_NCHW = torch.randint(0, 256, (4 * BATCH, 3, size, size), dtype=torch.uint8, generator=generator)
    ways = contenders(images_NCHW)
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, batches in ways.items():
            # The first batches fill the queues of the workers; they are not counted.
            for _ in range(4 if "workers" in name else 1):
                next(batches)
            began, done = time.perf_counter(), 0
            while time.perf_counter() - began < seconds or done < (8 if "workers" in name else 1):
                next(batches)
                done += 1
            if number > 0:
                speeds[name].append(done * BATCH / (time.perf_counter() - began))
    return speeds


def main() -> None:
    """Measures both sizes, prints the tables and keeps them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each way in each round")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 224])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [
        "# Augmentation against its peers",
        "",
        "Flip, rotation, translation, scale, shear, brightness, contrast, saturation, hue, each picture its own draw,",
        f"batches of {BATCH} color pictures, uint8 to normalized float; see `benchmarks/augment_against.py`.",
        "",
        f"- command: `uv run --group bench python benchmarks/augment_against.py --rounds {arguments.rounds}`",
        f"- n = {arguments.rounds} alternating rounds of {arguments.seconds} s a way; medians",
        f"- {os.cpu_count()} cores ({platform.machine()}), {torch.get_num_threads()} threads of torch, no GPU; load of "
        f"other programs before the start {os.getloadavg()[0]:.1f}",
        f"- Python {platform.python_version()}, torch {torch.__version__}, numba {numba.__version__}, "
        f"torchvision {torchvision.__version__}, kornia {kornia.__version__}, "
        f"albumentations {albumentations.__version__}",
        "",
    ]
    for size in arguments.sizes:
        medians = {
            name: statistics.median(values)
            for name, values in measure(size, arguments.rounds, arguments.seconds).items()
        }
        fastest = max(value for name, value in medians.items() if name not in ("trainwright", LIMIT))
        lines += [f"## {size}×{size}×3", "", "| way | pictures/s | ours over it |", "|---|---:|---:|"]
        lines += [
            f"| {name} | {value:,.0f} | {medians['trainwright'] / value:.1f} |" for name, value in medians.items()
        ]
        moved = 5 * 3 * size**2 * BATCH / 2**20
        lines += ["", f"Ours over the fastest peer: {medians['trainwright'] / fastest:.1f}. "]
        lines[-1] += f"A batch is {moved:,.0f} MiB that must move at least once, read as uint8 and written as float32."
        lines.append("")
    text = "\n".join(lines)
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()

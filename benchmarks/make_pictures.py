"""Makes a folder of JPEG files that weigh and decode like photographs: the same files for the same numbers.

    python benchmarks/make_pictures.py /tmp/pictures --pictures 20000

Each picture is a random piece, 260 to 340 pixels wide and high, of one large field of noise whose power falls with the
square of the frequency, as in natural scenes, with mixed colors, some fine grain, and JPEG quality 90. Twenty
thousand take about a minute on two cores.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

FIELD = 2048
CLASSES = 10
GRAIN = 4.0


def natural_field(seed: int) -> np.ndarray:
    """Makes noise with the spectrum of natural scenes: float32 H W 3, mean 0, standard deviation 1 a channel."""
    generator = np.random.Generator(np.random.PCG64(seed))
    across, down = np.fft.rfftfreq(FIELD), np.fft.fftfreq(FIELD)
    frequency = np.hypot(down[:, None], across[None, :])
    frequency[0, 0] = 1
    channels = []
    for _ in range(3):
        spectrum = np.fft.rfft2(generator.standard_normal((FIELD, FIELD))) / frequency
        spectrum[0, 0] = 0
        channel = np.fft.irfft2(spectrum)
        channels.append(channel / channel.std())
    return np.stack(channels, -1).astype(np.float32)


def write_picture(root: Path, number: int, field: np.ndarray, seed: int) -> None:
    """Cuts one picture out of the field and saves it under its class."""
    generator = np.random.Generator(np.random.PCG64([seed, number]))
    height, width = generator.integers(260, 341, 2)
    top, left = generator.integers(0, FIELD - 340, 2)
    piece = field[top : top + height, left : left + width]
    mixing = np.full((3, 3), 22.0, np.float32) + generator.normal(0, 14, (3, 3)).astype(np.float32)
    picture = piece @ mixing + generator.uniform(90, 160, 3).astype(np.float32)
    picture += generator.standard_normal((height, width, 1), np.float32) * GRAIN
    path = root / f"class{number % CLASSES}" / f"{number:06d}.jpg"
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=90)


def make_pictures(root: Path, pictures: int, seed: int = 0) -> None:
    """Writes the folder, one subfolder a class; pictures that stand there already are kept."""
    for number in range(CLASSES):
        (root / f"class{number}").mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(pictures) if not (root / f"class{n % CLASSES}" / f"{n:06d}.jpg").exists()]
    if not missing:
        return
    field = natural_field(seed)
    with ThreadPoolExecutor(2) as threads:
        for _ in threads.map(lambda number: write_picture(root, number, field, seed), missing):
            pass


def main() -> None:
    """Reads the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    make_pictures(words.folder, words.pictures, words.seed)


if __name__ == "__main__":
    main()

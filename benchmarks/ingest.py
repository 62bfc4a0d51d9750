"""How fast a folder of JPEG files is audited and cached, beside torchvision's ImageFolder and DataLoader.

    python benchmarks/make_pictures.py /tmp/pictures --pictures 4000
    python benchmarks/ingest.py /tmp/pictures

Ours is all of `prepare`: listing the folder, decoding, resizing, hashing, audit with near-duplicates, split, cache on
disk. Theirs is one epoch of `DataLoader(ImageFolder(...), num_workers=2)` that decodes, resizes (antialiased) and
crops to the same size as uint8 and does nothing else. Both alternate; files are in the page cache; imports are not
counted. The last column is our next run, which finds the cache.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from torchvision import transforms

from trainwright.data import prepare
from trainwright.data.decoding import decode
from trainwright.recipe import DataSection


def theirs(folder: Path, size: int, workers: int) -> int:
    """Decodes and resizes every picture once with torchvision; returns how many."""
    steps = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size), transforms.PILToTensor()])
    data = torchvision.datasets.ImageFolder(str(folder), steps)
    loader = torch.utils.data.DataLoader(data, batch_size=128, num_workers=workers)
    return sum(len(images) for images, _ in loader)


def ours(folder: Path, size: int, workers: int, cache: Path) -> int:
    """Audits and caches every picture; returns how many."""
    section = DataSection(source=str(folder), img_size=size)
    return prepare(section, seed=0, workers=workers, cache_dir=cache).audit.pictures


def timed(work: Callable[[], int]) -> float:
    """Returns pictures a second."""
    start = time.perf_counter()
    pictures = work()
    return pictures / (time.perf_counter() - start)


def decode_some(paths: list[Path]) -> int:
    """Decodes a few files and drops them; what a thread or a process does in `compare_pools`."""
    for path in paths:
        decode(path.read_bytes(), channels=3, img_size=64)
    return len(paths)


def compare_pools(folder: Path, workers: int) -> tuple[float, float]:
    """Measures the same decoding in threads and in forked processes: pictures a second of each."""
    paths = sorted(folder.glob("*/*.jpg"))[:2000]
    blocks = [paths[start : start + 64] for start in range(0, len(paths), 64)]

    def threads() -> int:
        with ThreadPoolExecutor(workers) as pool:
            return sum(pool.map(decode_some, blocks))

    def processes() -> int:
        with ProcessPoolExecutor(workers, get_context("fork")) as pool:
            return sum(pool.map(decode_some, blocks))

    rounds = [(timed(threads), timed(processes)) for _ in range(3)]
    return statistics.median(one for one, _ in rounds), statistics.median(other for _, other in rounds)


def main() -> None:
    """Reads the words of the command line and prints one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    words = parser.parse_args()
    torch.set_num_threads(1)
    print(f"command  {' '.join(sys.argv)}")
    print(
        f"machine  {os.cpu_count()} cores, {platform.processor() or platform.machine()}, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"versions python {platform.python_version()}, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}, "
        f"pillow {PIL.__version__}, numpy {np.__version__}"
    )
    threads, processes = compare_pools(words.folder, words.workers)
    print(f"decoding alone: {threads:,.0f} pictures/s in threads, {processes:,.0f} in forked processes")
    for size in words.sizes:
        ratios = []
        for number in range(words.rounds):
            slow = timed(lambda: theirs(words.folder, size, words.workers))  # noqa: B023
            with tempfile.TemporaryDirectory() as cache:
                work = lambda: ours(words.folder, size, words.workers, Path(cache))  # noqa: B023, E731
                fast, again = timed(work), timed(work)
            ratios.append(fast / slow)
            print(
                f"size {size}, round {number + 1}: torchvision {slow:,.0f} pictures/s, ours {fast:,.0f}, "
                f"ratio {fast / slow:.2f}; from the cache {again:,.0f}"
            )
        print(f"size {size}: median ratio {statistics.median(ratios):.2f} of n = {words.rounds}")


if __name__ == "__main__":
    main()

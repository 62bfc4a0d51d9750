"""Memory and time of whitening: the whole fit, in a process of its own for each case.

Pictures are random, with the spectrum of natural ones (amplitude falls with 1/frequency) and channels that agree in
part. Peak memory is that of the whole process, Python, torch and the uint8 pictures included.

    uv run python benchmarks/whitening.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor

from trainwright.data import fit_preprocessor
from trainwright.data.preprocess.statistics import measure
from trainwright.data.preprocess.whitening import BYTES_A_PAIR
from trainwright.recipe import PreprocessSection

CASES = ((60_000, 28, 1, "zca"), (50_000, 32, 3, "pca"), (50_000, 32, 3, "zca"), (10_000, 48, 3, "zca"))
BATCH, AT_ONCE, EPSILON = 512, 500, 1e-3
RESULTS = Path(__file__).parent / "results" / "whitening.md"


class Pictures:
    """Pictures in memory, as fitting reads them."""

    def __init__(self, stored_NCHW: Tensor) -> None:
        self.stored_NCHW = stored_NCHW

    def __len__(self) -> int:
        return len(self.stored_NCHW)

    def images(self, rows: Tensor) -> Tensor:
        return self.stored_NCHW.index_select(0, rows)


def natural(count: int, size: int, channels: int) -> Pictures:
    """Draws pictures a few at a time, so that drawing is not what takes the memory."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    amplitude = 1 / np.maximum(frequency, 1 / size)
    stored = torch.empty(count, channels, size, size, dtype=torch.uint8)
    for start in range(0, count, AT_ONCE):
        white = rng.normal(size=(AT_ONCE, channels + 1, size, size))
        mixed = white[:, :1] + 0.4 * white[:, 1:]
        pictures = np.fft.irfft2(np.fft.rfft2(mixed) * amplitude, s=(size, size))
        levels = 120 + 60 * pictures / pictures.std()
        stored[start : start + AT_ONCE] = torch.from_numpy(levels.clip(0, 255).astype(np.uint8))[: count - start]
    return Pictures(stored)


def peak_mib() -> float:
    """Returns the most memory that this process ever held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(count: int, size: int, channels: int, kind: str) -> dict[str, float]:
    """Fits and applies one whitening and measures it."""
    part = natural(count, size, channels)
    before_mib = psutil.Process().memory_info().rss / 2**20
    began = time.perf_counter()
    measure(part, each=True, covariance=True)
    covariance_s = time.perf_counter() - began
    section = PreprocessSection(center="image", scale="none", whiten=kind, epsilon=EPSILON)
    began = time.perf_counter()
    preprocessor = fit_preprocessor(section, part)
    fit_s = time.perf_counter() - began
    after_mib = peak_mib()
    batch = part.stored_NCHW[:BATCH]
    whitened = preprocessor.apply(batch)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        preprocessor.apply(batch)
        times.append(time.perf_counter() - began)
    back = bool((preprocessor.invert(whitened) == batch).all())
    assert back, "the pictures did not come back"
    values = channels * size**2
    return {
        "values": values,
        "before_mib": before_mib,
        "peak_mib": after_mib,
        "bytes_a_pair": (after_mib - before_mib) * 2**20 / values**2,
        "covariance_s": covariance_s,
        "fit_s": fit_s,
        "batch_ms": 1000 * min(times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=int, help="measure this case in this process and print its figures")
    arguments = parser.parse_args()
    if arguments.case is not None:
        print(json.dumps(one(*CASES[arguments.case])))
        return
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    rows = []
    for case, (count, size, channels, kind) in enumerate(CASES):
        command = [sys.executable, __file__, "--case", str(case)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows.append(
            f"| {kind}, {count:,} × {size}×{size}×{channels} | {found['values']:,} | {found['covariance_s']:.1f} | "
            f"{found['fit_s']:.1f} | {found['before_mib']:,.0f} | {found['peak_mib']:,.0f} | "
            f"{found['bytes_a_pair']:.0f} | {found['batch_ms']:.0f} |"
        )
        print(rows[-1], flush=True)
    head = f"""# Whitening: memory and time

Seconds of the covariance alone and of the whole fit (one pass over the pictures, covariance, eigenvectors); memory of
the process before the fit, and the most that it ever held; what the fit took for each pair of values (dimensions) of a
picture, for which trainwright reckons with {BYTES_A_PAIR} bytes; milliseconds that a batch of {BATCH} pictures takes,
best of 5.

- command: `uv run python benchmarks/whitening.py`
- n = 1 process a case; every picture of the batch came back exactly through the inverse
- {cores} cores ({platform.machine()}), no GPU; load of other programs before the start {load:.1f}
- Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}

| whitening | dimensions | covariance, s | fit, s | before, MiB | peak, MiB | bytes a pair | batch, ms |
|---|---:|---:|---:|---:|---:|---:|---:|
"""
    RESULTS.write_text(head + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()

"""Two ranks of one thread each against one process: losses of the same steps, and pictures a second.

uv run python benchmarks/ranks.py

The digits, as they are (8 pixels, little work) and enlarged to 32 (more work), in float32 on a CPU. One process of two
threads is the yardstick of rounding, since it adds up in another order, too.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 3
PROCESS = [sys.executable, "-m", "trainwright"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "trainwright"]
WAYS = {
    "1 process, 1 thread": (PROCESS, 1),
    "1 process, 2 threads": (PROCESS, 2),
    "2 ranks, 1 thread each": (TORCHRUN, 1),
}
DATA = {
    "8 pixels, batches of 32": ["--batch-size=32"],
    "8 pixels, batches of 256": ["--batch-size=256"],
    "32 pixels, batches of 128": ["--img-size=32", "--batch-size=128", "--set=model.width=16"],
}
AT = (10, 20, 40)
"""Steps up to which losses are compared."""


def main() -> None:
    print("| data | way | pictures/s | to 1 process, 1 thread |", *(f" to step {step} |" for step in AT), sep="")
    print("|---|---|---|---|", "---|" * len(AT), sep="")
    for title, words in DATA.items():
        rates: dict[str, list[float]] = {way: [] for way in WAYS}
        losses: dict[str, list[float]] = {}
        for _ in range(RUNS):
            for way, (command, threads) in WAYS.items():
                steps, rate = trained([*command, "train", "digits", *words, f"--set=machine.threads={threads}"])
                losses[way] = steps
                rates[way].append(rate)
        usual = next(iter(WAYS))
        for way in WAYS:
            rate, base = statistics.median(rates[way]), statistics.median(rates[usual])
            spread = f"{min(rates[way]):,.0f}-{max(rates[way]):,.0f}"
            apart = [abs(one - other) for one, other in zip(losses[usual], losses[way], strict=True)]
            cells = [f" {max(apart[:step]):.1e} |" for step in AT]
            print(f"| {title} | {way} | {rate:,.0f} ({spread}) | {rate / base:.2f} |", *cells, sep="", flush=True)


def trained(command: list[str]) -> tuple[list[float], float]:
    """Trains for 20 steps at least; gives the loss of each, and the median pictures a second after the first epoch."""
    with tempfile.TemporaryDirectory() as folder:
        epochs = 2 if "--img-size=32" in command else 5 if "--batch-size=256" in command else 3
        fixed = ["--set=machine.precision=float32", "--set=logging.step_every=1", f"--epochs={epochs}", "--lr=0.01"]
        words = [*command, *fixed, "--no-check", "--name=x", f"--out={folder}"]
        subprocess.run(words, capture_output=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        lines = [json.loads(line) for line in (Path(folder) / "x/events.jsonl").read_text().splitlines()]
    rates = [line["pictures_per_s"] for line in lines if line["type"] == "epoch"][1:]
    return [line["loss"] for line in lines if line["type"] == "step"], statistics.median(rates)


if __name__ == "__main__":
    main()

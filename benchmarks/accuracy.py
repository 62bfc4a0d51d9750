"""How accurate the whole command is, over seeds: `trainwright train DATA`, each run a process of its own.

    uv run python benchmarks/accuracy.py digits --seeds 5
    uv run python benchmarks/accuracy.py fashion-mnist --seeds 3 --words --epochs=5

Prints a row a seed, then mean, median and range, and appends them to benchmarks/results/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "accuracy.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--words", nargs=argparse.REMAINDER, default=[], help="further words for `trainwright train`")
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as out:
            command = ["train", arguments.data, f"--seed={seed}", "--json", f"--out={out}", *arguments.words]
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "trainwright", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            wall_s = time.perf_counter() - began
        figures = json.loads(done.stdout)
        rows.append((seed, figures["valid_accuracy"], figures["test_accuracy"], figures["wall_time_s"], wall_s))
        print(
            "seed {}: valid {:.4f}, test {:.4f}, training {:.1f} s, whole command {:.1f} s".format(*rows[-1]),
            flush=True,
        )
    tests = [100 * row[2] for row in rows]
    words = " ".join(["trainwright train", arguments.data, *arguments.words])
    summary = (
        f"| {date.today()} | `{words}` | {len(rows)} | {statistics.mean(tests):.2f} | {statistics.median(tests):.2f} | "
        f"{min(tests):.2f}-{max(tests):.2f} | {statistics.median(row[3] for row in rows):.0f} | "
        f"{statistics.median(row[4] for row in rows):.0f} | "
        f"trainwright {version('trainwright')}, torch {version('torch')} |"
    )
    print(summary)
    if not RESULTS.exists():
        RESULTS.write_text(
            "# Test accuracy of the whole command\n\n"
            "2 cores, no GPU. Times are seconds, medians; the machine is shared.\n\n"
            "| date | command | seeds | mean % | median % | range % | training s | whole command s | versions |\n"
            "|---|---|---|---|---|---|---|---|---|\n"
        )
    with RESULTS.open("a") as file:
        file.write(summary + "\n")


if __name__ == "__main__":
    main()

"""How long a cold start takes: a new process for each call, the median of n.

uv run python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text("optim:\n  lr: 1e-3\n")
        for words in (["--help"], ["recipe", "--check", str(recipe)]):
            times = [seconds(words) for _ in range(RUNS)]
            spread = f"{min(times):.3f}-{max(times):.3f}"
            print(f"trainwright {words[0]}: median {statistics.median(times):.3f} s of {RUNS} ({spread})")


def seconds(words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([Path(sys.executable).with_name("trainwright"), *words], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

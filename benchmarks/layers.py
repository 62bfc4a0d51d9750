"""Test accuracy on digits with every activation and with every normalization: mean of seeds, smallest and largest.

    uv run python benchmarks/layers.py

Our two nets as `auto` sizes them, 8 epochs, all else by default; float32 and one thread. Activations stand beside batch
normalization, normalizations beside ReLU.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import tempfile

import trainwright as tw
from trainwright.errors import TrainingError
from trainwright.models.activations import ACTIVATIONS
from trainwright.models.normalizations import NORMALIZATIONS

SEEDS, EPOCHS = 3, 8
NETS = ("small-resnet", "plain")


def accuracies(net: str, key: str, value: str, out: str) -> list[float | None]:
    """Trains over the seeds; None where a run ended in numbers that are not finite."""
    found: list[float | None] = []
    for seed in range(SEEDS):
        settings = {
            "model.name": net,
            key: value,
            "training.epochs": EPOCHS,
            "training.seed": seed,
            "machine.threads": 1,
            "machine.precision": "float32",
        }
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                run = tw.train("digits", settings=settings, out=out, name=f"{net}-{value}-{seed}")
            found.append(100 * run.metrics["test_accuracy"])
        except TrainingError:
            found.append(None)
    return found


def cell(found: list[float | None]) -> str:
    """Writes `98.9 (98.3-99.2)`, or how many runs failed."""
    good = [value for value in found if value is not None]
    if len(good) < len(found):
        return f"{len(found) - len(good)} of {len(found)} not finite"
    return f"{statistics.mean(good):.1f} ({min(good):.1f}-{max(good):.1f})"


def main() -> None:
    for key, values in (("model.activation", ACTIVATIONS), ("model.normalization", NORMALIZATIONS)):
        print(f"\n| `{key}` | {' | '.join(NETS)} |\n|---|{'---|' * len(NETS)}")
        for value in values:
            with tempfile.TemporaryDirectory() as out:
                cells = [cell(accuracies(net, key, value, out)) for net in NETS]
            print(f"| `{value}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

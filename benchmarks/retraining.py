"""What retraining on the validation pictures is worth: test accuracy of digits without it, and with each way of it.

    uv run python benchmarks/retraining.py --seeds 5

Each seed divides the pictures anew, into a test part of a fifth and a validation part of a tenth or of two fifths of
the rest; all runs of a seed share the first stage. Prints a row a way and writes benchmarks/results/retraining.md.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import trainwright as tw
from trainwright.runs import wilson_interval

RESULTS = Path(__file__).parent / "results" / "retraining.md"
EPOCHS = 20
SHARES = (0.1, 0.4)
WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("none", {}),
    ("restart", {"training.retrain": "restart"}),
    ("continue, rate 0.1", {"training.retrain": "continue", "training.retrain_rate": 0.1}),
    ("continue, rate 0.3", {"training.retrain": "continue", "training.retrain_rate": 0.3}),
)
TEST_PICTURES = 359
NOTHING = "nothing to do"
"""Of a run whose best snapshot had reached the goal (the finding `nothing-to-retrain`)."""


def figures(seed: int, share: float, settings: dict[str, Any]) -> dict[str, Any]:
    """Trains one run, in silence, and gives its figures."""
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        settings = {**settings, "data.valid_share": share}
        return tw.train("digits", epochs=EPOCHS, seed=seed, settings=settings, out=out, name="run").metrics


def second_stages(rows: list[dict[str, Any]]) -> tuple[str, str]:
    """Says of runs with a second stage how many epochs each had, and how many reached their goal.

    >>> rows = [{"retrained": {"epochs": 4, "added_loss": 0.2, "target_loss": 0.1}}, {"retrained": None}]
    >>> second_stages(rows)
    ('4, nothing to do', '0 of 2, 1 had nothing to do')
    """
    stages = [row["retrained"] for row in rows]
    epochs = ", ".join(str(stage["epochs"]) if stage else NOTHING for stage in stages)
    aimed = [stage for stage in stages if stage and stage["target_loss"] is not None]
    goals = [stage["added_loss"] <= stage["target_loss"] for stage in aimed]
    idle = stages.count(None)
    if not goals and not idle:
        return epochs, "–"
    return epochs, f"{sum(goals)} of {len(goals) + idle}" + (f", {idle} had {NOTHING}" if idle else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    lines = []
    for share in SHARES:
        for way, settings in WAYS:
            rows = [figures(seed, share, settings) for seed in range(seeds)]
            tests = [100 * row["test_accuracy"] for row in rows]
            right = sum(round(row["test_accuracy"] * TEST_PICTURES) for row in rows)
            low, high = wilson_interval(right, TEST_PICTURES * seeds)
            epochs, reached = second_stages(rows) if settings else ("–", "–")
            by_seed = ", ".join(f"{test:.2f}" for test in tests)
            lines.append(
                f"| {share:.0%} | {way} | {by_seed} | {statistics.mean(tests):.2f} | "
                f"{100 * low:.2f}–{100 * high:.2f} | {epochs} | {reached} | "
                f"{statistics.median(row['wall_time_s'] for row in rows):.0f} |"
            )
            print(lines[-1], flush=True)
    RESULTS.write_text(
        "# Retraining on the validation pictures\n\n"
        f"Test accuracy (%) of `trainwright train digits --epochs {EPOCHS}` over seeds 0 to {seeds - 1}, each with a "
        f"division, weights and order of its own; {TEST_PICTURES} test pictures a seed. The interval is Wilson's at "
        f"95 % over all {TEST_PICTURES * seeds:,} of them. 2 cores, no GPU, one thread, machine shared; "
        f"{date.today()}, trainwright {version('trainwright')}, torch {version('torch')}; "
        "`python benchmarks/retraining.py`.\n\n"
        "| validation | `training.retrain` | by seed | mean | interval | epochs of the second stage | goal reached | "
        "training s |\n|---|---|---|---:|---|---|---|---:|\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()

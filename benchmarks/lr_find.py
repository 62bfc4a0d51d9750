"""What the rate that `lr-find` suggests is worth: short one-cycle runs with it, beside every rate of a fine grid.

    uv run python benchmarks/lr_find.py                  # what is not yet in results/lr_find.jsonl, then the table
    uv run python benchmarks/lr_find.py --only digits    # cells whose name holds the word, or one of several
    uv run python benchmarks/lr_find.py --grid           # their grids alone, which no rule has to do with
    uv run python benchmarks/lr_find.py --table          # the table alone, results/lr_find.md
    uv run --group bench python benchmarks/lr_find.py --verify   # our fastai rules against fastai's own functions

A cell is data × net × optimizer. In each, runs of a few epochs with one cycle at nine rates or more, factor 2 apart
around the rule's, and at the rates that we, fastai and Lightning suggest; three seeds each (two of mobilenetv3), test
accuracy of the last weights. The grid grows by a rate at an end while the best stands there; rates that are more than
ten points behind with the first seed are not run with the others.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from lr_find_cells import CELLS, ROLES, Cell, pictures

HERE = Path(__file__).parent
RAW = HERE / "results" / "lr_find.jsonl"
TABLE = HERE / "results" / "lr_find.md"
FACTORS = tuple(2.0**power for power in range(-4, 5))
COMMON: dict[str, Any] = {"augment.policy": "none", "machine.threads": 1, "data.valid_share": 0.0}
NETS: dict[str, dict[str, Any]] = {
    "small-resnet": {"model.name": "small-resnet", "model.width": 8},
    "plain": {"model.name": "plain", "model.width": 16, "model.depth": 1},
    "mobilenetv3": {"model.name": "mobilenetv3_small_050", "data.img_size": 32},
}
HOPELESS = 10.0
"""Points behind the best of the first seed beyond which the others are not asked."""

EPOCHS = {"digits": 6, "fashion": 5, "drawings": 5, "toys": 5, "clipart": 5, "tops": 5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""])
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--verify", action="store_true")
    arguments = parser.parse_args()
    if arguments.verify:
        verify()
        return
    chosen = [] if arguments.table else [cell for cell in CELLS if any(word in cell.name for word in arguments.only)]
    benches = [Bench(cell) for cell in chosen]
    for bench in benches:
        bench.grid()
        if not arguments.grid:
            bench.suggested(("lowest", "middle"))
    for bench in [] if arguments.grid else benches:
        bench.suggested(RULES)
    write_table()


class Bench:
    """One cell with its pictures in memory."""

    def __init__(self, cell: Cell) -> None:
        from trainwright.data import prepare
        from trainwright.recipe import Given, Origin, compose
        from trainwright.workflows.deciding import decide

        self.cell = cell
        settings = {
            **COMMON,
            **NETS[cell.net],
            "optim.name": cell.optimizer,
            "training.epochs": EPOCHS[cell.data],
            "data.source": str(pictures(cell.data)),
        }
        self.compose = lambda more: compose(
            {key: Given(value, Origin("user")) for key, value in {**settings, **more}.items()}
        )
        self.decide = decide
        asked = self.compose({})
        self.data = prepare(asked.data, seed=0, workers=1)
        self.rule = float(decide(asked, self.data).optim.lr)

    def grid(self) -> None:
        """Runs all rates with the first seed, those that are not hopeless with the others, too."""
        first, *others = self.cell.seeds
        for factor in FACTORS:
            self.run(float(f"{self.rule * factor:.3g}"), first)
        self.widened([first])
        measured = means(self.cell.name, [first])
        grid = {rate: figure for rate, figure in measured.items() if on_grid(rate, self.rule)}
        for seed in others:
            for rate, figure in grid.items():
                if figure >= max(grid.values()) - HOPELESS:
                    self.run(rate, seed)
        self.widened(self.cell.seeds)

    def widened(self, seeds: Sequence[int]) -> None:
        """Adds rates at an end of the grid while the best one stands there."""
        for _ in range(4):
            measured = means(self.cell.name, seeds)
            rates = sorted(rate for rate in measured if on_grid(rate, self.rule))
            best = max(rates, key=lambda rate: measured[rate])
            if best not in (rates[0], rates[-1]):
                return
            further = float(f"{best * (2 if best == rates[-1] else 0.5):.3g}")
            for seed in seeds:
                self.run(further, seed)

    def suggested(self, names: Sequence[str]) -> None:
        said = by_name(self.suggestions())
        for seed in self.cell.seeds:
            for name in names:
                if (rate := said[name]) is not None:
                    self.run(rate, seed)

    def suggestions(self) -> dict[str, Any]:
        """Makes the range test, once, and asks every rule; the others' see the first seed to where they would stop."""
        from lr_find_rules import CLASSES, Cycles, middle, neighbors
        from trainwright.reporting import RunConsole
        from trainwright.training import build
        from trainwright.tuning import Sweep, range_test, traces_of_run
        from trainwright.workflows.range_test import range_test as make_test

        kept = [row for row in rows() if row["cell"] == self.cell.name and "our curve" in row.get("rates", ())]
        if kept:
            return kept[0]
        recipe = self.decide(self.compose({}), self.data)
        began = time.perf_counter()
        with RunConsole(json=True) as console:
            test = make_test(recipe, self.data, Sweep(), console)
        seconds = time.perf_counter() - began
        told = test.facts["cycles"]
        cycles = Cycles(tuple(told["rates"]), tuple(told["losses"]), math.log(CLASSES[self.cell.data]), 1.0, None)
        chosen = {"lowest": neighbors(cycles), "middle": float(f"{middle(0.05)(cycles):.3g}")}
        range_test.RISEN = 1e9  # the whole curve, since others stop by other rules
        (whole,) = traces_of_run(build(recipe, self.data), self.data, Sweep(steps=100, seeds=1))
        rates, losses = list(Sweep(steps=100).rates[: len(whole.losses)]), list(whole.losses)
        row = {
            "cell": self.cell.name,
            "rates": {
                "ours": test.suggested,
                **(chosen if test.suggested is not None else dict.fromkeys(chosen)),
                "our curve": test.facts["by_curve"],
                "the rule": self.rule,
                **others(rates, losses),
            },
            "lower": test.lower,
            "upper": test.upper,
            "reason": test.reason,
            "cycles": told,
            "seconds": round(seconds, 1),
            "losses": [round(loss, 5) for loss in losses],
        }
        range_test.RISEN = 2.0
        append(row)
        return row

    def run(self, rate: float, seed: int) -> None:
        """Trains once and appends the figure, unless it is there."""
        from trainwright.errors import TrainingError
        from trainwright.training import Interruption, Progress, answer, build, fit

        if any((row["cell"], row.get("rate"), row.get("seed")) == (self.cell.name, rate, seed) for row in rows()):
            return
        setup = build(self.decide(self.compose({"optim.lr": rate, "training.seed": seed}), self.data), self.data)
        began = time.perf_counter()
        accuracy = 0.0
        try:
            fit(setup, self.data, Progress(), observers=[], interruption=Interruption())
            answers = answer(setup.judged, self.data.test, [setup.prepare_eval], setup.machine, setup.task)
            accuracy = float(setup.task.verdict(answers).accuracy or 0.0)
        except TrainingError:
            pass  # numbers ceased to be finite: nothing is right
        row = {
            "cell": self.cell.name,
            "rate": rate,
            "seed": seed,
            "accuracy": accuracy,
            "steps": setup.total_steps,
            "seconds": round(time.perf_counter() - began, 1),
        }
        append(row)


def smoothed(losses: list[float], beta: float = 0.98) -> list[float]:
    """Smooths as fastai's AvgSmoothLoss and Lightning's _LRCallback do."""
    mean, made = 0.0, []
    for count, loss in enumerate(losses, start=1):
        mean = beta * mean + (1 - beta) * loss
        made.append(mean / (1 - beta**count))
    return made


def others(rates: list[float], losses: list[float]) -> dict[str, float | None]:
    """Asks fastai's and Lightning's rules what they suggest for the losses of one run over exponentially grown rates.

    fastai 2.8 (callback/schedule.py): smoothed by 0.98, ended above 4 times the best, without the first 10 of
    100 steps and the last 5. `valley`: in the longest falling subsequence, taken as so many steps in a row before its
    end, half-way in the middle third; `steep`: the steepest slope by the rate's logarithm; `minimum`: a tenth of the
    rate of the lowest loss. Lightning (tuner/lr_finder.py): smoothed and ended alike, without the first 10 and the
    last; the steepest slope by the step, or, in 2.6, by the rate itself.
    """
    curve, best, count = smoothed(losses), float("inf"), 0
    for count, loss in enumerate(curve, start=1):  # noqa: B007
        best = min(best, loss)
        if loss > 4 * best:
            break
    x, y = np.array(rates[:count]), np.array(curve[:count])
    fx, fy = x[10:-5], y[10:-5]
    lx, ly = x[10:-1], y[10:-1]
    found = {
        "fastai valley": fx[valley(fy)],
        "fastai steep": fx[np.argmin(np.diff(fy) / np.diff(np.log(fx)))],
        "fastai minimum": fx[np.argmin(fy)] / 10,
        "Lightning by step": lx[np.argmin(np.gradient(ly))],
        "Lightning by rate": lx[np.argmin(np.gradient(ly, lx))],
    }
    return {name: float(f"{rate:.3g}") for name, rate in found.items()}


def valley(losses: np.ndarray) -> int:
    """Gives the place that fastai's `valley` takes: by the length of the longest falling subsequence."""
    lengths = np.ones(len(losses), int)
    for place in range(1, len(losses)):
        higher = lengths[:place][losses[:place] > losses[place]]
        lengths[place] = 1 + (higher.max() if len(higher) else 0)
    end = int(np.argmax(lengths))
    third = lengths[end] / 3
    return end - int(lengths[end]) + int(third) + int(third / 2)


def verify() -> None:
    """Compares our fastai rules with fastai's own functions on the recorded curves."""
    import torch
    from fastai.callback import schedule

    from trainwright.tuning import Sweep

    for row in rows():
        if "rates" not in row:
            continue
        rates, curve = Sweep(steps=100).rates[: len(row["losses"])], smoothed(row["losses"])
        stop = next((place for place, loss in enumerate(curve) if loss > 4 * min(curve[: place + 1])), len(curve) - 1)
        lrs, losses = torch.tensor(rates[: stop + 1][10:-5]), torch.tensor(curve[: stop + 1][10:-5])
        for name in ("valley", "steep", "minimum"):
            theirs = getattr(schedule, name)(lrs, losses, 100)[0]
            print(f"{row['cell']:32} {name:8} ours {row['rates'][f'fastai {name}']:.3g} fastai {theirs:.3g}")


def means(cell: str, seeds: Sequence[int]) -> dict[float, float]:
    """Gives the mean test accuracy in per cent of every rate that these seeds of a cell have run with."""
    found: dict[float, dict[int, float]] = {}
    for row in rows():
        if row["cell"] == cell and "rate" in row:
            found.setdefault(row["rate"], {})[row["seed"]] = row["accuracy"]
    whole = {rate: by for rate, by in found.items() if set(seeds) <= set(by)}
    return {rate: 100 * float(np.mean([by[seed] for seed in seeds])) for rate, by in whole.items()}


def by_name(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Gives what every rule says of a cell. `ours` is what lr-find said then: the lowest, where no row names both."""
    rates: dict[str, float | None] = row["rates"]
    return {name: rates.get(name) for name in RULES} | {"lowest": rates.get("lowest", rates["ours"])}


RULES = (
    "lowest",
    "middle",
    "our curve",
    "fastai valley",
    "fastai steep",
    "fastai minimum",
    "Lightning by step",
    "the rule",
)
NOTES = HERE / "results" / "lr_find_notes.md"


def write_table() -> None:
    """Writes results/lr_find.md: every cell with the best of its grid and what each suggestion came to beside it."""
    parts: list[str] = []
    for role, title in ROLES.items():
        cells = [cell for cell in CELLS if cell.role == role]
        lines, behind = _table(cells)
        parts += [f"## {title}", "", *lines, "", *_summary(behind), ""]
    from importlib.metadata import version

    import torch

    head = [
        "# What the rate of lr-find is worth",
        "",
        f"`uv run python benchmarks/lr_find.py`; trainwright {version('trainwright')}, torch "
        f"{torch.__version__}, one thread of a CPU.",
        "",
        *NOTES.read_text("utf-8").splitlines(),
        "",
        "Mean test accuracy in per cent of the best rate of the grid, at that rate (of so many); then of each",
        "suggestion the difference to it in points, and its rate. `lowest` is what `lr-find` takes.",
        "",
    ]
    TABLE.write_text("\n".join([*head, *parts]), "utf-8")


def _table(cells: Sequence[Cell]) -> tuple[list[str], dict[str, list[float | None]]]:
    """Gives a row a cell, and how far suggestions that were run are behind the best of the grid, in points; None where
    refused."""
    lines = ["| cell | best of the grid | " + " | ".join(RULES) + " |", "|" + "---|" * (len(RULES) + 2)]
    behind: dict[str, list[float | None]] = {name: [] for name in RULES}
    for cell in cells:
        measured = means(cell.name, cell.seeds)
        asked = next((row for row in rows() if row["cell"] == cell.name and "our curve" in row.get("rates", ())), None)
        if asked is None:
            lines.append(f"| {cell.name} | not run |" + " |" * len(RULES))
            continue
        said = by_name(asked)
        grid = {rate: figure for rate, figure in measured.items() if on_grid(rate, asked["rates"]["the rule"])}
        best = max(grid, key=lambda rate: grid[rate], default=None)
        texts = ["not run" if best is None else f"{grid[best]:.1f} at {best:g} ({len(grid)})"]
        for name in RULES:
            rate = said[name]
            if rate is None and (name != "middle" or "middle" in asked["rates"]):
                behind[name].append(None)
                texts.append("refused")
            elif rate is None or best is None or rate not in measured:
                texts.append("–" if rate is None else f"–, {rate:g}")
            else:
                behind[name].append(measured[rate] - grid[best])
                texts.append(f"{measured[rate] - grid[best]:+.1f}, {rate:g}")
        lines.append(f"| {cell.name} | " + " | ".join(texts) + " |")
    return lines, behind


def _summary(behind: Mapping[str, list[float | None]]) -> list[str]:
    lines = ["| | within 1 point of the best | mean of the cells with a rate |", "|---|---|---|"]
    for name, differences in behind.items():
        if not differences:
            continue
        known = [difference for difference in differences if difference is not None]
        near = sum(difference >= -1.0 for difference in known)
        mean = f"{np.mean(known):+.2f} ({len(known)})" if known else "–"
        lines.append(f"| {name} | {near} of {len(differences)} | {mean} |")
    return lines


def on_grid(rate: float, rule: float) -> bool:
    power = np.log2(rate / rule)
    return bool(abs(power - round(power)) < 0.01)


def append(row: dict[str, Any]) -> None:
    print({key: value for key, value in row.items() if key != "losses"}, flush=True)
    with RAW.open("a") as file:
        file.write(json.dumps(row) + "\n")


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RAW.read_text().splitlines()] if RAW.exists() else []


if __name__ == "__main__":
    main()

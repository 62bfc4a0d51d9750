"""A lecture's table of regularizers on MNIST, asked again on Fashion-MNIST: which of its orderings hold here?

    uv run python benchmarks/regularizers.py             # what is not yet in results/regularizers.jsonl, then the table
    uv run python benchmarks/regularizers.py --table     # the table alone, results/regularizers.md

Each method gets a few strengths and three seeds; the strength with the best mean validation accuracy is the one whose
test error counts, so that no method is judged by a strength that another one likes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scipy import stats

import trainwright as tw
from tricks import CHOSEN_BY, LEARNED, commit, write_data

HERE = Path(__file__).parent
RAW = HERE / "results" / "regularizers.jsonl"
TABLE = HERE / "results" / "regularizers.md"
SEEDS = (0, 1, 2)
EPOCHS, LAST_EPOCHS = 20, 5
BUDGET: dict[str, Any] = {
    "model.name": "plain",
    "model.width": 16,
    "model.depth": 2,
    "training.ema": 0.0,
    "loss.label_smoothing": 0.0,
    "optim.weight_decay": 0.0,
    "augment.policy": "none",
    "machine.threads": 1,
}
L2 = tuple({"regularization.l2": strength} for strength in (1e-4, 1e-3, 1e-2))
L1_LAST = tuple({"regularization.l1": strength} for strength in (1e-5, 1e-4))
DROPOUT = tuple({"model.dropout": share} for share in (0.25, 0.5))
MAX_NORM = tuple({"regularization.max_norm": most} for most in (0.5, 1.0, 2.0))


@dataclass(frozen=True, eq=False)
class Method:
    """A row of the table: settings to choose from, and the lecture's test error on MNIST where it has one.

    `last` are strengths that join, one of them, in the last epochs, which start from the weights of the epochs before.
    """

    name: str
    strengths: tuple[Mapping[str, Any], ...]
    mnist_percent: float | None = None
    last: tuple[Mapping[str, Any], ...] = ()


METHODS = (
    Method("none", ({},)),
    Method("L2", L2, 1.62),
    Method("L2, rate raised again for the last epochs", L2, last=({},)),
    Method("L2 + L1 towards the end", L2, 1.60, last=L1_LAST),
    Method(
        "L2 + KL sparsity",
        tuple({**decay, "regularization.sparsity": strength} for decay in L2 for strength in (1e-4, 1e-3)),
        1.55,
    ),
    Method("max-norm", MAX_NORM, 1.35),
    Method("dropout", DROPOUT),
    Method("dropout + L2", tuple({**drop, **decay} for drop in DROPOUT for decay in L2), 1.25),
    Method("dropout + max-norm", tuple({**drop, **norm} for drop in DROPOUT for norm in MAX_NORM), 1.05),
)

PAGE = """\
# A lecture's table of regularizers, on Fashion-MNIST

`uv run python benchmarks/regularizers.py`; torch {torch}, one thread of a CPU. {learned:,} pictures to learn from,
{chosen_by:,} to choose epoch and strength by, 10,000 to test; {epochs} epochs of a plain net (width 16, depth 2)
without augmentation, averaging, smoothing or decay. Mean test error of seeds {seeds}, at the strength that validates
best; the lecture's figures are test errors on MNIST with large nets of linear
layers (Srivastava et al. 2014, table 9). All runs stand in `regularizers.jsonl`.

A mean is known to ± {mean:.2f} points at 95 %, by the deviation over seeds pooled over all methods. The last epochs of
two methods begin at the peak rate again, which alone costs points: they stand apart below and in no ordering.

| method | lecture, MNIST % | here % | strength |
|---|---|---|---|"""


def main() -> None:
    """Reads the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="train nothing")
    if not parser.parse_args().table:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder))
    TABLE.write_text(table(measured()))
    print(TABLE.read_text())


def plans(method: Method) -> list[list[Mapping[str, Any]]]:
    """Lists the settings of a method's runs, one list a strength, one entry a stage."""
    if not method.last:
        return [[strength] for strength in method.strengths]
    return [[strength, {**strength, **last}] for strength in method.strengths for last in method.last]


def key(plan: Sequence[Mapping[str, Any]]) -> str:
    """Names the stages together with the budget, so that figures of another budget are never taken for these."""
    budget = {**BUDGET, "epochs": [EPOCHS, LAST_EPOCHS], "pictures": [LEARNED, CHOSEN_BY]}
    return json.dumps([budget, *plan], sort_keys=True)


def measure(folder: Path) -> None:
    """Trains every method at every strength for every seed; what was trained before is not trained again."""
    data = folder / "fashion-mnist-small.npz"
    write_data(data)
    done = measured()
    for method in METHODS:
        for plan in plans(method):
            for seed in SEEDS:
                if (key(plan), seed) not in done:
                    done[key(plan), seed] = train(data, folder / "runs", plan, seed)
                    print(f"{done[key(plan), seed]}  seed {seed}  {method.name}  {plan}", file=sys.stderr, flush=True)


def train(data: Path, out: Path, plan: list[Mapping[str, Any]], seed: int) -> tuple[float, float]:
    """Trains through the stages, each from the best weights of the one before: validation and test accuracy."""
    epochs = [EPOCHS] if len(plan) == 1 else [EPOCHS - LAST_EPOCHS, LAST_EPOCHS]
    weights = "none"
    for stage, settings in zip(epochs, plan, strict=True):
        asked = {**BUDGET, **settings, "model.weights": weights}
        run = tw.train(data, settings=asked, epochs=stage, seed=seed, out=out, name=f"run{len(list(out.glob('*')))}")
        weights = str(run.path / "checkpoints" / "best" / "model.safetensors")
    figures = run.metrics["valid_accuracy"], run.metrics["test_accuracy"]
    line = {
        "all": json.loads(key(plan)),
        "seed": seed,
        "valid_accuracy": figures[0],
        "test_accuracy": figures[1],
        "commit": commit(),
    }
    with RAW.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return figures


def measured() -> dict[tuple[str, int], tuple[float, float]]:
    """Reads what was trained so far: stages and seed → validation and test accuracy."""
    lines = [json.loads(line) for line in RAW.read_text().splitlines()] if RAW.exists() else []
    return {
        (json.dumps(line["all"], sort_keys=True), line["seed"]): (line["valid_accuracy"], line["test_accuracy"])
        for line in lines
    }


def table(done: Mapping[tuple[str, int], tuple[float, float]]) -> str:
    """Writes the page; a method stands in it when all its runs are there."""
    chosen = {
        method: max(plans(method), key=lambda plan: statistics.mean(done[key(plan), seed][0] for seed in SEEDS))
        for method in METHODS
        if all((key(plan), seed) in done for plan in plans(method) for seed in SEEDS)
    }
    errors = {method: percent_wrong(done, plan) for method, plan in chosen.items()}
    deviation = statistics.mean(statistics.variance(of_method) for of_method in errors.values()) ** 0.5
    freedom = len(errors) * (len(SEEDS) - 1)
    lines = [
        PAGE.format(
            torch=version("torch"),
            learned=LEARNED,
            chosen_by=CHOSEN_BY,
            epochs=EPOCHS,
            seeds=", ".join(map(str, SEEDS)),
            mean=stats.t.ppf(0.975, freedom) * deviation / len(SEEDS) ** 0.5,
        )
    ]
    for method, plan in chosen.items():
        words = ", ".join(f"`{name}={value:g}`" for name, value in plan[-1].items())
        lecture = "" if method.mnist_percent is None else f"{method.mnist_percent:.2f}"
        lines.append(f"| {method.name} | {lecture} | {statistics.mean(errors[method]):.2f} | {words} |")
    return "\n".join([*lines, *orderings(errors, deviation, freedom), *last_epochs(done)]) + "\n"


def percent_wrong(done: Mapping[tuple[str, int], tuple[float, float]], plan: list[Mapping[str, Any]]) -> list[float]:
    """Gives the test error of a plan for each seed, in per cent."""
    return [100 * (1 - done[key(plan), seed][1]) for seed in SEEDS]


def orderings(errors: Mapping[Method, Sequence[float]], deviation: float, freedom: int) -> list[str]:
    """Asks of each pair of methods that the lecture puts in order whether the same order is seen here.

    The limit is corrected for the number of pairs (Bonferroni), so that all verdicts together err once in twenty times.
    """
    told = [method for method in errors if method.mnist_percent is not None and not method.last]
    pairs = list(itertools.combinations(told, 2))
    half = stats.t.ppf(1 - 0.025 / len(pairs), freedom) * deviation * (2 / len(SEEDS)) ** 0.5
    lines = [
        "",
        f"Pair by pair, the one that the lecture has behind first. A difference counts from {half:.2f} points on "
        f"(95 % for all {len(pairs)} together).",
        "",
        "| order in the lecture | difference there | difference here | holds here |",
        "|---|---|---|---|",
    ]
    for worse, better in pairs:
        there = (worse.mnist_percent or 0) - (better.mnist_percent or 0)
        here = statistics.mean(errors[worse]) - statistics.mean(errors[better])
        verdict = "not to be told apart" if abs(here) <= half else "yes" if here > 0 else "no, the other way round"
        lines.append(f"| {worse.name} > {better.name} | {there:.2f} | {here:+.2f} | {verdict} |")
    return lines


def last_epochs(done: Mapping[tuple[str, int], tuple[float, float]]) -> list[str]:
    """Sets what L1 in the last epochs does beside the same last epochs without it, strength by strength."""
    names = " | ".join(f"L1 {last['regularization.l1']:g}" for last in L1_LAST)
    lines = [
        "",
        f"L1 in the last {LAST_EPOCHS} epochs, beside the same epochs without it: test error, %.",
        "",
        f"| L2 | without | {names} |",
        "|---|---|" + "---|" * len(L1_LAST),
    ]
    for decay in L2:
        cells = [f"{statistics.mean(percent_wrong(done, [decay, {**decay, **last}])):.2f}" for last in ({}, *L1_LAST)]
        lines.append(f"| {decay['regularization.l2']:g} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()

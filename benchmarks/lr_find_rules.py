"""Other ways to choose a rate from the short cycles of `lr-find`, judged by what lr_find.py has measured.

    uv run python benchmarks/lr_find_rules.py           # the tables, results/lr_find_rules.md; trains nothing
    uv run python benchmarks/lr_find_rules.py --draw    # before that, cycles under other seeds that are not yet there

A rule gets the cycles of a cell and names a rate; what that is worth is the mean test accuracy at it, in proportion
between the rates that were trained with, against the best of the cell's grid. Cycles under other seeds stand in
results/lr_find_cycles.jsonl: the same rates around what was suggested.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lr_find import Bench, on_grid, rows
from lr_find_cells import CELLS, Cell

HERE = Path(__file__).parent
RAW = HERE / "results" / "lr_find_cycles.jsonl"
TABLE = HERE / "results" / "lr_find_rules.md"
NOTES = HERE / "results" / "lr_find_rules_notes.md"
BETWEEN, STEPS, JUDGED = 10**0.25, 200, 1_000
CLASSES = {"digits": 10, "fashion": 10, "drawings": 20, "toys": 12, "clipart": 8, "tops": 4}
NEAR = -1.0
"""Points behind the best of the grid that are near."""

FEWEST = 5
"""Cycles of a seed by which a rule can choose."""


@dataclass(frozen=True)
class Cycles:
    """What a rule sees of a cell: the rates of its cycles and their losses, and more that is known before a training.

    Attributes:
        rates, losses: of each cycle, in the order of the rates; at most `blind`.
        blind: loss of knowing nothing, ln K.
        ratio: steps of a cycle in those of the training.
        curve: what the curve of the range test suggests, or None.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    blind: float
    ratio: float
    curve: float | None

    @property
    def around(self) -> list[tuple[float, float]]:
        """The rates with a neighbor on both sides, and the mean of the three losses."""
        found = list[tuple[float, float]]()
        for place in range(1, len(self.rates) - 1):
            before, rate, after = self.rates[place - 1 : place + 2]
            if max(rate / before, after / rate) < BETWEEN * 1.02:
                found.append((rate, float(np.mean(self.losses[place - 1 : place + 2]))))
        return found


@dataclass(frozen=True)
class Measured:
    """What was measured of a cell: rate → seed → test accuracy in per cent, and the cycles of `lr-find`."""

    cell: Cell
    runs: Mapping[float, Mapping[int, float]]
    rule: float
    suggested: float
    cycles: Cycles

    def means(self, seeds: Sequence[int]) -> dict[float, float]:
        """Gives the mean accuracy of each rate that all the cell's seeds ran with, in the order of the rates."""
        whole = [rate for rate in sorted(self.runs) if set(self.cell.seeds) <= set(self.runs[rate])]
        return {rate: float(np.mean([self.runs[rate][seed] for seed in seeds])) for rate in whole}

    def behind(self, rate: float) -> float:
        """Gives how many points a rate is behind the best of the grid; between measured rates in proportion."""
        means = self.means(self.cell.seeds)
        best = max(mean for known, mean in means.items() if on_grid(known, self.rule))
        return float(np.interp(math.log(rate), np.log(list(means)), list(means.values()))) - best


Rule = Callable[[Cycles], float]


def neighbors(cycles: Cycles) -> float:
    """As `lr-find` does: the lowest mean of three."""
    return min(cycles.around, key=lambda pair: pair[1])[0]


def alone(cycles: Cycles) -> float:
    return cycles.rates[int(np.argmin(cycles.losses))]


def even(cycles: Cycles, share: float) -> tuple[float, float]:
    """Gives the ends of the rates around the best whose mean of three lacks at most a share of the best one's fall."""
    around = cycles.around
    best = min(range(len(around)), key=lambda place: around[place][1])
    enough = around[best][1] + share * (cycles.blind - around[best][1])
    low = high = best
    while low > 0 and around[low - 1][1] <= enough:
        low -= 1
    while high < len(around) - 1 and around[high + 1][1] <= enough:
        high += 1
    return around[low][0], around[high][0]


def lowest(share: float) -> Rule:
    return lambda cycles: even(cycles, share)[0]


def middle(share: float) -> Rule:
    return lambda cycles: math.sqrt(math.prod(even(cycles, share)))


def center(share: float) -> Rule:
    """Weighs all rates by exp(−loss / a share of the fall), and takes their geometric mean."""

    def chosen(cycles: Cycles) -> float:
        losses, x = np.array(cycles.losses), np.log(cycles.rates)
        weights = np.exp(-(losses - losses.min()) / (share * (cycles.blind - losses.min()))) * np.gradient(x)
        return float(np.exp((weights * x).sum() / weights.sum()))

    return chosen


def parabola(reach: int) -> Rule:
    """Fits a parabola to the logarithms of the losses so many places around the best, and takes its lowest place."""

    def chosen(cycles: Cycles) -> float:
        x, best = np.log(cycles.rates), math.log(neighbors(cycles))
        near = np.abs(x - best) <= (reach + 0.1) * math.log(BETWEEN)
        bend, slope, _ = np.polyfit(x[near], np.log(cycles.losses)[near], 2)
        place = -slope / 2 / bend if bend > 0 else best
        return float(np.exp(np.clip(place, x[near].min(), x[near].max())))

    return chosen


def shrunk(power: float) -> Rule:
    return lambda cycles: neighbors(cycles) * cycles.ratio**power


def with_curve(cycles: Cycles) -> float:
    return math.sqrt(neighbors(cycles) * (cycles.curve or neighbors(cycles)))


RULES: dict[str, Rule] = {
    "lowest mean of three, as `lr-find` does": neighbors,
    "lowest by itself": alone,
    **{f"lowest rate within {share:.0%} of the fall": lowest(share) for share in (0.01, 0.02, 0.03, 0.05)},
    **{f"middle of the rates within {share:.0%}": middle(share) for share in (0.01, 0.02, 0.03, 0.05, 0.08)},
    **{f"center, weighed by {share:.0%}": center(share) for share in (0.02, 0.03, 0.05, 0.08)},
    **{f"parabola over {reach} to each side": parabola(reach) for reach in (2, 3)},
    **{f"lowest mean × (cycle's / training's steps)^{power}": shrunk(power) for power in (0.25, 0.5, 1)},
    "between lowest mean and curve": with_curve,
}


def measured() -> list[Measured]:
    found = list[Measured]()
    for cell in CELLS:
        if cell.role == "fresh":  # those judge, and have no say in what is chosen
            continue
        own = [row for row in rows() if row["cell"] == cell.name]
        asked = next((row for row in own if "our curve" in row.get("rates", ())), None)
        if asked is None:
            continue
        runs: dict[float, dict[int, float]] = {}
        for row in own:
            if "seed" in row:
                runs.setdefault(row["rate"], {})[row["seed"]] = 100 * row["accuracy"]
        steps = next(row["steps"] for row in own if "steps" in row)
        said, told = asked["rates"], asked["cycles"]
        blind = math.log(CLASSES[cell.data])
        cycles = Cycles(tuple(told["rates"]), tuple(told["losses"]), blind, STEPS / steps, said["our curve"])
        found.append(Measured(cell, runs, said["the rule"], said["ours"], cycles))
    return found


def redrawn(known: Measured) -> dict[int, Cycles]:
    """Gives the cycles under other seeds: seed → cycles."""
    found = dict[int, Cycles]()
    drawn = [json.loads(line) for line in RAW.read_text().splitlines()] if RAW.exists() else []
    own = [row for row in drawn if row["cell"] == known.cell.name]
    for seed in sorted({row["seed"] for row in own}):
        losses = {row["rate"]: row["loss"] for row in own if row["seed"] == seed}
        blind, rates = known.cycles.blind, tuple(sorted(losses))
        kept = tuple(blind if losses[rate] is None else min(losses[rate], blind) for rate in rates)
        found[seed] = replace(known.cycles, rates=rates, losses=kept)
    return found


def averaged(all_cycles: Sequence[Cycles]) -> Cycles:
    """Gives the mean of cycles of several seeds, at the rates that all have."""
    by_rate = [dict(zip(cycles.rates, cycles.losses, strict=True)) for cycles in all_cycles]
    rates = sorted(set.intersection(*(set(known) for known in by_rate)))
    losses = tuple(float(np.mean([known[rate] for known in by_rate])) for rate in rates)
    return replace(all_cycles[0], rates=tuple(rates), losses=losses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true")
    if parser.parse_args().draw:
        for known in measured():
            draw(known)
    write_table(measured())


def draw(known: Measured) -> None:
    """Makes the cycles of a cell anew under other seeds, those that are not there yet."""
    from trainwright.data import thinned
    from trainwright.training import answer, build, rate_factor
    from trainwright.tuning.range_test import advancing

    cell, there = known.cell, redrawn(known)
    quick = cell.net == "plain" or (cell.data == "digits" and cell.net == "small-resnet")
    reach = 3 if quick else 2
    bench = Bench(cell)
    part = thinned(bench.data.train, JUDGED)
    for seed in (1, 2) if quick else (1,):
        for place in range(-reach, reach + 1):
            rate = float(f"{known.suggested * BETWEEN**place:.3g}")
            rate = next((tried for tried in known.cycles.rates if abs(tried / rate - 1) < 0.02), rate)
            if seed in there and rate in there[seed].rates:
                continue
            recipe = bench.decide(bench.compose({"optim.lr": rate, "training.seed": seed}), bench.data)
            setup = build(recipe, bench.data)
            advance = advancing(setup, bench.data)
            factors = [rate_factor(recipe.schedule, step, STEPS, per_epoch=STEPS) for step in range(STEPS)]
            loss = None
            if all(advance(rate * factor) is not None for factor in factors):
                answers = answer(setup.judged, part, [setup.prepare_eval], setup.machine, setup.task)
                loss = setup.task.verdict(answers).loss
            with RAW.open("a") as file:
                file.write(json.dumps({"cell": cell.name, "seed": seed, "rate": rate, "loss": loss}) + "\n")


def write_table(cells: Sequence[Measured]) -> None:
    lines = [*NOTES.read_text("utf-8").splitlines(), "", *_rules_table(cells), "", *_whole_table(cells), ""]
    TABLE.write_text("\n".join(lines), "utf-8")


def _rules_table(cells: Sequence[Measured]) -> Iterator[str]:
    """Gives a row a rule: on the cycles that `lr-find` made, on those of other seeds, on the mean over seeds."""
    others = {
        known.cell.name: {seed: cycles for seed, cycles in redrawn(known).items() if len(cycles.rates) >= FEWEST}
        for known in cells
    }
    sets: dict[str, list[tuple[Measured, Cycles]]] = {
        "as made": [(known, known.cycles) for known in cells],
        "other seeds": [(known, cycles) for known in cells for cycles in others[known.cell.name].values()],
        "mean of seeds": [
            (known, averaged([known.cycles, *others[known.cell.name].values()]))
            for known in cells
            if others[known.cell.name]
        ],
    }
    behind = {
        name: {title: [known.behind(rule(cycles)) for known, cycles in pairs] for title, pairs in sets.items()}
        for name, rule in RULES.items()
    }
    yield "| rule | " + " | ".join(sets) + " | against the first |"
    yield "|" + "---|" * (len(sets) + 2)
    drawn = [known.cell.name for title in ("as made", "other seeds") for known, _ in sets[title]]
    first = behind[next(iter(RULES))]
    for name, by_set in behind.items():
        against = _against(drawn, *([*by["as made"], *by["other seeds"]] for by in (by_set, first)))
        yield f"| {name} | " + " | ".join(_told(differences) for differences in by_set.values()) + f" | {against} |"
    left_out = [
        _best_elsewhere({name: by["as made"] for name, by in behind.items()}, place) for place in range(len(cells))
    ]
    yield f"| whichever is best on the 20 other cells | {_told(left_out)} |" + " |" * len(sets)


def _against(cells: Sequence[str], one: Sequence[float], other: Sequence[float]) -> str:
    """Gives by how much less one of two rules falls short: the mean over cells, and its standard error."""
    by_cell: dict[str, list[float]] = {}
    for cell, here, there in zip(cells, one, other, strict=True):
        by_cell.setdefault(cell, []).append(min(here, 0.0) - min(there, 0.0))
    gains = [float(np.mean(found)) for found in by_cell.values()]
    return f"{np.mean(gains):+.2f} ± {np.std(gains, ddof=1) / math.sqrt(len(gains)):.2f}" if any(gains) else ""


def _best_elsewhere(behind: Mapping[str, Sequence[float]], place: int) -> float:
    """Gives what the rule that is best on all other cells, by those within a point, then by the mean, is worth here."""

    def worth(name: str) -> tuple[int, float]:
        rest = [*behind[name][:place], *behind[name][place + 1 :]]
        return sum(difference >= NEAR for difference in rest), float(np.minimum(rest, 0).mean())

    return behind[max(behind, key=worth)][place]


def _whole_table(cells: Sequence[Measured]) -> Iterator[str]:
    """Gives what choosing by whole trainings of one seed is worth to the other seeds, at rates of the grid."""
    yield (
        "| judged by the other seeds, at the nearest rate of the grid | "
        + " | ".join(f"chosen by seed {seed}" for seed in (0, 1, 2))
        + " |"
    )
    yield "|---|---|---|---|"
    table: dict[str, list[str]] = {}
    for seed in (0, 1, 2):
        behind: dict[str, list[float]] = {}
        for known in cells:
            if seed not in known.cell.seeds:
                continue
            rest = known.means([other for other in known.cell.seeds if other != seed])
            grid = [rate for rate in rest if on_grid(rate, known.rule)]
            own = [known.runs[rate][seed] for rate in grid]
            chosen = {
                "whole trainings, highest accuracy": grid[int(np.argmax(own))],
                "whole trainings, highest mean of three": grid[
                    1 + int(np.argmax(np.convolve(own, np.ones(3), "valid")))
                ],
                "`lr-find` as it is": known.suggested,
                "middle of the rates within 5%": middle(0.05)(known.cycles),
            }
            for name, rate in chosen.items():
                near = min(grid, key=lambda there, rate=rate: abs(math.log(there / rate)))
                behind.setdefault(name, []).append(rest[near] - max(rest[there] for there in grid))
        for name, differences in behind.items():
            table.setdefault(name, []).append(_told(differences))
    for name, figures in table.items():
        yield f"| {name} | " + " | ".join(figures) + " |"


def _told(differences: Sequence[float]) -> str:
    near, short = sum(difference >= NEAR for difference in differences), float(np.minimum(differences, 0).mean())
    return f"{near} of {len(differences)}, {short:+.2f}, {min(differences):+.1f}"


if __name__ == "__main__":
    main()

"""Makes the corpus: trains every run that is planned and not made yet, one after the other, on one thread.

    OMP_NUM_THREADS=1 nice -n 10 uv run python benchmarks/faults/make.py         # goes on where it was stopped
    uv run python benchmarks/faults/make.py --pack                               # packs what there is for the judge
    uv run python benchmarks/faults/make.py --plan                               # counts

A run's folder carries a name that says nothing. What was done to it, and what became of it, stands in a key apart
(`key.jsonl`), which neither the detector nor the packed records know. The order of making is round by round, so that
a corpus that is not finished holds some of everything.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import shutil
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import halves
from healthy import UGLY
from spec import Spec

from faults import KINDS, STRENGTHS, Changes, Kind
from pictures import CACHE

HERE = Path(__file__).parent
KEY = HERE / "key.jsonl"
CORPUS = HERE / "corpus"
MADE = CACHE / "runs"
SEEDS = (0, 1, 2)
DIGITS = 5
"""Significant digits kept of a number in the packed records."""


@dataclass(frozen=True)
class Planned:
    """A run to make.

    Attributes:
        kind: of the fault, or of the healthy run.
        strength: of the fault; None of a healthy run.
        twin: spec of the same run without the fault; None of a healthy run.
        round: in which it is made; earlier ones first.
    """

    spec: Spec
    kind: str
    strength: str | None
    twin: Spec | None
    round: int

    @property
    def name(self) -> str:
        return name_of(self.spec)


def name_of(spec: Spec) -> str:
    """Names a run by its spec, so that nobody can read it off: the same spec is the same run."""
    return hashlib.sha256(("corpus 1" + json.dumps(asdict(spec), sort_keys=True)).encode()).hexdigest()[:12]


def ordinary(
    half: halves.Half, place: int, seed: int, changes: Changes, nets: tuple[str, ...] = (), data: tuple[str, ...] = ()
) -> Spec:
    """Gives an ordinary spec with changes, in the cell whose turn it is among those that are allowed."""
    able = [cell for cell in halves.CELLS[half] if (not nets or cell[0] in nets) and (not data or cell[1] in data)]
    if not able:
        raise ValueError(f"no cell of the half that {half} fits {nets} and {data}")
    net, name, optimizer = able[place % len(able)]
    return Spec(**{"net": net, "data": name, "seed": seed, "optimizer": optimizer} | dict(changes))


def plan() -> list[Planned]:
    """Lists all runs in the order in which they are made: round by round, a fault, its twin and a healthy run in turn,
    two of the half that judges and then one of the half that sets limits."""
    found: dict[str, Planned] = {}
    for rounds in range(4):
        queues = {half: [run for run in _of_round(rounds) if half_of(run) == half] for half in halves.NETS}
        while any(queues.values()):
            for half in ("judges", "judges", "sets"):
                if queues[half]:
                    run = queues[half].pop(0)
                    found.setdefault(run.name, run)
    return list(found.values())


def half_of(run: Planned) -> halves.Half:
    return halves.half_of(run.spec.net, run.spec.data)


def _of_round(rounds: int) -> Iterator[Planned]:
    faulty = _mixed(run for run in _faulty() if run.round == rounds)
    ugly = _mixed(run for run in _ugly() if run.round == rounds)
    for fault, healthy in zip_longest(faulty, ugly):
        if fault is not None:
            yield fault
            assert fault.twin is not None
            yield Planned(fault.twin, "twin", None, None, rounds)
        if healthy is not None:
            yield healthy


def _mixed(runs: Iterable[Planned]) -> list[Planned]:
    return sorted(runs, key=lambda run: run.name)


def _faulty() -> Iterator[Planned]:
    for half in halves.NETS:
        for place, kind in enumerate(KINDS):
            for level, strength in enumerate(STRENGTHS):
                twin = ordinary(half, place, SEEDS[level], _without_clash(kind), kind.nets, kind.data)
                spec = replace(twin, **kind.doses[level])
                yield Planned(spec, kind.name, strength, twin, round=((2, 0, 1), (2, 1, 0))[place % 2][level])


def _without_clash(kind: Kind) -> Changes:
    """Adds what a kind needs to have an effect: an optimizer that divides by norms hides clipping and factors."""
    plainly = {
        "clipped",
        "decayed",
        "rate-high",
        "rate-low",
        "dead-by-rate",
        "sum",
        "not-divided",
        "momentum",
        "underflow",
    }
    return {**({"optimizer": "sgd"} if kind.name in plainly else {}), **kind.base}


def _ugly() -> Iterator[Planned]:
    for half in halves.NETS:
        for row, (name, nets, variants) in enumerate(UGLY):
            able = [net for net in nets if net in halves.NETS[half]]
            for turn in range(2):
                for variant, changes in enumerate(variants):
                    place = row + 3 * turn + 5 * variant
                    yield Planned(
                        ordinary(half, place, SEEDS[turn], changes, tuple(able)), name, None, None, round=(0, 3)[turn]
                    )


def make(run: Planned) -> None:
    """Trains one run and adds its line to the key."""
    from loop import train

    folder = MADE / run.name
    shutil.rmtree(folder, ignore_errors=True)
    started, cpu = time.perf_counter(), time.process_time()
    outcome = train(run.spec, folder)
    line = {
        "run": run.name,
        "half": halves.half_of(run.spec.net, run.spec.data),
        "kind": run.kind,
        "strength": run.strength,
        "twin": None if run.twin is None else name_of(run.twin),
        **asdict(outcome),
        "spec": {name: value for name, value in asdict(run.spec).items() if value != _default(name)},
        "cpu_s": round(time.process_time() - cpu, 2),
        "time_s": round(time.perf_counter() - started, 2),
    }
    with KEY.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _default(name: str) -> Any:
    return getattr(Spec, name, None) if name not in ("net", "data") else None


def key() -> dict[str, dict[str, Any]]:
    """Reads the key: run → what was done to it and what became of it."""
    lines = [json.loads(line) for line in KEY.read_text("utf-8").splitlines()] if KEY.exists() else []
    return {line["run"]: line for line in lines}


def pack() -> None:
    """Packs the logs of all runs that are made, half by half, without sketches and with rounded numbers."""
    CORPUS.mkdir(exist_ok=True)
    for half in halves.NETS:
        part = CORPUS / f"{half}.{os.getpid()}"
        with lzma.open(part, "wt", preset=4, encoding="utf-8") as file:
            for name, line in sorted(key().items()):
                log = MADE / name / "events.jsonl"
                if line["half"] != half or not log.exists():
                    continue
                file.write(json.dumps({"run": name}) + "\n" + packed_log(log))
        part.rename(CORPUS / f"{half}.jsonl.xz")
        print(half, f"{(CORPUS / f'{half}.jsonl.xz').stat().st_size / 2**20:.1f} MiB")


def packed_log(log: Path) -> str:
    """Gives the lines of a run's log without sketches and without what was told of it, numbers rounded."""
    lines = []
    for text in log.read_text("utf-8").splitlines():
        record = json.loads(text)
        if record["type"] != "finding":
            record.pop("sketches", None)
            lines.append(json.dumps(_rounded(record), separators=(",", ":")) + "\n")
    return "".join(lines)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pack", action="store_true")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--at-most", type=int, default=10_000, help="runs")
    asked = parser.parse_args()
    if asked.pack:
        pack()
        return
    planned = plan()
    if asked.plan:
        for name in range(4):
            runs = [run for run in planned if run.round == name]
            print(name, len(runs), "healthy", sum(run.strength is None for run in runs))
        return
    import torch

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Lazy modules")
    made = key()
    for run in [run for run in planned if run.name not in made][: asked.at_most]:
        print(run.name, flush=True)
        try:
            make(run)
        except Exception:  # a loop that raises is one run less, and is looked at
            print(f"{run.kind}, {run.strength}: {traceback.format_exc()}", flush=True)


if __name__ == "__main__":
    main()

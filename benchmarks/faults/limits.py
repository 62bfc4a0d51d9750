"""Sets limits and confidences from the half of the corpus that sets them: src/trainwright/diagnosis/limits.json.

    uv run python benchmarks/faults/limits.py            # writes; --show only tells

A limit stays the rule's own choice unless the runs speak against it: of a few factors on it the nearest to 1 is taken
at which right first causes of harmful faults, less three for each healthy run with an alarm, are at least two more.
Limits that rules read at import are left alone. The confidence of a code is how often it was right where it was told
first, over healthy and faulty runs, where that happened five times.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judge import BY_NAME, harms, key, sick
from records import histories

from trainwright.diagnosis import limits
from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.diagnose import ranked, severity_of
from trainwright.diagnosis.needs import present
from trainwright.diagnosis.rules import RULES
from trainwright.diagnosis.suspicion import Rule, Suspicion

FACTORS = (0.6, 0.8, 1.25, 1.6, 2.5)
PRICE = 3
"""Faults that one false alarm weighs."""
LEAST_GAIN, LEAST_TOLD = 2, 5
"""Faults by which a limit must be better than the rule's own choice, and alarms that a confidence must rest on."""


class Overriding(dict[str, Any]):
    """Stands for the kept limits, and notes which are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


@dataclass
class Run:
    """A run of the half that sets limits, with what each rule says of it by the limits as they stand."""

    line: Mapping[str, Any]
    course: Course
    harmful: bool
    rules: Sequence[Rule]
    said: dict[int, Suspicion | None] = field(default_factory=dict[int, Suspicion | None])
    reads: dict[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])

    def ask(self, place: int, values: Overriding) -> Suspicion | None:
        values.read = set()
        found = self.rules[place].look(self.course)
        self.reads[place] = frozenset(values.read)
        return found

    def verdict(self, changed: Mapping[int, Suspicion | None]) -> tuple[bool, bool]:
        """Says whether there is an alarm, and whether the first one is right."""
        said = [one for one in (self.said | dict(changed)).values() if one is not None]
        alarms = [one for one in ranked(said) if severity_of(one) != "note"]
        return bool(alarms), bool(alarms) and alarms[0].code in codes_of(self.line)


def codes_of(line: Mapping[str, Any]) -> tuple[str, ...]:
    return () if line["strength"] is None else BY_NAME[line["kind"]].codes


def worth(runs: Sequence[Run], verdicts: Sequence[tuple[bool, bool]]) -> int:
    """Weighs right first causes of harmful faults against alarms about healthy runs."""
    pairs = list(zip(runs, verdicts, strict=True))
    right = sum(first for run, (_, first) in pairs if run.harmful)
    false = sum(alarm for run, (alarm, _) in pairs if run.line["strength"] is None)
    return right - PRICE * false


def load(values: Overriding) -> list[Run]:
    lines, found = key(), list[Run]()
    weighed, left_out = harms(lines), sick(lines)
    for name, history in histories("sets"):
        if name not in lines or name in left_out:
            continue
        course = Course(history, Known())
        there = present(course)
        harm = weighed.get(name)
        run = Run(
            lines[name], course, harm is not None and harm.harmful, [rule for rule in RULES if rule.needs <= there]
        )
        run.said = {place: run.ask(place, values) for place in range(len(run.rules))}
        found.append(run)
    return found


def search(runs: Sequence[Run], values: Overriding, own: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Tries a few factors on every limit, one limit after the other."""
    verdicts = [run.verdict({}) for run in runs]
    best = worth(runs, verdicts)
    print(f"{len(runs)} runs; worth by own choices {best}")
    moved: dict[str, dict[str, Any]] = {}
    for name in sorted(own):
        tried: list[tuple[int, float, list[dict[int, Suspicion | None]]]] = []
        for factor in sorted(FACTORS, key=lambda factor: abs(factor - 1)):
            values[name] = {"value": own[name] * factor}
            try:
                changes = [
                    {place: run.ask(place, values) for place in tuple(run.reads) if name in run.reads[place]}
                    for run in runs
                ]
            except (IndexError, ValueError):  # a value for which the rule is not made
                continue
            tried.append(
                (worth(runs, [run.verdict(change) for run, change in zip(runs, changes, strict=True)]), factor, changes)
            )
        if not tried:
            values.pop(name)
            continue
        top, factor, changes = max(tried, key=lambda one: one[0])
        if top >= best + LEAST_GAIN:
            print(f"{name}: {own[name]:g} × {factor:g}, worth {best} → {top}")
            values[name] = {"value": own[name] * factor}
            for run, change in zip(runs, changes, strict=True):
                run.said |= change
            moved[name] = {"value": round(own[name] * factor, 6), "own_choice": own[name], "worth": [best, top]}
            best = top
        else:
            values.pop(name)
    return moved


def confidences(runs: Sequence[Run]) -> dict[str, float]:
    told: dict[str, list[bool]] = {}
    for run in runs:
        said = [one for one in run.said.values() if one is not None]
        alarms = [one for one in ranked(said) if severity_of(one) != "note"]
        if alarms:
            told.setdefault(alarms[0].code, []).append(alarms[0].code in codes_of(run.line))
    return {code: round(sum(hits) / len(hits), 2) for code, hits in sorted(told.items()) if len(hits) >= LEAST_TOLD}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--show", action="store_true")
    asked = parser.parse_args()
    values, own = Overriding(), dict[str, float]()
    kept = {"limits": values}
    warnings.simplefilter("ignore", RuntimeWarning)  # as in diagnose
    limits._kept = lambda: kept
    limit = limits.limit

    runs = load(values)
    names = {name for run in runs for read in run.reads.values() for name in read}
    for name in names:
        own[name] = own_choice(name)
    assert limit is limits.limit
    moved = search(runs, values, {name: value for name, value in own.items() if value})
    found = {"limits": moved, "confidence": confidences(runs), "runs": len(runs)}
    text = json.dumps(found, indent=2) + "\n"
    print(text)
    if not asked.show:
        limits.FILE.write_text(text, encoding="utf-8")


def own_choice(name: str) -> float:
    """Reads a rule's own choice of a limit off its source, where it is written beside the name."""
    import re
    from pathlib import Path

    room = Path(limits.__file__).parent
    for file in sorted(room.rglob("*.py")):
        if match := re.search(rf'limit\("{re.escape(name)}", ([0-9.e-]+)\)', file.read_text("utf-8")):
            return float(match[1])
    return 0.0


if __name__ == "__main__":
    main()

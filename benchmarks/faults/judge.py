"""Judges the diagnosis on the packed corpus, without training, and writes RESULTS.md.

    uv run python benchmarks/faults/judge.py

Only runs of nets and data that set no limits count (`halves.py`); the other half is told beside. A fault is harmful
where the net knows less of the test pictures than its healthy twin of the same seed, or where the loop tells its author
another accuracy than the true one; what does neither is latent, and nobody has missed it.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import halves
import numpy as np
from baselines import BASELINES
from records import histories, until

from faults import KINDS, STRENGTHS
from trainwright.diagnosis import diagnose
from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.diagnose import ranked, severity_of
from trainwright.diagnosis.live import Told, news
from trainwright.diagnosis.needs import present
from trainwright.diagnosis.rules import RULES
from trainwright.diagnosis.suspicion import Suspicion
from trainwright.runs import History

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
SICK = 0.1
"""Accuracy below the mean of the ordinary runs of its net and data at which a run meant to be healthy is not."""
LEAST_LOSS, LEAST_LIE = 0.03, 0.08
"""Accuracy that must be lost, or by which the loop must be wrong about it, before a fault is harmful at all."""
BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class Judged:
    """A run with what was said of it.

    Attributes:
        line: of the key.
        said: suspicions, the most likely cause first.
        others: names of other tools that alarm.
    """

    line: Mapping[str, Any]
    said: tuple[Suspicion, ...]
    others: frozenset[str]
    history: History

    @property
    def healthy(self) -> bool:
        return self.line["strength"] is None

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes that name the fault rightly."""
        return () if self.healthy else BY_NAME[self.line["kind"]].codes

    @property
    def exact(self) -> bool:
        return not self.healthy and BY_NAME[self.line["kind"]].exact

    @cached_property
    def alarms(self) -> tuple[Suspicion, ...]:
        return tuple(one for one in self.said if severity_of(one) != "note")

    @property
    def score(self) -> float:
        """How loud: alarms lie above 1 by their strength, exact ones at 3, notes below 1."""
        return max(
            (
                one.strength + (2 if one.exact else 1) if severity_of(one) != "note" else one.strength
                for one in self.said
            ),
            default=0.0,
        )

    @property
    def first_right(self) -> bool:
        return bool(self.alarms) and self.alarms[0].code in self.codes

    @property
    def in_three(self) -> bool:
        return bool(self.alarms) and any(one.code in self.codes for one in self.said[:3])


def key() -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in (HERE / "key.jsonl").read_text("utf-8").splitlines()]
    return {line["run"]: line for line in lines}


def suspicions(history: History) -> tuple[Suspicion, ...]:
    """Gives what the rules say of a run, as `diagnose` orders it."""
    course = Course(history, Known())
    there = present(course)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # as in diagnose
        found = [said for rule in RULES if rule.needs <= there and (said := rule.look(course)) is not None]
    return tuple(ranked(found))


def judge(half: halves.Half) -> list[Judged]:
    """Diagnoses all runs of a half."""
    lines = key()
    left_out = sick(lines)
    found: list[Judged] = []
    for name, history in histories(half):
        if name not in lines or name in left_out:
            continue
        course = Course(history, Known())
        others = frozenset(tool for tool, alarms in BASELINES.items() if alarms(course))
        found.append(Judged(lines[name], suspicions(history), others, history))
    return found


def sick(lines: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Names runs that were meant to be healthy and learn much less than the ordinary ones of their net and data."""
    ordinary: dict[tuple[str, str], list[float]] = {}
    for line in lines.values():
        if line["kind"] == "twin":
            ordinary.setdefault((line["spec"]["net"], line["spec"]["data"]), []).append(line["test_accuracy"])
    return frozenset(
        name
        for name, line in lines.items()
        if line["strength"] is None
        and (usual := ordinary.get((line["spec"]["net"], line["spec"]["data"])))
        and line["test_accuracy"] < float(np.mean(usual)) - SICK
    )


@dataclass(frozen=True)
class Harm:
    """How much a fault costs, and from where on that counts.

    Attributes:
        lost: accuracy on test pictures that the twin of the same seed has more.
        lied: how much farther from the true accuracy the loop's own is than the twin's.
    """

    lost: float
    lied: float
    harmful: bool


def harms(lines: Mapping[str, Mapping[str, Any]]) -> dict[str, Harm]:
    """Weighs every fault whose twin was made against the scatter of twins over seeds."""
    twins = [line for line in lines.values() if line["kind"] == "twin"]
    cells: dict[str, list[float]] = {}
    lies = [line["told_accuracy"] - line["test_accuracy"] for line in twins if line["told_accuracy"] is not None]
    for line in twins:
        same = {name: value for name, value in line["spec"].items() if name != "seed"}
        cells.setdefault(json.dumps(same, sort_keys=True), []).append(line["test_accuracy"])
    several = [np.var(values, ddof=1) for values in cells.values() if len(values) > 1]
    noise = math.sqrt(float(np.mean(several))) if several else 0.0
    needed, doubtful = max(LEAST_LOSS, 2 * math.sqrt(2) * noise), max(LEAST_LIE, 3 * float(np.std(lies or [0.0])))
    found: dict[str, Harm] = {}
    for name, line in lines.items():
        twin = lines.get(line["twin"] or "")
        if twin is None:
            continue
        lost = twin["test_accuracy"] - line["test_accuracy"]
        lied = abs((line["told_accuracy"] or line["test_accuracy"]) - line["test_accuracy"]) - abs(
            (twin["told_accuracy"] or twin["test_accuracy"]) - twin["test_accuracy"]
        )
        found[name] = Harm(lost, lied, lost > needed or lied > doubtful)
    return found


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Gives Wilson's interval of a share at 95 %."""
    if not count:
        return (0.0, 1.0)
    z, share = 1.96, hits / count
    middle, wide = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return ((middle - wide) / (1 + z * z / count), (middle + wide) / (1 + z * z / count))


def share_of(hits: Iterable[bool]) -> str:
    """Words a share with its interval: 12 of 40, 30 % (18–45)."""
    found = list(hits)
    if not found:
        return "–"
    low, high = wilson(sum(found), len(found))
    return f"{sum(found)} of {len(found)}, {sum(found) / len(found):.0%} ({100 * low:.0f}–{100 * high:.0f})"


def targets(runs: Sequence[Judged], weighed: Mapping[str, Harm]) -> list[str]:
    """Writes the table of targets, and recall at fixed rates of false alarms."""
    healthy = [run for run in runs if run.healthy]
    harmful = [run for run in runs if run.line["run"] in weighed and weighed[run.line["run"]].harmful]
    latent = [run for run in runs if run.line["run"] in weighed and not weighed[run.line["run"]].harmful]
    rows = [
        "| what | target | measured |",
        "|---|---|---|",
        f"| healthy runs with a `warn` or `stop` | ≤ 5 % | {share_of(bool(run.alarms) for run in healthy)} |",
        "| the same, or told on the way, with a look at the end of every epoch, and withdrawn | | "
        f"{share_of(_ever(run) for run in healthy)} |",
        f"| harmful faults with an alarm | ≥ 85 % | {share_of(bool(run.alarms) for run in harmful)} |",
        "| of these, what can be checked exactly | ≥ 95 % | "
        f"{share_of(bool(run.alarms) for run in harmful if run.exact)} |",
        f"| first cause right, of the harmful ones with an alarm | ≥ 70 % | "
        f"{share_of(run.first_right for run in harmful if run.alarms)} |",
        f"| among the first three, of these | ≥ 90 % | {share_of(run.in_three for run in harmful if run.alarms)} |",
        f"| first cause right, of all harmful ones | | {share_of(run.first_right for run in harmful)} |",
        f"| latent faults with an alarm | | {share_of(bool(run.alarms) for run in latent)} |",
        f"| latent faults named in any way, notes too | | "
        f"{share_of(any(one.code in run.codes for one in run.said) for run in latent)} |",
        "",
        "| false alarms allowed | threshold of strength | harmful faults found | first cause right |",
        "|---|---|---|---|",
    ]
    scores = sorted((run.score for run in healthy), reverse=True)
    for rate in (0.01, 0.05, 0.10):
        allowed = math.floor(rate * len(scores))
        cut = scores[allowed] if allowed < len(scores) else 0.0
        found = [run.score > cut for run in harmful]
        right = [run.score > cut and bool(run.said) and run.said[0].code in run.codes for run in harmful]
        rows.append(f"| {rate:.0%} ({allowed} of {len(scores)}) | {cut:.2f} | {share_of(found)} | {share_of(right)} |")
    return rows


def _ever(run: Judged) -> bool:
    """Says whether an alarm was told while a run went on, with a look at the end of every epoch, or at its end."""
    last = run.history.epochs.rows[-1].epoch if len(run.history.epochs) else 0
    told = Told()
    for epoch in range(1, last):
        found = diagnose(until(run.history, epoch), Known()).findings
        told, new = news(told, found, epoch)
        if any(one.severity != "note" and one.withdrawn is None for one in new):
            return True
    return bool(run.alarms)


def other_tools(runs: Sequence[Judged], weighed: Mapping[str, Harm]) -> list[str]:
    healthy = [run for run in runs if run.healthy]
    harmful = [run for run in runs if run.line["run"] in weighed and weighed[run.line["run"]].harmful]
    rows = ["| by whose limits | healthy runs alarmed about | harmful faults found | Youden's J |", "|---|---|---|---|"]
    ours = ([bool(run.alarms) for run in healthy], [bool(run.alarms) for run in harmful])
    tools = {"trainwright": ours} | {
        name: ([name in run.others for run in healthy], [name in run.others for run in harmful]) for name in BASELINES
    }
    for name, (false, true) in tools.items():
        difference = sum(true) / max(1, len(true)) - sum(false) / max(1, len(false))
        rows.append(f"| {name} | {share_of(false)} | {share_of(true)} | {difference:.2f} |")
    return rows


def by_fault(runs: Sequence[Judged], weighed: Mapping[str, Harm]) -> list[str]:
    """Writes a row a kind: what each strength costs and what was said of it first."""
    rows = ["| fault | its code | " + " | ".join(STRENGTHS) + " |", "|---" * (2 + len(STRENGTHS)) + "|"]
    for kind in KINDS:
        cells = []
        for strength in STRENGTHS:
            told = [
                _cell(run, weighed) for run in runs if (run.line["kind"], run.line["strength"]) == (kind.name, strength)
            ]
            cells.append("<br>".join(told) or "not made")
        rows.append(f"| {kind.name} | `{kind.codes[0]}` | " + " | ".join(cells) + " |")
    return rows


def _cell(run: Judged, weighed: Mapping[str, Harm]) -> str:
    harm = weighed.get(run.line["run"])
    cost = (
        "no twin"
        if harm is None
        else f"{-100 * harm.lost:+.0f}" + (f", told {100 * harm.lied:+.0f}" if harm.lied > 0.08 else "")
    )
    named = next((place for place, one in enumerate(run.said) if one.code in run.codes), None)
    if run.first_right:
        verdict = "**right**"
    elif run.alarms:
        verdict = f"{run.alarms[0].code}" + ("" if named is None else f" ({named + 1}th right)")
    else:
        verdict = "silent" if named is None else "note, right"
    return f"{cost}{'' if harm is None or harm.harmful else ', latent'}: {verdict}"


def confusion(runs: Sequence[Judged], weighed: Mapping[str, Harm]) -> list[str]:
    """Lists wrong first causes: what it was, what was said, how often."""
    wrong: Counter[tuple[str, str]] = Counter()
    for run in runs:
        if run.line["run"] in weighed and weighed[run.line["run"]].harmful and not run.first_right:
            wrong[run.codes[0], run.alarms[0].code if run.alarms else "nothing"] += 1
    lines = ["| it was | first said | runs |", "|---|---|---|"]
    return lines + [f"| `{true}` | {said} | {count} |" for (true, said), count in wrong.most_common()]


def false_alarms(runs: Sequence[Judged]) -> list[str]:
    rows = ["| healthy run | net, data | said | words |", "|---|---|---|---|"]
    for run in runs:
        if run.healthy and run.alarms:
            spec, first = run.line["spec"], run.alarms[0]
            rows.append(f"| {run.line['kind']} | {spec['net']}, {spec['data']} | `{first.code}` | {first.summary} |")
    return rows


def delays(runs: Sequence[Judged], weighed: Mapping[str, Harm]) -> str:
    """Words how much of training had passed at the first alarm, of harmful faults that are alarmed about at the end."""
    shares = []
    for run in runs:
        harm = weighed.get(run.line["run"])
        if harm is None or not harm.harmful or not run.alarms or not len(run.history.epochs):
            continue
        last = run.history.epochs.rows[-1].epoch
        first = next(
            (
                epoch
                for epoch in sorted({math.ceil(last * part / 6) for part in range(1, 6)})
                if any(one.severity != "note" for one in diagnose(until(run.history, epoch), Known()).findings)
            ),
            last,
        )
        shares.append(first / last)
    if not shares:
        return "No harmful fault was found."
    quarter, half, three = np.quantile(shares, (0.25, 0.5, 0.75))
    return (
        f"Of {len(shares)} harmful faults with an alarm the first one came, asked five times before the end, after "
        f"{half:.0%} of training (median; quarter {quarter:.0%}, three quarters {three:.0%})."
    )


def main() -> None:
    lines = key()
    weighed, left_out = harms(lines), [lines[name] for name in sorted(sick(lines))]
    parts = {half: judge(half) for half in halves.NETS}
    judges = parts["judges"]
    text = ["# What the diagnosis is worth", "", *(HERE / "notes.md").read_text("utf-8").splitlines(), ""]
    counts = {
        half: (sum(run.healthy for run in runs), sum(not run.healthy for run in runs)) for half, runs in parts.items()
    }
    text += [
        f"{counts['judges'][0]} healthy and {counts['judges'][1]} faulty runs judge; {counts['sets'][0]} healthy and "
        f"{counts['sets'][1]} faulty ones set limits. Intervals are Wilson's at 95 %, in per cent.",
        "",
        f"Left out, whatever was said of them, are runs that were meant to be healthy and learned {SICK:.0%} less than "
        "the ordinary ones of their net and data: "
        + (", ".join(f"{line['kind']} ({line['spec']['net']}, {line['spec']['data']})" for line in left_out) or "none")
        + ".",
        "",
        "## Targets, on nets and data that set no limit", "", *targets(judges, weighed), "",
        delays(judges, weighed), "",
        "## Other tools by their published limits, on the same records", "", *other_tools(judges, weighed), "",
        "## False alarms on healthy runs", "", *false_alarms(judges), "",
        "## Every fault", "",
        "What it cost in points of test accuracy against the healthy twin of the same seed, how much farther from the "
        "truth the loop's own accuracy is (`told`), and what was said of it.", "", *by_fault(judges, weighed), "",
        "## Wrong first causes of harmful faults", "", *confusion(judges, weighed), "",
        "## The half that sets limits, for comparison", "", *targets(parts["sets"], weighed), "",
        "### False alarms there", "", *false_alarms(parts["sets"]), "",
        "### Every fault there", "", *by_fault(parts["sets"], weighed), "",
    ]  # fmt: skip
    RESULTS.write_text("\n".join(text), "utf-8")
    print("\n".join(targets(judges, weighed)), file=sys.stdout)


if __name__ == "__main__":
    main()

"""What `search` takes beside its trials, and what a second worker gives: trials an hour of one and of two.

    uv run python benchmarks/search_time.py             # 3 pairs, one after the other
    uv run python benchmarks/search_time.py --beside    # processor time beside the trials, where others use the machine

Searches of Fashion-MNIST with the data and the net of search.py, whole commands from their start to their end, one
thread a process. No trial is given up, so that all searches train as much. A search's time is divided by Optuna's
journal: until the first trial begins; trials, by their own records; between trials; from the last one's end to the end
of the command.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from search import COMMON, pictures

TRIALS = 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--beside", action="store_true")
    arguments = parser.parse_args()
    if arguments.beside:
        beside()
        return
    pairs = arguments.pairs
    rows: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    print("| workers | load before, after | trials/h | trials/h from the first | s | start | between | end | a trial |")
    print("|---|---|---|---|---|---|---|---|---|")
    for pair in range(pairs):
        for workers in (1, 2) if pair % 2 == 0 else (2, 1):
            before = os.getloadavg()[0]
            row = searched(workers)
            rows[workers].append(row)
            parts = " | ".join(f"{100 * row[part] / row['whole']:.1f} %" for part in ("start", "between", "end"))
            shown = parts if workers == 1 else " | | "
            print(
                f"| {workers} | {before:.1f}, {os.getloadavg()[0]:.1f} | {row['rate']:,.0f} "
                f"| {row['rate_of_trials']:,.0f} | "
                f"{row['whole']:.0f} | {shown} | {row['each']:.2f} s |",
                flush=True,
            )
    for key, words in (("rate", "whole command"), ("rate_of_trials", "from the first trial's beginning")):
        ratios = [two[key] / one[key] for one, two in zip(rows[1], rows[2], strict=True)]
        shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"\nTrials an hour of two workers against one, {words}: {statistics.median(ratios):.2f} ({shown}).")
    between = statistics.median(1000 * row["between"] / TRIALS for row in rows[1])
    share = statistics.median(row["between"] / (row["whole"] - row["start"] - row["end"]) for row in rows[1])
    print(f"\nBetween trials {between:.0f} ms a trial, {100 * share:.1f} % of the time from the first to the last.")


def beside() -> None:
    """Searches in this process; prints the processor time of trials, and between them."""
    import trainwright as tw
    from trainwright.workflows import trials

    spans: list[tuple[float, float]] = []
    run_trial = trials.run_trial

    def timed(*arguments: Any, **words: Any) -> Any:
        began = time.process_time()
        record = run_trial(*arguments, **words)
        spans.append((began, time.process_time()))
        return record

    trials.run_trial = timed
    with tempfile.TemporaryDirectory() as place:
        tw.search(
            str(pictures(1)), settings=COMMON, trials=TRIALS // 2, stages=(1, 3), pruner="none", out=place, name="x"
        )
    inside = sum(ended - began for began, ended in spans)
    gaps = sorted(after[0] - before[1] for before, after in itertools.pairwise(spans))
    print(
        f"{len(spans)} trials: {inside / len(spans):.2f} s of processor time a trial, beside them "
        f"{1000 * statistics.median(gaps):.0f} ms a trial (median; {1000 * gaps[0]:.0f} to {1000 * gaps[-1]:.0f}), "
        f"{100 * sum(gaps) / (spans[-1][1] - spans[0][0]):.1f} % of the time from the first to the last"
    )


def searched(workers: int) -> dict[str, float]:
    """Runs a search; gives seconds of its parts and trials an hour."""
    with tempfile.TemporaryDirectory() as place:
        settings = {key: value for key, value in COMMON.items() if key != "data.source"}
        words = [f"--set={key}={value}" for key, value in settings.items()]
        command = [sys.executable, "-m", "trainwright", "search", str(pictures(0)), *words, f"--workers={workers}"]
        budget = [f"--trials={TRIALS}", "--pruner=none", "--name=x", f"--out={place}"]
        began = time.time()
        subprocess.run([*command, *budget], capture_output=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        ended = time.time()
        trials = [json.loads(line) for line in (Path(place) / "x/trials.jsonl").read_text().splitlines()]
        first, last = spans(Path(place) / "x/journal.log")
    assert len(trials) == TRIALS, f"{len(trials)} trials"
    trained = sum(trial["time_s"] for trial in trials)
    return {
        "whole": ended - began,
        "start": first - began,
        "between": last - first - trained,
        "end": ended - last,
        "rate": 3600 * TRIALS / (ended - began),
        "rate_of_trials": 3600 * TRIALS / (last - first),
        "each": trained / TRIALS,
    }


def spans(journal: Path) -> tuple[float, float]:
    """Gives when the first trial of a journal began and the last one ended, in seconds since 1970."""
    from trainwright.tuning.storage import open_storage

    storage: Any = open_storage(journal)
    studies = [storage.get_study_id_from_name(study.study_name) for study in storage.get_all_studies()]
    trials = [trial for study in studies for trial in storage.get_all_trials(study)]
    ran = [trial for trial in trials if "record" in trial.user_attrs]
    return min(one.datetime_start.timestamp() for one in ran), max(one.datetime_complete.timestamp() for one in ran)


if __name__ == "__main__":
    main()

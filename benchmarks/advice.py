"""What following the first advice of the diagnosis wins back, and whether it harms a healthy run.

    uv run python benchmarks/advice.py                 # what is not yet in results/advice.jsonl, then the page
    uv run python benchmarks/advice.py --table         # the page alone, results/advice.md

Each fault is a recipe with one wrong setting; its healthy twin is the same recipe without it, with the same seed. Both
are trained by the whole command. A fault that costs more than 3 points of test accuracy is harmful. The first finding
that warns or stops is followed as `--apply` follows it, and the recipe is trained anew. Won back is the share of the
lost accuracy that this run regains. A run whose first finding advises something that no setting does, or in which
nothing is found, wins nothing back, and counts.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import trainwright as tw
from trainwright.errors import TrainingError
from trainwright.reporting import RunConsole
from trainwright.runs import Finding, wilson_interval
from trainwright.workflows.applying import applied
from trainwright.workflows.requests import recipe_from_words
from trainwright.workflows.train import train_run

HERE = Path(__file__).parent
RAW, PAGE = HERE / "results" / "advice.jsonl", HERE / "results" / "advice.md"
HARM, ENOUGH = 0.03, 0.9
SEED, EPOCHS, FASHION = 0, 10, 3000
COMMON: dict[str, Any] = {"machine.threads": 1, "model.width": 16, "optim.batch_size": 32}
NETS = ("plain", "small-resnet")
DATA = ("digits", "fashion")
"""`--only` takes one of them."""
STEADY: dict[str, Any] = {"optim.lr": 0.1}
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "rate 100 times too high": {"optim.lr": 10.0},
    "rate 1000 times too high": {"optim.lr": 100.0},
    "rate 100 times too low": {"optim.lr": 0.001},
    "rate 10000 times too low": {"optim.lr": 1e-5},
    "adam with the rate of sgd": {"optim.name": "adam"},
    "weight decay 1": {"optim.weight_decay": 1.0},
    "weight decay 0.2": {"optim.weight_decay": 0.2},
    "momentum 0.999": {"optim.momentum": 0.999},
    "clipped at 0.001": {"optim.clip_norm": 0.001},
    "first weights of deviation 1e-4": {"init.scheme": "normal", "init.std": 1e-4, "model.normalization": "none"},
    "first weights of deviation 1": {"init.scheme": "normal", "init.std": 1.0, "model.normalization": "none"},
    "label smoothing 0.8": {"loss.label_smoothing": 0.8},
    "dropout 0.9": {"model.dropout": 0.9},
    "policy strong": {"augment.policy": "strong"},
    "width 1": {"model.width": 1},
    "batches of 1024": {"optim.batch_size": 1024},
    "one epoch": {"training.epochs": 1},
    "dropped after one epoch": {"schedule.name": "step", "schedule.drop_epochs": 1, "schedule.drop_factor": 0.01},
}


def fashion(folder: Path) -> Path:
    """Writes some pictures of Fashion-MNIST as one file, half to be learned from."""
    from trainwright.data import prepare
    from trainwright.recipe import DataSection

    part = prepare(DataSection(source="fashion-mnist"), seed=SEED).train
    rows = torch.arange(FASHION)
    path = folder / "fashion.npz"
    np.savez(path, images=part.images(rows).numpy()[:, 0], labels=part.labels_N[rows].numpy())
    return path


def trained(source: str | Path, net: str, settings: Mapping[str, Any], out: Path, name: str) -> dict[str, Any]:
    """Trains one run in silence: its test accuracy, None where it broke down, and its findings, gravest first."""
    said = {**COMMON, **STEADY, "training.epochs": EPOCHS, "model.name": net, **settings}
    accuracy = None
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        with contextlib.suppress(TrainingError):
            run = tw.train(source, settings=said, seed=SEED, check=False, out=out, name=name)
            accuracy = run.metrics["test_accuracy"]
        found = tw.diagnose(out / name).findings
    return {"accuracy": accuracy, "findings": [one for one in found if one.severity != "note"]}


def followed(first: Finding, out: Path) -> float | None:
    """Trains the recipe of the faulty run anew, as `train --resume RUN --apply FINDING` does."""
    found = applied(out / "faulty", first.code)
    asked = recipe_from_words(None, found.recipe, {}, found.words, firm=False)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(TrainingError), RunConsole() as console:
        return train_run(asked, out, "mended", console, checks=False).metrics["test_accuracy"]
    return None


def measured(source: str | Path, net: str, fault: str, out: Path) -> dict[str, Any]:
    """Trains a faulty run, and the same as its first finding advises."""
    settings = FAULTS.get(fault, {})
    broken = trained(source, net, settings, out, "faulty")
    first = broken["findings"][0] if broken["findings"] else None
    mended = None if first is None or set(first.advice) <= {"do"} else followed(first, out)
    return {
        "accuracy": broken["accuracy"],
        "code": None if first is None else first.code,
        "advice": None if first is None else dict(first.advice),
        "mended": mended,
    }


def rows() -> list[dict[str, Any]]:
    """Reads what is measured."""
    return [json.loads(line) for line in RAW.read_text().splitlines()] if RAW.exists() else []


def measure(only: str) -> None:
    """Measures what is missing, a line each."""
    done = {(row["data"], row["net"], row["fault"]) for row in rows()}
    with tempfile.TemporaryDirectory() as kept:
        sources: dict[str, str | Path] = {
            "digits": "digits",
            "fashion": fashion(Path(kept)) if only in "fashion" else "",
        }
        for data in (one for one in DATA if only in one):
            for net in NETS:
                for fault in ("none", *FAULTS):
                    if (data, net, fault) in done:
                        continue
                    with tempfile.TemporaryDirectory() as out:
                        row = {"data": data, "net": net, "fault": fault}
                        row |= measured(sources[data], net, fault, Path(out))
                    with RAW.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    print(row, flush=True)


def share(part: int, whole: int) -> str:
    """Says a share with its interval."""
    low, high = wilson_interval(part, whole)
    return f"{part} of {whole}, {part / max(1, whole):.0%} ({low:.0%} to {high:.0%})"


def page() -> str:
    """Writes the page."""
    all_rows = rows()
    twins = {(row["data"], row["net"]): row for row in all_rows if row["fault"] == "none"}
    lines, harmful, won, settled = [], 0, 0, 0
    for row in (row for row in all_rows if row["fault"] != "none"):
        healthy = twins[row["data"], row["net"]]["accuracy"]
        accuracy = row["accuracy"] or 0.0
        lost = healthy - accuracy
        back = None if row["mended"] is None else (row["mended"] - accuracy) / lost if lost > 0 else None
        if lost > HARM:
            harmful += 1
            settled += row["mended"] is not None
            won += back is not None and back >= ENOUGH
        shown = "–" if row["mended"] is None else f"{100 * row['mended']:.1f}"
        said = ", ".join(f"{key} {value}" for key, value in (row["advice"] or {}).items() if key != "do")
        lines.append(
            f"| {row['fault']} | {row['data']} {row['net']} | {100 * healthy:.1f} | {100 * accuracy:.1f} | "
            f"{row['code'] or 'nothing'} | {said or '–'} | {shown} | "
            + ("not harmful" if lost <= HARM else "–" if back is None else f"{back:.0%}")
            + " |"
        )
    touched = [row for row in twins.values() if row["code"] is not None]
    worse = [row for row in touched if row["mended"] is not None and row["mended"] < row["accuracy"] - HARM]
    return "\n".join(
        [
            "# What following the first advice wins back",
            "",
            f"`uv run python benchmarks/advice.py`; trainwright {version('trainwright')}, torch {version('torch')}, "
            f"one thread of a CPU. Data: {', '.join(sorted({row['data'] for row in all_rows}))}; nets of width 16; "
            f"{EPOCHS} epochs at a rate of 0.1 with sgd, seed 0, one run a fault. Accuracies in per cent of the test "
            "pictures, of the running average of the weights, as every run keeps it.",
            "",
            "Few cells, one run each, chosen by hand: a first look, no proof. The digits' faults taught the rules: "
            "after 14 of 28 had been won back by the first rules, these were changed by what was seen there, and "
            "the rows measured anew. The rows of Fashion-MNIST are fresh, and not all were run; the first of them, "
            "a rate 100 times too high that was taken for a decay too strong, gave the reason for another change "
            "and stands as it was measured.",
            "",
            "| what | target | measured |",
            "|---|---|---|",
            f"| harmful faults of which the first advice wins back 90 % or more | ≥ 70 % | {share(won, harmful)} |",
            f"| of those whose first finding advises a setting | | {share(won, settled)} |",
            f"| healthy runs with a finding that warns | | {len(touched)} of {len(twins)} |",
            f"| healthy runs harmed by following it | ≤ 1 % | {len(worse)} of {len(twins)} |",
            "",
            "| fault | data, net | healthy | faulty | first finding | its advice | with that | won back |",
            "|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def main() -> None:
    """Measures what is missing, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="write the page from what is measured")
    parser.add_argument("--only", default="", metavar="WORD", help="data whose name holds the word")
    asked = parser.parse_args()
    if not asked.table:
        measure(asked.only)
    PAGE.write_text(page(), encoding="utf-8")
    print(page())


if __name__ == "__main__":
    main()

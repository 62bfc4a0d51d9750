"""How many epochs `search` spends until it is as good as 60 random trials, beside Optuna's TPE and Hyperband.

    uv run python benchmarks/search.py           # what is not yet in results/search.jsonl, then the tables
    uv run python benchmarks/search.py --table   # the tables alone, results/search.md
    uv run python benchmarks/search.py --seeds 3,4,5 --raw FILE   # other seeds, kept elsewhere

2,000 pictures of Fashion-MNIST to learn from and 3,000 to judge, 12×12, others for each seed; a net of three
convolutions; four settings. The target of a seed is the best of its 60 random trials of 15 epochs. Every way trains by
the same code, with the same first weights in all trials of a seed, and every epoch that it spends counts, parts of
epochs too; a trial has reached the target when it was trained to the end of its 15 epochs. The winners are trained anew
with other first weights and other orders, since the best of many is lucky.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from search_tables import (
    ANEW,
    EPOCHS,
    HYPERBAND,
    LEAST,
    MOST,
    OURS,
    RANDOM,
    TPE,
    TRIALS,
    WAYS,
    Kept,
    best_within,
    reached,
    rounded,
    tables,
    target,
)

HERE = Path(__file__).parent
RAW, TABLE = HERE / "results" / "search.jsonl", HERE / "results" / "search.md"
PLACE = Path(tempfile.gettempdir()) / "trainwright-search"
SEEDS = (1, 2, 3)
TRAIN, VALID = 2000, 3000
SPACE = {
    "optim.lr": "log:0.003:3",
    "optim.weight_decay": "log:1e-5:0.1",
    "optim.batch_size": "log:32:256",
    "model.dropout": "linear:0:0.6",
}
COMMON: dict[str, Any] = {
    "augment.policy": "none",
    "data.img_size": 12,
    "data.test_share": 0.0,
    "machine.threads": 1,
    "model.depth": 1,
    "model.name": "plain",
    "model.width": 8,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--raw", type=Path, default=RAW)
    arguments = parser.parse_args()
    kept = Kept(arguments.raw)
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    for work in () if arguments.table else WORK:
        for seed in seeds:
            work(Bench(seed, kept))
    text = tables(kept, seeds)
    print(text)
    if arguments.raw == RAW:
        said = TABLE.read_text().partition("<!-- tables -->")[0] if TABLE.exists() else "# Search\n\n"
        TABLE.write_text(f"{said}<!-- tables -->\n{text}")


class Bench:
    """One seed with its pictures in memory."""

    def __init__(self, seed: int, kept: Kept) -> None:
        from trainwright.recipe import Given, Origin, compose
        from trainwright.reporting import RunConsole
        from trainwright.workflows.trials import TrialBench

        self.seed, self.kept = seed, kept
        self.common = {**COMMON, "data.source": str(pictures(seed)), "training.seed": seed}
        asked = compose({key: Given(value, Origin("user", key)) for key, value in self.common.items()})
        with RunConsole(json=True) as console:
            self.trials = TrialBench(asked, console)

    def searched(self) -> None:
        """Searches as `trainwright search` does when only the space is said."""
        import trainwright as tw

        if self.kept.of(self.seed, OURS):
            return
        settings = {key: value for key, value in self.common.items() if key not in ("data.source", "training.seed")}
        found = tw.search(
            str(pictures(self.seed)),
            space=SPACE,
            settings=settings,
            seed=self.seed,
            out=PLACE,
            name=f"seed-{self.seed}",
        )
        for record in found.trials:
            self.kept.add(self.seed, OURS, record, stage=record.stage)

    def by_optuna(self, way: str, least: float) -> None:
        """Runs trials of a sampler and a pruner of Optuna until the target is reached and so many epochs are spent.

        Those that are kept are told to a fresh study in the order in which they came, so that sampler and pruner are
        as they were.
        """
        import optuna

        from trainwright.tuning.sampling import distribution_of
        from trainwright.tuning.space import parse_space

        box = parse_space([f"{key}={text}" for key, text in SPACE.items()], {})
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler, pruner = _optuna(way, self.seed)
        study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner, study_name=way)
        before = iter(self.kept.of(self.seed, way))
        done: list[dict[str, Any]] = []
        while not self._over(way, done, least):
            trial = study.ask({dimension.key: distribution_of(dimension) for dimension in box})
            if (row := next(before, None)) is None:
                self.train(way, dict(trial.params), len(done) + 1, _asks(trial))
                row = self.kept.of(self.seed, way)[-1]
            else:
                _told_again(trial, row)
            done.append(row)
            completed = row["ended"] == "completed"
            study.tell(
                trial, row["value"] if completed else None, None if completed else optuna.trial.TrialState.PRUNED
            )

    def _over(self, way: str, done: Sequence[Mapping[str, Any]], least: float) -> bool:
        if way == RANDOM:
            return len(done) == TRIALS
        spent = sum(row["spent"] for row in done)
        return (spent >= least and (least == LEAST or self._reached(done))) or spent >= MOST

    def _reached(self, done: Sequence[Mapping[str, Any]]) -> bool:
        return reached(done, target(self.kept, self.seed)) is not None

    def winners(self) -> None:
        """Trains what each way found within LEAST epochs, and the 60 in all of theirs, anew."""
        for way in WAYS:
            rows = self.kept.of(self.seed, way)
            best = best_within(rows, MOST if way == RANDOM else LEAST)
            name = f"anew: {way}"
            for number in range(len(self.kept.of(self.seed, name)) + 1, ANEW + 1):
                if best is not None:
                    self.train(name, typed(best["settings"]), number, None, seed=1000 * number + self.seed)

    def train(
        self,
        way: str,
        settings: Mapping[str, Any],
        number: int,
        pruner: Callable[[int, float], str | None] | None,
        seed: int | None = None,
    ) -> None:
        from trainwright.training import listening

        whole = {**settings, "training.epochs": EPOCHS}
        with listening() as interruption:
            record = self.trials.run(whole, number=number, interruption=interruption, pruner=pruner, seed=seed)
        if record.ended == "interrupted":
            raise KeyboardInterrupt
        self.kept.add(self.seed, way, record)


WORK: tuple[Callable[[Bench], None], ...] = (
    Bench.searched,
    lambda bench: bench.by_optuna(RANDOM, MOST),
    lambda bench: bench.by_optuna(TPE, LEAST),
    lambda bench: bench.by_optuna(HYPERBAND, LEAST),
    Bench.winners,
    lambda bench: bench.by_optuna(TPE, MOST),
    lambda bench: bench.by_optuna(HYPERBAND, MOST),
)


def _optuna(way: str, seed: int) -> tuple[Any, Any]:
    """Gives a sampler and a pruner as Optuna makes them when nothing else is said."""
    from optuna import pruners, samplers

    match way:
        case "TPE, median":
            return samplers.TPESampler(seed=seed), pruners.MedianPruner()
        case "random, Hyperband":
            return samplers.RandomSampler(seed=seed), pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS)
        case _:
            return samplers.RandomSampler(seed=seed + 100), pruners.NopPruner()


def _asks(trial: Any) -> Callable[[int, float], str | None]:
    def ask(epoch: int, best: float) -> str | None:
        trial.report(best, epoch)
        return "pruned" if trial.should_prune() else None

    return ask


def _told_again(trial: Any, row: Mapping[str, Any]) -> None:
    """Tells a trial what it had been told, and makes sure that it is the same."""
    settings = rounded(trial.params)
    assert settings == row["settings"], (settings, row)
    best, ask = -1.0, _asks(trial)
    for epoch, score in enumerate(row["scores"][: EPOCHS - 1], 1):
        best = max(best, score)
        ask(epoch, best)


def pictures(seed: int) -> Path:
    """Writes a seed's own pictures of Fashion-MNIST's training part as an .npz file, once."""
    import torch

    from trainwright.data import prepare
    from trainwright.recipe import DataSection

    file = PLACE / f"fashion-{seed}.npz"
    if not file.exists():
        PLACE.mkdir(exist_ok=True)
        part = prepare(DataSection(source="fashion-mnist", valid_share=0.0), seed=0).train
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(part))[: TRAIN + VALID])
        found: dict[str, np.ndarray] = {}
        for name, rows in (("train", order[:TRAIN]), ("valid", order[TRAIN:])):
            found |= {f"x_{name}": part.images(rows).squeeze(1).numpy(), f"y_{name}": part.labels_N[rows].numpy()}
        np.savez(file.with_suffix(f".{os.getpid()}.npz"), **found)
        file.with_suffix(f".{os.getpid()}.npz").rename(file)
    return file


def typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: int(value) if key == "optim.batch_size" else value for key, value in settings.items()}


if __name__ == "__main__":
    main()

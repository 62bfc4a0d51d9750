"""Training in several processes: what rank 0, which does all else of `train`, tells the others, and what they do.

Rank 0 walks through train.py as one process does. The others read the same pictures, and then make the steps of each
stage beside it; they have no folder, no log and no checkpoints, and say nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from trainwright.data import PreparedData, Progress, prepare, preprocessor_from
from trainwright.errors import InputError, Interrupted, some_of
from trainwright.recipe import Recipe, decided
from trainwright.runs import RunFolder, launched
from trainwright.training import (
    Before,
    Checkpoint,
    Goal,
    RankLost,
    Ranks,
    Setup,
    build,
    choose_workers,
    fit,
    listening,
    restore,
    training_state,
)
from trainwright.training import Progress as TrainingProgress

SHOWN = 3
"""Settings or pictures in which ranks differ that a message lists."""


@dataclass(frozen=True)
class Orders:
    """What another rank needs to make a stage beside rank 0.

    Attributes:
        run: the folder of the run, as rank 0 would write it.
        recipe: decided; of the stage.
        state: weights and training state, as a checkpoint holds them, of where the stage goes on.
        second: whether it follows another stage, and learns the validation pictures, too.
        before, epochs_drawn, rate_setting: as in a setup.
        goal_loss: at which it ends; None where it has no goal.
    """

    run: str
    recipe: Recipe
    state: bytes
    second: bool
    before: Before
    epochs_drawn: int
    rate_setting: str
    goal_loss: float | None


def look_together(
    ranks: Ranks, recipe: Recipe, progress: Progress | None, given_split: Path | None = None
) -> PreparedData:
    """Reads, audits and divides the pictures; on the other ranks after rank 0, which leaves them its cache.

    Args:
        ranks: this one is rank 0.
        recipe: as it was asked for.
        progress: told how far it has come.
        given_split: of a run that goes on.

    Raises:
        InputError: see `prepare`, and `refuse_other_data`.
    """
    data = _look(recipe, progress, given_split)
    ranks.told((recipe, None if given_split is None else given_split.read_bytes()))
    ranks.wait_for_all("looked")
    refuse_other_data(ranks, data)
    return data


def begin_together(run: Path, setup: Setup, progress: TrainingProgress, goal: Goal | None) -> None:
    """Tells the other ranks which stage begins, and where it goes on."""
    if setup.ranks.alone:
        return
    buffer = io.BytesIO()
    torch.save((setup.model.state_dict(), training_state(setup, progress)), buffer)
    setup.ranks.told(
        Orders(
            run=str(run),
            recipe=setup.recipe,
            state=buffer.getvalue(),
            second=bool(setup.before.epochs),
            before=setup.before,
            epochs_drawn=setup.epochs_drawn,
            rate_setting=setup.rate_setting,
            goal_loss=None if goal is None else goal.loss,
        )
    )


def follow(ranks: Ranks) -> RunFolder:
    """Makes all steps of a run beside rank 0, and waits until that has tested and told the result.

    Returns: the run's folder, which may be out of reach of this machine.

    Raises:
        InputError: this rank does not see rank 0's pictures, or lacks what the recipe names.
        TrainingError: numbers ceased to be finite.
        Interrupted: some rank was asked to stop.
    """
    said = ranks.told()
    if said is None:  # the run is finished
        ranks.part()
        return RunFolder(Path(os.devnull))
    asked, split = cast(tuple[Recipe, bytes | None], said)
    with tempfile.TemporaryDirectory(prefix="trainwright-") as folder:
        given_split = Path(folder) / "split.csv"
        if split is not None:
            given_split.write_bytes(split)
        data = _look(asked, None, None if split is None else given_split)
    ranks.wait_for_all("looked")
    refuse_other_data(ranks, data)
    run = ""
    while (orders := ranks.told()) is not None:
        run = orders.run
        with resumable(run):
            _make_stage(orders, data, ranks)
        if orders.second or orders.recipe.training.retrain == "none":
            break
    with resumable(run):
        ranks.part()
    return RunFolder(Path(run))


def _make_stage(orders: Orders, data: PreparedData, ranks: Ranks) -> None:
    """Makes the steps of one stage."""
    weights, state = torch.load(io.BytesIO(orders.state), map_location="cpu", weights_only=True)
    learned = data.with_validation() if orders.second else data
    preprocessor = preprocessor_from(state["preprocessor"], channels=data.channels, img_size=data.img_size)
    setup = build(orders.recipe, learned, preprocessor=preprocessor, second=orders.second, ranks=ranks)
    setup = replace(setup, before=orders.before, epochs_drawn=orders.epochs_drawn, rate_setting=orders.rate_setting)
    progress = restore(Checkpoint(Path(orders.run), weights, state, {}), setup)
    goal = None if orders.goal_loss is None else Goal(data.valid, orders.goal_loss)
    with listening(ranks) as interruption:
        stop = fit(setup, learned, progress, observers=[], interruption=interruption, goal=goal)
    if stop.kind == "interrupted":
        raise Interrupted(stop.reason)


def refuse_other_words(ranks: Ranks, asked: Recipe) -> None:
    """Makes sure that all ranks were asked for the same.

    Raises:
        InputError: names the settings in which they differ, and what each rank was asked for.
    """
    each = ranks.gathered(dict(asked.items()))
    keys = [key for key in each[0] if any(one[key] != each[0][key] for one in each)]
    if keys:
        said = [f"{key} is {_by_rank([repr(one[key]) for one in each])}" for key in keys]
        raise InputError(
            "the ranks were asked to train different things",
            expected="the same command on every machine",
            got=some_of(said, SHOWN),
            hint="start the same line everywhere; torchrun tells each rank its number by itself",
        )


def refuse_other_data(ranks: Ranks, data: PreparedData) -> None:
    """Makes sure that all ranks have the same pictures, labels and parts.

    Raises:
        InputError: says what each rank has, and names the first pictures in which they differ.
    """
    each = ranks.gathered(_digest(data))
    if len(set(each)) == 1:
        return
    counts = ", ".join(f"{len(part)} {name}" for name, part in _parts(data))
    have = ranks.gathered(f"{counts} pictures of {len(data.classes)} classes (sha256 {_digest(data)[:12]})")
    rows = ranks.gathered({row.name: row for row in data.split})
    names = sorted({name for one in rows for name in one})
    lacking = [f"{name} (not on rank {rank})" for name in names for rank, one in enumerate(rows) if name not in one]
    differ = lacking or [name for name in names if any(one[name] != rows[0][name] for one in rows)]
    raise InputError(
        "the ranks see different data" + (f": they differ in {some_of(differ, SHOWN)}" if differ else ""),
        expected="the same pictures, labels and parts on every machine",
        got=_by_rank(have),
        where=data.title,
        hint="a shared disk, or copies of the same files under the same names",
    )


@contextlib.contextmanager
def resumable(run: str) -> Generator[None]:
    """Says, where a rank is lost while the block runs, how to go on; another rank than 0 may not see the run's folder.

    Args:
        run: the folder of the run.

    Raises:
        RankLost: with the line that resumes the run.
    """
    try:
        yield
    except RankLost as error:
        again = launched().command("train", "--resume", run)
        hint = f"{again}   (also with another number of ranks)"
        raise error.with_advice("a resume goes on from the last checkpoint, if one was written", hint) from None


def _look(recipe: Recipe, progress: Progress | None, given_split: Path | None) -> PreparedData:
    workers = decided(recipe.decide(choose_workers(recipe.machine)).machine.workers)
    return prepare(recipe.data, seed=recipe.training.seed, workers=workers, progress=progress, given_split=given_split)


def _parts(data: PreparedData) -> list[tuple[str, Any]]:
    return [("train", data.train), ("valid", data.valid), ("test", data.test)]


def _digest(data: PreparedData) -> str:
    """Computes a sha256 of all that a step or an evaluation takes from the data, in hexadecimal."""
    digest = hashlib.sha256(f"{data.fingerprint} {data.classes} {data.img_size} {data.channels}".encode())
    for _, part in _parts(data):
        columns = (part.labels_N, part.samples_N, part.weights_N, part.pairs_P2)
        for column in columns:
            digest.update(b"-" if column is None else column.numpy().tobytes())
    return digest.hexdigest()


def _by_rank(texts: Sequence[str]) -> str:
    """Words what each rank has, ranks with the same together.

    >>> _by_rank(["a", "b", "b"])
    'a on rank 0; b on rank 1, 2'
    """
    ranks_of = {text: [str(rank) for rank, other in enumerate(texts) if other == text] for text in texts}
    return "; ".join(f"{text} on rank {', '.join(ranks)}" for text, ranks in ranks_of.items())

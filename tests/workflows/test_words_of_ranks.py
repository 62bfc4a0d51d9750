"""What ranks tell each other about settings, data and stages, and what a run says of a lost one; in one process."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from trainwright.data import prepare
from trainwright.errors import InputError, Interrupted
from trainwright.recipe import DataSection, Given, Origin, compose
from trainwright.runs import RunFolder, StopRecord
from trainwright.training import ALONE, Progress, RankLost, Ranks, Setup, build
from trainwright.training.lost_ranks import OfAnotherRank
from trainwright.workflows import ranks as ranks_at_work
from trainwright.workflows.deciding import decide
from trainwright.workflows.ranks import begin_together, refuse_other_data, refuse_other_words, resumable
from trainwright.workflows.stages import telling_interruptions

SMALL = {"model.name": "plain", "model.width": 4, "model.depth": 1, "training.epochs": 1}


@dataclass(frozen=True)
class Beside(Ranks):
    """Rank 0 of 2; of what both say, the other's is given."""

    others: list[Any] = field(default_factory=list)

    def gathered(self, value: Any) -> list[Any]:
        other = self.others.pop(0)
        return [value, other(value) if callable(other) else other]


def test_ranks_that_were_asked_for_other_things_are_refused():
    asked = compose({"optim.lr": Given(0.1, Origin("user", "--lr 0.1"))})
    refuse_other_words(Beside(0, 2, others=[dict(asked.items())]), asked)
    with pytest.raises(InputError, match="the ranks were asked to train different things") as caught:
        refuse_other_words(Beside(0, 2, others=[{**dict(asked.items()), "optim.lr": 0.2}]), asked)
    assert caught.value.got == "optim.lr is 0.1 on rank 0; 0.2 on rank 1"


def test_ranks_that_see_different_data_are_refused():
    data = prepare(DataSection(source="digits"), seed=0)
    refuse_other_data(Beside(0, 2, others=[lambda mine: mine]), data)
    name = data.split[0].name
    for other_rows, says in (
        (lambda rows: {key: row for key, row in rows.items() if key != name}, f"{name} (not on rank 1)"),
        (lambda rows: {**rows, name: None}, name),
    ):
        with pytest.raises(InputError) as caught:
            refuse_other_data(Beside(0, 2, others=["another", "9 pictures", other_rows]), data)
        assert caught.value.problem == f"the ranks see different data: they differ in {says}"
        assert re.fullmatch(
            r"1294 train, 144 valid, 359 test pictures of 10 classes \(sha256 \w{12}\) on rank 0; 9 pictures on rank 1",
            str(caught.value.got),
        )


@dataclass(frozen=True)
class Telling(Ranks):
    """Rank 0 of 2, whose words are kept."""

    words: list[Any] = field(default_factory=list)

    def told(self, value: Any = None) -> Any:
        self.words.append(value)


def test_ranks_compare_their_data_only_when_all_have_read_them():
    done, asked = [], compose({"data.source": Given("digits", Origin("user", "digits"))})

    class Orderly(Telling):
        def wait_for_all(self, name: str) -> None:
            done.append(name)

        def gathered(self, value: Any) -> list[Any]:
            done.append("gathered")
            return [value, value]

    ranks_at_work.look_together(Orderly(0, 2), asked, None)
    assert done == ["looked", "gathered"]


def test_another_rank_makes_the_stage_that_rank_0_tells(monkeypatch):
    data = prepare(DataSection(source="digits"), seed=0)
    recipe = decide(compose({key: Given(value, Origin("user", key)) for key, value in SMALL.items()}), data)
    setup, progress = build(recipe, data), Progress(batch=2, step=2)
    begin_together(Path("runs/x"), setup, progress, None)  # alone: nobody to tell
    telling = Telling(0, 2)
    begin_together(Path("runs/x"), replace(setup, ranks=telling, epochs_drawn=5), progress, None)
    (orders,) = telling.words
    made: list[Any] = []

    def interrupted(setup: Setup, data: object, progress: Progress, *_: object, **__: object) -> StopRecord:
        made.extend([setup.epochs_drawn, progress, setup.model.state_dict()])
        return StopRecord(reason="stopped", kind="interrupted", epoch=1, step=2, best_epoch=0, train_time_s=0.0)

    monkeypatch.setattr(ranks_at_work, "fit", interrupted)
    with pytest.raises(Interrupted, match="stopped"):
        ranks_at_work._make_stage(orders, data, ALONE)
    assert made[:2] == [5, progress]
    assert all(torch.equal(mine, made[2][name]) for name, mine in setup.model.state_dict().items())


@pytest.mark.parametrize("there", [False, True])
def test_a_rank_that_is_lost_leaves_what_is_kept(tmp_path, there):
    folder = RunFolder(tmp_path / "x")
    if there:
        folder.path.mkdir()
        folder.recipe.write_text("")
        (folder.checkpoints / "last").mkdir(parents=True)
    with pytest.raises(RankLost) as caught, telling_interruptions(folder if there else None):
        raise RankLost("rank 1 is gone, of 2", "closed", [1])
    kept = "its last checkpoint is kept" if there else "there is no run, and nothing to resume"
    assert caught.value.problem == f"rank 1 is gone, of 2; {kept}"
    assert caught.value.hint == (
        f"trainwright train --resume {folder.path}   (also with another number of ranks)" if there else "start it anew"
    )


def test_an_interruption_of_another_rank_is_told_as_rank_0_would_tell_its_own(tmp_path):
    with pytest.raises(Interrupted, match="before training began; there is no run"), telling_interruptions(None):
        raise OfAnotherRank("on rank 1: interrupted", 130)
    with pytest.raises(OfAnotherRank, match="no such file"), telling_interruptions(RunFolder(tmp_path)):
        raise OfAnotherRank("on rank 1: no such file", 2)


def test_a_lost_rank_leaves_the_line_that_resumes():
    with pytest.raises(RankLost) as caught, resumable("runs/x"):
        raise RankLost("rank 1 is gone, of 2", "closed", [1])
    kept = "a resume goes on from the last checkpoint, if one was written"
    assert str(caught.value).startswith(f"rank 1 is gone, of 2; {kept}\n  got: closed\n  try: ")

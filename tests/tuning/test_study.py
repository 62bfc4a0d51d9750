"""Trials in Optuna's storage: none is lost, none is drawn twice, and the draws are a function of the seed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwright.runs import TrialRecord
from trainwright.tuning.importance import importances
from trainwright.tuning.sampling import grid_of, least_grid
from trainwright.tuning.space import parse_space
from trainwright.tuning.stages import Stage
from trainwright.tuning.storage import open_storage
from trainwright.tuning.study import StageStudy

BOX = parse_space(["optim.lr=log:1e-4:1", "model.dropout=0:0.5", "model.width=choice:8,16"], {})


def opened(path: Path | str, sampler: str = "tpe", *, trials: int = 12, seed: int = 0, epochs: int = 1, pruner="none"):
    stage = Stage(1, epochs, trials, {})
    return StageStudy(open_storage(path), "s", stage, sampler=sampler, pruner=pruner, seed=seed, first=1)


def judged(number: int, settings, value: float | None, ended: str = "completed") -> TrialRecord:
    return TrialRecord(
        trial=number,
        settings=settings,
        seed=0,
        epochs=1,
        figure="accuracy",
        value=value,
        best_epoch=1,
        ended=ended,  # type: ignore[arg-type]
        reason="",
        scores=(value,),
        train_losses=(1.0,),
        first_loss=2.0,
        epochs_spent=1.0,
        time_s=1.0,
        stage=1,
    )


def worth(settings) -> float:
    """A made-up value that is best at a rate of 0.03 and falls with dropout."""
    return 1 - 0.1 * abs(math.log10(settings["optim.lr"] / 0.03)) - 0.2 * settings["model.dropout"]


def go_on(study: StageStudy, most: int = 1000) -> list[TrialRecord]:
    for _ in range(most):
        trial = study.ask()
        if trial is None:
            break
        settings = study.settings(trial)
        study.tell(trial, judged(study.number(trial), settings, worth(settings)))
    return study.records()


@pytest.mark.parametrize("sampler", ["random", "grid", "quasi-random", "tpe"])
def test_a_stage_has_its_trials_within_the_box_and_a_search_in_pieces_is_the_same(sampler, tmp_path):
    whole = opened(tmp_path / "a", sampler)
    whole.lay_out(BOX, [], [])
    records = go_on(whole)
    assert [record.trial for record in records] == list(range(1, len(records) + 1))
    assert len(records) == {"grid": 8}.get(sampler, 12)
    assert len({repr(record.settings) for record in records}) == len(records)
    assert all(dimension.holds(record.settings[dimension.key]) for record in records for dimension in BOX)
    for _ in range(4):
        piece = opened(tmp_path / "b", sampler)
        piece.lay_out(BOX, [], [])
        go_on(piece, 3)
    again = opened(tmp_path / "b", sampler)
    again.lay_out(BOX, [], [])
    assert again.ask() is None
    assert [record.settings for record in again.records()] == [record.settings for record in records]


def test_another_seed_draws_others(tmp_path):
    drawn = []
    for seed in (0, 1):
        study = opened(tmp_path / str(seed), seed=seed)
        study.lay_out(BOX, [], [])
        drawn.append([record.settings for record in go_on(study)])
    assert not any(one in drawn[1] for one in drawn[0])


def test_a_trial_that_was_begun_is_taken_up_with_its_settings_and_its_number(tmp_path):
    study = opened(tmp_path / "a")
    study.lay_out(BOX, [], [])
    go_on(study, 2)
    begun = study.ask()
    settings = study.settings(begun)
    study.pruner(begun)(1, 0.5)
    later = opened(tmp_path / "a")
    later.lay_out(BOX, [], [])
    taken = later.ask()
    assert (later.number(taken), later.settings(taken)) == (3, settings)
    later.pruner(taken)(1, 0.5)
    later.tell(taken, judged(3, settings, 0.5))
    assert len(go_on(later)) == 12


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_trial_that_was_killed_between_two_settings_gets_the_others_as_if_it_had_not_been(sampler, tmp_path):
    drawn = []
    for given in (3, 2, 1):
        study = opened(tmp_path / str(given), sampler)
        study.lay_out(BOX, [], [])
        go_on(study, 10)
        whole = study._distributions
        study._distributions = dict(list(whole.items())[:given])
        study.ask()
        study._distributions = whole
        drawn.append(study.settings(study.ask()))
    assert drawn[0] == drawn[1] == drawn[2]


def test_a_trial_whose_record_was_kept_is_not_run_again(tmp_path):
    study = opened(tmp_path / "a")
    study.lay_out(BOX, [], [])
    begun = study.ask()
    study._opened.tell = None  # killed between the record and the state
    with pytest.raises(TypeError):
        study.tell(begun, judged(1, study.settings(begun), 0.5))
    later = opened(tmp_path / "a")
    later.lay_out(BOX, [], [])
    assert later.number(later.ask()) == 2
    assert [record.trial for record in later.records()] == [1]


def test_a_stage_that_was_laid_out_in_part_is_laid_out_anew(tmp_path):
    before = [judged(n, {"optim.lr": 0.1 / n, "model.dropout": 0.1, "model.width": 8}, n / 10) for n in range(1, 4)]
    study = opened(tmp_path / "a")
    broken = study._study()
    broken.enqueue_trial({"optim.lr": 0.5})
    study.lay_out(BOX, before, before[2:])
    first = study.ask()
    assert study.settings(first) == before[2].settings
    assert study.number(first) == 1
    go_on(study)
    assert [record.trial for record in study.records()] == list(range(1, 13))


def test_a_stage_keeps_the_box_that_it_was_laid_out_with_whatever_who_opens_it_comes_to(tmp_path):
    leader = opened(tmp_path / "a")
    leader.lay_out(BOX, [], [])
    other = parse_space(["optim.lr=log:1e-4:1", "model.dropout=0:0.9", "model.width=choice:8,16,32"], {})
    worker = opened(tmp_path / "a")
    assert worker.lay_out(other, [], [])
    assert worker.box == BOX
    assert all(dimension.holds(record.settings[dimension.key]) for record in go_on(worker) for dimension in BOX)


def test_what_comes_to_an_end_after_the_stage_was_ended_does_not_count(tmp_path):
    leader, worker = opened(tmp_path / "a", "random"), opened(tmp_path / "a", "random")
    for study in (leader, worker):
        study.lay_out(BOX, [], [])
    go_on(leader, 2)
    late = worker.ask()
    leader.end()
    assert worker.finished
    assert worker.ask() is None
    assert worker.tell(late, judged(3, worker.settings(late), 1.0))
    leader.end()
    later = opened(tmp_path / "a", "random")
    later.lay_out(BOX, [], [])
    for study in (leader, worker, later):
        assert [record.trial for record in study.records()] == [1, 2]


def test_tpe_soon_leaves_what_is_bad(tmp_path):
    study = opened(tmp_path / "a", trials=40)
    study.lay_out(BOX, [], [])
    values = [record.value for record in go_on(study)]
    assert sum(values[20:]) / 20 > sum(values[:10]) / 10 + 0.03


def test_the_worse_half_is_given_up_and_says_why(tmp_path):
    study = opened(tmp_path / "a", epochs=5, pruner="halving")
    study.lay_out(BOX, [], [])
    words = []
    for value in (0.9, 0.5, 0.4, 0.95):
        trial = study.ask()
        told = [study.pruner(trial)(epoch, value) for epoch in (1, 2)]
        assert told[0] is None
        words.append(told[1])
        ended = "pruned" if told[1] else "completed"
        study.tell(trial, judged(study.number(trial), study.settings(trial), value, ended))
    assert [word is None for word in words] == [True, False, False, True]
    assert words[1] == "hopeless after epoch 2: 0.5 is too little beside the other trials"


def test_the_median_prunes_too_and_nothing_prunes_nothing(tmp_path):
    given_up = {}
    for pruner in ("median", "none"):
        study = opened(tmp_path / pruner, epochs=5, pruner=pruner)
        study.lay_out(BOX, [], [])
        for value in (0.9, 0.8, 0.85, 0.1):
            trial = study.ask()
            told = [study.pruner(trial)(epoch, value) for epoch in (1, 2, 3)]
            study.tell(trial, judged(study.number(trial), study.settings(trial), value))
        given_up[pruner] = [word is not None for word in told]
    assert given_up == {"median": [False, True, True], "none": [False, False, False]}


def test_importance_finds_the_setting_that_matters_and_says_nothing_of_few(tmp_path):
    study = opened(tmp_path / "a", "random", trials=40)
    study.lay_out(BOX, [], [])
    records = go_on(study)
    shares = importances(BOX, records)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["optim.lr"] > 0.5
    assert shares["model.width"] < 0.1
    assert importances(BOX, records[:9]) is None
    assert importances(BOX, [judged(1, records[0].settings, None, "diverged")]) is None
    assert importances(BOX, [judged(n, one.settings, 0.5) for n, one in enumerate(records)]) is None


def test_a_grid_has_no_more_points_than_trials_but_two_of_each_number():
    assert grid_of(BOX, 18) == {
        "optim.lr": pytest.approx([1e-4, 1e-2, 1.0]),
        "model.dropout": [0.0, 0.25, 0.5],
        "model.width": [8, 16],
    }
    assert grid_of(BOX[:1], 1) == {"optim.lr": pytest.approx([1e-4, 1.0])}


def test_a_grid_is_laid_for_the_trials_beside_the_repeated_ones_and_tells_what_it_leaves_out(tmp_path):
    box = BOX[:2]
    before = [judged(n, {"optim.lr": 0.1 / n, "model.dropout": 0.1}, n / 10) for n in range(1, 4)]
    study = opened(tmp_path / "a", "grid", trials=9)
    study.lay_out(box, before, before)
    assert (study.planned, study.left_out) == (3 + 4, 0)
    assert [record.settings for record in go_on(study)][:3] == [record.settings for record in before]
    small = opened(tmp_path / "b", "grid", trials=6)
    small.lay_out(box, before, before)
    assert (small.planned, small.left_out) == (6, 1)
    again = opened(tmp_path / "b", "grid", trials=6)
    again.lay_out(box, before, before)
    assert again.left_out == 1
    assert least_grid(BOX) == 8

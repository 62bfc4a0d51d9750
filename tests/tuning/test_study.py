"""Trials in Optuna's storage: none is lost, none is drawn twice, and the draws are a function of the seed."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwright.errors import InputError
from trainwright.runs import TrialRecord
from trainwright.tuning import lease
from trainwright.tuning.importance import importances
from trainwright.tuning.sampling import grid_of
from trainwright.tuning.space import parse_space
from trainwright.tuning.stages import Stage
from trainwright.tuning.storage import attributes, keep_attributes, mend_journal, open_storage
from trainwright.tuning.study import TAKEN, StageStudy

BOX = parse_space(["optim.lr=log:1e-4:1", "model.dropout=0:0.5", "model.width=choice:8,16"], {})


def opened(path: Path, sampler: str = "tpe", *, trials: int = 12, seed: int = 0, epochs: int = 1, pruner="none"):
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


def test_a_killed_writer_leaves_a_lock_and_half_a_line_that_are_mended(tmp_path):
    path = tmp_path / "journal.log"
    study = opened(path)
    study.lay_out(BOX, [], [])
    go_on(study, 2)
    (tmp_path / "journal.log.lock").symlink_to(path)
    with path.open("ab") as file:
        file.write(b'{"op_code": 5, "half')
    mend_journal(path)
    mend_journal(tmp_path / "none")
    later = opened(path)
    later.lay_out(BOX, [], [])
    assert len(go_on(later)) == 12


@pytest.mark.parametrize("where", ["postgresql://nobody@127.0.0.1:1/x", "nosuch://x"])
def test_a_storage_that_cannot_be_reached_is_told(where):
    with pytest.raises(InputError, match="the storage of the search cannot be reached"):
        open_storage(where)


def test_a_journal_in_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        open_storage(tmp_path / "none" / "journal.log")


def test_attributes_of_a_search_are_kept_beside_its_stages(tmp_path):
    storage = open_storage(tmp_path / "a")
    assert attributes(storage, "s") is None
    keep_attributes(storage, "s", {"space": {"optim.lr": "log:1:2"}}.items())
    assert attributes(open_storage(tmp_path / "a"), "s") == {"space": {"optim.lr": "log:1:2"}}


def begun_by(study: StageStudy, *mark) -> tuple:
    """Begins a trial and marks it as another's; gives its settings."""
    trial = study.ask()
    study._storage.set_trial_user_attr(trial._trial_id, lease.LEASE, list(mark))
    return study.settings(trial)


def test_a_trial_that_another_works_on_is_left_to_it_until_its_mark_lapses(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "SETTLES_S", 0.01)
    study = opened(tmp_path / "a", trials=2)
    study.lay_out(BOX, [], [])
    settings = begun_by(study, "elsewhere", 1, "word", 0.0)  # its clock may stand anywhere
    assert len(go_on(study)) == 1
    assert not study.finished
    monkeypatch.setattr(lease, "LASTS_S", 0.05)
    time.sleep(0.06)
    study._storage.set_trial_user_attr(study._own()[0]._trial_id, lease.LEASE, ["elsewhere", 1, "word", 1.0])
    assert study.ask() is None  # renewed
    time.sleep(0.06)
    taken = study.ask()
    assert (study.number(taken), study.settings(taken)) == (1, settings)


def test_a_worker_that_is_dead_on_this_machine_loses_its_trial_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "SETTLES_S", 0.01)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    study = opened(tmp_path / "a", trials=3)
    study.lay_out(BOX, [], [])
    begun_by(study, lease.host(), os.getppid(), "word", time.time())
    second = begun_by(study, lease.host(), gone.pid, "word", time.time())
    assert study.settings(study.ask()) == second


def test_a_process_of_this_number_before_it_was_started_is_not_this_one(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "SETTLES_S", 0.01)
    study = opened(tmp_path / "a", trials=1)
    study.lay_out(BOX, [], [])
    trial = study.ask()
    study._storage.set_trial_user_attr(trial._trial_id, lease.LEASE, [lease.host(), os.getpid(), "word", time.time()])
    assert not study.tell(trial, judged(1, study.settings(trial), 0.5))
    assert study.number(study.ask()) == 1  # such a process is dead, as in a container that was started again
    study._storage.set_trial_user_attr(trial._trial_id, lease.LEASE, ["another container", os.getpid(), "word", 0.0])
    assert study.ask() is None


def meanwhile(monkeypatch, study: StageStudy, *mark) -> int:
    """Lets another mark the only trial while this process waits; gives the trial."""
    (trial,) = study._own()

    def sleep(_seconds):
        study._storage.set_trial_user_attr(trial._trial_id, lease.LEASE, list(mark))

    monkeypatch.setattr(lease.time, "sleep", sleep)
    return trial._trial_id


def test_of_two_that_take_a_trial_at_once_the_later_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LASTS_S", 0.0)
    study = opened(tmp_path / "a", trials=1)
    study.lay_out(BOX, [], [])
    begun_by(study, "elsewhere", 1, "word", 0.0)
    assert study._leases.take(meanwhile(monkeypatch, study, "third", 2, "word", time.time())) is None


def test_a_trial_that_was_begun_in_this_moment_is_not_taken(tmp_path, monkeypatch):
    study = opened(tmp_path / "a", trials=1)
    study.lay_out(BOX, [], [])
    popped = study._opened._pop_waiting_trial_id()
    assert lease.LEASE not in study._own()[0].user_attrs
    assert study._leases.take(meanwhile(monkeypatch, study, "elsewhere", 2, "word", time.time())) is None
    assert not study._leases.hold(popped)  # nor does who began it mark it when another took it


def test_the_mark_of_a_trial_under_way_is_renewed(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LASTS_S", 0.04)
    study = opened(tmp_path / "a", trials=1)
    study.lay_out(BOX, [], [])
    trial = study.ask()
    marks = set()
    with study.working(trial):
        for _ in range(6):
            time.sleep(0.03)
            marks.add(study._own()[0].user_attrs[lease.LEASE][3])
    assert len(marks) > 2


def test_who_stood_still_loses_its_trial_and_the_first_value_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LASTS_S", 0.04)
    study = opened(tmp_path / "a", trials=1, epochs=3)
    study.lay_out(BOX, [], [])
    trial = study.ask()
    others = ["elsewhere", 1, "word", 5.0]
    with study.working(trial):
        study._storage.set_trial_user_attr(trial._trial_id, lease.LEASE, others)
        time.sleep(0.2)
    assert study._own()[0].user_attrs[lease.LEASE] == others
    assert study.pruner(trial)(1, 0.5) == TAKEN
    assert not study.tell(trial, judged(1, study.settings(trial), 0.1))
    assert study.records() == []
    study._opened.tell(trial, 0.9)
    study._leases = lease.Leases(study._storage)  # has not seen it yet
    assert study.pruner(trial)(1, 0.5) == TAKEN
    assert not study.tell(trial, judged(1, study.settings(trial), 0.1))
    assert study._own()[0].value == 0.9
    with study.working(trial):
        pass
    assert study._leases.take(trial._trial_id) is None


TAKES_ALL = """
import sys, time
from pathlib import Path
from tests.tuning import test_study as it
it.lease.SETTLES_S = 0.3
folder, me = Path(sys.argv[1]), sys.argv[2]
study = it.opened(folder / "a", "random", trials=4)
study.lay_out(it.BOX, [], [])
(folder / f"{me}.ready").touch()
while len(list(folder.glob("*.ready"))) < 2:
    time.sleep(0.001)
while not study.finished:
    trial = study.ask()
    if trial is not None:
        number = study.number(trial)
        time.sleep(0.1)
        print(number, study.tell(trial, it.judged(number, study.settings(trial), 0.5)))
"""


def test_of_two_processes_that_find_trials_of_the_dead_each_takes_others(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    study = opened(tmp_path / "a", "random", trials=4)
    study.lay_out(BOX, [], [])
    for _ in range(4):
        begun_by(study, "elsewhere", 1, "word", 0.0)
    for trial in study._own():
        study._storage.set_trial_user_attr(trial._trial_id, lease.LEASE, [lease.host(), gone.pid, "word", 0.0])
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", TAKES_ALL, str(tmp_path)]
    both = [subprocess.Popen([*words, me], cwd=root, stdout=subprocess.PIPE, text=True) for me in "xy"]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("".join(said).splitlines()) == [f"{number} True" for number in range(1, 5)]


def test_a_process_that_may_not_be_asked_is_alive():
    assert lease._is_alive(1)


def test_who_does_not_lead_waits_for_the_stage_to_be_laid_out(tmp_path):
    follower = opened(tmp_path / "a", "random")
    assert not follower.lay_out(BOX, [], [], leads=False)
    leader = opened(tmp_path / "a", "random")
    leader.lay_out(BOX, [], [])
    assert follower.lay_out(BOX, [], [], leads=False)
    settings = begun_by(leader, "elsewhere", 1, "word", time.time())
    assert follower.settings(follower.ask()) != settings

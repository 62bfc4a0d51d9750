"""Marks on trials: the dead lose theirs, who stood still loses it, and of two processes one takes a trial."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from trainwright.tuning import lease
from trainwright.tuning.study import TAKEN, StageStudy

from .test_study import BOX, go_on, judged, opened


def begun_by(study: StageStudy, *mark) -> tuple:
    """Begins a trial and marks it as another's; gives its settings."""
    trial = study.ask()
    study._storage.set_trial_user_attr(study._id(trial), lease.LEASE, list(mark))
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
    study._storage.set_trial_user_attr(study._id(study._own()[0]), lease.LEASE, ["elsewhere", 1, "word", 1.0])
    assert study.ask() is None  # renewed
    time.sleep(0.06)
    taken = study.ask()
    assert (study.number(taken), study.settings(taken)) == (1, settings)


def test_a_stage_is_under_way_as_long_as_the_mark_of_another_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "SETTLES_S", 0.01)
    study = opened(tmp_path / "a", trials=2)
    study.lay_out(BOX, [], [])
    study.ask()
    assert not study.under_way  # by this process
    begun_by(study, "elsewhere", 1, "word", 0.0)
    assert study.under_way
    monkeypatch.setattr(lease, "LASTS_S", 0.05)
    time.sleep(0.06)
    assert not study.under_way


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
    study._storage.set_trial_user_attr(study._id(trial), lease.LEASE, [lease.host(), os.getpid(), "word", time.time()])
    assert not study.tell(trial, judged(1, study.settings(trial), 0.5))
    assert study.number(study.ask()) == 1  # such a process is dead, as in a container that was started again
    study._storage.set_trial_user_attr(study._id(trial), lease.LEASE, ["another container", os.getpid(), "word", 0.0])
    assert study.ask() is None


def test_a_machine_of_the_same_name_is_another(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "SETTLES_S", 0.01)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    study = opened(tmp_path / "a", trials=1)
    study.lay_out(BOX, [], [])
    here = lease.host()
    with monkeypatch.context() as copy:
        (tmp_path / "boot_id").write_text("another start\n")
        copy.setattr(lease, "BOOT", tmp_path / "boot_id")
        begun_by(study, lease.host(), gone.pid, "word", time.time())
    assert lease.host() == here
    assert study.ask() is None  # a number of a process there says nothing here
    monkeypatch.setattr(lease, "BOOT", tmp_path / "none")
    assert here.startswith(lease.host())


def meanwhile(monkeypatch, study: StageStudy, *mark) -> int:
    """Lets another mark the only trial while this process waits; gives the trial."""
    (trial,) = study._own()

    def sleep(_seconds):
        study._storage.set_trial_user_attr(study._id(trial), lease.LEASE, list(mark))

    monkeypatch.setattr(lease.time, "sleep", sleep)
    return study._id(trial)


def test_of_two_that_take_a_trial_at_once_the_later_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LASTS_S", 0.0)
    study = opened(tmp_path / "a", trials=1)
    study.lay_out(BOX, [], [])
    begun_by(study, "elsewhere", 1, "word", 0.0)
    assert study._leases.take(meanwhile(monkeypatch, study, "third", 2, "word", time.time())) is None


def test_a_trial_that_was_begun_in_this_moment_is_not_taken(tmp_path, monkeypatch):
    study = opened(tmp_path / "a", trials=1)
    study.lay_out(BOX, [], [])
    (waiting,) = study._own()
    assert study._begin(waiting)
    assert lease.LEASE not in study._own()[0].user_attrs
    assert study._leases.take(meanwhile(monkeypatch, study, "elsewhere", 2, "word", time.time())) is None
    assert not study._leases.hold(study._id(waiting))  # nor does who began it mark it when another took it


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
        study._storage.set_trial_user_attr(study._id(trial), lease.LEASE, others)
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
    assert study._leases.take(study._id(trial)) is None


TAKES_ALL = """
import sys, time
from pathlib import Path
from tests.tuning import test_lease as it
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
        study._storage.set_trial_user_attr(study._id(trial), lease.LEASE, [lease.host(), gone.pid, "word", 0.0])
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

"""The diagnosis beside a training: what it is told, when it looks, and what it does when it breaks down."""

from __future__ import annotations

import json

import pytest

from trainwright.recipe import Recipe, write_recipe
from trainwright.runs import (
    EpochRecord,
    Finding,
    History,
    ResumeRecord,
    RunFolder,
    StepRecord,
    read_records,
)
from trainwright.workflows import diagnosing
from trainwright.workflows.diagnosing import Diagnosing
from workflows.conftest import TINY


class Clock:
    """Seconds that grow by one whenever somebody looks."""

    def __init__(self, steady: bool = False) -> None:
        self.now, self.pace = 0.0, 0.0 if steady else 1.0

    def __call__(self) -> float:
        self.now += self.pace
        return self.now


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    run = RunFolder(tmp_path)
    run.recipe.write_text(write_recipe(Recipe()))
    return run


def step(number: int, loss: float = -1.0) -> StepRecord:
    return StepRecord(step=number, epoch=1, learning_rate=0.1, loss=loss)


def epoch(number: int, at: int) -> EpochRecord:
    measured = {"train_loss": 1.0, "train_accuracy": 0.5, "valid_loss": 1.0, "valid_accuracy": 0.5}
    cost = {"train_time_s": 1.0, "valid_time_s": 0.1, "pictures_per_s": 1.0, "data_wait_share": 0.0, "memory_mib": 1.0}
    return EpochRecord(epoch=number, step=at, learning_rate=0.1, best=True, **measured, **cost)


def test_it_looks_when_the_next_epoch_begins_and_tells_once(folder):
    told: list[Finding] = []
    beside = Diagnosing(folder, [], 1, told.append, Clock(steady=True))
    for record in (step(1), step(2), epoch(1, 2)):
        beside.observe(record)
    assert told == []
    beside.observe(step(3))
    assert [one.code for one in told] == ["negative-loss"]
    for record in (step(4), epoch(2, 4), step(5)):
        beside.observe(record)
    beside.look()
    assert len(told) == 1


def test_it_keeps_the_steps_that_the_log_keeps(folder):
    told: list[Finding] = []
    beside = Diagnosing(folder, [], 10, told.append, Clock(steady=True))
    for number in range(1, 10):
        beside.observe(step(number))
    beside.look()
    assert told == []
    beside.observe(step(10))
    beside.look()
    assert told[0].since_step == 10


def test_it_waits_where_epochs_are_short_for_what_a_look_costs(folder, monkeypatch):
    looks: list[int] = []
    monkeypatch.setattr(
        diagnosing.LiveDiagnosis, "look", lambda self, history, **_: looks.append(len(history.epochs)) or ()
    )
    clock = Clock()
    beside = Diagnosing(folder, [], 1, print, clock)
    for number in range(1, 200):
        beside.observe(epoch(number, number))
        beside.observe(step(number + 1))
    assert looks[0] == 1
    assert 2 <= len(looks) <= 5, "a look lasts a second of this clock, and may take 2 % of the time"


def test_a_resumed_run_goes_on_from_what_its_log_tells(folder):
    told: list[Finding] = []
    first = Diagnosing(folder, [], 1, told.append, Clock(steady=True))
    before = [step(1), step(2), epoch(1, 2)]
    for record in before:
        first.observe(record)
    first.look()
    log = [*before, *told, ResumeRecord(step=2, epoch=1, checkpoint="last")]
    resumed = Diagnosing(folder, log, 1, told.append, Clock(steady=True))
    resumed.observe(step(3))
    resumed.look()
    assert len(told) == 1


def test_a_diagnosis_that_breaks_down_is_left_out_with_one_warning(folder, monkeypatch):
    def broken(self: object, history: History, **_: object) -> tuple[Finding, ...]:
        raise ZeroDivisionError("of a rule")

    monkeypatch.setattr(diagnosing.LiveDiagnosis, "look", broken)
    beside = Diagnosing(folder, [], 1, print, Clock(steady=True))
    beside.observe(step(1))
    with pytest.warns(RuntimeWarning, match=r"left out from here on.*ZeroDivisionError: of a rule") as caught:
        beside.look()
    beside.look()  # a second warning would be an error
    assert len(caught) == 1


def test_train_tells_what_is_wrong_and_keeps_it(cli, tmp_path, monkeypatch):
    found = Finding(
        code="schedule-mismatch",
        severity="warn",
        summary="the rate is gone too soon",
        advice={"optim.lr": 0.5},
        since_step=4,
        diagnosed=True,
    )

    def look(self: diagnosing.LiveDiagnosis, history: History, **_: object) -> tuple[Finding, ...]:
        return () if found in history.findings else (found,)

    monkeypatch.setattr(diagnosing.LiveDiagnosis, "look", look)
    ended = cli("train", "digits", *TINY, "--no-check", f"--out={tmp_path}", "--name=told")
    assert ended.code == 0, ended.err
    folder = RunFolder(tmp_path / "told")
    assert ended.out.count("the rate is gone too soon") == 1
    assert "1 warning, told above: schedule-mismatch" in ended.out
    assert f"trainwright train --resume {folder.path} --apply schedule-mismatch" in ended.out
    assert History.of(read_records(folder.events)).findings.count(found) == 1
    kept = json.loads(folder.findings.read_text())
    assert [one["code"] for one in kept if one["diagnosed"]] == ["schedule-mismatch"]

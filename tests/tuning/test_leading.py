"""Of those that would lead a search one does; the others are told, or lead when it is gone."""

from __future__ import annotations

import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from trainwright.errors import InputError
from trainwright.tuning import leading as leads
from trainwright.tuning import lease
from trainwright.tuning.leading import leading
from trainwright.tuning.storage import attributes, id_of, keep_attributes, open_storage


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(lease, "SETTLES_S", 0.01)
    monkeypatch.setattr(leads, "LOOKS_S", 0.01)


def states(path: Path) -> list[str]:
    return [trial.state.name for trial in optuna.load_study(study_name="s", storage=open_storage(path)).trials]


def marked_by_another(path: Path, *mark) -> int:
    """Lets another process lead; gives the trial that it leads by."""
    storage = open_storage(path)
    keep_attributes(storage, "s", ())
    trial = id_of(storage, "s", optuna.load_study(study_name="s", storage=storage).ask().number)
    storage.set_trial_user_attr(trial, lease.LEASE, list(mark))
    return trial


def test_who_leads_leaves_no_mark_behind_and_the_search_keeps_what_it_is(tmp_path):
    for time_of in (1, 2):
        with leading(open_storage(tmp_path / "a"), "s", pytest.fail) as lost:
            keep_attributes(open_storage(tmp_path / "a"), "s", {"seed": 3}.items())
            assert not lost()
            assert states(tmp_path / "a") == ["FAIL"] * (time_of - 1) + ["RUNNING"]
        assert states(tmp_path / "a") == ["FAIL"] * time_of
    assert attributes(open_storage(tmp_path / "a"), "s") == {"seed": 3}


@pytest.mark.parametrize(("error", "state"), [(KeyboardInterrupt, "FAIL"), (OSError, "RUNNING")])
def test_who_is_interrupted_leaves_the_lead_to_the_next(error, state, tmp_path):
    with pytest.raises(error), leading(open_storage(tmp_path / "a"), "s", pytest.fail):
        raise error
    assert states(tmp_path / "a") == [state]
    with leading(open_storage(tmp_path / "a"), "s", pytest.fail):  # the mark is this process's
        pass


def test_a_second_one_is_refused_as_long_as_the_first_gives_signs_of_life(tmp_path, monkeypatch):
    trial, notes, renewed = marked_by_another(tmp_path / "a", "node7 pid:[1]", 41, "word", 0.0), [], 0

    def renew(_seconds):
        nonlocal renewed
        renewed += 1
        open_storage(tmp_path / "a").set_trial_user_attr(trial, lease.LEASE, ["node7 pid:[1]", 41, "word", renewed])

    monkeypatch.setattr(leads.time, "sleep", renew)
    refused = pytest.raises(InputError, match="another process leads the search s")
    with refused as told, leading(open_storage(tmp_path / "a"), "s", notes.append):
        pass
    assert "got: process 41 on node7" in str(told.value)
    assert "trainwright search worker s" in str(told.value)
    assert len(notes) == 1
    assert states(tmp_path / "a") == ["RUNNING"]


def test_one_that_gives_no_sign_of_life_is_followed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LASTS_S", 0.05)
    marked_by_another(tmp_path / "a", "node7", 41, "word", 0.0)
    notes = []
    with leading(open_storage(tmp_path / "a"), "s", notes.append) as lost:
        assert not lost()
    assert len(notes) == 1
    assert states(tmp_path / "a") == ["FAIL"]


def test_one_that_ends_well_meanwhile_is_followed_at_once(tmp_path, monkeypatch):
    trial = marked_by_another(tmp_path / "a", "node7", 41, "word", 0.0)
    storage = open_storage(tmp_path / "a")
    monkeypatch.setattr(leads.time, "sleep", lambda _: storage.set_trial_state_values(trial, TrialState.FAIL))
    with leading(storage, "s", lambda _: None):
        assert states(tmp_path / "a") == ["FAIL", "RUNNING"]


def test_of_two_that_begin_to_lead_in_one_moment_the_first_leads(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LASTS_S", 0.05)
    ask = optuna.Study.ask

    def another_was_quicker(study):
        monkeypatch.setattr(optuna.Study, "ask", ask)
        marked_by_another(tmp_path / "a", "node7", 41, "word", 0.0)
        return ask(study)

    monkeypatch.setattr(optuna.Study, "ask", another_was_quicker)
    with leading(open_storage(tmp_path / "a"), "s", lambda _: None):
        assert states(tmp_path / "a") == ["RUNNING", "FAIL"]


def test_who_stood_still_learns_that_another_leads_and_leaves_its_mark_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LASTS_S", 0.04)
    storage = open_storage(tmp_path / "a")
    with leading(storage, "s", pytest.fail) as lost:
        (trial,) = optuna.load_study(study_name="s", storage=storage).trials
        storage.set_trial_user_attr(id_of(storage, "s", trial.number), lease.LEASE, ["node7", 41, "word", 0.0])
        time.sleep(0.2)
        assert lost()
    assert states(tmp_path / "a") == ["RUNNING"]

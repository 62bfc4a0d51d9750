"""Stages of a search: who leads and ends them, what counts, what does not fit, what is said where nothing learns."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json

import optuna
from optuna.trial import TrialState

from trainwright.runs import open_search, to_plain
from trainwright.tuning import leading, lease
from trainwright.tuning import study as study_of_trials
from trainwright.tuning.storage import open_storage
from trainwright.workflows import search as search_workflow
from trainwright.workflows import search_stages

from .test_search import SPACE, TINY, searched


def test_out_of_time_a_trial_of_another_process_is_waited_for_and_counts(cli, monkeypatch, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, f"--out={tmp_path}", "--trials=4", "--stages=1", "--minutes=0.0001"]
    ask, late = search_stages.StageStudy.ask, []

    def another_asks_first(study):
        if not late:
            late.append(ask(study)._trial_id)
            study._storage.set_trial_user_attr(late[0], lease.LEASE, ["elsewhere", 1, "word", 0.0])
        return ask(study)

    def another_ends(_plan):
        storage = open_storage(tmp_path / "s/journal.log")
        (mine,) = open_search(tmp_path / "s").read_trials()
        theirs = dataclasses.replace(mine, trial=1, settings=storage.get_trial(late[0]).params, value=1.0)
        storage.set_trial_user_attr(late[0], study_of_trials.RECORD, to_plain(theirs))
        storage.set_trial_state_values(late[0], TrialState.COMPLETE, [1.0])

    monkeypatch.setattr(search_stages.StageStudy, "ask", another_asks_first)
    monkeypatch.setattr(search_stages, "wait_for_others", another_ends)
    facts = json.loads(cli(*words, "--name=s", "--json").out)
    assert (facts["trials"], facts["best"]["trial"], facts["ended"]) == (2, 1, "out of time")
    assert [one[0] for one in searched(tmp_path / "s")] == [1, 2]


def test_a_second_leader_of_a_search_is_refused_and_one_that_lost_the_lead_ends(cli, monkeypatch, tmp_path):
    storage = f"--storage={tmp_path / 'shared.log'}"
    words = ["search", "digits", *TINY, *SPACE, "--trials=1", "--stages=1", "--name=s", storage]
    with monkeypatch.context() as patched:
        patched.setattr(search_workflow, "leading", lambda *_: contextlib.nullcontext(lambda: True))
        ended = cli(*words, f"--out={tmp_path / 'a'}")
        assert ended.code == 130
        assert "another process leads the search s: this one stood still" in ended.err
    opened = open_storage(tmp_path / "shared.log")
    seat = optuna.load_study(study_name="s", storage=opened).ask()._trial_id
    clock = itertools.count()
    with monkeypatch.context() as patched:
        patched.setattr(
            leading.time, "sleep", lambda _: opened.set_trial_user_attr(seat, lease.LEASE, ["b", 1, "w", next(clock)])
        )
        refused = cli(*words, f"--out={tmp_path / 'b'}")
    assert refused.code == 2
    assert "another process leads the search s" in refused.err
    assert "try: trainwright search worker s --storage" in refused.err
    other = cli(*words, f"--out={tmp_path / 'b'}", "--sampler=random")
    assert "asks for something else" in other.err


def test_a_grid_that_does_not_fit_its_trials_is_refused_or_told(cli, tmp_path):
    words = ["search", "digits", *TINY, *SPACE, "--sampler=grid", "--pruner=none", f"--out={tmp_path}"]
    refused = cli(*words, "--trials=4", "--stages=1,2")
    assert refused.code == 2
    assert "expected: at least 4 trials in stage 1" in refused.err
    assert "got: 3, of 4 in all" in refused.err
    told = cli(*words, "--trials=6", "--stages=1,2")
    assert told.code == 0, told.err
    assert "3 points of the grid have no trial: the 2 of stage 2" in told.out


def test_trials_most_of_which_did_not_fit_do_not_say_that_the_rate_is_too_high(cli, monkeypatch, tmp_path):
    judge, left = search_stages.TrialBench.judge, iter([False, True, True])

    def refusing(self, *words, **named):
        record = judge(self, *words, **named)
        change = {"ended": "refused", "reason": "these do not go together"} if next(left) else {"ended": "diverged"}
        return dataclasses.replace(record, value=None, **change)

    monkeypatch.setattr(search_stages.TrialBench, "judge", refusing)
    ended = cli("search", "digits", *TINY, *SPACE, "--trials=3", "--stages=1", f"--out={tmp_path}", "--name=s")
    assert ended.code == 2
    assert "all 3 trials of stage 1 ended before they learned anything, 1 of them diverged" in ended.err
    assert "got: 2 refused: these do not go together; 1 diverged: " in ended.err
    assert "try: other boxes, and another --name" in ended.err


def test_the_best_on_the_border_of_a_search_of_one_stage_says_nothing_of_narrowing(cli, tmp_path):
    words = ["search", "digits", *TINY, "--space=optim.lr=log:1e-4:0.1", "--stages=2", "--trials=3", "--sampler=grid"]
    ended = cli(*words, f"--out={tmp_path}", "--name=s")
    told = " ".join(ended.out.split())
    assert "lies on the upper border of its box; values beyond it may be better (search again with one that" in told
    assert "narrowed" not in told

"""Trials of a search end where the diagnosis says that going on is pointless, and are the same with and without it."""

from __future__ import annotations

import pytest

from trainwright.recipe import compose, parse_assignments
from trainwright.reporting import RunConsole
from trainwright.runs import TrialRecord
from trainwright.training import Interruption
from trainwright.workflows import glancing
from trainwright.workflows.trials import TrialBench

WORDS = [
    "data.source=digits", "model.name=plain", "model.width=8", "model.depth=1", "model.normalization=none",
    "optim.batch_size=64", "machine.threads=1", "training.seed=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def bench() -> TrialBench:
    return TrialBench(compose(parse_assignments(WORDS)), RunConsole(json=True))


def judged(bench: TrialBench, scheme: str, epochs: int = 4) -> TrialRecord:
    settings, fixed = {"optim.lr": 0.02, "init.scheme": scheme}, {"training.epochs": epochs}
    return bench.judge(settings, fixed=fixed, number=1, stage=1, interruption=Interruption(), pruner=None)


def test_a_net_that_cannot_learn_ends_its_trial_and_says_why(bench, monkeypatch):
    monkeypatch.setattr(glancing, "LEAST_STEPS", 40)
    record = judged(bench, "zeros")
    assert (record.ended, record.epochs_spent) == ("finding", 2)
    assert record.reason.startswith("symmetric-initialization: ")
    again = judged(bench, "zeros")
    assert (again.reason, again.scores, again.train_losses) == (record.reason, record.scores, record.train_losses)


def test_a_net_that_learns_is_left_as_it_is(bench, monkeypatch):
    alone = judged(bench, "kaiming")
    monkeypatch.setattr(glancing, "LEAST_STEPS", 40)
    seen = judged(bench, "kaiming")
    assert seen.ended == "completed"
    assert (seen.scores, seen.train_losses) == (alone.scores, alone.train_losses)


@pytest.mark.parametrize(("least", "epochs"), [(1000, 4), (10, 1)])
def test_a_trial_that_ends_soon_anyway_is_not_looked_at(least, epochs, bench, monkeypatch):
    monkeypatch.setattr(glancing, "LEAST_STEPS", least)
    monkeypatch.setattr(glancing, "monitor_of", pytest.fail)
    assert judged(bench, "zeros", epochs).ended == "completed"


def test_a_diagnosis_that_breaks_down_costs_no_trial(bench, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a rule of ours")

    monkeypatch.setattr(glancing, "LEAST_STEPS", 40)
    monkeypatch.setattr(glancing.LiveDiagnosis, "look", broken)
    with pytest.warns(RuntimeWarning, match="the diagnosis broke down and is left out"):
        assert judged(bench, "zeros").ended == "completed"


def test_a_search_tells_a_trial_that_a_finding_ended(cli, monkeypatch, tmp_path):
    monkeypatch.setattr(glancing, "LEAST_STEPS", 40)
    words = [*(f"--set={word}" for word in WORDS[1:]), "--sampler=grid", "--pruner=none", "--stages=4", "--trials=4"]
    space = ["--space=init.scheme=choice:zeros,kaiming", "--space=optim.lr=log:0.02:0.05"]
    ended = cli("search", "digits", *words, *space, f"--out={tmp_path}", "--name=s")
    assert ended.code == 0, ended.err
    assert ended.out.count("given up: finding") == 2

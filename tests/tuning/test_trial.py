"""Trials end where there is nothing more to be learned, and say why."""

from __future__ import annotations

import pytest
import torch

from trainwright.errors import InputError
from trainwright.recipe import compose, parse_assignments
from trainwright.reporting import RunConsole
from trainwright.runs import EpochRecord, Finding, StepRecord
from trainwright.training import Cut, Interruption
from trainwright.tuning import Watch, run_trial
from trainwright.workflows.trials import TrialBench, changed

WORDS = ["data.source=digits", "model.name=plain", "model.width=8", "model.depth=1", "training.epochs=3"]


@pytest.fixture(scope="module")
def bench() -> TrialBench:
    return TrialBench(compose(parse_assignments([*WORDS, "machine.threads=1"])), RunConsole(json=True))


def trial(bench: TrialBench, settings, **named):
    return bench.run(settings, number=7, interruption=Interruption(), **named)


def test_a_trial_says_what_its_settings_came_to(bench):
    record = trial(bench, {"optim.lr": 0.05})
    assert (record.trial, record.settings, record.ended) == (7, {"optim.lr": 0.05}, "completed")
    assert record.figure == "accuracy"
    assert record.value == max(record.scores)
    assert record.scores[record.best_epoch - 1] == record.value
    assert len(record.scores) == len(record.train_losses) == record.epochs == 3
    assert record.epochs_spent == 3


def test_the_same_trial_is_the_same_and_another_seed_another(bench):
    first, again, other = (trial(bench, {"optim.lr": 0.05}, seed=seed) for seed in (0, 0, 1))
    assert first.train_losses == again.train_losses
    assert first.train_losses != other.train_losses


def test_another_seed_is_judged_by_the_same_pictures_and_tested_by_the_same(bench):
    _, data = bench.build({}, seed=5)
    assert data is bench.data


def test_an_exploding_loss_ends_a_trial_soon(bench):
    record = trial(bench, {"optim.lr": 100.0})
    assert record.ended == "diverged"
    assert "the loss rose from" in record.reason
    assert record.epochs_spent < 1
    assert record.value is None


def test_numbers_that_cease_to_be_finite_end_a_trial(bench):
    setup, data = bench.build({})
    torch.nn.init.constant_(next(setup.model.parameters()), torch.nan)
    record = run_trial(setup, data, number=1, settings={}, interruption=Interruption())
    assert record.ended == "diverged"
    assert "loss became nan" in record.reason


def test_a_pruner_is_asked_after_every_epoch_but_the_last_and_ends_a_trial(bench):
    asked: list[tuple[int, float]] = []

    def hopeless(epoch: int, best: float) -> str | None:
        asked.append((epoch, best))
        return "below the median" if epoch == 2 else None

    record = trial(bench, {}, pruner=hopeless)
    assert [epoch for epoch, _ in asked] == [1, 2]
    assert (record.ended, record.reason, record.epochs_spent) == ("pruned", "below the median", 2)
    assert record.value == max(best for _, best in asked)
    asked.clear()
    trial(bench, {}, pruner=lambda epoch, best: asked.append((epoch, best)))
    assert [epoch for epoch, _ in asked] == [1, 2]


def test_a_finding_that_stops_ends_a_trial():
    watch = Watch(3, None)
    step = StepRecord(step=1, epoch=1, learning_rate=0.1, loss=1.0)
    watch.observe(Finding(code="x", severity="warn", summary="odd"))
    assert watch.enough(step) is None
    watch.observe(Finding(code="dead-units", severity="stop", summary="all units are dead"))
    assert watch.enough(step) == Cut("early-stopping", "dead-units: all units are dead")
    assert watch.ending == "finding"


def test_a_task_without_accuracy_is_judged_by_its_own_figure():
    watch = Watch(2, None)
    named = dict.fromkeys(EpochRecord.__dataclass_fields__, 0.0)
    watch.observe(EpochRecord(**{**named, "epoch": 1, "valid_accuracy": None, "valid_figures": {"r2": 0.4, "mae": 9}}))
    assert watch.best == 0.4


def test_interrupted_it_says_so(bench):
    interruption = Interruption()
    interruption.signal_name = "SIGINT"
    assert bench.run({}, number=1, interruption=interruption).ended == "interrupted"


def test_settings_that_do_not_fit_are_one_message(bench):
    with pytest.raises(InputError, match="batch is larger"):
        trial(bench, {"optim.batch_size": 30_000})


def test_changed_settings_win_over_what_was_asked_for():
    asked = compose(parse_assignments(["optim.lr=0.1", "optim.momentum=0.5"]))
    recipe = changed(asked, {"optim.lr": 0.3})
    assert (recipe.optim.lr, recipe.optim.momentum) == (0.3, 0.5)
    assert recipe.origin("optim.momentum").detail == asked.origin("optim.momentum").detail


def test_without_pictures_to_judge_by_there_are_no_trials():
    with pytest.raises(InputError, match="judged by a validation part"):
        TrialBench(compose(parse_assignments([*WORDS, "data.valid_share=0"])), RunConsole(json=True))

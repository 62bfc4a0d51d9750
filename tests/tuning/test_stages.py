"""Stages share trials and epochs; the best is one that was trained to its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.errors import InputError
from trainwright.runs import TrialRecord
from trainwright.tuning.stages import best_of, good_of, plan_stages, ranked, taken_over


def record(number: int, value: float | None, ended: str = "completed", loss: float = 1.0) -> TrialRecord:
    return TrialRecord(
        trial=number,
        settings={},
        seed=0,
        epochs=1,
        figure="accuracy",
        value=value,
        best_epoch=1,
        ended=ended,  # type: ignore[arg-type]
        reason="",
        scores=(value,),
        train_losses=(loss,),
        first_loss=2.0,
        epochs_spent=1.0,
        time_s=1.0,
    )


@given(st.integers(3, 500))
def test_all_trials_are_shared_out_and_later_stages_have_no_more(trials):
    shares = [stage.trials for stage in plan_stages(trials)]
    assert sum(shares) == trials
    assert min(shares) >= 1
    assert shares == sorted(shares, reverse=True)


@given(st.integers(3, 200), st.integers(21, 2000))
def test_a_budget_of_epochs_is_kept(trials, epochs):
    stages = plan_stages(trials, max_epochs=epochs)
    assert sum(stage.trials * stage.epochs for stage in stages) <= epochs
    assert sum(stage.trials for stage in stages) <= trials


def test_without_decay_the_last_stage_but_one_trains_at_a_constant_rate():
    fixed = [stage.fixed for stage in plan_stages(7, (1, 5, 15), no_decay=True)]
    assert fixed == [
        {"training.epochs": 1},
        {"training.epochs": 5, "schedule.name": "constant"},
        {"training.epochs": 15},
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"trials": 9, "epochs": (5, 1)}, "got: 5,1"),
        ({"trials": 9, "epochs": ()}, "got: none"),
        ({"trials": 9, "epochs": (0, 1)}, "rising whole numbers of epochs from 1"),
        ({"trials": 2}, "fewer trials than stages"),
        ({"trials": 9, "max_epochs": 20}, "at least 21"),
        ({"trials": 9, "epochs": (5,), "no_decay": True}, "there is no last stage but one"),
    ],
)
def test_stages_that_cannot_be_are_told(arguments, told):
    with pytest.raises(InputError) as caught:
        plan_stages(**arguments)
    assert told in str(caught.value)


def test_the_best_was_trained_to_its_end_and_of_equals_has_the_smaller_loss():
    records = [
        record(1, 0.9, "pruned"),
        record(2, 0.8, loss=0.5),
        record(3, 0.8, loss=0.4),
        record(4, 0.95, "diverged"),
        record(5, None),
    ]
    assert best_of(records).trial == 3
    assert [one.trial for one in ranked(records)] == [3, 2, 1]
    assert best_of(records[3:]) is None


def test_a_quarter_is_good_and_six_at_least():
    records = [record(number, number / 100) for number in range(1, 25)]
    assert [one.trial for one in good_of(records)] == [24, 23, 22, 21, 20, 19]
    assert len(good_of(records[:4])) == 4
    assert len(good_of(records[:12])) == 6
    assert [one.trial for one in taken_over(records, plan_stages(42)[1])] == [24, 23, 22, 21]

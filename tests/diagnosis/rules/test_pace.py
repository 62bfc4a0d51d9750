from __future__ import annotations

import pytest

from diagnosis.histories import BLIND, alarming, course
from trainwright.diagnosis.course import Known
from trainwright.diagnosis.rules.pace import too_few, too_low

SHORT = {"updates": (1e-6,) * 4, "predicted_change": -1e-4, "loss": BLIND, "loss_after": BLIND - 1e-4}


def test_a_rate_of_a_ten_millionth_hardly_moves_the_loss_although_accuracy_creeps_up():
    slow = course(
        rate=1e-7,
        loss=lambda step: BLIND - 1e-5 * step,
        epoch={"train_accuracy": lambda epoch: 0.1 + 0.01 * epoch},
        probe=SHORT,
    )
    found = too_low(slow)
    assert found is not None
    assert alarming(found)
    assert "too low" in found.summary
    assert "the loss hardly moves" in found.summary
    assert "accuracy creeps up" in found.summary


def test_a_short_one_cycle_whose_height_was_hardly_looked_at_is_judged_by_its_longest_step():
    def rate(step: int) -> float:
        return 1e-7 if step == 20 else 1e-9  # one look of many is at the height

    slow = course(rate=rate, loss=lambda step: BLIND - 1e-5 * step, probe=SHORT)
    found = too_low(slow)
    assert found is not None
    assert alarming(found)


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("steps of the usual length", {}),
        ("it learns all the same, as in fine-tuning", {"probe": {"updates": (1e-5,) * 4}}),
        ("nothing comes through the net", {"loss": BLIND, "probe": {**SHORT, "gradients": (1e-9,) * 4}}),
        ("steps overshoot", {"loss": BLIND, "probe": {"updates": (1e-5,) * 4, "loss_after": 1.0 + BLIND}}),
    ],
)
def test_a_rate_is_not_too_low(why: str, changes: dict[str, object]):
    assert not alarming(too_low(course(**changes))), why


def test_a_warm_up_from_nothing_is_not_too_low():
    warming = course(
        rate=lambda step: 1e-3 * step,
        steps=100,
        watch={"steps_planned": 400},
        stop=None,
        loss=BLIND,
        probe={"updates": lambda step: (5e-3 * step / 400,) * 4},
    )
    assert not alarming(too_low(warming))


def falling(step: int) -> float:
    """A one-cycle's rate, of which the second half comes down to nothing."""
    return min(step, 400 - step) / 200 * 1e-3


def test_a_loss_that_levels_off_as_the_rate_comes_down_is_still_one_of_a_low_rate():
    def loss(step: int) -> float:
        return BLIND - 0.4 * sum(falling(s) for s in range(1, step + 1, 10)) / sum(
            falling(s) for s in range(1, 401, 10)
        )

    slow = {"updates": lambda step: (1e-3 * falling(step),) * 4, "learning_rate": falling}
    assert alarming(too_low(course(loss=loss, rate=falling, probe={**SHORT, **slow})))
    flat = course(loss=lambda step: BLIND - min(step, 100) / 100, rate=1e-3, probe=SHORT)
    assert not alarming(too_low(flat)), "at a constant rate a level is the end of what is to be learned"


def few(steps: int = 20, **changes: object):
    return course(steps=steps, probe_every=4, **{"per_epoch": 20, "loss": BLIND - 0.3, **changes})


def test_a_training_of_few_steps_is_told_with_the_epochs_that_it_takes():
    found = too_few(few())
    assert found is not None
    assert alarming(found)
    assert found.code == "stopped-too-early"
    assert "20 steps in all, 1 epoch of 20 batches of 50 pictures" in found.summary
    assert found.advice == {"do": "train for 20 epochs instead of 1"}
    assert "learning-rate-too-low" in found.explains
    assert "learning-rate-too-low" not in (too_few(few(probe=SHORT)) or found).explains, "it crawls besides"
    known = Known(recipe={"training.epochs": 1, "optim.batch_size": 50})
    assert (too_few(few(known=known)) or found).advice == {"training.epochs": 20}


def test_few_steps_of_large_batches_want_smaller_ones():
    large = few(per_epoch=2, watch={"batch_size": 512}, known=Known(recipe={"optim.batch_size": 512}))
    found = too_few(large)
    assert found is not None
    assert "10 epochs of 2 batches of 512 pictures" in found.summary
    assert found.advice == {"optim.batch_size": 32}, "an epoch of 1,024 pictures then has 32 batches"


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("sixty steps and more may be enough", {"steps": 60}),
        ("it knows all there is", {"loss": 0.05}),
        ("somebody stopped it", {"stop": "interrupted"}),
        ("its steps overshoot", {"probe": {"loss_after": 9.0}}),
    ],
)
def test_few_steps_are_no_fault(why: str, changes: dict[str, object]):
    assert not alarming(too_few(few(**changes))), why

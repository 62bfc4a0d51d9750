from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trainwright.reporting.second_stage import beginning, second_stage
from trainwright.runs import History, RetrainRecord

ANEW = RetrainRecord(way="restart", step=60, epoch=3, best_epoch=2, epochs=2, pictures=1438, added=144)
ON = replace(ANEW, way="continue", target_loss=0.1, added_loss=0.25)


def history(invent: Any, told: RetrainRecord, end: str | None, *losses: float | None) -> History:
    """A first stage of 3 epochs and a second with an epoch for each loss of the added pictures."""
    first = [*invent.course(3), invent.stop_record("completed", 3)]
    rows = [
        replace(invent.epoch_record(4 + n, done=0.9), stage="retrain", best=False, added_loss=loss, valid_loss=None)
        for n, loss in enumerate(losses)
    ]
    stop = [] if end is None else [invent.stop_record(end, 3 + len(rows))]
    return History.of([*first, told, *rows, *stop])


def test_without_a_second_stage_nothing_is_said(invent: Any) -> None:
    assert second_stage(History.of([*invent.course(3), invent.stop_record("completed", 3)])) == []


def test_a_net_trained_anew(invent: Any) -> None:
    did, result = second_stage(history(invent, ANEW, "completed", None, None))
    assert did == (
        "Then the net was trained anew, from its first weights, on training and validation pictures together "
        "(1,438, 144 of them added), for 2 epochs."
    )
    assert result.startswith("These retrained weights are the result.")
    assert "no validation figure exists for them" in result


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (0.09, "until the loss of the added ones, 0.0900, was down to 0.100, that of the training pictures"),
        (0.11, "as long as it may; the loss of the added ones, 0.110, did not come down to 0.100"),
    ],
)
def test_a_net_trained_on_until_a_goal_or_as_long_as_it_may(invent: Any, loss: float, words: str) -> None:
    did, _ = second_stage(history(invent, ON, "completed", 0.2, loss))
    assert did.startswith("Then the net of epoch 2 was trained further, on training and validation pictures together")
    assert words in did


@pytest.mark.parametrize("end", [None, "interrupted", "non-finite-loss"])
def test_while_it_is_not_finished_the_best_snapshot_is_the_result(invent: Any, end: str | None) -> None:
    (text,) = second_stage(history(invent, ON, end, 0.2))
    assert "has begun and is not finished" in text
    assert text.endswith("until it is, the weights of epoch 2 are the result.")


def test_its_beginning_is_told() -> None:
    assert beginning(ANEW).endswith("(1,438), anew from the first weights for 2 epochs")
    on = "on from epoch 2 for 2 epochs at most, until the loss of the added ones falls from 0.250 to 0.100"
    assert on in beginning(ON)

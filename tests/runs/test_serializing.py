from __future__ import annotations

import json
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.errors import TrainwrightError
from trainwright.runs import EpochRecord, Finding, Record, ResumeRecord, StepRecord
from trainwright.runs.serializing import RECORD_TYPES, UnknownRecord, from_plain, to_plain


def through_json(record: Record) -> Record:
    return from_plain(json.loads(json.dumps(to_plain(record), allow_nan=False)))


def finding(**evidence: object) -> Finding:
    return Finding(code="x", severity="note", summary="s", evidence=evidence)


def test_every_record_has_a_word():
    assert set(RECORD_TYPES.values()) == set(get_args(Record))


@given(data=st.data())
def test_records_survive(any_record, data):
    record = data.draw(any_record)
    # Texts are compared, since not a number is not equal to itself.
    assert repr(through_json(record)) == repr(record)


def test_numbers_that_are_not_finite_survive():
    record = StepRecord(step=1, epoch=1, learning_rate=math.inf, loss=math.nan, gradient_norm_before_clip=-math.inf)
    back = through_json(record)
    assert isinstance(back, StepRecord)
    assert math.isnan(back.loss)
    assert (back.learning_rate, back.gradient_norm_before_clip) == (math.inf, -math.inf)
    in_evidence = through_json(finding(loss=math.nan, rates=(math.inf, 1.0), word="nan"))
    assert isinstance(in_evidence, Finding)
    assert math.isnan(in_evidence.evidence["loss"])
    assert in_evidence.evidence["rates"] == (math.inf, 1.0)
    assert in_evidence.evidence["word"] == "nan"


def test_the_plain_form():
    record = StepRecord(step=3, epoch=1, learning_rate=0.1, loss=math.nan)
    assert to_plain(record) == {
        "type": "step",
        "step": 3,
        "epoch": 1,
        "learning_rate": 0.1,
        "loss": {"float": "nan"},
        "gradient_norm_before_clip": None,
        "penalty": None,
    }


def test_a_field_with_a_default_may_be_missing():
    plain = to_plain(StepRecord(step=3, epoch=1, learning_rate=0.1, loss=1.0))
    del plain["gradient_norm_before_clip"]
    assert from_plain(plain) == StepRecord(step=3, epoch=1, learning_rate=0.1, loss=1.0)


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), {"float": "nan"}, {1: 2}, 1j, 2**63])
def test_what_is_no_plain_data_is_a_bug_of_ours(value):
    with pytest.raises(TrainwrightError, match="a record holds a value that cannot be stored") as caught:
        to_plain(finding(value=value))
    assert caught.value.got is not None
    assert type(value).__name__ in caught.value.got


STEP = {"type": "step", "step": 1, "epoch": 1, "learning_rate": 0.1, "loss": 1.0}
EVALUATION = {
    "type": "evaluation",
    "part": "test",
    "epoch": 1,
    "pictures": 2,
    "accuracy": 0.5,
    "accuracy_interval": [0.1, 0.9],
    "balanced_accuracy": 0.5,
    "top_k_accuracy": {"1": 0.5},
    "loss": 1,
    "calibration_error": 0,
    "per_class": [],
    "confusion_KK": [[1, 0], [1, 0]],
}


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "a line that is no JSON object"),
        ({**STEP, "step": "1"}, "step.step is '1', not int"),
        ({**STEP, "step": True}, "step.step is 'True', not int"),
        ({**STEP, "loss": "low"}, "step.loss is 'low', not a number"),
        ({**STEP, "loss": 10**400}, "not a number"),
        ({**STEP, "loss": {"float": "big"}}, "not a number"),
        ({**STEP, "loss": {"float": []}}, "not a number"),
        ({"type": "step", "step": 1}, "no epoch, learning_rate, loss in step"),
        ({**EVALUATION, "part": "tset"}, "evaluation.part is 'tset', not one of"),
        ({**EVALUATION, "accuracy_interval": [0.1]}, "not a list of 2"),
        ({**EVALUATION, "confusion_KK": 3}, "evaluation.confusion_KK is '3', not a list"),
        ({**EVALUATION, "top_k_accuracy": []}, "not a mapping"),
        ({**EVALUATION, "per_class": [3]}, "evaluation.per_class is '3', not a mapping"),
    ],
)
def test_damage_is_named(plain, message):
    with pytest.raises(ValueError, match=message) as caught:
        from_plain(plain)
    assert not isinstance(caught.value, UnknownRecord)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"type": "layer"}, "a record of the unknown type 'layer'"),
        ({"type": 3}, "a record of the unknown type 3"),
        ({}, "a record of the unknown type None"),
        ({**STEP, "loss_scale": 1.0}, "an unknown field loss_scale in step"),
    ],
)
def test_what_a_newer_version_wrote_is_told_apart(plain, message):
    with pytest.raises(UnknownRecord, match=message):
        from_plain(plain)


def test_whole_numbers_are_numbers():
    record = from_plain(EVALUATION)
    assert isinstance(record.loss, float)  # type: ignore[union-attr]


def test_nothing_mutable_comes_back_in_tuples():
    record = through_json(finding(list=[1, [2]]))
    assert isinstance(record, Finding)
    assert record.evidence == {"list": (1, (2,))}
    assert through_json(ResumeRecord(step=0, epoch=0, checkpoint="last")) == ResumeRecord(
        step=0, epoch=0, checkpoint="last"
    )
    assert "type" not in EpochRecord.__dataclass_fields__

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.histories import course
from trainwright.diagnosis.diagnose import diagnose, ranked, severity_of
from trainwright.diagnosis.needs import present
from trainwright.diagnosis.rules import RULES
from trainwright.diagnosis.suspicion import Suspicion
from trainwright.runs import History


def suspicion(code: str, strength: float = 0.8, **changes: Any) -> Suspicion:
    usual = {"persistent": True, "harmful": True, "summary": code, "evidence": {}, "advice": {}}
    return Suspicion(code=code, strength=strength, **(usual | changes))


def told(*suspicions: Suspicion) -> list[tuple[str, str]]:
    return [(one.code, severity_of(one)) for one in ranked(list(suspicions))]


def test_a_healthy_run_has_no_findings_and_says_where_was_looked():
    diagnosis = diagnose(course().history)
    assert [finding for finding in diagnosis.findings if finding.severity != "note"] == []
    assert {"learning-rate-too-high", "dead-units", "overfitting"} <= set(diagnosis.looked_at)
    assert not diagnosis.impossible


def test_without_records_nothing_can_be_said_and_all_that_is_missing_is_told():
    diagnosis = diagnose(History())
    assert diagnosis.findings == ()
    assert diagnosis.looked_at == ()
    assert "watch" in diagnosis.impossible["dead-units"]


def test_an_effect_does_not_hide_its_cause():
    cause, effect = suspicion("cause", 0.6, explains=("effect",)), suspicion("effect", 1.0)
    assert told(effect, cause) == [("cause", "warn"), ("effect", "note")]


def test_a_cause_that_is_but_a_note_explains_nothing():
    cause, effect = suspicion("cause", harmful=False, explains=("effect",)), suspicion("effect")
    assert told(effect, cause) == [("effect", "warn"), ("cause", "note")]


def test_of_two_that_explain_each_other_the_clearer_stands():
    one, other = suspicion("one", 0.9, explains=("other",)), suspicion("other", 0.7, explains=("one",))
    assert told(other, one) == [("one", "warn"), ("other", "note")]


def test_a_circle_of_causes_leaves_one_standing():
    circle = [suspicion(str(place), 0.9 - place / 10, explains=(str((place + 1) % 3),)) for place in range(3)]
    assert ("0", "warn") in told(*circle)


def test_a_code_is_told_once_by_its_clearest_sign():
    assert told(suspicion("code", 0.6), suspicion("code", 0.9, fatal=True), suspicion("code", 1.0, harmful=False)) == [
        ("code", "stop")
    ]


def test_weak_signs_are_not_told_and_exact_ones_always():
    assert told(suspicion("weak", 0.4), suspicion("exact", 0.4, exact=True)) == [("exact", "warn")]


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, "warn"),
        ({"fatal": True}, "stop"),
        ({"harmful": False, "fatal": True}, "note"),
        ({"persistent": False}, "note"),
        ({"persistent": False, "exact": True}, "warn"),
    ],
)
def test_an_alarm_needs_a_sign_that_stays_and_harm(changes: dict[str, bool], severity: str):
    assert severity_of(suspicion("code", **changes)) == severity


CODES = st.sampled_from("abcde")


@given(
    st.lists(
        st.builds(
            suspicion,
            CODES,
            st.floats(0, 1),
            harmful=st.booleans(),
            exact=st.booleans(),
            fatal=st.booleans(),
            explains=st.lists(CODES).map(tuple),
        )
    )
)
def test_ranking_loses_no_code_and_silences_no_run_with_an_alarm(suspicions: list[Suspicion]):
    loud = [one for one in suspicions if one.strength >= 0.5 or one.exact]
    result = ranked(suspicions)
    assert {one.code for one in result} == {one.code for one in loud}
    assert len(result) == len({one.code for one in result})
    if any(severity_of(one) != "note" for one in loud):
        assert severity_of(result[0]) != "note"
    order = [("stop", "warn", "note").index(severity_of(one)) for one in result]
    assert order == sorted(order)


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 17, 90, 230])
def test_no_rule_stumbles_over_a_run_cut_off_anywhere(steps: int, watched: bool):
    cut = course(steps=steps, watched=watched, stop=None, probe_every=37)
    for rule in RULES:
        if rule.needs <= present(cut):
            found = rule.look(cut)
            assert found is None or found.code == rule.code

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trainwright.diagnosis import Known, LiveDiagnosis
from trainwright.diagnosis.live import LOUDNESS, PATIENCE, Told, news
from trainwright.runs import Columns, Finding, History, StepRecord


def finding(code: str = "dead-units", severity: Any = "warn", since_step: int | None = 8) -> Finding:
    return Finding(code=code, severity=severity, summary="s", since_step=since_step, diagnosed=True)


def told_over(*looks: list[Finding]) -> list[list[Finding]]:
    """Gives what is new in each of several looks, at steps 100, 200, …"""
    told, answers = Told(), []
    for number, found in enumerate(looks, 1):
        told, new = news(told, found, 100 * number)
        answers.append(list(new))
    return answers


def test_a_finding_is_told_once_its_sign_stays():
    dead = finding()
    more = replace(dead, summary="more of them")
    assert told_over([dead], [more], [dead], [dead]) == [[], [more], [], []]
    assert told_over([dead], [], [dead], []) == [[], [], [], []], "it never stayed"


def test_what_makes_going_on_pointless_or_was_checked_exactly_or_tried_is_told_at_once():
    stop, exact = finding(severity="stop"), replace(finding(), confidence=1.0)
    tried = replace(finding(), experiment={"kind": "rate-lower"})
    for urgent in (stop, exact, tried):
        assert told_over([urgent], [urgent]) == [[urgent], []]


def test_where_no_other_look_will_follow_nothing_waits():
    dead = finding()
    assert news(Told(), [dead], 100, patience=1)[1] == (dead,)
    told, _ = news(Told(), [finding(severity="stop")], 100)
    assert [one.severity for one in news(told, [dead], 200, patience=1)[1]] == ["warn"]
    assert [one.withdrawn for one in news(told, [], 200, patience=1)[1]] == [200]


def test_a_sign_that_is_gone_once_is_waited_for_and_gone_twice_is_withdrawn():
    dead = finding()
    told = told_over([dead], [dead], [], [dead], [], [])
    assert told == [[], [dead], [], [], [], [replace(dead, withdrawn=600)]]


def test_what_comes_back_is_told_as_new():
    dead, again = finding(), finding(since_step=350)
    assert told_over([dead], [dead], [], [], [again], [again])[-1] == [again]


def test_a_finding_that_grows_graver_is_told_again_with_the_step_of_the_first():
    note, warn, stop = finding(severity="note"), finding(since_step=150), finding(severity="stop", since_step=150)
    assert told_over([note], [note], [stop], [stop]) == [[], [note], [replace(stop, since_step=8)], []]
    assert told_over([note], [note], [warn], [warn]) == [[], [note], [], [replace(warn, since_step=8)]]


def test_a_finding_that_stays_milder_is_told_anew():
    stop, note = finding(severity="stop"), finding(severity="note", since_step=150)
    assert told_over([stop], [note], [stop], [note], [note]) == [[stop], [], [], [], [replace(note, since_step=8)]]


def test_a_finding_without_a_step_is_of_the_step_at_which_it_was_told():
    _, (told,) = told_over([finding(since_step=None)], [finding(since_step=None)])
    assert told.since_step == 200


def test_of_a_code_the_first_finding_counts():
    first, second = finding(severity="note"), finding(severity="stop")
    assert told_over([first, second], [first, second]) == [[], [first]]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["note", "warn", "stop"])), max_size=12))
def test_what_stands_is_what_was_told_and_not_withdrawn(looks):
    told, log = Told(), []
    for number, found in enumerate(looks, 1):
        told, new = news(told, [finding(code, severity) for code, severity in found.items()], number)
        log += new
        assert Told.of(log).standing.keys() <= {one.code for one in log}
        urgent = {code for code, severity in found.items() if severity == "stop"}
        stays = set(found).intersection(*looks[number - PATIENCE : number - 1]) if number >= PATIENCE else set()
        assert urgent | stays <= set(told.standing), "what cannot wait, and what stayed, stands"
        assert all(LOUDNESS[told.standing[code].severity] == LOUDNESS["stop"] for code in urgent)
    last = {one.code: one for one in log}
    assert told.standing == {code: one for code, one in last.items() if one.withdrawn is None}
    if len(looks) >= PATIENCE:
        assert not set(told.standing) - set().union(*looks[-PATIENCE:])


KNOWN = Known(recipe={"data.task": "classification"})


def losing(steps: int, losses: float = -1.0, **more: Any) -> History:
    rows = [StepRecord(step=step, epoch=1, learning_rate=0.1, loss=losses) for step in range(1, steps + 1)]
    return History(steps=Columns(tuple(rows)), **more)


def test_a_run_is_diagnosed_as_it_grows():
    live = LiveDiagnosis(KNOWN)
    assert live.look(History()) == ()
    (negative,) = live.look(losing(20))
    assert (negative.code, negative.severity, negative.diagnosed, negative.since_step) == (
        "negative-loss",
        "warn",
        True,
        1,
    )
    assert live.look(losing(40)) == ()


def test_a_resumed_run_is_not_told_twice():
    (negative,) = LiveDiagnosis(KNOWN).look(losing(20), last=True)
    assert LiveDiagnosis(KNOWN, [negative]).look(losing(40)) == ()


def test_what_the_loop_told_when_it_ended_is_left_to_it():
    ended = Finding(code="negative-loss", severity="stop", summary="s", since_step=3)
    assert LiveDiagnosis(KNOWN).look(losing(20, findings=(ended,))) == ()

"""What an experiment tells of a suspicion: confirmed, refuted, or no clearer than before; and when one is wanted."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.histories import BLIND, course, records
from trainwright.diagnosis import LiveDiagnosis
from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.diagnose import diagnose, finding_of, ranked, severity_of
from trainwright.diagnosis.experiments import STANDS, VERDICTS, WOULD_TELL, wanted, weighed, would_tell
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.suspicion import Suspicion
from trainwright.runs import ExperimentRecord, History


def made(kind: str = "rate-lower", **changes: Any) -> ExperimentRecord:
    usual = {
        "step": 400,
        "epoch": 10,
        "asked_by": ("learning-rate-too-high",),
        "steps": 60,
        "learning_rate": 3.0,
        "part": "valid",
        "pictures": 256,
        "loss_before": 1.0,
        "loss_as_is": 1.0,
        "loss_changed": 0.4,
        "error": 0.02,
    }
    return ExperimentRecord(kind=kind, **(usual | changes))  # type: ignore[arg-type]


def suspected(experiment: str | None = "rate-lower", **changes: Any) -> Suspicion:
    usual: dict[str, Any] = {"code": "learning-rate-too-high", "strength": 0.7, "persistent": True, "harmful": True}
    usual |= {"summary": "it is", "evidence": {"skill": 0.4}, "advice": {}, "experiment": experiment}
    return Suspicion(**(usual | changes))


def with_experiments(*experiments: ExperimentRecord, **changes: Any) -> Course:
    return Course(History.of([*records(stop=None, **changes), *experiments]))


def verdict(experiment: ExperimentRecord) -> str:
    return VERDICTS[experiment.kind](course(), experiment)


@pytest.mark.parametrize(
    ("experiment", "says"),
    [
        (made(), "confirmed"),
        (made(loss_as_is=math.inf, error=None), "confirmed"),
        (made(loss_changed=0.95), "refuted"),
        (made(loss_changed=0.8), "open"),  # a lower rate always calms a net down a little
        (made(loss_changed=0.4, error=0.5), "open"),
        (made(loss_as_is=BLIND, loss_changed=BLIND), "open"),  # it may be dead, or a tenth still too high
        (made("rate-higher", loss_before=2.300, loss_as_is=2.299, loss_changed=2.290, error=0.001), "confirmed"),
        (made("rate-higher", loss_before=2.3, loss_as_is=2.2, loss_changed=2.1), "open"),
        (made("rate-higher", loss_before=2.3, loss_as_is=2.2, loss_changed=2.19), "refuted"),
        (made("rate-higher", loss_before=2.3, loss_as_is=2.2, loss_changed=math.inf, error=None), "refuted"),
        (made("augmentation-off"), "confirmed"),
        (made("augmentation-off", loss_changed=0.96), "refuted"),
        (made("augmentation-off", loss_changed=0.83), "open"),
        (made("augmentation-off", part="train"), "open"),  # what was learned by heart proves nothing
        (made("one-batch", part="train", loss_changed=1.5), "confirmed"),
        (made("one-batch", part="train", loss_changed=0.05), "refuted"),
        (made("one-batch", part="train", loss_changed=0.6), "open"),
    ],
)
def test_what_an_experiment_says(experiment, says):
    assert verdict(experiment) == says


@given(
    st.sampled_from(sorted(WOULD_TELL)),
    st.floats(0.01, 5.0),
    st.floats(0.01, 5.0) | st.just(math.inf),
    st.floats(0.01, 5.0) | st.just(math.inf),
)
def test_two_copies_that_end_alike_confirm_nothing_but_a_batch_that_is_not_learned(kind, before, as_is, changed):
    experiment = made(kind, loss_before=before, loss_as_is=as_is, loss_changed=changed, error=0.02)
    assert verdict(experiment) in ("confirmed", "refuted", "open")
    alike = made(kind, loss_before=before, loss_as_is=as_is, loss_changed=as_is, error=0.02)
    assert kind == "one-batch" or verdict(alike) != "confirmed"


def test_what_is_confirmed_is_an_alarm_that_is_named_first_with_its_numbers():
    tried = with_experiments(made())
    told = weighed(tried, suspected(persistent=False, harmful=False))
    assert told is not None
    assert severity_of(told) == "warn"
    assert told.evidence["loss_as_is"] == 1.0
    assert told.evidence["loss_changed"] == 0.4
    assert told.evidence["skill"] == 0.4
    assert "60 steps of a copy at a tenth of the rate (0.3) take the loss of validation from 1 to 0.4" in told.summary
    other = suspected(None, code="dead-units", strength=1.0)
    assert ranked([other, told])[0].code == "learning-rate-too-high"
    assert finding_of(told).experiment == "rate-lower"


def test_what_is_refuted_is_no_suspicion_and_what_stays_open_is_the_one_it_was():
    assert weighed(with_experiments(made(loss_changed=0.99)), suspected()) is None
    undecided = weighed(with_experiments(made(loss_changed=0.8)), suspected())
    assert undecided is not None
    assert (undecided.strength, undecided.confirmed) == (0.7, False)
    assert "tried at step 400" in undecided.summary
    assert finding_of(undecided).experiment is None
    alone = suspected()
    assert weighed(with_experiments(made("rate-higher")), alone) is alone
    assert weighed(with_experiments(made()), suspected(None)) == suspected(None)


def test_an_experiment_is_wanted_where_a_cause_does_harm_and_is_not_certain():
    tried = with_experiments()
    assert wanted(tried, [suspected()])[0].kind == "rate-lower"
    assert wanted(tried, [suspected()])[0].codes == ("learning-rate-too-high",)
    assert wanted(tried, [suspected(persistent=False)]), "nearly an alarm"
    assert wanted(tried, [suspected(harmful=False)]) == ()
    assert wanted(tried, [suspected(strength=0.95)]) == ()
    assert wanted(tried, [suspected(exact=True)]) == ()
    assert wanted(tried, [suspected(None)]) == ()
    assert wanted(tried, [suspected(strength=0.99, confirmed=True)]) == ()


def test_two_causes_that_tie_are_told_apart_though_both_look_certain():
    tried = with_experiments()
    first, second = suspected(strength=0.95), suspected("one-batch", code="model-too-small", strength=0.92)
    assert [one.kind for one in wanted(tried, [first, second])] == ["rate-lower", "one-batch"]
    clear = suspected("one-batch", code="model-too-small", strength=0.7)
    assert [one.kind for one in wanted(tried, [first, clear])] == ["one-batch"]
    alike = suspected(code="schedule-mismatch", strength=0.92)
    assert [(one.kind, one.codes) for one in wanted(tried, [first, alike])] == [
        ("rate-lower", ("learning-rate-too-high", "schedule-mismatch"))
    ]


def test_an_experiment_is_made_once_until_the_run_is_another():
    soon = with_experiments(made(step=400 // STANDS))
    assert wanted(soon, [suspected()]) == ()
    late = with_experiments(made(step=400 // STANDS - 1, loss_changed=1.0))
    assert wanted(late, [suspected()])
    assert weighed(late, suspected()) == suspected(), "what it told then counts no longer"


def test_a_rate_is_tried_near_its_height_alone():
    falling = with_experiments(rate=lambda step: 0.1 if step < 300 else 0.01)
    assert wanted(falling, [suspected()]) == ()
    assert wanted(falling, [suspected("one-batch", code="model-too-small")])


def test_an_alarm_that_nobody_tried_says_what_would_tell():
    untried = with_experiments()
    assert would_tell(untried, suspected()) == f"; this would tell: {WOULD_TELL['rate-lower']}"
    assert would_tell(with_experiments(made()), suspected()) == ""
    assert would_tell(untried, suspected(strength=0.95)) == ""
    assert finding_of(suspected(), "; this would tell: x").summary == "it is; this would tell: x"
    assert finding_of(suspected(harmful=False), "; this would tell: x").summary == "it is"


BOUNCING = {"loss_after": lambda step: 5.0 if step % 30 else 1.1, "loss": 1.2, "updates": (0.05,) * 4}


def bouncing(*experiments: ExperimentRecord) -> History:
    """A run that bounces, as in the tests of the rule."""
    told = records(loss=lambda step: 1.2 + 0.3 * math.sin(step), probe=BOUNCING, stop=None)
    return History.of([*told, *experiments])


def test_a_run_that_bounces_asks_and_is_answered():
    before = diagnose(bouncing())
    assert [one.kind for one in before.wanted] == ["rate-lower"]
    assert before.findings[0].code == "learning-rate-too-high"
    assert "this would tell" in before.findings[0].summary
    confirmed = diagnose(bouncing(made()))
    assert (confirmed.findings[0].code, confirmed.findings[0].experiment) == ("learning-rate-too-high", "rate-lower")
    assert confirmed.wanted == ()
    refuted = diagnose(bouncing(made(loss_changed=1.0)))
    assert "learning-rate-too-high" not in {one.code for one in refuted.findings}


def test_a_healthy_run_wants_no_experiment():
    assert diagnose(course().history).wanted == ()


def test_while_experiments_can_be_made_nothing_is_told_before_them_and_what_they_confirm_is_told_anew():
    live = LiveDiagnosis()
    assert live.look(bouncing(), asking=True) == ()
    assert [one.kind for one in live.wanted] == ["rate-lower"]
    assert live.look(bouncing()) == (), "a sign that was seen once"
    assert live.look(bouncing())[0].experiment is None
    anew = live.look(bouncing(made()))
    assert [(one.code, one.experiment) for one in anew] == [("learning-rate-too-high", "rate-lower")]
    assert live.look(bouncing(made()), asking=True) == ()
    assert live.wanted == ()


def slow(times: float, *experiments: ExperimentRecord) -> History:
    """A run whose rate is too low: its whole way is so many times what is still told."""
    usual = limit("travel.low.normalized", 0.3)
    short = {
        "updates": (times * usual / 400,) * 4,
        "predicted_change": -0.01,
        "loss": BLIND,
        "loss_after": BLIND - 0.01,
    }
    told = records(
        loss=lambda step: BLIND - step / 1e4, probe=short, clean={"loss": BLIND}, valid={"loss": BLIND}, stop=None
    )
    return History.of([*told, *experiments])


def test_a_hunch_is_told_only_where_an_experiment_confirms_it():
    assert [one.code for one in diagnose(slow(0.5)).findings][:1] == ["learning-rate-too-low"]
    hunch = diagnose(slow(2.0))
    assert "learning-rate-too-low" not in {one.code for one in hunch.findings}
    assert ("rate-higher", ("learning-rate-too-low",)) in [(one.kind, one.codes) for one in hunch.wanted]
    faster = {"loss_before": 2.3, "loss_as_is": 2.29, "loss_changed": 2.1}
    confirmed = diagnose(slow(2.0, made("rate-higher", **faster)))
    assert (confirmed.findings[0].code, confirmed.findings[0].experiment) == ("learning-rate-too-low", "rate-higher")
    assert "rate-higher" not in {one.kind for one in diagnose(slow(4.0)).wanted}


def test_pictures_altered_beyond_recognition_are_a_hunch_that_asks_to_leave_them_unaltered():
    recipe = Known(recipe={"augment.policy": "none", "augment.rotate": 180.0})
    hidden = {"loss": BLIND, "clean": {"loss": 1.6, "accuracy": 0.4}, "batched": {"loss": 1.6, "accuracy": 0.4}}
    history = History.of(records(**hidden, stop=None))
    asked = diagnose(history, recipe)
    assert "augmentation-harmful" not in {one.code for one in asked.findings}
    assert "augmentation-off" in {one.kind for one in asked.wanted}
    tried = History.of([*records(**hidden, stop=None), made("augmentation-off")])
    told = diagnose(tried, recipe).findings[0]
    assert (told.code, told.severity, told.experiment) == ("augmentation-harmful", "warn", "augmentation-off")
    plain = Known(recipe={"augment.policy": "none", "augment.rotate": 0.0, "augment.transform": "none"})
    for nobody_alters in (Known(), plain):
        assert "augmentation-off" not in {one.kind for one in diagnose(history, nobody_alters).wanted}

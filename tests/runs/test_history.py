from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.runs import (
    EpochRecord,
    EvaluationRecord,
    Finding,
    History,
    Record,
    ResumeRecord,
    RetrainRecord,
    StepRecord,
    StopRecord,
    without_lost_work,
)


def step(number: int, loss: float = 1.0) -> StepRecord:
    return StepRecord(step=number, epoch=(number - 1) // 10 + 1, learning_rate=0.1, loss=loss)


def epoch(number: int, *, best: bool = False, accuracy: float | None = 0.5) -> EpochRecord:
    return EpochRecord(
        epoch=number,
        step=number * 10,
        learning_rate=0.1,
        train_loss=1.0,
        train_accuracy=0.5,
        valid_loss=None,
        valid_accuracy=accuracy,
        best=best,
        train_time_s=1.0,
        valid_time_s=0.1,
        pictures_per_s=100.0,
        data_wait_share=0.0,
        memory_mib=10.0,
    )


def evaluation(part: str, number: int) -> EvaluationRecord:
    return EvaluationRecord(
        part=part,  # type: ignore[arg-type]
        epoch=number,
        pictures=1,
        accuracy=1.0,
        accuracy_interval=(0.2, 1.0),
        balanced_accuracy=1.0,
        top_k_accuracy={"1": 1.0},
        loss=0.1,
        calibration_error=0.0,
        per_class=(),
        confusion_KK=((1,),),
    )


def finding(code: str, since_step: int | None = None) -> Finding:
    return Finding(code=code, severity="note", summary=code, since_step=since_step)


def stop(kind: str, number: int) -> StopRecord:
    return StopRecord(reason=kind, kind=kind, epoch=number // 10, step=number, best_epoch=1, train_time_s=1.0)  # type: ignore[arg-type]


def resume(number: int) -> ResumeRecord:
    return ResumeRecord(step=number, epoch=number // 10, checkpoint="last")


def test_rows_and_columns():
    history = History.of([step(1, 3.0), step(2, 2.0), epoch(1), epoch(2, best=True), epoch(3)])
    assert history.steps["loss"] == (3.0, 2.0)
    assert history.epochs["valid_loss"] == (None, None, None)
    assert len(history.epochs) == 3
    assert history.epochs.rows[1].best
    assert history.best == epoch(2, best=True)
    assert len(History().epochs) == 0
    assert History().best is None
    with pytest.raises(AttributeError):
        history.steps["lost"]


def test_a_run_that_was_never_interrupted_is_kept_whole():
    records = [step(1), finding("a"), epoch(1), evaluation("test", 1), stop("completed", 10)]
    assert without_lost_work(records) == records


def test_lost_work_goes_with_its_findings_and_evaluations():
    before = [step(9), finding("audit"), epoch(1), evaluation("valid", 1), step(15), finding("early", 12)]
    lost = [step(16), finding("late", 3), finding("no step"), evaluation("valid", 1), epoch(2), stop("interrupted", 20)]
    after = [resume(15), step(16), epoch(2)]
    assert without_lost_work([*before, *lost, *after]) == [*before, *after]


@pytest.mark.parametrize(
    "first_lost", [step(16), epoch(2), evaluation("valid", 2), finding("x", 16), stop("interrupted", 16)]
)
def test_any_record_beyond_the_point_begins_the_lost_work(first_lost):
    assert without_lost_work([step(15), first_lost, finding("later"), resume(15)]) == [step(15), resume(15)]


def test_findings_without_a_step_before_the_lost_work_stay():
    records = [step(15), finding("no step"), resume(15)]
    assert without_lost_work(records) == records


def test_a_second_resume_further_back_undoes_more_but_forgets_no_resume():
    records = [step(5), step(10), resume(8), step(9), step(12), resume(4), step(5)]
    assert without_lost_work(records) == [resume(8), resume(4), step(5)]


def test_a_resume_from_the_start_undoes_all():
    assert without_lost_work([finding("audit"), step(1), epoch(1), resume(0)]) == [finding("audit"), resume(0)]


runs = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), max_size=4)


@given(runs=runs)
def test_what_remains_is_as_if_never_interrupted(runs):
    """Works forward, is killed, and resumes at a checkpoint that it has passed, several times."""
    log, at = [], 0
    for forward, back in runs:
        log += [step(number) for number in range(at + 1, at + forward + 1)]
        at = max(0, at + forward - back)
        log.append(resume(at))
    log += [step(at + 1)]
    kept = without_lost_work(log)
    assert [record.step for record in kept if isinstance(record, StepRecord)] == list(range(1, at + 2))
    assert sum(isinstance(record, ResumeRecord) for record in kept) == len(runs)
    assert without_lost_work(kept) == kept


def test_the_end_of_a_run():
    done = History.of([epoch(1), stop("completed", 10)])
    assert done.finished
    assert done.stop == stop("completed", 10)
    assert History.of([epoch(1), stop("early-stopping", 10)]).finished
    interrupted = History.of([epoch(1), stop("interrupted", 10)])
    assert not interrupted.finished
    going_on = History.of([epoch(1), stop("interrupted", 10), resume(10)])
    assert going_on.stop is None
    assert going_on.resumes == (resume(10),)
    assert not going_on.finished


def test_the_latest_evaluation_of_a_part_counts():
    latest = replace(evaluation("test", 1), loss=0.2)
    history = History.of([evaluation("test", 1), evaluation("valid", 1), latest])
    assert history.evaluation("test") == latest
    assert history.evaluation("train") is None
    assert len(history.evaluations) == 3


def test_findings_are_kept_in_order():
    assert [one.code for one in History.of([finding("b"), step(1), finding("a")]).findings] == ["b", "a"]


SECOND = RetrainRecord(way="restart", step=20, epoch=2, best_epoch=1, epochs=1, pictures=12, added=2)


def ended(number: int, reason: str) -> StopRecord:
    return StopRecord(reason=reason, kind="completed", epoch=number, step=10 * number, best_epoch=1, train_time_s=1.0)


def two_stages() -> list[Record]:
    first = [step(5), epoch(1, best=True), step(15), epoch(2), ended(2, "first")]
    return [*first, SECOND, step(25), replace(epoch(3), stage="retrain"), ended(3, "second")]


def test_a_second_stage_has_an_end_of_its_own():
    records = two_stages()
    both = History.of(records)
    assert (both.first_stop.reason, both.stop.reason, both.finished) == ("first", "second", True)
    assert both.best.epoch == 1
    assert both.epochs["stage"] == ("first", "first", "retrain")
    under_way = History.of(records[:-1])
    assert under_way.stop is None
    assert not under_way.finished
    assert under_way.first_stop.reason == "first"
    alone = History.of(records[:5])
    assert (alone.retrain, alone.first_stop, alone.stop.reason) == (None, None, "first")


def test_a_resume_in_the_second_stage_leaves_the_first_as_it_was():
    back = ResumeRecord(step=25, epoch=2, checkpoint="retraining/last")
    history = History.of([*two_stages()[:-1], back, replace(epoch(3), stage="retrain"), ended(3, "again")])
    assert history.epochs["epoch"] == (1, 2, 3)
    assert history.steps["step"] == (5, 15, 25)
    assert history.retrain == SECOND
    assert (history.first_stop.reason, history.stop.reason) == ("first", "again")


def test_a_resume_at_the_end_of_the_first_stage_loses_all_of_the_second_but_its_beginning():
    back = ResumeRecord(step=20, epoch=2, checkpoint="last")
    history = History.of([*two_stages(), back, ended(2, "first again"), SECOND])
    assert history.epochs["epoch"] == (1, 2)
    assert history.retrain == SECOND
    assert (history.first_stop.reason, history.stop) == ("first again", None)


def test_a_resume_within_the_first_stage_loses_the_second():
    back = ResumeRecord(step=12, epoch=1, checkpoint="last")
    history = History.of([*two_stages(), back])
    assert history.retrain is None
    assert history.epochs["epoch"] == (1,)


def test_the_first_stage_stands_alone_with_its_own_end():
    both = History.of(two_stages())
    first = both.first_stage
    assert (first.steps["step"], first.epochs["epoch"], first.stop.reason) == ((5, 15), (1, 2), "first")
    assert (first.retrain, first.first_stop) == (None, None)
    assert first.first_stage is first


def test_a_diagnosed_finding_stands_as_it_was_told_last_and_others_as_often_as_they_were_told():
    one = replace(finding("a", 3), diagnosed=True)
    graver, gone, later = replace(one, severity="stop"), replace(one, withdrawn=9), replace(one, since_step=40)
    told = [finding("a", 3), one, graver, finding("a", 3), gone, later]
    assert History.of(told).findings == (finding("a", 3), gone, finding("a", 3), later)

from __future__ import annotations

from typing import Any

import pytest

from trainwright.reporting.views.headline import headline
from trainwright.reporting.views.judgement import judgement
from trainwright.runs import EpochRecord


@pytest.fixture
def epochs(invent: Any) -> list[EpochRecord]:
    return [invent.epoch_record(n, done=n / 3) for n in (1, 2, 3)]


def test_a_finished_run_says_result_interval_baseline_and_end(invent: Any, epochs: list[EpochRecord]) -> None:
    judged = judgement(invent.evaluation([str(n) for n in range(10)], each=36, wrong=1))
    view = headline(judged, epochs, invent.stop_record("completed", 3), 3)
    assert (view.outcome, view.right, view.pictures) == ("completed", 351, 360)
    assert view.verdict == "97.5\xa0% of the test pictures are named correctly."
    text = " ".join(view.sentences).replace("\xa0", " ")
    assert "351 of 360 pictures that were set apart got the right name." in text
    assert "lies, with 95 % confidence, between 95.3 and 98.7 %" in text
    assert "More test pictures would narrow that range." in text
    assert "Always giving the most frequent answer would be right for 10.0 %." in text
    assert "Training went through 3 of 3 epochs and took 12 s. The weights of epoch 2 are kept as the result." in text


def test_a_net_no_better_than_guessing_is_called_so(invent: Any, epochs: list[EpochRecord]) -> None:
    judged = judgement(invent.evaluation(["a", "b"], each=10, wrong=6))
    text = " ".join(headline(judged, epochs, invent.stop_record("completed", 3), 3).sentences)
    assert "has not been shown to do better than that" in text


def test_a_validation_result_is_called_flattering(invent: Any, epochs: list[EpochRecord]) -> None:
    judged = judgement(invent.evaluation(["a", "b"], part="valid", each=2000))
    view = headline(judged, epochs, invent.stop_record("completed", 3), 3)
    assert any("flatters the net" in sentence for sentence in view.sentences)
    assert not any("would narrow" in sentence for sentence in view.sentences)


@pytest.mark.parametrize(
    ("kind", "verdict", "course"),
    [
        ("completed", "no test of the net is on record", "Training went through 3 of 5 epochs"),
        ("early-stopping", "no test of the net is on record", "Training stopped early, after 3 of 5 epochs"),
        ("interrupted", "Training was interrupted", "(interrupted by SIGINT); it can go on from there"),
        ("non-finite-loss", "Training broke down", "the loss became nan at step 41"),
    ],
)
def test_each_end_without_a_judgement_has_its_words(
    kind: str, verdict: str, course: str, invent: Any, epochs: list[EpochRecord]
) -> None:
    view = headline(None, epochs, invent.stop_record(kind, 3), 5)
    assert verdict in view.verdict
    assert course in view.sentences[-1]
    assert view.accuracy is None


def test_a_run_without_an_end_says_that_a_file_cannot_tell_why(epochs: list[EpochRecord]) -> None:
    view = headline(None, epochs, None, 30)
    assert view.outcome == "unfinished"
    assert view.sentences[-1].startswith("So far 3 of 30 epochs done. No end is on record: it is still training, or")
    assert view.train_time_s == pytest.approx(3.3)
    assert headline(None, [], None, None).sentences == (
        "So far 0 epochs done. No end is on record: it is still training, or it was cut off.",
    )

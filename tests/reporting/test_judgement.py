from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.reporting.views.judgement import MOST_PAIRS, class_rows, confusion, judgement
from trainwright.runs import ClassScore, EvaluationRecord

counts = st.integers(1, 8).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 50), min_size=k, max_size=k), min_size=k, max_size=k)
)


@given(counts)
def test_confusion_keeps_every_picture(counts_KK: list[list[int]]) -> None:
    view = confusion([str(i) for i in range(len(counts_KK))], counts_KK)
    assert sum(map(sum, view.counts_KK)) == sum(map(sum, counts_KK))
    for row, shares in zip(counts_KK, view.shares_KK, strict=True):
        assert sum(shares) == pytest.approx(1.0 if sum(row) else 0.0)
    wrong = sorted((c for i, row in enumerate(counts_KK) for j, c in enumerate(row) if i != j and c), reverse=True)
    assert [pair.pictures for pair in view.pairs] == wrong[:MOST_PAIRS]


def test_pairs_name_what_it_is_and_what_it_was_called() -> None:
    first, second = confusion(["cat", "dog"], [[6, 4], [1, 9]]).pairs
    assert (first.label, first.predicted, first.pictures, first.share) == ("cat", "dog", 4, 0.4)
    assert (second.label, second.predicted, second.pictures, second.share) == ("dog", "cat", 1, 0.1)


def test_classes_come_weakest_first_and_those_without_pictures_last(invent: Any) -> None:
    record = invent.evaluation(["a", "b", "c"], each=10, wrong=1)
    empty = ClassScore(label="none", pictures=0, precision=None, recall=None, f1=None)
    rows = class_rows(EvaluationRecord(**{**vars(record), "per_class": (*record.per_class, empty)}))
    assert [(row.label, row.found) for row in rows] == [("c", 8), ("b", 9), ("a", 10), ("none", 0)]
    assert rows[0].recall_interval == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert rows[-1].recall_interval is None


def test_judgement_counts_and_compares_with_guessing(invent: Any) -> None:
    view = judgement(invent.evaluation(["a", "b", "c", "d"], each=25, wrong=1))
    assert (view.right, view.pictures, view.accuracy) == (97, 100, 0.97)
    assert view.majority_share == 0.25
    assert view.top_5_accuracy is None
    assert judgement(invent.evaluation([str(n) for n in range(6)])).top_5_accuracy == 1.0


def test_mistakes_find_their_pictures_by_their_place(tmp_path: Path, invent: Any) -> None:
    (tmp_path / "0001.png").write_bytes(b"x")
    view = judgement(invent.evaluation(["a", "b", "c"], wrong=1), tmp_path)
    assert [mistake.picture for mistake in view.mistakes] == [None, tmp_path / "0001.png", None]
    assert [mistake.label for mistake in view.mistakes] == ["b", "c", "c"]
    assert all(mistake.picture is None for mistake in judgement(invent.evaluation(["a", "b", "c"])).mistakes)

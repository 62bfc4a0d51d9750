"""The laws of a split, on data of every shape that Hypothesis comes up with."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.splitting import connected, split_pictures

Columns = tuple[list[str], list[str], list[list[int]]]


@st.composite
def data(draw: st.DrawFn, groups: bool = True) -> Columns:
    """Names, labels and sets of rows that belong together."""
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=6))
    labels = [f"c{number}" for number, size in enumerate(sizes) for _ in range(size)]
    names = [f"{number:04d}" for number in draw(st.permutations(range(len(labels))))]
    rows = st.lists(st.integers(0, len(labels) - 1), min_size=2, max_size=5)
    together = draw(st.lists(rows, max_size=8)) if groups else []
    return names, labels, together


def split(columns: Columns, valid: float = 0.1, test: float = 0.2, seed: int = 0, given: list | None = None) -> list:
    names, labels, together = columns
    nothing = [None] * len(names)
    return split_pictures(names, labels, given or nothing, together, valid_share=valid, test_share=test, seed=seed)


@settings(deadline=None)
@given(data(), st.floats(0, 0.5), st.floats(0, 0.5), st.integers(0, 5))
def test_groups_stay_whole_and_every_class_can_be_learned(
    columns: Columns, valid: float, test: float, seed: int
) -> None:
    parts = split(columns, valid, test, seed)
    assert len(parts) == len(columns[0])
    for group in columns[2]:
        assert len({parts[row] for row in group}) == 1
    assert set(parts) <= {"train", *(["valid"] if valid else []), *(["test"] if test else [])}
    assert {label for label, part in zip(columns[1], parts, strict=True) if part == "train"} == set(columns[1])


@settings(deadline=None)
@given(data(groups=False), st.floats(0.02, 0.45), st.floats(0.02, 0.45))
def test_shares_are_met_in_every_class(columns: Columns, valid: float, test: float) -> None:
    parts = split(columns, valid, test)
    counts = Counter(zip(columns[1], parts, strict=True))
    sizes = Counter(columns[1])
    shares = {"test": test, "valid": valid * (1 - test)}
    for label, size in sizes.items():
        for part, share in shares.items():
            exact = size * share
            assert abs(counts[label, part] - exact) < 1 or counts[label, part] == 1 or size <= 2 or exact > size - 2
        assert counts[label, "train"] >= 1
        if size >= 2:
            assert counts[label, "test"] >= 1
        if size >= 3:
            assert counts[label, "valid"] >= 1


@settings(deadline=None)
@given(data(), st.integers(0, 100), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_count(columns: Columns, seed: int, random: object) -> None:
    names, labels, together = columns
    order = list(range(len(names)))
    random.shuffle(order)  # pyright: ignore
    back = {row: place for place, row in enumerate(order)}
    shuffled = [names[row] for row in order], [labels[row] for row in order]
    moved = (*shuffled, [[back[row] for row in group] for group in together])
    parts = dict(zip(names, split(columns, seed=seed), strict=True))
    assert parts == dict(zip(moved[0], split(moved, seed=seed), strict=True))


def test_the_seed_decides() -> None:
    columns = [f"{number:03d}" for number in range(100)], ["a", "b"] * 50, []
    assert split(columns, seed=1) == split(columns, seed=1)
    assert split(columns, seed=1) != split(columns, seed=2)


def test_shares_of_a_plain_set() -> None:
    columns = [f"{number:04d}" for number in range(1000)], [str(number % 10) for number in range(1000)], []
    counts = Counter(zip(columns[1], split(columns), strict=True))
    assert {counts[str(label), "test"] for label in range(10)} == {20}
    assert {counts[str(label), "valid"] for label in range(10)} == {8}


def test_large_groups_come_as_near_as_they_can() -> None:
    labels = ["a"] * 60 + ["b"] * 60
    groups = [list(range(start, start + 6)) for start in range(0, 120, 6)]
    counts = Counter(split(([f"{row:03d}" for row in range(120)], labels, groups)))
    assert counts == {"train": 84, "test": 24, "valid": 12}


@pytest.mark.parametrize(
    ("size", "expected"), [(1, {"train"}), (2, {"train", "test"}), (3, {"train", "test", "valid"})]
)
def test_a_small_class_goes_where_it_is_needed_first(size: int, expected: set[str]) -> None:
    labels = ["big"] * 50 + ["small"] * size
    parts = split(([f"{row:03d}" for row in range(len(labels))], labels, []))
    assert set(parts[50:]) == expected


def test_a_class_in_two_groups_is_learned_and_tested() -> None:
    labels = ["a"] * 40 + ["b"] * 20
    parts = split(([f"{row:03d}" for row in range(60)], labels, [list(range(40, 50)), list(range(50, 60))]))
    assert {*parts[40:50]} != {*parts[50:60]}
    assert {*parts[40:]} == {"train", "test"}


def test_a_class_that_hangs_on_others_is_learned_all_the_same() -> None:
    labels = ["a"] * 3 + ["b"]
    for seed in range(20):
        parts = split((["0", "1", "2", "3"], labels, [[2, 3]]), valid=0.3, test=0.4, seed=seed)
        assert parts[3] == "train"


def test_given_parts_stay_and_only_the_training_part_is_cut() -> None:
    names, labels = [f"{row:03d}" for row in range(200)], ["a", "b"] * 100
    with_test = ["train"] * 150 + ["test"] * 50
    parts = split((names, labels, []), given=with_test)
    assert parts[150:] == ["test"] * 50
    assert Counter(parts[:150]) == {"train": 135, "valid": 15}
    with_valid = ["train"] * 150 + ["valid"] * 50
    parts = split((names, labels, []), given=with_valid)
    assert parts[150:] == ["valid"] * 50
    assert Counter(parts[:150]) == {"train": 120, "test": 30}
    everything = ["train"] * 100 + ["valid"] * 50 + ["test"] * 50
    assert split((names, labels, []), given=everything) == everything
    assert split((names, labels, []), valid=0, test=0) == ["train"] * 200


def test_copies_across_given_parts_move_nothing() -> None:
    names, labels = [f"{row:03d}" for row in range(40)], ["a", "b"] * 20
    given_parts = ["train"] * 30 + ["test"] * 10
    assert split((names, labels, [[0, 35], [1, 2]]), given=given_parts)[30:] == ["test"] * 10


def test_overlapping_sets_join() -> None:
    assert connected(range(6), [(0, 2), (2, 4), (5, 9)]) == {0: 0, 1: 1, 2: 0, 3: 3, 4: 0, 5: 5}


def test_a_hundred_thousand_pictures_are_split_in_seconds() -> None:
    count = 100_000
    names = [f"{number:06d}" for number in range(count)]
    labels = [f"{number % 100}" for number in range(count)]
    groups = np.arange(count).reshape(-1, 4)[:10_000].tolist()
    start = time.perf_counter()
    counts = Counter(split((names, labels, groups)))
    assert time.perf_counter() - start < 15
    assert abs(counts["test"] - 20_000) <= 50


@settings(deadline=None)
@given(data(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_every_one_of_several_labels_can_be_learned(columns: Columns, seed: int, random: object) -> None:
    names, _, together = columns
    learned = [{f"l{number}" for number in range(12) if random.random() < 1 / (number + 2)} for _ in names]  # type: ignore[attr-defined]
    rarest = [max(labels, default="") for labels in learned]

    def parts_of(order: list[int]) -> dict[str, str]:
        place = {row: position for position, row in enumerate(order)}
        parts = split_pictures(
            [names[row] for row in order],
            [rarest[row] for row in order],
            [None] * len(order),
            [[place[row] for row in rows] for rows in together],
            valid_share=0.3,
            test_share=0.3,
            seed=seed,
            learned=[learned[row] for row in order],
        )
        return dict(zip([names[row] for row in order], parts, strict=True))

    rows = list(range(len(names)))
    found = parts_of(rows)
    met = {label for name, labels in zip(names, learned, strict=True) if found[name] == "train" for label in labels}
    assert met == set().union(*learned)
    assert all(len({found[names[row]] for row in group}) == 1 for group in together)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert parts_of(rows) == found


def test_a_label_that_others_carry_away_is_brought_into_training() -> None:
    learned = [{"rare", "common"}] * 2 + [{"common"}] * 8
    given_parts = ["test"] + [None] * 9
    for seed in range(20):
        parts = split_pictures(
            "abcdefghij", ["all"] * 10, given_parts, [], valid_share=0.5, test_share=0.1, seed=seed, learned=learned
        )
        assert parts[0] == "test", "what the data put into a part stays there"
        assert parts[1] == "train"

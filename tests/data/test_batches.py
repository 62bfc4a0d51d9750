"""The order of an epoch, batches from memory and from disk, and the thread that reads ahead."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trainwright.data.batches import READ_AHEAD, batches, eval_batches, order


class StandIn:
    """A part whose picture at position r is filled with r; remembers what was asked for, and by which thread."""

    def __init__(
        self, count: int, *, on_disk: bool = False, weighted: bool = False, fails_at: int | None = None
    ) -> None:
        self.stored = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(count, 1, 2, 2)
        self.labels_N = torch.arange(count) % 3
        self.samples_N = torch.arange(count) + 1000
        self.weights_N = torch.arange(count).float() if weighted else None
        self.on_disk = on_disk
        self.pairs_P2 = None
        self.fails_at = fails_at
        self.asked: list[list[int]] = []
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return len(self.stored)

    def images(self, rows: torch.Tensor) -> torch.Tensor:
        if len(self.asked) == self.fails_at:
            raise OSError("the disk is gone")
        self.asked.append(rows.tolist())
        self.threads.add(threading.current_thread().name)
        return self.stored[rows]


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("trainwright-read-ahead")]


def contents(walk):
    return [
        (batch.images_NCHW[:, 0, 0, 0].tolist(), batch.labels_N.tolist(), batch.samples_N.tolist()) for batch in walk
    ]


@given(st.integers(0, 2**40), st.integers(0, 1000), st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_order_is_a_permutation_and_a_pure_function(seed, epoch, count):
    first = order(seed, epoch, count)
    assert first.dtype == np.int64
    assert np.array_equal(np.sort(first), np.arange(count))
    assert np.array_equal(first, order(seed, epoch, count))


def test_order_is_fixed_for_all_time():
    # Worked out once; a change here would break the resume of every run in the field.
    assert order(0, 1, 8).tolist() == [2, 5, 1, 6, 0, 4, 3, 7]


def test_epochs_and_seeds_differ():
    base = order(0, 1, 1000)
    for other in (order(0, 2, 1000), order(1, 1, 1000)):
        assert (base == other).mean() < 0.02
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.15


def test_every_permutation_is_as_likely():
    seen = [tuple(order(seed, epoch, 4)) for seed in range(10) for epoch in range(240)]
    counts = [seen.count(permutation) for permutation in itertools.permutations(range(4))]
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("on_disk", [False, True])
def test_an_epoch_sees_everything_once_but_the_short_rest(on_disk):
    part = StandIn(23, on_disk=on_disk, weighted=True)
    walk = list(batches(part, 5, seed=1, epoch=2))
    assert [len(batch.labels_N) for batch in walk] == [5, 5, 5, 5]
    rows = torch.cat([batch.images_NCHW[:, 0, 0, 0] for batch in walk]).long()
    assert rows.tolist() == order(1, 2, 23)[:20].tolist()
    for batch in walk:
        own = batch.images_NCHW[:, 0, 0, 0].long()
        assert batch.images_NCHW.dtype == torch.uint8
        assert torch.equal(batch.labels_N, own % 3)
        assert torch.equal(batch.samples_N, own + 1000)
        assert torch.equal(batch.weights_N, own.float())


@pytest.mark.parametrize("on_disk", [False, True])
@given(count=st.integers(0, 40), batch_size=st.integers(1, 12), start=st.integers(0, 6))
@settings(max_examples=25, deadline=None)
def test_an_epoch_is_taken_up_in_its_middle(on_disk, count, batch_size, start):
    part = StandIn(count, on_disk=on_disk)
    whole = contents(batches(part, batch_size, seed=3, epoch=4))
    assert contents(batches(part, batch_size, seed=3, epoch=4, start=start)) == whole[start:]


@given(st.integers(1, 60), st.integers(1, 60))
def test_on_request_no_picture_is_left_out_and_batches_are_nearly_equal(count, batch_size):
    walk = list(batches(StandIn(count), batch_size, seed=1, epoch=1, every_picture=True))
    sizes = [len(batch.labels_N) for batch in walk]
    assert (torch.cat([batch.samples_N for batch in walk]) - 1000).tolist() == order(1, 1, count).tolist()
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


@given(count=st.integers(1, 60), batch_size=st.integers(1, 60), smallest=st.integers(1, 3))
def test_a_batch_that_would_be_too_small_joins_others(count, batch_size, smallest):
    smallest = min(smallest, batch_size)
    walk = list(batches(StandIn(count), batch_size, seed=1, epoch=1, every_picture=True, smallest=smallest))
    sizes = [len(batch.labels_N) for batch in walk]
    assert (torch.cat([batch.samples_N for batch in walk]) - 1000).tolist() == order(1, 1, count).tolist()
    assert min(sizes) >= min(smallest, count)
    assert max(sizes) <= batch_size or count // len(walk) <= smallest
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("on_disk", [False, True])
def test_evaluation_sees_everything_in_order(on_disk):
    part = StandIn(11, on_disk=on_disk)
    walk = list(eval_batches(part, 4))
    assert [batch.images_NCHW[:, 0, 0, 0].tolist() for batch in walk] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert walk[0].weights_N is None
    assert list(eval_batches(StandIn(0, on_disk=on_disk), 4)) == []


def test_memory_is_read_by_the_caller_and_disk_by_a_thread_in_sorted_order():
    memory, disk = StandIn(20), StandIn(20, on_disk=True)
    assert contents(batches(memory, 5, seed=0, epoch=0)) == contents(batches(disk, 5, seed=0, epoch=0))
    assert memory.threads == {threading.current_thread().name}
    assert all(name.startswith("trainwright-read-ahead") for name in disk.threads)
    assert all(rows == sorted(rows) for rows in disk.asked)
    assert any(rows != sorted(rows) for rows in memory.asked)


def test_no_more_is_read_ahead_than_promised():
    part = StandIn(100, on_disk=True)
    walk = batches(part, 5, seed=0, epoch=0)
    for taken in range(1, 6):
        next(walk)
        deadline = time.monotonic() + 5
        while len(part.asked) < taken + READ_AHEAD and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01)
        assert len(part.asked) == taken + READ_AHEAD
    walk.close()
    assert readers() == []


def test_no_thread_outlives_its_iterator():
    finished = batches(StandIn(50, on_disk=True), 5, seed=0, epoch=0)
    assert len(list(finished)) == 10
    left_early = batches(StandIn(50, on_disk=True), 5, seed=0, epoch=0)
    next(left_early)
    del left_early
    never_started = batches(StandIn(50, on_disk=True), 5, seed=0, epoch=0)
    del never_started
    assert readers() == []


def test_an_error_of_the_reader_reaches_the_caller():
    walk = batches(StandIn(50, on_disk=True, fails_at=3), 5, seed=0, epoch=0)
    assert len(list(itertools.islice(walk, 3))) == 3
    with pytest.raises(OSError, match="the disk is gone"):
        next(walk)
    assert readers() == []

from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.runs import EventWriter, LogFollower, StepRecord


def step(number: int) -> StepRecord:
    return StepRecord(step=number, epoch=1, learning_rate=0.1, loss=1.0)


def test_each_line_is_read_once_and_as_soon_as_it_is_whole(tmp_path):
    path = tmp_path / "events.jsonl"
    log = LogFollower(path)
    assert (log.read(), log.grows) == ([], False)
    with EventWriter(path) as events:
        events.write(step(1))
        events.write(step(2))
        assert log.grows
        assert log.read() == [step(1), step(2)]
        assert log.read() == []
        events.write(step(3))
    line = path.read_bytes().split(b"\n")[0]
    with path.open("ab") as file:
        file.write(line[:20])
    assert log.read() == [step(3)]
    with path.open("ab") as file:
        file.write(line[20:] + b"\n")
    assert log.read() == [step(1)]
    assert not log.grows


def test_a_damaged_line_is_told_with_its_number(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as events:
        events.write(step(1))
    log = LogFollower(path)
    log.read()
    with path.open("ab") as file:
        file.write(b"no record\n")
    with pytest.raises(InputError, match=r"events\.jsonl:2"):
        log.read()


def test_a_log_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(InputError, match="the event log cannot be read"):
        LogFollower(tmp_path).read()

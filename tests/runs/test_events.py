from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.errors import InputError
from trainwright.runs import (
    EventWriter,
    Finding,
    ResumeRecord,
    StepRecord,
    WriteFailed,
    read_all_records,
    read_records,
)


def step(number: int) -> StepRecord:
    return StepRecord(step=number, epoch=1, learning_rate=0.1, loss=1.0 / number)


def write(path: Path, *numbers: int) -> None:
    with EventWriter(path) as events:
        for number in numbers:
            events.write(step(number))


def test_records_come_back_in_order(tmp_path):
    path = tmp_path / "run" / "events.jsonl"
    write(path, 1, 2)
    write(path, 3)
    assert read_records(path) == [step(1), step(2), step(3)]
    assert path.read_text().splitlines()[0] == (
        '{"type":"step","step":1,"epoch":1,"learning_rate":0.1,"loss":1.0,"gradient_norm_before_clip":null,"penalty":null}'
    )
    assert [entry.name for entry in path.parent.iterdir()] == ["events.jsonl"]


@settings(max_examples=25)
@given(data=st.data())
def test_every_line_is_json_that_others_read(tmp_path_factory, any_record, data):
    drawn = data.draw(st.lists(any_record, max_size=4))
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    with EventWriter(path) as events:
        for record in drawn:
            events.write(record, sync=False)
    assert repr(read_all_records(path)) == repr(drawn)
    lines = [json.loads(line, parse_constant=refuse) for line in path.read_bytes().splitlines()]
    assert len(lines) == len(drawn)


def refuse(word: str) -> None:
    """Stands for a reader of JSON that has no NaN."""
    raise ValueError(word)


@pytest.mark.parametrize("tail", [b'{"type":"step","st', b"{", b"\x00\x00\x00", b'{"type":"stop"}', b"x" * 200_000])
def test_a_torn_last_line_is_passed_over_and_then_cut_off(tmp_path, tail):
    path = tmp_path / "events.jsonl"
    write(path, 1, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    assert read_records(path) == [step(1), step(2)]
    write(path, 3)
    assert read_records(path) == [step(1), step(2), step(3)]
    assert path.read_bytes().startswith(whole + b'{"type":"step","step":3')


def test_a_log_that_is_one_torn_line_becomes_empty(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 100_000)
    assert read_records(path) == []
    EventWriter(path).close()
    assert path.read_bytes() == b""


@pytest.fixture(scope="module")
def nineteen(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    write(path, *range(1, 20))
    return path, path.read_bytes()


@given(cut=st.integers(0, 10_000))
def test_cut_anywhere_the_whole_lines_remain(nineteen, cut):
    path, blob = nineteen
    cut %= len(blob) + 1
    path.write_bytes(blob[:cut])
    assert read_records(path) == [step(number) for number in range(1, blob[:cut].count(b"\n") + 1)]


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (b"garbage", "a line that is not JSON"),
        (b"", "a line that is not JSON"),
        (b"\xff", "a line that is not JSON"),
        (b"[]", "a line that is no JSON object"),
        (b'{"type":"step","step":1}', "no epoch, learning_rate, loss in step"),
    ],
)
def test_other_damage_is_told_with_its_line(tmp_path, line, got):
    path = tmp_path / "events.jsonl"
    write(path, 1)
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    with pytest.raises(InputError) as caught:
        read_records(path)
    assert caught.value.problem == "the event log is damaged"
    assert (caught.value.got, caught.value.where) == (got, f"{path}:2")


def test_a_record_of_a_newer_version(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"type":"hologram","depth":3}\n')
    with pytest.raises(InputError) as caught:
        read_records(path)
    assert caught.value.problem == "the event log was written by a newer trainwright"
    assert (caught.value.got, caught.value.where) == ("a record of the unknown type 'hologram'", f"{path}:1")


def test_no_log(tmp_path):
    with pytest.raises(InputError, match="the event log cannot be read\n  got: No such file or directory"):
        read_records(tmp_path / "events.jsonl")


def test_lost_work_is_left_out_or_not(tmp_path):
    path = tmp_path / "events.jsonl"
    resume = ResumeRecord(step=1, epoch=0, checkpoint="last")
    with EventWriter(path) as events:
        for record in (step(1), step(2), resume, step(2)):
            events.write(record)
    assert read_all_records(path) == [step(1), step(2), resume, step(2)]
    assert read_records(path) == [step(1), resume, step(2)]
    assert read_records(path, steps=False) == [resume]


def test_a_full_disk_leaves_the_log_whole(full_disk):
    large = Finding(code="x", severity="note", summary="s" * 20_000)
    with full_disk() as folder:
        path = folder / "events.jsonl"
        written: list[Finding] = []

        def fill() -> None:
            for _ in range(100):
                events.write(large)
                written.append(large)

        with EventWriter(path) as events:
            with pytest.raises(
                WriteFailed, match=r"events\.jsonl could not be written\n  got: (No space|File too large)"
            ):
                fill()
            assert read_records(path) == written
            events.write(step(1))
        assert read_records(path) == [*written, step(1)]
        assert written


def test_a_disk_that_does_not_even_let_us_cut_off(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as events:
        events.write(step(1))

        class Broken:
            """A file that takes five bytes and then breaks."""

            def __init__(self, file) -> None:
                self.file, self.works = file, False

            def write(self, blob: bytes) -> int:
                if self.works:
                    return self.file.write(blob)
                self.file.write(blob[:5])
                raise OSError(5, "Input/output error")

            def truncate(self, size: int) -> int:
                if self.works:
                    return self.file.truncate(size)
                raise OSError(5, "Input/output error")

            def __getattr__(self, name: str):
                return getattr(self.file, name)

        broken = Broken(events._file)
        monkeypatch.setattr(events, "_file", broken)
        with pytest.raises(WriteFailed, match="Input/output error"):
            events.write(step(2))
        broken.works = True
        events.write(step(3))
    assert read_records(path) == [step(1), step(3)]


def test_a_log_that_cannot_be_opened(tmp_path):
    path = tmp_path / "events.jsonl"
    path.mkdir()
    with pytest.raises(WriteFailed, match=r"events\.jsonl could not be written\n  got: Is a directory"):
        EventWriter(path)
    path.rmdir()
    write(path, 1)


KILLED = """
import sys
from trainwright.runs.events import EventWriter
from trainwright.runs.records import StepRecord
first = int(sys.argv[2])
with EventWriter(sys.argv[1]) as events:
    for number in range(first, first + 1_000_000):
        events.write(StepRecord(step=number, epoch=1, learning_rate=0.1, loss=1.0 / number), sync=number % 5 == 0)
        print(number, flush=True)
"""


def test_killed_at_any_instant_no_acknowledged_record_is_lost(tmp_path):
    path = tmp_path / "events.jsonl"
    clock = random.Random(0)
    next_number, torn = 1, 0
    for _ in range(8):
        command = [sys.executable, "-c", KILLED, str(path), str(next_number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(clock.uniform(0.0, 0.03))
            writer.send_signal(signal.SIGKILL)
            lines = [line for line in writer.stdout if line.endswith("\n")]
        acknowledged = int(lines[-1]) if lines else next_number
        torn += not path.read_bytes().endswith(b"\n")
        kept = read_records(path)
        assert kept == [step(number) for number in range(1, len(kept) + 1)]
        assert len(kept) >= acknowledged
        next_number = len(kept) + 1
    write(path, next_number)
    assert len(read_records(path)) == next_number

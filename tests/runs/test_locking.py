from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from trainwright.errors import InputError
from trainwright.runs import EventWriter, ResumeRecord, WriteFailed, read_records
from trainwright.runs.locking import WriterLock

HOLDER = """
import sys, time
from trainwright.runs.events import EventWriter
events = EventWriter(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path):
    path = tmp_path / "events.jsonl"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError) as caught:
            EventWriter(path)
        assert WriterLock.is_held(path)
        assert caught.value.problem == "somebody else writes to this run"
        assert (caught.value.got, caught.value.where) == (f"process {holder.pid}", str(tmp_path))
        holder.send_signal(signal.SIGKILL)
    assert not WriterLock.is_held(path)
    EventWriter(path).close()


def test_the_same_process_is_refused_too(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path), pytest.raises(InputError, match="somebody else writes to this run"):
        EventWriter(path)
    with EventWriter(path) as events:
        assert WriterLock.is_held(path)
        events.close()
        events.close()
    assert not WriterLock.is_held(path)
    EventWriter(path).close()


def test_reading_does_not_let_the_lock_go(tmp_path):
    path = tmp_path / "events.jsonl"
    code = f"from trainwright.runs.events import EventWriter; EventWriter({str(path)!r})"
    with EventWriter(path) as events:
        events.write(ResumeRecord(step=0, epoch=0, checkpoint="last"))
        assert len(read_records(path)) == 1
        assert WriterLock.is_held(path)
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert f"process {os.getpid()}" in second.stderr


def test_a_child_process_does_not_hold_on(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path), subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE):
        assert (tmp_path / ".events.jsonl.lock").exists()
    with EventWriter(path) as events:
        events.write(ResumeRecord(step=0, epoch=0, checkpoint="last"))
    assert len(read_records(path)) == 1


def test_where_there_are_no_locks_nobody_is_refused(tmp_path, monkeypatch):
    def lockf(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available", (handle, operation))

    monkeypatch.setattr(fcntl, "lockf", lockf)
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as events:
        events.write(ResumeRecord(step=0, epoch=0, checkpoint="last"))
    assert len(read_records(path)) == 1


def test_a_lock_whose_file_was_just_removed_is_taken_anew(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    real, removed = fcntl.lockf, []

    def lockf(handle: int, operation: int) -> None:
        real(handle, operation)
        if not removed:
            removed.append(True)
            (tmp_path / ".events.jsonl.lock").unlink()

    monkeypatch.setattr(fcntl, "lockf", lockf)
    lock = WriterLock(path)
    assert (tmp_path / ".events.jsonl.lock").exists()
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_written(tmp_path, monkeypatch):
    def write(handle: int, blob: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", (handle, blob))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(WriteFailed, match=r"\.events\.jsonl\.lock could not be written\n  got: No space left"):
        WriterLock(tmp_path / "events.jsonl")

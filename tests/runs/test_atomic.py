from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwright.runs import WriteFailed, replacing, sweep_temporary, write_atomic


def test_it_writes_texts_and_bytes_and_makes_folders(tmp_path):
    write_atomic(tmp_path / "a" / "b" / "text.txt", "é\r\n")
    assert (tmp_path / "a" / "b" / "text.txt").read_bytes() == "é\r\n".encode()
    write_atomic(str(tmp_path / "bytes"), b"\x00")
    write_atomic(tmp_path / "bytes", b"\x01")
    assert (tmp_path / "bytes").read_bytes() == b"\x01"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "bytes"]


def test_file_names_that_are_not_utf_8_stay_the_bytes_that_they_are(tmp_path):
    write_atomic(tmp_path / "names", os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "names").read_bytes() == b"caf\xe9"


def test_what_fails_in_the_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "model"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_with_file_disk_and_free_space(full_disk):
    with full_disk() as folder:
        path = folder / "metrics.csv"
        write_atomic(path, "old")
        with pytest.raises(WriteFailed) as caught:
            write_atomic(path, b"x" * 200_000)
        assert path.read_text() == "old"
        assert [entry.name for entry in folder.iterdir()] == ["metrics.csv"]
    error = caught.value
    assert error.exit_code == 3
    assert error.problem == "metrics.csv could not be written"
    assert error.got in ("No space left on device", "File too large")
    assert error.where is not None
    assert error.where.startswith(f"{path} (disk at /")
    assert error.where.endswith(" MiB free)")
    assert error.hint is not None


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteFailed, match=r"Not a directory|File exists"):
        write_atomic(tmp_path / "file" / "below" / "name", "x")


WRITER = """
import sys
from trainwright.runs.atomic import write_atomic
number = 0
while True:
    number += 1
    write_atomic(sys.argv[1], f"{number} " * 50_000)
    print(number, flush=True)
"""


@pytest.mark.parametrize("wait_s", [0.0, 0.003, 0.017, 0.05])
def test_killed_at_any_instant_the_file_is_whole(tmp_path, wait_s):
    path = tmp_path / "file"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(wait_s)
        writer.send_signal(signal.SIGKILL)
        acknowledged = [1, *(int(line) for line in writer.stdout if line.endswith("\n"))][-1]
    words = path.read_text().split()
    assert len(words) == 50_000
    assert len(set(words)) == 1
    assert int(words[0]) >= acknowledged


def test_temporary_files_of_dead_processes_are_swept(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    (tmp_path / "checkpoints").mkdir()
    dead = tmp_path / "checkpoints" / f".model.safetensors.{gone.pid}.tmp"
    mine = tmp_path / f".metrics.csv.{os.getpid()}.tmp"
    first = tmp_path / ".metrics.csv.1.tmp"
    others = [tmp_path / ".hidden.tmp", tmp_path / "a.tmp", mine, first]
    for path in (dead, *others):
        path.write_text("")
    assert sweep_temporary(tmp_path) == 1
    assert not dead.exists()
    assert all(path.exists() for path in others)


def test_a_process_of_somebody_else_counts_as_alive(tmp_path, monkeypatch):
    def kill(process: int, number: int) -> None:
        raise PermissionError(process, number)

    monkeypatch.setattr(os, "kill", kill)
    Path(tmp_path, ".x.123.tmp").write_text("")
    assert sweep_temporary(tmp_path) == 0

"""A search whose trials stand in a real PostgreSQL, and whose worker is killed; needs the server's programs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from trainwright.runs import open_search
from trainwright.tuning.storage import attributes, open_storage

TINY = ["--model=plain", "--batch-size=64", "--set=model.width=8", "--set=model.depth=1", "--set=machine.threads=1"]
PASSWORD = "geheim"
PROGRAM = [sys.executable, "-m", "trainwright", "search"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAMS is None and shutil.which("pg_ctl") is None, reason="needs PostgreSQL's pg_ctl"),
]


class Database(NamedTuple):
    url: str
    restart: Callable[[], None]


@pytest.fixture
def database() -> Iterator[Database]:
    """Starts a server of its own, as the user postgres where this one is root.

    Its folder is none of pytest's, which lie in one that every session of pytest closes to others anew.
    """
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    programs = PROGRAMS or Path(shutil.which("pg_ctl")).parent
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def as_server(program: str, *words: str) -> None:
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*user, str(programs / program), *words]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    where, word = str(folder / "data"), folder / "password"
    word.write_text(PASSWORD)
    as_server("initdb", "-D", where, "-A", "scram-sha-256", "-U", "postgres", f"--pwfile={word}")
    control = ["pg_ctl", "-D", where, "-w", "-l", str(folder / "log"), "-o", f"-p {port} -k {folder}"]
    as_server(*control, "start")
    try:
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
        yield Database(url, lambda: as_server(*control, "-m", "fast", "restart"))
    finally:
        as_server("pg_ctl", "-D", where, "-m", "fast", "stop")
        shutil.rmtree(folder)


def led(database: Database, tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    """Starts a search, and waits until its first files are written."""
    lead = subprocess.Popen(
        [*PROGRAM, "digits", *TINY, "--space=optim.lr=log:0.01:3", "--stages=6", "--trials=8", "--sampler=random",
         "--pruner=none", f"--storage={database.url}", f"--out={tmp_path}", "--name=s", *words],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while lead.poll() is None and not (tmp_path / "s/search.json").is_file():
        time.sleep(0.2)
    return lead


def ended_well(lead: subprocess.Popen[str], tmp_path: Path) -> None:
    said, _ = lead.communicate(timeout=240)
    assert lead.returncode == 0, said
    trials = open_search(tmp_path / "s").read_trials()
    assert [record.trial for record in trials] == list(range(1, 9))
    assert {record.ended for record in trials} <= {"completed", "diverged"}


def test_a_worker_that_is_killed_loses_its_trial_to_another(database, tmp_path):
    lead = led(database, tmp_path)
    worker = subprocess.Popen(
        [*PROGRAM, "worker", str(tmp_path / "s")],
        env={**ENVIRONMENT, "PGPASSWORD": PASSWORD}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in worker.stdout:
        if "trial" in line:
            break
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    ended_well(lead, tmp_path)


def test_a_server_that_is_started_anew_costs_no_trial(database, tmp_path):
    lead = led(database, tmp_path)
    for _ in range(2):
        database.restart()
        time.sleep(1)
    assert lead.poll() is None
    ended_well(lead, tmp_path)


def test_the_password_of_a_database_is_kept_nowhere_and_workers_have_it(database, tmp_path):
    ended_well(led(database, tmp_path, "--workers=2"), tmp_path)
    assert "trial" in (tmp_path / "s/worker-1.txt").read_text()
    assert not [file for file in (tmp_path / "s").iterdir() if PASSWORD.encode() in file.read_bytes()]
    storage = open_storage(database.url)
    kept = attributes(storage, "s")
    storage._backend.engine.dispose()
    assert PASSWORD not in repr(kept)

    def again(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, *words]
        return subprocess.run(command, env={**ENVIRONMENT, **environment}, check=False, capture_output=True, text=True)

    refused = again("worker", str(tmp_path / "s"))
    assert refused.returncode == 2
    assert "a password is kept nowhere: in PGPASSWORD" in refused.stderr
    assert again("worker", str(tmp_path / "s"), f"--storage={database.url}").returncode == 0
    assert again("--resume", str(tmp_path / "s"), PGPASSWORD=PASSWORD).returncode == 0

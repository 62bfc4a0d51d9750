"""A search whose trials stand in a real PostgreSQL, and whose worker is killed; needs the server's programs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwright.runs import open_search

TINY = ["--model=plain", "--batch-size=64", "--set=model.width=8", "--set=model.depth=1", "--set=machine.threads=1"]
PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAMS is None and shutil.which("pg_ctl") is None, reason="needs PostgreSQL's pg_ctl"),
]


@pytest.fixture
def database(tmp_path_factory) -> Iterator[str]:
    """Starts a server of its own, as the user postgres where this one is root, and gives the URL of a database."""
    pytest.importorskip("psycopg")
    folder = tmp_path_factory.mktemp("postgresql")
    programs = PROGRAMS or Path(shutil.which("pg_ctl")).parent
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        for above in folder.parents[:3]:
            above.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def as_server(program: str, *words: str) -> None:
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*user, str(programs / program), *words]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    where = str(folder / "data")
    as_server("initdb", "-D", where, "-A", "trust", "-U", "postgres")
    as_server("pg_ctl", "-D", where, "-w", "-l", str(folder / "log"), "-o", f"-p {port} -k {folder}", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        as_server("pg_ctl", "-D", where, "-m", "fast", "stop")


def test_a_worker_that_is_killed_loses_its_trial_to_another(database, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-m", "trainwright", "search"]
    words = ["digits", *TINY, "--space=optim.lr=log:0.01:3", "--stages=6", "--trials=8", "--sampler=random"]
    lead = subprocess.Popen(
        [*program, *words, "--pruner=none", f"--storage={database}", f"--out={tmp_path}", "--name=s"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while lead.poll() is None and not (tmp_path / "s/search.json").is_file():
        time.sleep(0.2)
    worker = subprocess.Popen(
        [*program, "worker", str(tmp_path / "s")], env=environment, stdout=subprocess.PIPE, text=True
    )
    for line in worker.stdout:
        if "trial" in line:
            break
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    said, _ = lead.communicate(timeout=240)
    assert lead.returncode == 0, said
    trials = open_search(tmp_path / "s").read_trials()
    assert [record.trial for record in trials] == list(range(1, 9))
    assert {record.ended for record in trials} <= {"completed", "diverged"}

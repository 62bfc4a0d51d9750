"""Processes that share a search: each takes trials from its storage, on this machine or another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, compose
from trainwright.reporting import RunConsole
from trainwright.runs import SearchFolder
from trainwright.tuning.storage import attributes, open_storage

from .search_request import PICTURES, SearchRequest
from .search_stages import LEADER, run_search

GOODBYE_S = 10.0
"""Seconds that a worker has to end by itself when the search is over."""


@contextmanager
def started_workers(count: int, folder: SearchFolder, study: str, storage: str | None) -> Generator[None]:
    """Starts workers on this machine, and sees to it that none is left when the block ends.

    What they say stands in `worker-1.txt` and so on in the search's folder.

    Args:
        count: of workers.
        folder: of the search.
        study: name of the search.
        storage: as for `work`.
    """
    words = [sys.executable, "-m", "trainwright", "search", "worker", study, f"--storage={storage or folder.journal}"]
    environment = {**os.environ, LEADER: str(os.getpid())}
    with ExitStack() as stack:
        started: list[subprocess.Popen[bytes]] = []
        for number in range(1, count + 1):
            log = stack.enter_context((folder.path / f"worker-{number}.txt").open("ab"))
            started.append(subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment))
        ended_well = False
        try:
            yield
            ended_well = True
        finally:
            for process in started:
                try:
                    process.wait(GOODBYE_S if ended_well else 0.0)
                except subprocess.TimeoutExpired:
                    process.terminate()
            for process in started:
                process.wait()


def work(study: str, storage: str | None, console: RunConsole) -> None:
    """Takes trials of a search that another process leads, until all are done.

    Args:
        study: folder of the search, or its name where `storage` says where it is.
        storage: path of a journal file or URL of a database.
        console: is told each trial.

    Raises:
        InputError: there is no such search, or its data are not here.
    """
    folder = SearchFolder(Path(study))
    if storage is None and folder.facts.is_file():
        storage = folder.read_facts()["request"]["storage"] or str(folder.journal)
    name = folder.name
    if storage is None or ("://" not in storage and not Path(storage).is_file()):
        raise InputError(
            "there is no search to work for",
            expected="the folder of a search, or its name and --storage",
            got=study if storage is None else f"{study} in {storage}",
            where="trainwright search worker",
        )
    opened = open_storage(storage)
    kept = attributes(opened, name)
    if not kept:
        raise InputError(f"the storage holds no search {name!r}", where=f"--storage {storage}")
    from .search import planned

    origin = Origin("file", f"the search {name}")
    asked = compose({key: Given(value, origin) for key, value in kept["asked"].items()})
    bench, plan = planned(asked, SearchRequest.of(kept["request"]), name, console)
    if bench.data.fingerprint != kept[PICTURES]:
        raise InputError(
            "the pictures here, their labels or their parts are others than those of the search",
            got=f"{bench.data.title}, sha256 {bench.data.fingerprint[:12]}",
            expected=f"sha256 {kept[PICTURES][:12]}",
            hint="the same pictures at the same path on every machine",
        )
    run_search(folder, plan, {}, opened, bench, console, leads=False)

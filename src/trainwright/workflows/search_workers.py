"""Processes that share a search: each takes trials from its storage, on this machine or another."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, compose
from trainwright.reporting import RunConsole
from trainwright.runs import SearchFolder
from trainwright.training import cores
from trainwright.tuning.storage import attributes, open_storage, without_password

from .search_request import PICTURES, SearchRequest
from .search_stages import LEADER, run_search

GOODBYE_S = 10.0
"""Seconds that a worker has to end by itself when the search is over."""

STORAGE = "TRAINWRIGHT_SEARCH_STORAGE"
"""Environment variable by which a worker is told the storage: what stands on a command line is seen by everybody on the
machine, and a URL may hold a password."""


@contextmanager
def sharing_cores(processes: int) -> Generator[None]:
    """Gives this process, and those that it starts meanwhile, an equal share of the cores each.

    Nothing is changed where OMP_NUM_THREADS is set: it says what each process may use.
    """
    if processes == 1 or os.environ.get("OMP_NUM_THREADS"):
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(max(1, cores() // processes))
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]


def gpu_of(worker: int, device: str, environment: Mapping[str, str], gpus: int) -> dict[str, str]:
    """Gives what a worker's environment must say for it to see a GPU of its own, as far as there are so many.

    The process that leads has the first. Where one GPU is named for all, it stays that of all.

    Args:
        worker: its number, from 1.
        device: as asked for, `auto` or `cuda` where the GPU is open.
        environment: of this process.
        gpus: that this process sees.

    >>> gpu_of(1, "auto", {"CUDA_VISIBLE_DEVICES": "4,6"}, 2), gpu_of(2, "cuda", {}, 2), gpu_of(1, "auto", {}, 0)
    ({'CUDA_VISIBLE_DEVICES': '6'}, {'CUDA_VISIBLE_DEVICES': '0'}, {})
    """
    if device not in ("auto", "cuda") or gpus == 0:
        return {}
    named = environment.get("CUDA_VISIBLE_DEVICES", "")
    seen = [name.strip() for name in named.split(",")][:gpus] if named else [str(number) for number in range(gpus)]
    return {"CUDA_VISIBLE_DEVICES": seen[worker % len(seen)]}


@contextmanager
def started_workers(
    count: int, folder: SearchFolder, study: str, storage: str | None, device: str
) -> Generator[Callable[[], Iterator[str]]]:
    """Starts workers on this machine, and sees to it that none is left when the block ends.

    What they say stands in `worker-1.txt` and so on in the search's folder.

    Args:
        count: of workers.
        folder: of the search.
        study: name of the search.
        storage: as for `work`.
        device: as asked for.

    Yields: what tells, in words, which workers have failed since it was asked last.
    """
    words = [sys.executable, "-m", "trainwright", "search", "worker", study]
    gpus = torch.cuda.device_count() if count else 0
    with ExitStack() as stack:
        started: dict[Path, subprocess.Popen[bytes]] = {}
        for number in range(1, count + 1):
            path = folder.path / f"worker-{number}.txt"
            log = stack.enter_context(path.open("ab"))
            told = {LEADER: str(os.getpid()), STORAGE: storage or str(folder.journal)}
            environment = {**os.environ, **told, **gpu_of(number, device, os.environ, gpus)}
            started[path] = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        running = dict(started)
        ended_well = False
        try:
            yield lambda: _failed(running)
            ended_well = True
        finally:
            for process in started.values():
                try:
                    process.wait(GOODBYE_S if ended_well else 0.0)
                except subprocess.TimeoutExpired:
                    process.terminate()
            for process in started.values():
                process.wait()


def _failed(running: dict[Path, subprocess.Popen[bytes]]) -> Iterator[str]:
    """Tells which workers have failed, each once."""
    for path, process in list(running.items()):
        code = process.poll()
        if code is None:
            continue
        del running[path]
        if code != 0:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            yield f"{path.stem} {how}, see {path}; the search goes on without it, and its trial falls to another"


def work(study: str, storage: str | None, console: RunConsole) -> dict[str, Any]:
    """Takes trials of a search that another process leads, until all are done.

    Args:
        study: folder of the search, or its name where `storage` says where it is.
        storage: path of a journal file or URL of a database.
        console: is told each trial.

    Returns: the facts, as in search.json; of the best recipe no path where it is not here.

    Raises:
        InputError: there is no such search, or its data are not here.
    """
    folder = SearchFolder(Path(study))
    storage = storage or os.environ.get(STORAGE)
    if storage is None and folder.facts.is_file():
        storage = folder.read_facts()["request"]["storage"] or str(folder.journal)
    name = folder.name
    shown = None if storage is None else without_password(storage)
    if storage is None or ("://" not in storage and not Path(storage).is_file()):
        raise InputError(
            "there is no search to work for",
            expected="the folder of a search, or its name and --storage",
            got=study if shown is None else f"{study} in {shown}",
            where="trainwright search worker",
        )
    opened = open_storage(storage, f"trainwright search worker {shlex.quote(study)} --storage {shown}")
    kept = attributes(opened, name)
    if not kept:
        raise InputError(f"the storage holds no search {name!r}", where=f"--storage {shown}")
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
    facts = run_search(folder, plan, {"request": kept["request"]}, opened, bench, console, leads=False)
    if facts["best"] is not None and not folder.best.is_file():
        facts["best"]["recipe"] = None
    return facts

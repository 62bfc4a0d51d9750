"""`trainwright search`: settings by trials, from many short ones to few long ones."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Unpack

from trainwright.errors import InputError, Interrupted
from trainwright.recipe import Recipe, compose, read_recipe_file, write_recipe
from trainwright.reporting import RunConsole
from trainwright.runs import (
    DEFAULT_SEARCHES,
    SearchFolder,
    TrialRecord,
    WriterLock,
    default_name,
    open_search,
    refuse_bad_name,
    refuse_bad_out,
    write_atomic,
)
from trainwright.tuning.leading import leading
from trainwright.tuning.space import parse_space
from trainwright.tuning.stages import EPOCHS, TRIALS, plan_stages
from trainwright.tuning.storage import attributes, keep_attributes, open_storage, without_password

from .requests import SearchSettings, recipe_from_python
from .search_files import SearchPlan
from .search_request import (
    PICTURES,
    SearchRequest,
    check_box,
    check_grid,
    check_request,
    refuse_another,
    refuse_beside_resume,
    with_space,
)
from .search_stages import run_search
from .search_workers import sharing_cores, started_workers
from .trials import TrialBench


@dataclass(frozen=True)
class SearchResult:
    """What a search came to.

    Attributes:
        folder: of the search.
        facts: what `search --json` prints and more, as in search.json.
    """

    folder: SearchFolder
    facts: Mapping[str, Any]

    @property
    def best(self) -> float | None:
        """The validation figure of the best trial, higher is better; a mean where there are folds."""
        return None if self.facts["best"] is None else self.facts["best"]["value"]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The searched settings of the best trial, by their keys."""
        return {} if self.facts["best"] is None else self.facts["best"]["settings"]

    @property
    def recipe(self) -> Path:
        """The recipe of the best trial, for `train(recipe=…)`."""
        return self.folder.best

    @property
    def trials(self) -> list[TrialRecord]:
        """All finished trials, by their numbers."""
        return self.folder.read_trials()

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.folder.report


def search(
    data: str | Path | None = None,
    *,
    space: Sequence[str] | Mapping[str, str] = (),
    recipe: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    sampler: str = "auto",
    pruner: str = "auto",
    trials: int = TRIALS,
    stages: Sequence[int] = EPOCHS,
    no_decay: bool = False,
    folds: int = 0,
    max_epochs: float | None = None,
    minutes: float | None = None,
    storage: str | None = None,
    out: Path | str | None = None,
    name: str | None = None,
    resume: Path | str | None = None,
    workers: int = 1,
    **short: Unpack[SearchSettings],
) -> SearchResult:
    """Searches settings by trials, from many short ones to few long ones, and writes the best as a recipe.

    Args:
        data: built-in data (`digits`, `fashion-mnist`) or a path to pictures.
        space: what is searched: texts such as `optim.lr=log:1e-4:1`, or a mapping of recipe key → `log:1e-4:1`;
            learning rate and weight decay when left out.
        recipe: a recipe file to start from.
        settings: dotted recipe key → value, the same in all trials.
        sampler: `auto`, `random`, `grid`, `quasi-random` or `tpe`.
        pruner: `auto`, `halving`, `median` or `none`.
        trials: at most.
        stages: epochs of a trial in each stage, rising.
        no_decay: whether the last stage but one trains at a constant rate.
        folds: 2 or more for k-fold cross-validation over training and validation part.
        max_epochs: of all trials together.
        minutes: of training in all, after which no trial begins.
        storage: path of a journal file or URL of a database, instead of a journal in the search's folder. Its password
            is kept nowhere: beside `resume` it may be said once more.
        out: folder in which the search's folder is made; `searches` when left out.
        name: name of the search; that of a search that stands with the same words goes on with it.
        resume: the folder of a search to go on with; nothing but `storage` and `workers` may then be asked for.
        workers: processes of this machine that share the trials, its cores and its GPUs.
        **short: as for `train`, without `epochs` and the `workers` that decode.

    Raises:
        InputError: data, recipe, space or budget are wrong, another search has this name, another process leads it, or
            all trials diverged.
        Interrupted: Ctrl-C or SIGTERM; the search can be resumed.
    """
    words = tuple(f"{key}={box}" for key, box in space.items()) if isinstance(space, Mapping) else tuple(space)
    request = SearchRequest(
        words, sampler, pruner, trials, tuple(stages), no_decay, folds, max_epochs, minutes, storage
    )
    with RunConsole(json=True) as console:
        if resume is not None:
            others = [word for word in (data, recipe, settings or None, out, *short.values()) if word is not None]
            refuse_beside_resume(dataclasses.replace(request, storage=None), name, others)
            return resume_search(open_search(resume), console, workers, storage)
        asked = recipe_from_python(data, recipe, short, settings)
        return search_by_recipe(asked, request, Path(out or DEFAULT_SEARCHES), name, console, workers)


def search_by_recipe(
    asked: Recipe, request: SearchRequest, out: Path, name: str | None, console: RunConsole, workers: int = 1
) -> SearchResult:
    """Makes a search, or goes on with the one of that name if the same is asked for.

    Args:
        workers: processes of this machine that share the trials, this one among them.
    """
    if workers < 1:
        raise InputError("nobody would search", expected="1 worker or more", got=str(workers), where="--workers")
    if name is not None:
        refuse_bad_name(name)
    refuse_bad_out(out)
    check_request(asked, request)
    request = with_space(asked, request)
    with sharing_cores(workers):
        bench, plan = planned(asked, request, name, console)
        return _search_in(SearchFolder(out / plan.study), asked, request, plan, bench, console, workers)


def planned(
    asked: Recipe, request: SearchRequest, name: str | None, console: RunConsole
) -> tuple[TrialBench, SearchPlan]:
    """Reads the pictures, and decides what a search is to do.

    Args:
        name: of the search; None makes one from date, model and data.
    """
    bench = TrialBench(asked, console, folds=request.folds)
    setup, _ = bench.build({})
    box = parse_space(request.space, dict(setup.recipe.items()))
    most = request.epochs_of_trials
    stages = plan_stages(request.trials, request.stages, max_epochs=most, no_decay=request.no_decay)
    check_grid(request, box, stages[0])
    check_box(bench, box, stages)
    title = bench.data.title
    plan = SearchPlan(
        study=name or default_name(setup.recipe.model.name, title, datetime.now()),
        data=title,
        model=setup.recipe.model.name,
        task=setup.recipe.data.task,
        figure=setup.task.figure,
        seed=asked.training.seed,
        folds=request.folds,
        space=box,
        stages=stages,
        sampler=request.sampler,
        pruner=request.pruner,
        minutes=request.minutes,
    )
    return bench, plan


def resume_search(
    folder: SearchFolder, console: RunConsole, workers: int = 1, storage: str | None = None
) -> SearchResult:
    """Goes on with a search from what is kept of it.

    Args:
        storage: the URL of its database, with the password that is kept nowhere.

    Raises:
        InputError: its trials are in another storage.
    """
    request = SearchRequest.of(folder.read_facts()["request"])
    if storage is not None:
        kept = request.storage or str(folder.journal)
        if without_password(storage) != kept:
            raise InputError(
                "the trials of the search are in another storage", expected=kept, got=without_password(storage),
                where="--storage", hint="leave it out",
            )  # fmt: skip
        request = dataclasses.replace(request, storage=storage)
    asked = compose(read_recipe_file(folder.asked))
    return search_by_recipe(asked, request, folder.path.parent, folder.name, console, workers)


def _search_in(
    folder: SearchFolder,
    asked: Recipe,
    request: SearchRequest,
    plan: SearchPlan,
    bench: TrialBench,
    console: RunConsole,
    workers: int,
) -> SearchResult:
    """Searches in a folder that this process alone writes to."""
    if folder.path.exists() and not folder.facts.is_file() and any(_foreign(folder)):
        raise InputError(
            "the search's folder holds other files",
            got=f"{folder.path} with {', '.join(sorted(_foreign(folder))[:5])}",
            hint="choose another --name or --out",
        )
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = WriterLock(folder.journal)
    try:
        storage = open_storage(request.storage or folder.journal, how_to_go_on(folder))
        identity = {
            **plan.identity(),
            PICTURES: bench.data.fingerprint,
            "recipe": {key: value for key, value in asked.items() if key != "training.epochs"},
        }
        if kept := attributes(storage, plan.study):
            refuse_another(plan.study, identity, kept)
        with leading(storage, plan.study, console.note) as lost:
            if kept := attributes(storage, plan.study):
                refuse_another(plan.study, identity, kept)
            else:
                beside = {"asked": _said(asked), "request": _kept(request)}
                keep_attributes(storage, plan.study, {**identity, **beside}.items())
            if not folder.asked.is_file():
                write_atomic(folder.asked, write_recipe(asked))
            console.log_to(folder.log)
            facts, device = {"request": _kept(request)}, asked.machine.device
            with started_workers(workers - 1, folder, plan.study, request.storage, device) as news:
                found = run_search(folder, plan, facts, storage, bench, console, lost=lost, news=news)
                return SearchResult(folder, found)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=how_to_go_on(folder)) from None
    finally:
        lock.release()


def _said(asked: Recipe) -> dict[str, Any]:
    """Gives the settings of a recipe that have an effect, for those who share the search."""
    idle = asked.idle()
    return {key: value for key, value in asked.items() if key not in idle}


def _kept(request: SearchRequest) -> dict[str, Any]:
    """Gives what is kept of a request: all but a password."""
    storage = None if request.storage is None else without_password(request.storage)
    return dataclasses.asdict(dataclasses.replace(request, storage=storage))


def how_to_go_on(folder: SearchFolder) -> str:
    """Words the command that goes on with a search."""
    return f"trainwright search --resume {shlex.quote(str(folder.path))}"


def _foreign(folder: SearchFolder) -> list[str]:
    """Lists what no search has written."""
    files = (folder.asked, folder.log, folder.trials, folder.best, folder.report)
    ours = {file.name for file in files}
    begins = (".", folder.journal.name, "worker-")
    return [
        entry.name for entry in folder.path.iterdir() if entry.name not in ours and not entry.name.startswith(begins)
    ]

"""What is asked of a search, and whether it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainwright.errors import InputError, did_you_mean, together
from trainwright.recipe import Recipe
from trainwright.tuning.sampling import PRUNERS, SAMPLERS, least_grid
from trainwright.tuning.space import Dimension, parse_space
from trainwright.tuning.stages import EPOCHS, TRIALS, Stage, plan_stages

from .trials import TrialBench

PICTURES = "the pictures, their labels or their parts"
"""Under which a search keeps what its data are, so that this is what a message says where they are others."""

DEFAULT_SPACE = ("optim.lr", "optim.weight_decay")
"""What is searched when nobody says: the two settings whose good values hang on the data, the net and each other most,
and for which no rule is exact. All others have defaults that hold from one set of pictures to the next."""


@dataclass(frozen=True)
class SearchRequest:
    """What was asked of a search, beside the recipe.

    Attributes:
        space: words after `--space`, `KEY=log:LOW:HIGH` and the like; none for DEFAULT_SPACE.
        sampler: `auto` for quasi-random points in the first stage and TPE in the others.
        pruner: which trials are given up as hopeless; `auto` for the median.
        trials: of the whole search, at most.
        stages: epochs of a trial in each stage.
        no_decay: whether the last stage but one trains at a constant rate.
        folds: parts of k-fold cross-validation; 0 for the one validation part.
        max_epochs: epochs of all trials together, at most; None for no such limit.
        minutes: of training in all, after which no trial begins; None for no such limit.
        storage: path of a journal file or URL of a database; None for a journal in the search's folder.
    """

    space: tuple[str, ...] = ()
    sampler: str = "auto"
    pruner: str = "auto"
    trials: int = TRIALS
    stages: tuple[int, ...] = EPOCHS
    no_decay: bool = False
    folds: int = 0
    max_epochs: float | None = None
    minutes: float | None = None
    storage: str | None = None

    @property
    def epochs_of_trials(self) -> float | None:
        """How many epochs trials may have together: of k-fold cross-validation each counts once for every fold."""
        return None if self.max_epochs is None else self.max_epochs / max(1, self.folds)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> SearchRequest:
        """Reads a request from what was kept of it as plain data."""
        lists: dict[str, Any] = {name: tuple(kept[name]) for name in ("space", "stages")}
        return cls(**{**kept, **lists})


def check_request(asked: Recipe, request: SearchRequest) -> None:
    """Refuses what can be seen to be wrong before pictures are read.

    Raises:
        InputError: lists every mistake.
    """
    errors: list[InputError] = []
    for what, word, names in (("sampler", request.sampler, SAMPLERS), ("pruner", request.pruner, PRUNERS)):
        if word not in ("auto", *names):
            hint = did_you_mean(word, ("auto", *names))
            errors.append(InputError(f"there is no {what} {word!r}", where=f"--{what} {word}", hint=hint))
    for option, value, least in (("--minutes", request.minutes, 0), ("--max-epochs", request.max_epochs, 0)):
        if value is not None and not value > least:
            errors.append(InputError("a budget of nothing", expected="above 0", got=f"{value:g}", where=option))
    if request.folds < 0 or request.folds == 1:
        errors.append(
            InputError(
                "one fold judges nothing", expected="2 folds or more, or 0 for none", where=f"--folds {request.folds}"
            )
        )
    if asked.optim.lr == "find":
        errors.append(InputError("a search finds the rate by trials", where="--lr auto", hint="leave --lr out"))
    if asked.origin("training.epochs").kind == "user":
        errors.append(
            InputError(
                "how long trials train is said by the stages",
                got=f"training.epochs={asked.training.epochs}",
                where=asked.origin("training.epochs").detail,
                hint=f"--stages {asked.training.epochs}",
            )
        )
    try:
        plan_stages(request.trials, request.stages, max_epochs=request.epochs_of_trials, no_decay=request.no_decay)
    except InputError as error:
        errors.append(_of_all_folds(error, request))
    for word in request.space:
        key = word.partition("=")[0]
        try:
            parse_space([word], {key: 1.0})  # of boxes around usual values only the key can be judged yet
        except InputError as error:
            errors.append(error)
            continue
        if key in asked.asked_for() and asked.origin(key).kind == "user":
            errors.append(
                InputError(f"{key} is both given and searched", where=f"{asked.origin(key).detail} and --space {word}")
            )
        if request.no_decay and key.startswith("schedule."):
            errors.append(InputError(f"--no-decay sets the schedule, and {key} is searched", where=f"--space {word}"))
    if errors:
        raise together(errors)


def _of_all_folds(error: InputError, request: SearchRequest) -> InputError:
    """Words a budget of epochs that does not suffice as it was given: of all folds together."""
    if error.where != "--max-epochs" or not request.folds or request.max_epochs is None:
        return error
    return InputError(
        f"{error.problem} in {request.folds} folds",
        expected=f"at least {sum(request.stages) * request.folds}",
        got=f"{request.max_epochs:g}",
        where=error.where,
        hint=f"{error.hint}, or fewer --folds",
    )


def check_grid(request: SearchRequest, box: Sequence[Dimension], stage: Stage) -> None:
    """Makes sure that the first stage has a trial for each point of the smallest grid.

    Raises:
        InputError: it has not.
    """
    if request.sampler == "grid" and (points := least_grid(box)) > stage.trials:
        raise InputError(
            "the smallest grid, of all choices and two values of each number, has more points than stage 1 has trials",
            expected=f"at least {points} trials in stage {stage.number}",
            got=f"{stage.trials}, of {request.trials} in all",
            where="--sampler grid",
            hint="more --trials, fewer settings or choices, or --sampler quasi-random",
        )


def check_box(bench: TrialBench, box: Sequence[Dimension], stages: Sequence[Stage]) -> None:
    """Builds a trial at every end of the box, all else in the middle, so that what cannot be built is told at once.

    Raises:
        InputError: a setting does not fit the others or the data.
    """
    middle = {dimension.key: dimension.middle() for dimension in box}
    for dimension in box:
        for value in dimension.ends():
            try:
                bench.build({**middle, **stages[0].fixed, dimension.key: value})
            except InputError as error:
                raise InputError(
                    f"trials with {dimension.key}={value} cannot be made: {error.problem}",
                    expected=error.expected,
                    got=error.got,
                    where=f"--space {dimension.key}={dimension.words}",
                    hint=error.hint,
                ) from error
    for stage in stages[1:]:
        bench.build({**middle, **stage.fixed})


def refuse_beside_resume(request: SearchRequest, name: str | None, others: Sequence[Any]) -> None:
    """Makes sure that a search to go on with is named alone.

    Raises:
        InputError: something else is asked for.
    """
    if request != SearchRequest() or name is not None or others:
        raise InputError(
            "a resumed search keeps all that it was asked for",
            expected="--resume FOLDER, and beside it --workers and --storage alone",
            got=f"also {', '.join(str(word) for word in others)}" if others else None,
            hint="leave the other words out, or begin a search of another --name",
        )


def with_space(asked: Recipe, request: SearchRequest) -> SearchRequest:
    """Says what is searched where nobody did: DEFAULT_SPACE without what somebody gave.

    It is said once, when a search begins, and kept: who goes on with it or joins it sees other origins of the values.

    Raises:
        InputError: nothing is left.
    """
    if request.space:
        return request
    left = tuple(key for key in DEFAULT_SPACE if key not in asked.asked_for())
    if not left:
        raise InputError(
            "nothing is left to search",
            got=f"{' and '.join(DEFAULT_SPACE)} are given",
            where="--space",
            hint="--space with settings that are not given",
        )
    return replace(request, space=left)


def refuse_another(study: str, asked: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Refuses to go on with a search of which another was asked for.

    Raises:
        InputError: lists every difference.
    """
    pairs = {key: (value, kept.get(key)) for key, value in asked.items() if key not in ("space", "recipe")}
    for part, before in (("space", "--space "), ("recipe", "")):
        mine, theirs = asked[part], kept.get(part, {})
        pairs |= {f"{before}{key}": (mine.get(key), theirs.get(key)) for key in dict.fromkeys([*theirs, *mine])}
    errors = [
        InputError(f"{key} is another than in the search", expected=str(theirs), got=str(mine))
        for key, (mine, theirs) in pairs.items()
        if mine != theirs
    ]
    if errors:
        raise InputError.several(
            f"the search {study} exists and asks for something else; give it the same words, or another --name", errors
        )

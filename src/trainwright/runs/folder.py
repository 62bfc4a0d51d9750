"""The folder of a run: its name, and the path of everything in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import InputError, nearest, some_of

DEFAULT_OUT = Path("runs")
"""Where runs are kept when nobody says otherwise."""

LIKE_ANOTHER = 0.75
"""Share of letters that a mistyped name of a run has in common with the one that it meant; names that are made of date,
model and data are alike anyway."""

_LONGEST_NAME = 150
_EARLY_NAMES = frozenset({"command.txt", "environment.json", "log.txt", "data", "checks.json", "lr_find.json"})
"""What a start may leave behind that was killed before the run's recipe and log existed."""


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run; nothing is made or read here."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def recipe(self) -> Path:
        """Every value resolved, with its source as a comment."""
        return self.path / "recipe.yaml"

    @property
    def watched(self) -> Path:
        """What is known of a loop that is not ours, in the place of a recipe."""
        return self.path / "watch.json"

    @property
    def environment(self) -> Path:
        """Versions, machine, source of the package."""
        return self.path / "environment.json"

    @property
    def command(self) -> Path:
        """The words of the command line."""
        return self.path / "command.txt"

    @property
    def log(self) -> Path:
        """What stood on the screen, as plain lines."""
        return self.path / "log.txt"

    @property
    def audit(self) -> Path:
        """What was found in the data."""
        return self.path / "data" / "audit.json"

    @property
    def classes(self) -> Path:
        """The class names in order."""
        return self.path / "data" / "classes.json"

    @property
    def split(self) -> Path:
        """Which picture belongs to which part."""
        return self.path / "data" / "split.csv"

    @property
    def rejected(self) -> Path:
        """Pictures that could not be used, with the reason."""
        return self.path / "data" / "rejected.csv"

    @property
    def events(self) -> Path:
        """The log of records, the truth about the run."""
        return self.path / "events.jsonl"

    @property
    def layers(self) -> Path:
        """The table of the model's layers."""
        return self.path / "layers.json"

    @property
    def metrics(self) -> Path:
        """One row an epoch."""
        return self.path / "metrics.csv"

    @property
    def findings(self) -> Path:
        """What was said about the run, with evidence."""
        return self.path / "findings.json"

    @property
    def checks(self) -> Path:
        """Results of the checks before training."""
        return self.path / "checks.json"

    @property
    def range_test(self) -> Path:
        """The range test that found the learning rate, where one did."""
        return self.path / "lr_find.json"

    @property
    def plots(self) -> Path:
        """The folder of charts."""
        return self.path / "plots"

    @property
    def report(self) -> Path:
        """The report, one file."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints, `last` and `best`."""
        return self.path / "checkpoints"

    @property
    def export(self) -> Path:
        """The folder of exported models."""
        return self.path / "export"


def default_name(model: str, data: str, now: datetime) -> str:
    """Names a run by when it starts, its model and its data.

    Args:
        model: the model's name, as in the recipe.
        data: the data's title or path; of a path the last part is taken.
        now: local time.

    >>> default_name("small-resnet", "digits", datetime(2026, 11, 21, 10, 15, 2))
    '20261121-101502-small-resnet-digits'
    """
    last_part = re.split(r"[/\\]", data.rstrip("/\\"))[-1]
    return f"{now:%Y%m%d-%H%M%S}-{_slug(model) or 'model'}-{_slug(last_part) or 'data'}"


def refuse_bad_name(name: str) -> None:
    """Checks a run name that the user chose.

    Raises:
        InputError: the name is empty, too long, names another folder, or would be taken for an option or hidden.
    """
    problem = None
    if not name.strip():
        problem = "it is empty"
    elif "/" in name or "\\" in name:
        problem = "it holds a separator of paths"
    elif name.startswith("-"):
        problem = "it begins with a dash, like an option"
    elif name.startswith("."):
        problem = "it begins with a dot"
    elif not name.isprintable():
        problem = "it holds a character that cannot be seen"
    elif name != name.strip():
        problem = "it begins or ends with a space"
    elif len(name.encode()) > _LONGEST_NAME:
        problem = f"it is longer than {_LONGEST_NAME} bytes"
    if problem is not None:
        raise InputError(
            f"this cannot be the name of a run: {problem}",
            expected="a plain name, such as first-try",
            got=repr(name),
            hint="to choose the folder in which runs are kept, use --out",
        )


def create_run(out: str | Path, name: str, *, automatic: bool = False) -> RunFolder:
    """Makes the folder of a new run; one that exists is never written over.

    What a start left behind that was killed before the run had a recipe or a log is taken over.

    Args:
        out: the folder in which runs are kept; made where it is missing.
        name: the run's name, unchecked where `automatic`.
        automatic: the name was made by `default_name`; where it is taken, `-2`, `-3` and so on is added.

    Raises:
        InputError: a bad name, a run of this name exists, or the folder cannot be made.
    """
    if not automatic:
        refuse_bad_name(name)
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            run = RunFolder(out / (name if number == 1 else f"{name}-{number}"))
            try:
                run.path.mkdir()
                return run
            except FileExistsError:
                if not automatic:
                    refuse_existing(run)
                    return run
                number += 1
    except OSError as error:
        raise _cannot_be_made(out / name, error.strerror or str(error)) from error


def refuse_bad_out(out: Path) -> None:
    """Makes sure, as far as it can be seen without making anything, that runs can be made in a folder.

    Raises:
        InputError: it or the nearest folder above it that exists is none, or must not be written.
    """
    there = next(path for path in (out.absolute(), *out.absolute().parents) if os.path.exists(path))
    if not there.is_dir():
        raise _cannot_be_made(out, f"{there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _cannot_be_made(out, f"{there} must not be written")


def _cannot_be_made(path: Path, reason: str) -> InputError:
    return InputError(
        "the run's folder cannot be made",
        expected="a folder that can be written",
        got=reason,
        where=str(path),
        hint="choose another folder with --out",
    )


def refuse_existing(run: RunFolder) -> None:
    """Makes sure that a folder can become a new run: nothing in it but what a start left that was killed early.

    Raises:
        InputError: a run, a file, or other files are there.
    """
    if not run.path.is_dir():
        raise InputError("a file has the name of the run", got=str(run.path), hint="choose another --name or --out")
    if is_run(run.path):
        go_on = "" if run.watched.is_file() else f"go on with --resume '{run.path}', "
        raise InputError(
            "a run of this name exists and is not written over",
            got=str(run.path),
            hint=f"choose another --name, {go_on}or remove the folder",
        )
    strangers = sorted(entry.name for entry in run.path.iterdir() if not _is_early(entry))
    if strangers:
        raise InputError(
            "the run's folder holds other files",
            expected="a new name, or an empty folder",
            got=f"{run.path} with {', '.join(strangers[:5])}",
            hint="choose another --name or --out",
        )


def open_run(path: str | Path) -> RunFolder:
    """Opens the folder of a run that exists.

    Raises:
        InputError: no such folder, a file, or a folder without a run in it.
    """
    path = Path(path)
    if not path.exists():
        if not path.is_absolute() and is_run(DEFAULT_OUT / path):
            raise InputError("there is no such run", got=str(path), hint=f"did you mean '{DEFAULT_OUT / path}'?")
        folder = path.parent if path.is_absolute() or _runs_in(path.parent) else DEFAULT_OUT
        others = _runs_in(folder)
        match = nearest(path.name, others, LIKE_ANOTHER)
        meant = f"did you mean '{folder / match}'? " if match else ""
        raise InputError("there is no such run", got=str(path), hint=meant + (_listing(others, folder) or "") or None)
    if not path.is_dir():
        hint = f"did you mean its folder, '{path.parent}'?" if is_run(path.parent) else None
        raise InputError("a run is a folder, this is a file", got=str(path), hint=hint)
    if not is_run(path):
        raise InputError(
            "this folder is no run",
            expected="a folder with recipe.yaml or watch.json, made by `trainwright train` or `tw.watch`",
            got=str(path),
            hint=_listing(_runs_in(path), path),
        )
    return RunFolder(path)


def is_run(path: str | Path) -> bool:
    """Tells whether a folder holds a run, which it does once its recipe, or what is known of a watched loop, stands."""
    run = RunFolder(Path(path))
    return run.recipe.is_file() or run.watched.is_file()


def refuse_watched(run: RunFolder) -> None:
    """Keeps a run of a loop that is not ours from what needs a recipe or checkpoints.

    Raises:
        InputError: the run was watched, and not trained by trainwright.
    """
    if run.watched.is_file() and not run.recipe.is_file():
        raise InputError(
            "this run was watched in a loop that is not trainwright's, so that it has no recipe and no net to use",
            expected="a run made by `trainwright train`",
            got=str(run.path),
            hint=f"to see what went on in it: trainwright diagnose {run.path}",
        )


def _runs_in(folder: Path) -> list[str]:
    """Names the runs of a folder, the newest first."""
    if not folder.is_dir():
        return []
    runs = sorted((entry for entry in folder.iterdir() if is_run(entry)), reverse=True)
    return [run.name for run in sorted(runs, key=_begun_ns, reverse=True)]


def _begun_ns(path: Path) -> int:
    run = RunFolder(path)
    return (run.recipe if run.recipe.is_file() else run.watched).stat().st_mtime_ns


def runs_at_hand() -> str | None:
    """Lists the newest runs in the usual folder, for a hint; None where there are none."""
    return _listing(_runs_in(DEFAULT_OUT), DEFAULT_OUT)


def _listing(runs: list[str], folder: Path) -> str | None:
    return f"runs in '{folder}', the newest first: {some_of(runs, 5)}" if runs else None


def _is_early(entry: Path) -> bool:
    is_ours = entry.name.startswith(".") and entry.suffix in (".tmp", ".lock")
    is_empty_log = entry.name == "events.jsonl" and entry.stat().st_size == 0
    return entry.name in _EARLY_NAMES or is_ours or is_empty_log


def _slug(text: str) -> str:
    """Turns any text into a short part of a folder's name."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in text)
    return re.sub(r"-{2,}", "-", kept)[:40].strip("-._")

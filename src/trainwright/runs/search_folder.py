"""The folder of a search: the path of everything in it, and what is read back from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, some_of
from .atomic import write_atomic
from .records import TrialRecord
from .serializing import from_plain, to_json, to_plain

DEFAULT_SEARCHES = Path("searches")
"""Where searches are kept when nobody says otherwise."""


@dataclass(frozen=True)
class SearchFolder:
    """The paths of a search; the journal is the truth, all else is made from it."""

    path: Path

    @property
    def name(self) -> str:
        """The search's name."""
        return self.path.name

    @property
    def asked(self) -> Path:
        """The recipe that all trials have in common, `auto` where it was left open."""
        return self.path / "asked.yaml"

    @property
    def journal(self) -> Path:
        """Optuna's journal of all trials, where no other storage was named."""
        return self.path / "journal.log"

    @property
    def facts(self) -> Path:
        """What was asked for, the stages with their boxes, borders, importances, the best."""
        return self.path / "search.json"

    @property
    def trials(self) -> Path:
        """One line a finished trial."""
        return self.path / "trials.jsonl"

    @property
    def best(self) -> Path:
        """The recipe of the best trial."""
        return self.path / "best.yaml"

    @property
    def report(self) -> Path:
        """The report, one file."""
        return self.path / "report.html"

    @property
    def log(self) -> Path:
        """What stood on the screen, as plain lines."""
        return self.path / "log.txt"

    def read_facts(self) -> dict[str, Any]:
        """Reads what is known of the search.

        Raises:
            InputError: the file is damaged.
        """
        try:
            found = json.loads(self.facts.read_text("utf-8"))
            assert isinstance(found, dict)
            return found
        except (ValueError, AssertionError) as error:
            raise InputError("a file of the search is damaged", got=str(error), where=str(self.facts)) from error

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Writes what is known of the search."""
        write_atomic(self.facts, to_json(dict(facts), indent=1))

    def write_trials(self, records: Sequence[TrialRecord]) -> None:
        """Writes one line a finished trial."""
        write_atomic(self.trials, "".join(f"{json.dumps(to_plain(record))}\n" for record in records))

    def read_trials(self) -> list[TrialRecord]:
        """Reads the finished trials.

        Raises:
            InputError: a line is damaged.
        """
        records: list[TrialRecord] = []
        for number, line in enumerate(self.trials.read_text("utf-8").splitlines(), 1):
            try:
                record = from_plain(json.loads(line))
            except ValueError as error:
                raise InputError("a line is damaged", got=str(error), where=f"{self.trials}:{number}") from error
            if isinstance(record, TrialRecord):
                records.append(record)
        return records


def open_search(path: str | Path) -> SearchFolder:
    """Opens the folder of a search that exists.

    Raises:
        InputError: there is no search in it.
    """
    folder = SearchFolder(Path(path))
    if folder.facts.is_file() and folder.asked.is_file():
        return folder
    others = Path(path).parent if Path(path).parent.is_dir() else DEFAULT_SEARCHES
    names = (
        sorted(entry.name for entry in others.iterdir() if SearchFolder(entry).facts.is_file())
        if others.is_dir()
        else []
    )
    raise InputError(
        "there is no search",
        expected="the folder of a search, made by `trainwright search`",
        got=str(path),
        hint=f"searches in '{others}': {some_of(names, 5)}" if names else None,
    )

"""Fails a whole run of the tests in which a `raise` of ours was never reached: an error that nobody saw is untested.

While the tests run, our modules are compiled with a call in front of every `raise` that notes its place. The workers
of one run note theirs in the same file, named in the environment; processes that tests start note nothing, so that
each `raise` is reached by a test in its own process. A run of single files checks nothing.
"""

from __future__ import annotations

import ast
import builtins
import importlib.machinery
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "trainwright"
NOTES = "TRAINWRIGHT_TESTS_NOTE_RAISES"
"""Environment variable with the path of the file of notes."""

Place = tuple[str, int]


class NotingLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module with a note in front of every `raise`; nothing of it is kept on disk."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:  # type: ignore[override]
        tree = Noting(str(path)).visit(ast.parse(data, path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True, optimize=_optimize)

    def path_stats(self, path: str) -> Any:
        raise OSError("no compiled file of this form is read or written")


class Noting(ast.NodeTransformer):
    """Puts `__note_raise__(path, line)` in front of every `raise`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def visit_Raise(self, node: ast.Raise) -> Sequence[ast.stmt]:
        call = ast.parse(f"__note_raise__({self._path!r}, {node.lineno})").body[0]
        return [ast.copy_location(call, node), node]


class Finder(importlib.machinery.PathFinder):
    """Finds modules of trainwright, for `NotingLoader`."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: ModuleType | None = None) -> Any:
        if fullname.partition(".")[0] != "trainwright":
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = NotingLoader(spec.loader.name, spec.loader.path)
        return spec


def begin() -> None:
    """Notes every raise of this process from now on; call it before anything of ours is imported."""
    if NOTES not in os.environ:
        os.environ[NOTES] = tempfile.mkstemp(suffix=".raises")[1]
    notes = Path(os.environ[NOTES])
    seen: set[Place] = set()

    def note(path: str, line: int) -> None:
        if (path, line) not in seen:
            seen.add((path, line))
            with notes.open("a") as file:
                file.write(f"{path}:{line}\n")

    builtins.__note_raise__ = note  # type: ignore[attr-defined]
    sys.meta_path.insert(0, Finder)


def never_reached(notes: Path) -> list[str]:
    """Lists the raises that nobody noted, as path:line."""
    reached = set(notes.read_text().split("\n"))
    places: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        raises = [node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
        places += [f"{path}:{line}" for line in sorted(raises)]
    return [place for place in places if place not in reached]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judges a whole run that passed, where EVERY_RAISE is set; in a part of one, raises stay unreached rightly."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    notes = Path(os.environ[NOTES])
    if os.environ.get("EVERY_RAISE") and exitstatus == pytest.ExitCode.OK:
        missed = never_reached(notes)
        if missed:
            print("\nno test reaches these lines that raise:", *missed, sep="\n  ")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    notes.unlink(missing_ok=True)

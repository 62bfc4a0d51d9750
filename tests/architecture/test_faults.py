"""The benchmark of the diagnosis cannot flatter it: what makes faults and what finds them do not know each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAULTS = ROOT / "benchmarks" / "faults"
JUDGES = {"judge.py", "limits.py", "baselines.py", "draw_cases.py"}
MAKERS = sorted(file for file in FAULTS.glob("*.py") if file.name not in JUDGES)


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def assigned(file: Path, name: str) -> dict[str, tuple[str, ...]]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            assert node.value is not None
            return ast.literal_eval(node.value)
    raise AssertionError(name)


@pytest.mark.parametrize("file", MAKERS, ids=lambda file: file.name)
def test_what_makes_runs_does_not_import_the_diagnosis(file: Path) -> None:
    assert not {module for module in imported(file) if module.startswith("trainwright.diagnosis")}


def test_the_detector_knows_no_kind_of_fault_by_the_benchmarks_name() -> None:
    for file in (ROOT / "src" / "trainwright" / "diagnosis").rglob("*.py"):
        assert "benchmarks.faults" not in imported(file)
        assert "key.jsonl" not in file.read_text("utf-8")


@pytest.mark.parametrize("name", ["NETS", "DATA"])
def test_what_sets_limits_does_not_judge(name: str) -> None:
    parts = assigned(FAULTS / "halves.py", name)
    assert set(parts) == {"sets", "judges"}
    assert not set(parts["sets"]) & set(parts["judges"])

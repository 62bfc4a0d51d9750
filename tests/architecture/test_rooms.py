"""The order of the rooms, and which of them never reach torch."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "trainwright"
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}
ROOM_LINES = ("Comes in:", "Goes out:", "May import:", "Read next:", "Example:")


def modules_after(code: str) -> set[str]:
    """Runs code in a fresh process and lists the modules that it has loaded."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_a_room_imports_only_rooms_on_lower_floors():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import trainwright",
        "import trainwright.recipe",
        "import trainwright.runs",
        "import trainwright.reporting",
        "import trainwright.cli.main",
        "import trainwright as tw; tw.Run",
    ],
)
def test_torch_free_rooms_never_reach_torch(code):
    loaded = modules_after(code)
    assert not loaded & {"torch", "torchvision", "timm", "numba", "sklearn", "matplotlib", "torchmetrics"}


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["recipe"], ["recipe", "--schema"], ["--version"]])
def test_light_commands_never_reach_torch(words):
    code = (
        "import sys\n"
        f"sys.argv = ['trainwright', *{words!r}]\n"
        "from trainwright.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert "torch" not in modules_after(code)


def test_no_room_or_file_has_a_name_that_says_nothing():
    names = {path.stem for path in SOURCE.rglob("*.py")} | {path.name for path in SOURCE.rglob("*") if path.is_dir()}
    assert not names & FORBIDDEN_NAMES


@pytest.mark.parametrize(
    "room", sorted(path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.glob("*/__init__.py"))
)
def test_every_room_says_what_comes_in_and_goes_out(room):
    text = (SOURCE / room / "__init__.py").read_text()
    for line in ROOM_LINES:
        assert line in text, f"{room}/__init__.py does not say '{line}'"


def test_no_file_is_longer_than_a_person_reads_at_once():
    long = {path.name: n for path in SOURCE.rglob("*.py") if (n := path.read_text().count("\n")) > 350}
    assert not long


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    assert not [path.name for path in SOURCE.rglob("*.py") if marks.search(path.read_text())]

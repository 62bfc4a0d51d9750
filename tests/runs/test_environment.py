from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from trainwright.runs import environment as described
from trainwright.runs import environment_differences, source_fingerprint
from trainwright.runs.environment import PACKAGE, git_state, packages


def test_it_is_plain_data_about_this_machine():
    found = described()
    assert json.loads(json.dumps(found)) == found
    assert found["python"] == platform.python_version()
    assert found["packages"]["torch"] == version("torch")
    assert found["trainwright"] == version("trainwright")
    assert found["cpu"]["model"]
    assert 1 <= found["cpu"]["usable_cores"] <= found["cpu"]["logical_cores"]
    assert found["memory_mib"] > 100
    assert len(found["source_sha256"]) == 64


def test_it_imports_nothing_heavy():
    code = (
        "import sys; from trainwright.runs import environment; environment();"
        "print({'torch', 'numpy', 'pydantic', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_packages_are_those_that_we_depend_on():
    assert {"torch", "numpy", "pydantic", "pyyaml"} <= packages().keys()
    assert packages()["pydantic"] == version("pydantic")


def test_packages_that_are_not_installed_have_no_version(monkeypatch):
    monkeypatch.setattr("importlib.metadata.requires", lambda name: [f"{name}-extra>=1; extra == 'more'", "PyYAML"])
    assert packages() == {"PyYAML": version("pyyaml"), "trainwright-extra": None}


def test_variables_that_change_numbers_are_noted(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert described()["variables"]["OMP_NUM_THREADS"] == "3"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "src" / "pack"
    (folder / "room").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "room" / "a.py").write_text("x = 1\n")
    return folder


def test_the_fingerprint_follows_names_and_contents(package):
    first = source_fingerprint(package)
    assert source_fingerprint(package) == first
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    assert source_fingerprint(package) == first
    (package / "room" / "a.py").write_text("x = 2\n")
    second = source_fingerprint(package)
    assert second != first
    (package / "room" / "a.py").rename(package / "room" / "b.py")
    assert source_fingerprint(package) not in (first, second)


def test_the_packages_own_fingerprint_covers_this_room():
    assert (PACKAGE / "runs" / "environment.py").is_file()
    assert source_fingerprint() == source_fingerprint(PACKAGE)


def git(folder: Path, *words: str) -> str:
    names = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *words], env={**os.environ, **names}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_commit_of_the_checkout(package):
    root = package.parent.parent
    assert git_state(package) is None
    git(root, "init", "-q")
    assert git_state(package) is None
    git(root, "add", ".")
    assert git_state(package) is None
    git(root, "commit", "-q", "-m", "first")
    commit = git(root, "rev-parse", "HEAD")
    assert git_state(package) == {"commit": commit, "dirty": False}
    (root / "notes.txt").write_text("beside the package")
    assert git_state(package) == {"commit": commit, "dirty": False}
    (package / "room" / "a.py").write_text("x = 2\n")
    assert git_state(package) == {"commit": commit, "dirty": True}


def test_without_git_there_is_no_commit(package, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_state(package) is None


def test_a_machine_without_proc(monkeypatch):
    real = Path.read_text

    def read_text(self: Path, *arguments: str | None, **options: str | None) -> str:
        if self.as_posix().startswith("/proc"):
            raise FileNotFoundError(self)
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", read_text)
    found = described()
    assert found["cpu"]["model"]
    assert found["nvidia_driver"] is None


@pytest.mark.parametrize(
    ("text", "driver"),
    [("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 23\n", "570.86.15"), ("odd\nmore\n", "odd")],
)
def test_the_driver_of_the_gpu(monkeypatch, text, driver):
    real = Path.read_text

    def read_text(self: Path, *arguments: str | None, **options: str | None) -> str:
        return text if self.as_posix() == "/proc/driver/nvidia/version" else real(self, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert described()["nvidia_driver"] == driver


def test_differences_between_machines():
    earlier = {"python": "3.11", "cpu": {"model": "a", "cores": 2}, "git": None}
    now = {"python": "3.12", "cpu": {"model": "a", "cores": 4}, "git": {"commit": "x"}}
    assert environment_differences(earlier, now) == [
        ("python", "3.11", "3.12"),
        ("cpu.cores", 2, 4),
        ("git.commit", None, "x"),
    ]
    assert environment_differences(now, now) == []

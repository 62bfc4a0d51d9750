"""The command line in this process (fast), and as a process of its own (for kills and signals)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.cli.main import main
from trainwright.training import loop

TINY = [
    "--model=plain",
    "--epochs=2",
    "--batch-size=64",
    "--set=model.width=16",
    "--set=model.depth=1",
    "--set=machine.threads=1",
]
"""The smallest run that goes all the way on digits."""


KILLED_AT_A_FLUSH = """
import os, signal, sys
left = int(sys.argv.pop(1))
flush = os.fsync
def fsync(handle):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(handle)
os.fsync = fsync
from trainwright.cli.main import main
main()
"""
"""The command line, killed in the moment in which it flushes something to disk for the n-th time."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs the command line in this process: cli("train", "digits") → Ended."""

    def run(*words: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["trainwright", *map(str, words)])
        capsys.readouterr()
        code = 0
        with contextlib.suppress(SystemExit):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return run


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line as a process of its own, in a temporary folder."""
    processes: list[subprocess.Popen[str]] = []

    def run(*words: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "trainwright", *map(str, words)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def run_killed(tmp_path: Path) -> Callable[[list[str], int], int]:
    """Runs the command line as a process of its own that is killed at its n-th flush to disk; gives its exit code."""

    def run(words: list[str], flushes: int) -> int:
        command = [sys.executable, "-c", KILLED_AT_A_FLUSH, str(flushes), *words]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True).returncode

    return run


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Gives a function that lets this process get SIGTERM when it begins its n-th training step from now."""

    def at(number: int) -> None:
        made, set_rate = 0, loop.set_rate

        def interrupted(*arguments, **named):
            nonlocal made
            made += 1
            if made == number:
                signal.raise_signal(signal.SIGTERM)
            return set_rate(*arguments, **named)

        monkeypatch.setattr(loop, "set_rate", interrupted)

    return at


@pytest.fixture
def resumes_the_same(cli, interrupt, tmp_path: Path) -> Callable[..., None]:
    """Gives a function that trains once unbroken, and once interrupted in a step and resumed: the weights are equal."""

    def check(*words: str | Path, interrupted_in_step: int) -> None:
        assert cli(*words, f"--out={tmp_path}", "--name=whole").code == 0
        interrupt(interrupted_in_step)
        assert cli(*words, f"--out={tmp_path}", "--name=broken").code == 130
        assert cli("train", "--resume", tmp_path / "broken").code == 0
        whole, broken = (
            (tmp_path / name / "checkpoints/last/model.safetensors").read_bytes() for name in ("whole", "broken")
        )
        assert whole == broken

    return check


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 40 small color pictures in two classes that differ in color, with names that try one's patience."""
    folder = tmp_path / "photos"
    rng = np.random.default_rng(0)
    for label, tint in (("re d", (200, 40, 40)), ("<b>'blue'", (40, 40, 200))):
        (folder / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(np.array(tint) + rng.normal(0, 25, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number:02d}.png")
    return folder

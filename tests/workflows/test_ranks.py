"""Training in several processes, through the real command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SHORT = [
    "train",
    "digits",
    "--epochs=1",
    "--lr=0.002",
    "--no-check",
    "--set=machine.precision=float32",
    "--set=logging.step_every=1",
]
"""A training whose steps are too small to make much of how a sum is rounded."""
TRICKS = [
    "--set=augment.mixup=0.2",
    "--set=augment.cutmix=1.0",
    "--set=optim.accumulate=2",
    "--set=loss.class_weights=0=2, 3=0.5",
    "--set=optim.clip_norm=0.5",
]
NUMBER = "--batch-size=33"
"""Two ranks do not share 33 pictures evenly."""


@pytest.fixture
def ranks(tmp_path: Path) -> Iterator[Callable[..., list[subprocess.Popen[str]]]]:
    """Starts so many ranks of a command, without torchrun; all in a temporary folder."""
    processes: list[subprocess.Popen[str]] = []

    def run(*words: str, world: int = 2, folders: tuple[str, ...] = (".",)) -> list[subprocess.Popen[str]]:
        with socket.socket() as some:
            some.bind(("127.0.0.1", 0))
            port = str(some.getsockname()[1])
        told = {"WORLD_SIZE": str(world), "LOCAL_WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1"}
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "trainwright", *words],
                cwd=tmp_path / folders[rank % len(folders)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={
                    **os.environ,
                    **told,
                    "MASTER_PORT": port,
                    "RANK": str(rank),
                    "LOCAL_RANK": str(rank),
                    "OMP_NUM_THREADS": "1",
                },
            )
            for rank in range(world)
        ]
        processes.extend(started)
        return started

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def ended(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Waits for the end of all: exit code, standard output, standard error."""
    said = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *words) for process, words in zip(processes, said, strict=True)]


def after_meeting(words: str) -> str:
    """Gives what rank 0 said, once it had met the others."""
    first, _, rest = words.partition("\n")
    assert re.fullmatch(r"waiting for \d ranks at 127.0.0.1:\d+", first), words
    return rest


def records(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [line for line in lines if line["type"] == kind]


def wait_for_steps(run: Path, count: int) -> None:
    """Waits until a run has logged so many steps."""
    until = time.monotonic() + 60
    while not (run / "events.jsonl").is_file() or len(records_of_whole_lines(run)) < count:
        assert time.monotonic() < until, "the run does not come so far"
        time.sleep(0.02)


def records_of_whole_lines(run: Path) -> list[str]:
    return [line for line in (run / "events.jsonl").read_text().split("\n")[:-1] if '"type":"step"' in line]


@pytest.mark.slow
@pytest.mark.parametrize("extra", [[*TRICKS, NUMBER], []], ids=["tricks", "plain"])
def test_two_ranks_of_torchrun_have_the_losses_of_one_process(cli, tmp_path, extra):
    assert cli(*SHORT, *extra, "--name=one", f"--out={tmp_path}").code == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "trainwright"]
    words = [*SHORT, *extra, "--name=two", f"--out={tmp_path}", "--json"]
    two = subprocess.run(
        [*torchrun, *words], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120
    )
    assert two.returncode == 0, two.stderr
    assert json.loads(two.stdout)["run"] == str(tmp_path / "two"), "rank 0 alone prints"
    assert two.stderr.count("stopped   the one epoch done") == 1
    assert "on 2 ranks, cpu each, float32" in two.stderr
    one, two = (records(tmp_path / name, "step") for name in ("one", "two"))
    assert len(one) == len(two) > 15
    for alone, together in zip(one, two, strict=True):
        assert together["loss"] == pytest.approx(alone["loss"], abs=2e-5)
        norm = alone["gradient_norm_before_clip"]
        assert together["gradient_norm_before_clip"] == (norm and pytest.approx(norm, rel=2e-3))
    one, two = (records(tmp_path / name, "evaluation")[0] for name in ("one", "two"))
    assert (two["pictures"], two["accuracy"]) == (one["pictures"], one["accuracy"])
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-4)
    one, two = (records(tmp_path / name, "epoch")[0] for name in ("one", "two"))
    assert two["valid_loss"] == pytest.approx(one["valid_loss"], abs=1e-4)
    assert json.loads((tmp_path / "two/environment.json").read_text())["ranks"] == 2


def test_a_killed_rank_ends_the_run_with_the_line_that_resumes_it_on_fewer(ranks, cli, tmp_path):
    started = ranks(*SHORT, "--name=x", "--set=training.checkpoint_every_s=0", "--out=runs")
    wait_for_steps(tmp_path / "runs/x", 5)
    started[1].kill()
    (code, _, words), (killed, *_) = ended(started)
    assert (code, killed) == (3, -signal.SIGKILL)
    assert after_meeting(words).startswith("trainwright: rank 1 is gone, of 2; its last checkpoint is kept\n"), words
    again = "torchrun --nproc-per-node 2 -m trainwright train --resume runs/x   (also with another number of ranks)"
    assert f"try: {again}" in words
    resumed = cli("train", f"--resume={tmp_path / 'runs/x'}")
    assert resumed.code == 0, resumed.err
    assert "ranks was 2 when the run began and is 1; figures may differ from an unbroken run" in resumed.out
    steps = [record["step"] for record in records(tmp_path / "runs/x", "step")]
    (resume,) = records(tmp_path / "runs/x", "resume")
    assert resume["step"] >= 4, "it goes on in the middle of the epoch"
    assert sorted(set(steps)) == list(range(1, 41))


@pytest.mark.slow
def test_a_killed_rank_0_is_told_by_the_next(ranks, tmp_path):
    started = ranks(*SHORT, "--name=x", "--out=runs")
    wait_for_steps(tmp_path / "runs/x", 5)
    started[0].kill()
    _, (code, out, words) = ended(started)
    assert (code, out) == (3, "")
    assert "trainwright: rank 0 is gone, of 2; a resume goes on from the last checkpoint, if one was written" in words
    assert "--resume runs/x" in words


@pytest.mark.slow
def test_a_signal_to_one_rank_stops_all_and_other_numbers_of_ranks_go_on(ranks, tmp_path):
    whole = ranks(*SHORT, "--name=whole", "--out=runs")
    assert [end[0] for end in ended(whole)] == [0, 0]
    started = ranks(*SHORT, "--name=cut", "--out=runs")
    wait_for_steps(tmp_path / "runs/cut", 5)
    started[1].send_signal(signal.SIGTERM)
    (code, _, words), follower = ended(started)
    assert (code, follower) == (130, (130, "", ""))
    assert re.search(r"interrupted by SIGTERM after step \d+; a checkpoint is written", words)
    assert "torchrun --nproc-per-node 2 -m trainwright train --resume runs/cut" in words
    losses = [record["loss"] for record in records(tmp_path / "runs/whole", "step")]
    for world in (2, 3):
        shutil.copytree(tmp_path / "runs/cut", tmp_path / f"runs/by-{world}")
        assert [end[0] for end in ended(ranks("train", f"--resume=runs/by-{world}", world=world))] == [0] * world
        found = [record["loss"] for record in records(tmp_path / f"runs/by-{world}", "step")]
        if world == 2:
            assert found == losses, "as if there had been no signal, bit for bit"
        assert found == pytest.approx(losses, abs=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["restart", "continue"])
def test_the_second_stage_is_made_together(ranks, tmp_path, way):
    words = [*SHORT, "--name=x", "--out=runs", f"--set=training.retrain={way}"]
    assert [end[0] for end in ended(ranks(*words))] == [0, 0]
    stages = {record["stage"] for record in records(tmp_path / "runs/x", "epoch")}
    nothing = any(finding["code"] == "nothing-to-retrain" for finding in records(tmp_path / "runs/x", "finding"))
    assert stages == ({"first"} if nothing else {"first", "retrain"})


def test_a_rank_that_waits_for_another_one_ends_at_once(ranks, tmp_path):
    (alone, other) = ranks(*SHORT, "--name=x", "--out=runs")
    other.kill()
    assert alone.stderr is not None
    assert alone.stderr.readline().startswith("waiting for 2 ranks at 127.0.0.1:")
    alone.send_signal(signal.SIGTERM)
    assert alone.wait(timeout=10) == -signal.SIGTERM


@pytest.mark.slow
def test_another_rank_fails_where_rank_0_dies_after_the_last_step(ranks, tmp_path):
    started = ranks(*SHORT, "--name=x", "--out=runs")
    until = time.monotonic() + 60
    events = tmp_path / "runs/x/events.jsonl"
    while not (events.is_file() and '"type":"stop"' in events.read_text()):
        assert time.monotonic() < until
    started[0].kill()
    _, (code, _, words) = ended(started)
    assert code == 3
    assert "trainwright: rank 0 is gone, of 2" in words


def test_a_mistake_is_told_once_with_the_usual_exit_code(ranks):
    for words, says in (
        (["train", "digits", "--batch-size=1"], "a batch has fewer pictures than there are ranks to share it"),
        (["predict", "runs/x", "a.png"], "predict works in one process; only train works in several"),
    ):
        (code, _, told), (other, out, nothing) = ended(ranks(*words))
        assert (code, other) == (2, 2)
        assert after_meeting(told).startswith(f"trainwright: {says}")
        assert (out, nothing) == ("", "")


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_found_once(ranks, tmp_path):
    plain = ["--model=plain", "--set=model.normalization=none", "--opt=sgd", "--lr=100", "--set=optim.clip_norm=0"]
    words = [*SHORT, *plain, "--name=x", "--out=runs"]
    (code, _, told), (other, _, nothing) = ended(ranks(*words))
    assert (code, other, nothing) == (3, 3, "")
    assert re.search(r"the loss became (nan|inf) at step \d+, in epoch 1", told)
    told_codes = [record["code"] for record in records(tmp_path / "runs/x", "finding")]
    assert told_codes.count("non-finite-loss") == 1
    assert len(told_codes) == len(set(told_codes)), "what the diagnosis adds is told once, too"


@pytest.mark.slow
def test_a_signal_to_another_rank_lets_rank_0_write_to_the_end_before_torchrun_ends_it(ranks, tmp_path):
    started = ranks(*SHORT, "--name=x", "--out=runs")
    wait_for_steps(tmp_path / "runs/x", 5)
    started[1].send_signal(signal.SIGTERM)
    while started[1].poll() is None:
        time.sleep(0.01)
    assert (tmp_path / "runs/x/report.html").is_file(), "it ends after rank 0 has done all"
    assert [end[0] for end in ended(started)] == [130, 130]

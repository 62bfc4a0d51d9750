"""Killed, stopped, interrupted: a run goes on and ends as if nothing had happened, bit for bit."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwright.workflows import inspect_data, ranks, train

WORDS = [
    "digits",
    "--model=small-resnet",
    "--epochs=4",
    "--batch-size=32",
    "--set=model.width=16",
    "--set=model.depth=1",
    "--set=model.dropout=0.2",
    "--set=training.ema=0.95",
    "--set=training.checkpoint_every_s=0",
    "--set=machine.threads=1",
    "--set=logging.step_every=1",
]


def result(run: Path) -> tuple[bytes, bytes, list[tuple[str, ...]]]:
    """What must be equal: the last and the best weights, and the figures of every epoch but times."""
    rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    timed = {
        rows[0].index(name) for name in rows[0] if name.endswith("_s") or name in ("data_wait_share", "memory_mib")
    }
    figures = [tuple(cell for i, cell in enumerate(row) if i not in timed) for row in rows]
    weights = [(run / "checkpoints" / name / "model.safetensors").read_bytes() for name in ("last", "best")]
    return weights[0], weights[1], figures


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("unbroken")
    subprocess.run(
        [sys.executable, "-m", "trainwright", "train", *WORDS, "--name=run", f"--out={out}"],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return out / "run"


def steps_of(run: Path) -> int:
    log = run / "events.jsonl"
    return log.read_bytes().count(b'"gradient_norm_before_clip"') if log.exists() else 0


def wait_for_steps(run: Path, steps: int, limit_s: float = 120) -> None:
    until = time.monotonic() + limit_s
    while steps_of(run) < steps:
        assert time.monotonic() < until, f"no {steps} steps within {limit_s} s"
        time.sleep(0.005)


@pytest.mark.parametrize(
    "steps", [pytest.param(3, marks=pytest.mark.slow), 57, pytest.param(130, marks=pytest.mark.slow)]
)
def test_killed_at_any_step_it_ends_with_the_same_weights(start, cli, tmp_path, unbroken, steps):
    run = tmp_path / "runs" / "run"
    process = start("train", *WORDS, "--name=run")
    wait_for_steps(run, steps)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (run / "report.html").exists()
    ended = cli("train", "--resume", run, "--json")
    assert ended.code == 0, ended.err
    assert result(run) == result(unbroken)


def test_ctrl_c_writes_a_checkpoint_and_the_same_command_goes_on(start, cli, tmp_path, unbroken):
    run = tmp_path / "runs" / "run"
    process = start("train", *WORDS, "--name=run")
    wait_for_steps(run, 10)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted by SIGINT" in err
    assert "--resume" in err
    assert (run / "report.html").exists()
    made = json.loads((run / "checkpoints/last/manifest.json").read_text())["meta"]["step"]
    assert made >= 10
    ended = cli("train", *WORDS, "--name=run", f"--out={tmp_path / 'runs'}")
    assert ended.code == 0, ended.err
    assert result(run) == result(unbroken)


def test_sigterm_ends_with_130_too(start, tmp_path):
    process = start("train", *WORDS, "--name=run")
    wait_for_steps(tmp_path / "runs" / "run", 2)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err


def test_a_signal_in_the_middle_of_a_step_lets_it_end(cli, tmp_path, interrupt):
    interrupt(1)
    ended = cli("train", *WORDS, "--name=run", f"--out={tmp_path}")
    assert ended.code == 130
    assert "interrupted by SIGTERM after step 1; a checkpoint is written" in ended.err
    made = json.loads((tmp_path / "run/checkpoints/last/manifest.json").read_text())["meta"]["step"]
    assert made == 1


@pytest.fixture
def half(unbroken, tmp_path) -> Path:
    """A run that was killed after its third epoch: the unbroken one with a checkpoint of then."""
    run = tmp_path / "run"
    shutil.copytree(unbroken, run)
    shutil.rmtree(run / "checkpoints" / "last")
    (run / "checkpoints" / "last.previous").rename(run / "checkpoints" / "last")
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"kind":' not in line and '"confusion_KK"' not in line]
    (run / "events.jsonl").write_text("".join(kept))
    return run


def test_an_older_checkpoint_gives_the_same_end(half, cli, unbroken):
    ended = cli("train", "--resume", half)
    assert ended.code == 0, ended.err
    assert result(half) == result(unbroken)


def test_a_flipped_byte_is_told_and_the_one_before_is_used(half, cli, unbroken):
    shutil.copytree(half / "checkpoints" / "last", half / "checkpoints" / "last.previous")
    damaged = half / "checkpoints" / "last" / "model.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-10] ^= 4
    damaged.write_bytes(content)
    ended = cli("train", "--resume", half)
    assert ended.code == 0, ended.err
    assert "the checkpoint is damaged" in ended.out
    assert "going back to the one before" in ended.out
    assert result(half) == result(unbroken)


def test_another_recipe_is_refused_with_every_difference(half, cli):
    ended = cli("train", "--resume", half, "--lr=0.5", "--set=model.width=8")
    assert ended.code == 2
    assert "made with another recipe" in ended.err
    assert "optim.lr is another than in the run" in ended.err
    assert "model.width is another than in the run" in ended.err
    ended = cli("train", *WORDS[:-1], "--epochs=5", "--name=run", f"--out={half.parent}")
    assert ended.code == 2
    assert "training.epochs is another than in the run" in ended.err


def test_a_recipe_from_before_some_settings_were_there_goes_on(half, cli, unbroken):
    later = ("task:", "activation:", "normalization:", "aspp:", "retrain:", "reestimate_batch_norm:", "sparsity:")
    path = half / "recipe.yaml"
    lines = path.read_text().splitlines(keepends=True)
    left = [line for line in lines if not line.strip().startswith(later)]
    assert len(lines) - len(left) == len(later)
    path.write_text("".join(left))
    ended = cli("train", "--resume", half)
    assert ended.code == 0, ended.err
    assert result(half) == result(unbroken)


def test_changed_code_is_told(half, cli):
    path = half / "environment.json"
    environment = json.loads(path.read_text())
    path.write_text(json.dumps({**environment, "source_sha256": "0" * 64}))
    ended = cli("train", "--resume", half)
    assert ended.code == 0
    assert "trainwright's own code has changed since the run began" in ended.out


def test_changed_data_are_told(photos, cli, tmp_path):
    words = ["--model=plain", "--set=model.width=16", "--set=model.depth=1", "--batch-size=8", "--epochs=2"]
    ended = cli("train", photos, *words, "--set=machine.threads=1", "--name=run", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    log = tmp_path / "run" / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(line for line in lines if '"confusion_KK"' not in line))
    shutil.copy(photos / "re d" / "00.png", photos / "re d" / "zz.png")
    (photos / "re d" / "01.png").unlink()
    ended = cli("train", "--resume", tmp_path / "run")
    assert ended.code == 2
    assert "01.png" in ended.err
    assert "zz.png" in ended.err


MIXED = [
    "--model=small-resnet",
    "--opt=adamw",
    "--sched=cosine",
    "--epochs=3",
    "--batch-size=4",
    "--lr=0.01",
    "--set=optim.accumulate=3",
    "--set=optim.clip_norm=1",
    "--set=training.patience=2",
    "--set=training.checkpoint_every_s=0",
    "--set=data.cache=disk",
    "--set=model.width=8",
    "--set=model.depth=1",
    "--set=machine.threads=1",
    "--name=run",
]
"""A run on files with weights, groups of batches, patience and a cache on disk."""


@pytest.fixture
def weighted(photos) -> Path:
    manifest = photos / "list.csv"
    rows = [
        f'"{path.parent.name}/{path.name}","{path.parent.name}",{1 + number % 3}'
        for number, path in enumerate(sorted(photos.glob("*/*.png")))
    ]
    manifest.write_text("\n".join(["path,label,weight", *rows]) + "\n")
    return manifest


@pytest.mark.slow
def test_killed_at_any_flush_to_disk_it_ends_with_the_same_weights(weighted, cli, run_killed, tmp_path):
    words = ["train", str(weighted), *MIXED]
    ended = cli(*words, f"--out={tmp_path / 'unbroken'}")
    assert ended.code == 0, ended.err
    whole = result(tmp_path / "unbroken" / "run")
    for flushes in (3, 10, 19, 24, 29, 38, 60):
        out = tmp_path / f"killed-{flushes}"
        assert run_killed([*words, f"--out={out}"], flushes) == -signal.SIGKILL
        ended = cli(*words, f"--out={out}")
        assert ended.code == 0, ended.err
        assert result(out / "run") == whole, f"killed at flush {flushes}"


@pytest.mark.slow
def test_a_rate_that_has_dropped_stays_down_after_a_kill(cli, run_killed, tmp_path):
    words = ["train", "digits", "--model=plain", "--sched=plateau", "--epochs=8", "--lr=2", "--batch-size=64"]
    words += ["--set=schedule.drop_epochs=1", "--set=schedule.warmup=0", "--set=model.width=4", "--name=run"]
    words += ["--set=training.checkpoint_every_s=0", "--set=machine.threads=1"]
    ended = cli(*words, f"--out={tmp_path / 'unbroken'}")
    assert ended.code == 0, ended.err
    whole = result(tmp_path / "unbroken" / "run")
    out = tmp_path / "killed"
    assert run_killed([*words, f"--out={out}"], 700) == -signal.SIGKILL
    with (out / "run" / "metrics.csv").open() as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    assert len(rates) < 8
    assert min(rates) < 0.6 * max(rates), "a rate this high comes to a plateau; choose another if it no longer does"
    ended = cli(*words, f"--out={out}")
    assert ended.code == 0, ended.err
    assert result(out / "run") == whole


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_weights(weighted, cli, run_killed, tmp_path):
    words = ["train", str(weighted), *MIXED]
    assert cli(*words, f"--out={tmp_path / 'unbroken'}").code == 0
    out = tmp_path / "killed"
    kills = 0
    while run_killed([*words, f"--out={out}"], 40) == -signal.SIGKILL:
        kills += 1
        assert kills < 20
    assert kills > 1
    assert result(out / "run") == result(tmp_path / "unbroken" / "run")


def test_an_interruption_before_training_says_that_there_is_nothing_to_resume(cli, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(ranks, "prepare", stopped)
    ended = cli("train", "digits", "--name=x", f"--out={tmp_path}")
    assert ended.code == 130
    assert "interrupted before training began; there is no run, and nothing to resume" in ended.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("epochs", "kept"),
    [
        (0, "no checkpoint is written yet, so that a resume begins anew"),
        (1, "all epochs are done, and only the test and the report are left"),
    ],
)
def test_an_interruption_at_once_says_what_was_kept(cli, tmp_path, monkeypatch, epochs, kept):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, *(("judge_result", stopped) if epochs else ("check_before_training", stopped)))
    words = ["--model=plain", "--epochs=1", "--set=model.width=4", "--set=model.depth=1", "--set=machine.threads=1"]
    ended = cli("train", "digits", *words, "--name=x", f"--out={tmp_path}")
    assert ended.code == 130
    assert f"interrupted; {kept}\n  try: trainwright train --resume {tmp_path / 'x'}" in ended.err


def test_other_commands_say_that_they_were_interrupted(cli, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspect_data, "prepare", stopped)
    ended = cli("data", "digits")
    assert (ended.code, "data was interrupted before it was done" in ended.err) == (130, True)

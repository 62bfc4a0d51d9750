"""Optimizers, clipping, layers' rates and penalties from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from trainwright.runs import StepRecord, read_records
from workflows.conftest import TINY

WORDS = [*TINY, "--set=logging.step_every=1", "--name=x"]


def steps_of(run: Path) -> list[StepRecord]:
    return [record for record in read_records(run / "events.jsonl") if isinstance(record, StepRecord)]


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adagrad", "rmsprop", "adam", "timm:lion"])
def test_every_optimizer_trains_with_the_rate_that_auto_gives_it(cli, tmp_path, name):
    ended = cli("train", "digits", *WORDS, f"--opt={name}", f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["epochs"] == 2
    losses = [step.loss for step in steps_of(tmp_path / "x")]
    assert np.mean(losses[-3:]) < losses[0]


def test_all_pictures_make_a_step(cli, tmp_path):
    ended = cli("train", "digits", *WORDS, "--set=optim.accumulate=all", "--epochs=3", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    steps = steps_of(tmp_path / "x")
    assert [(step.step, step.epoch) for step in steps] == [(1, 1), (2, 2), (3, 3)]


def test_the_rate_that_is_told_is_the_peak_group_s(cli, tmp_path):
    words = ["--lr=0.2", "--sched=constant", "--set=schedule.warmup=0", "--set=optim.layer_decay=0.5"]
    ended = cli("train", "digits", *WORDS, *words, f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    assert {step.learning_rate for step in steps_of(tmp_path / "x")} == {0.2}
    assert ",0.2," in (tmp_path / "x/metrics.csv").read_text()


@pytest.mark.parametrize("word", ["optim.clip_value=0.01", "optim.clip_adaptive=0.01"])
def test_every_way_of_clipping_tells_the_norm(cli, tmp_path, word):
    ended = cli("train", "digits", *WORDS, f"--set={word}", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    assert all(step.gradient_norm_before_clip > 0 for step in steps_of(tmp_path / "x"))


def test_penalties_are_told_apart_from_the_loss(cli, tmp_path):
    quiet = ["--lr=1e-6", "--weight-decay=0", "--set=loss.label_smoothing=0"]
    for name, words in {"without": [], "with": ["--set=regularization.l1=0.01", "--set=regularization.l2=0.1"]}.items():
        ended = cli("train", "digits", *WORDS[:-1], *quiet, *words, f"--name={name}", f"--out={tmp_path}")
        assert ended.code == 0, ended.err
    plain, penalized = steps_of(tmp_path / "without"), steps_of(tmp_path / "with")
    assert plain[0].penalty is None
    assert penalized[0].loss == plain[0].loss, "the loss is the data's, with and without a penalty"
    assert penalized[0].penalty > 0.01
    checks = [json.loads((tmp_path / name / "checks.json").read_text()) for name in ("without", "with")]
    first = [next(row for row in rows if row["name"] == "first-loss") for rows in checks]
    assert first[0] == first[1], "the first loss is compared with ln K without penalties"


def test_max_norm_holds_in_what_is_kept(cli, tmp_path):
    ended = cli("train", "digits", *WORDS, "--lr=2", "--set=regularization.max_norm=0.5", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    for kept in ("last", "best"):
        weights = safetensors.numpy.load_file(tmp_path / "x/checkpoints" / kept / "model.safetensors")
        rows = [w.reshape(len(w), -1).astype(float) for w in weights.values() if w.ndim > 1]
        longest = max(np.linalg.norm(row, axis=1).max() for row in rows)
        assert 0.4 < longest <= 0.5 * (1 + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("word", ["machine.compile=true", "machine.precision=bfloat16"])
def test_penalties_and_max_norm_train_compiled_and_in_mixed_precision(cli, tmp_path, word):
    words = ["--set=regularization.l1=1e-4", "--set=regularization.max_norm=0.5", "--set=optim.accumulate=2"]
    ended = cli("train", "digits", *WORDS, *words, f"--set={word}", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    assert all(step.penalty > 0 for step in steps_of(tmp_path / "x"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--opt=timm:lionn"], ["timm has no optimizer 'lionn'", "did you mean 'timm:lion'"]),
        (["--opt=lion"], ["optim.name has no such choice", "did you mean 'timm:lion'"]),
        (["--opt=timm:adahessian"], ["'adahessian' cannot be used", "second derivatives"]),
        (["--batch-size=all"], ["optim.batch_size", "--set optim.accumulate=all"]),
        (["--set=optim.accumulate=every"], ["optim.accumulate", "at least 1 and at most 4096 (batches), or all"]),
        (["--set=regularization.max_norm=-1"], ["regularization.max_norm is out of range", "at least 0"]),
        (["--set=regularization.decoupled=true"], ["regularization.decoupled has no effect"]),
        (["--set=optim.clip_norm=1", "--set=optim.clip_value=1"], ["clipped in one way only"]),
        (["--set=optim.layer_decay=0"], ["optim.layer_decay is out of range", "above 0 and at most 1"]),
        (["--opt=adam", "--set=optim.rho=0.9"], ["optim.rho has no effect, since optim.name is adam", "rmsprop"]),
    ],
)
def test_what_cannot_be_is_refused_before_pictures_are_read(cli, tmp_path, words, says):
    ended = cli("train", tmp_path / "there are no pictures here", *words, f"--out={tmp_path / 'out'}")
    assert ended.code == 2
    for text in says:
        assert text in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()

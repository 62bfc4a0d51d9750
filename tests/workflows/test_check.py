"""`trainwright check` through the real command line, as the first act of `train`, and from Python."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import trainwright as tw
from trainwright.data import Augmenter, prepare
from trainwright.recipe import compose, parse_assignments
from trainwright.runs import RunFolder
from trainwright.training import build
from trainwright.tuning import subject_of
from trainwright.tuning.pipeline import check_labels_kept
from trainwright.tuning.subject import OutOfTime
from trainwright.workflows.deciding import decide

SMALL = "--model=plain --set=model.width=8 --set=model.depth=1 --set=machine.threads=1 --set=machine.precision=float32"
LADDER = [
    "optimizer",
    "first-loss",
    "inputs",
    "regularization",
    "separate-pictures",
    "one-step",
    "pipeline",
    "determinism",
    "gradient-flow",
    "gradients",
    "labels-kept",
    "few-pictures",
    "learning-rate",
    "blank-pictures",
    "few-batches",
]


def test_a_healthy_recipe_passes_every_check(cli):
    ended = cli("check", "digits", *SMALL.split(), "--epochs=20", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["passed"] is True
    assert {row["name"] for row in told["checks"]} == set(LADDER)
    assert {row["verdict"] for row in told["checks"]} <= {"passed", "warned"}
    assert all(set(row) == {"name", "verdict", "summary", "evidence", "causes"} for row in told["checks"])


def test_a_person_reads_a_line_for_each_and_what_follows(cli):
    ended = cli("check", "digits", *SMALL.split(), "--set=init.scheme=zeros")
    assert ended.code == 3
    lines = ended.out.splitlines()
    (failed,) = [line for line in lines if line.split()[:2] == ["first-loss", "FAILED"]]
    assert "no gradient reaches its weights" in failed
    assert sum("an earlier check failed" in line for line in lines) == len(LADDER) - 2
    assert (
        lines[-1] == "  Training cannot work so. First: first-loss: perhaps weights that are all 0, or units that are "
        "never active."
    )


@pytest.mark.parametrize("settings", [{"loss.name": "kl"}, {}])
def test_other_losses_and_few_pictures_are_checked_too(settings, tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (300, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, 2, 300)
    images[labels == 1, :, :4] += 120
    np.savez(tmp_path / "halves.npz", images=images, labels=labels)
    small = {"model.width": 8, "model.depth": 1, "machine.threads": 1, **settings}
    checks = tw.check(tmp_path / "halves.npz", model="plain", epochs=20, settings=small)
    assert checks.passed, str(checks)
    assert checks["few-pictures"].verdict == checks["learning-rate"].verdict == "passed"
    assert "too few to tell" in checks["blank-pictures"].summary


def test_train_begins_with_what_a_tenth_of_its_time_allows(cli, tmp_path):
    ended = cli("train", "digits", *SMALL.split(), "--epochs=2", f"--out={tmp_path}", "--name=x")
    assert ended.code == 0, ended.err
    made = {row["name"]: row["verdict"] for row in json.loads((tmp_path / "x/checks.json").read_text())}
    assert list(made) == LADDER
    assert made["first-loss"] == "passed"
    assert made["few-batches"] == "skipped"
    assert "few-batches" in ended.out.partition("not made:")[2]


def test_altering_pictures_is_given_up_where_a_first_batch_tells_that_it_takes_too_long(monkeypatch):
    words = ["data.source=digits", "model.name=plain", "model.width=8", "machine.threads=1", "augment.rotate=10"]
    asked = compose(parse_assignments(words))
    data = prepare(asked.data, seed=0)
    setup = build(decide(asked, data), data)
    clock, train = [0.0], Augmenter.train

    def slow(self, images_NCHW, samples_N, epoch):
        clock[0] += 1.0
        return train(self, images_NCHW, samples_N, epoch)

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(Augmenter, "train", slow)
    given = subject_of(setup, data)
    with pytest.raises(OutOfTime):
        check_labels_kept(setup, data, replace(given, until=100.0))
    assert clock[0] == 2.0
    monkeypatch.setattr("trainwright.tuning.pipeline.COPIES", 0)  # a first batch that promises too much
    with pytest.raises(OutOfTime):
        check_labels_kept(setup, data, replace(given, until=100.0))
    assert 100 <= clock[0] <= 101


def test_checks_change_no_bit_of_the_training(cli, tmp_path):
    for name, words in {"with": [], "without": ["--no-check"]}.items():
        ended = cli("train", "digits", *SMALL.split(), "--epochs=2", *words, f"--out={tmp_path}", f"--name={name}")
        assert ended.code == 0, ended.err
    weights = [(tmp_path / name / "checkpoints/last/model.safetensors").read_bytes() for name in ("with", "without")]
    assert weights[0] == weights[1]
    assert (tmp_path / "with/checks.json").is_file()
    assert not (tmp_path / "without/checks.json").exists()


def test_a_failed_check_ends_the_run_and_says_how_to_go_on(cli, tmp_path):
    words = ["digits", *SMALL.split(), "--epochs=2", "--set=init.scheme=zeros", f"--out={tmp_path}", "--name=x"]
    ended = cli("train", *words)
    assert ended.code == 3
    run = RunFolder(tmp_path / "x")
    assert f"trainwright train --recipe {run.recipe} --set init.scheme=auto --out {tmp_path}" in ended.err
    assert f"trainwright train --resume {run.path} --no-check" in ended.err
    assert not any(run.checkpoints.glob("*/model.safetensors"))
    page = run.report.read_text()
    assert "Training did not begin: a check before it failed." in page
    assert page.index('id="checks"') < page.index('id="findings"')
    refused = cli("predict", run.path, run.plots / "first-batch.png")
    assert refused.code == 2
    assert "this run was not trained" in refused.err
    again = cli("train", "--resume", run.path)
    assert again.code == 3, "the same checks fail again"
    assert cli("train", "--resume", run.path, "--no-check", "--json").code == 0


def test_a_checks_object_is_read_by_name_and_as_text():
    checks = tw.check("digits", model="plain", epochs=1, settings={"model.width": 8, "init.scheme": "zeros"})
    assert not checks.passed
    assert checks["first-loss"].verdict == "failed"
    assert "perhaps: weights that are all 0" in str(checks)
    assert checks.facts["checks"][1]["name"] == "first-loss"
    with pytest.raises(KeyError, match="first_loss"):
        checks["first_loss"]

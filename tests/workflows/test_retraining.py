"""The second stage of a run, through the real command line: both ways, killed anywhere, told truly."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import time
import weakref
from pathlib import Path

import pytest
import safetensors.torch
import torch

import trainwright as tw
from trainwright.runs import EpochRecord, EvaluationRecord, History, StepRecord, read_records
from trainwright.training import load_checkpoint, setup
from trainwright.workflows import retraining
from workflows.task_pictures import SMALL, labels_of, write_digits, write_manifest

WORDS = [
    "digits",
    "--model=plain",
    "--epochs=3",
    "--batch-size=64",
    "--set=model.width=8",
    "--set=model.depth=1",
    "--set=model.dropout=0.2",
    "--set=machine.threads=1",
    "--set=logging.step_every=1",
]
WAYS = ("restart", "continue")


def words_of(way: str, out: Path, *more: str) -> list[str]:
    return ["train", *WORDS, f"--set=training.retrain={way}", "--name=run", f"--out={out}", *more]


def result(run: Path) -> tuple[dict[str, bytes], list[tuple[str, ...]]]:
    """What must be equal: all weights that are kept, and the figures of every epoch but times."""
    rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    timed = {
        rows[0].index(name) for name in rows[0] if name.endswith("_s") or name in ("data_wait_share", "memory_mib")
    }
    kept = {
        name: (run / "checkpoints" / name / "model.safetensors").read_bytes()
        for name in ("last", "best", "retraining/last", "retrained")
    }
    return kept, [tuple(cell for i, cell in enumerate(row) if i not in timed) for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path]:
    """Unbroken runs of both ways."""
    settings = {"model.width": 8, "model.depth": 1, "model.dropout": 0.2, "machine.threads": 1, "logging.step_every": 1}
    runs = {}
    for way in WAYS:
        asked = {**settings, "training.retrain": way}
        out = tmp_path_factory.mktemp(way)
        runs[way] = tw.train("digits", model="plain", epochs=3, batch_size=64, settings=asked, out=out, name="run").path
    return runs


@pytest.mark.parametrize("way", WAYS)
def test_a_run_tells_both_stages_apart(whole, way):
    run = whole[way]
    history = History.of(read_records(run / "events.jsonl"))
    assert history.retrain is not None
    assert history.first_stop is not None
    stages = [row.stage for row in history.epochs.rows]
    second = stages.count("retrain")
    assert stages == ["first"] * 3 + ["retrain"] * second
    assert history.epochs["epoch"] == tuple(range(1, 4 + second))
    assert history.steps["step"] == tuple(range(1, len(history.steps) + 1))
    assert all(row.valid_loss is None and not row.best for row in history.epochs.rows if row.stage == "retrain")
    assert (history.retrain.epoch, history.retrain.step) == (3, 60)
    assert history.retrain.best_epoch == history.first_stop.best_epoch
    assert history.stop is not None
    assert history.stop.step == 60 + 22 * second
    assert history.stop.train_time_s > history.first_stop.train_time_s
    with (run / "metrics.csv").open() as file:
        assert [row["stage"] for row in csv.DictReader(file)] == stages


@pytest.mark.parametrize("way", WAYS)
def test_the_test_part_is_judged_once_and_with_the_result(whole, way):
    records = read_records(whole[way] / "events.jsonl")
    evaluations = [record for record in records if isinstance(record, EvaluationRecord)]
    assert [record.part for record in evaluations] == ["test"]
    assert isinstance(records[-1], EvaluationRecord), "after the last step"
    run = tw.Run.open(whole[way])
    assert run.evaluate()["accuracy"] == evaluations[0].accuracy
    best, retrained = (
        safetensors.torch.load_file(whole[way] / "checkpoints" / name / "model.safetensors")
        for name in ("best", "retrained")
    )
    assert not torch.equal(best["head.weight"], retrained["head.weight"])
    assert best.keys() == retrained.keys()
    assert evaluations[0].epoch == max(row.epoch for row in records if isinstance(row, EpochRecord))


def test_the_figures_say_what_belongs_to_which_stage(whole):
    anew, further = (tw.Run.open(whole[way]).metrics for way in WAYS)
    assert anew["epochs"] == further["epochs"] == 3
    assert anew["valid_accuracy"] == further["valid_accuracy"], "of the first stage, which is the same"
    assert anew["stopped_because"] == "all 3 epochs done"
    assert set(anew["retrained"]) == {"way", "epochs", "pictures", "target_loss", "added_loss", "stopped_because"}
    assert (anew["retrained"]["way"], anew["retrained"]["pictures"]) == ("restart", 1438)
    assert anew["retrained"]["target_loss"] is None
    assert further["retrained"]["way"] == "continue"
    goal = further["retrained"]["target_loss"]
    reached = further["retrained"]["added_loss"] <= goal
    assert ("no more than the" if reached else "still more than the") in further["retrained"]["stopped_because"]
    assert reached or further["retrained"]["epochs"] == 3
    history = tw.Run.open(whole["continue"]).history
    assert history.retrain.added_loss > goal
    best = next(row for row in history.epochs.rows if row.epoch == history.first_stop.best_epoch)
    assert history.retrain.added_loss == pytest.approx(best.valid_loss, rel=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_the_report_says_which_weights_are_the_result(whole, way):
    html = (whole[way] / "report.html").read_text("utf-8")
    assert "These retrained weights are the result." in html
    assert "no validation figure exists for them" in html
    assert "with the retrained weights" in html
    assert {"restart": "trained anew, from its first weights", "continue": "was trained further, on"}[way] in html
    assert 'class="line retrain"' in html


def test_the_second_stage_of_a_restart_learns_as_a_run_of_its_own_would(whole):
    """Rates and epochs as laid out: to the best epoch of the first stage, from the first rate to the last."""
    history = tw.Run.open(whole["restart"]).history
    assert history.retrain.epochs == history.first_stop.best_epoch
    rates = [row.learning_rate for row in history.steps.rows if row.step > history.retrain.step]
    assert len(rates) == 22 * history.retrain.epochs
    first = history.steps.rows[0].learning_rate
    assert rates[0] == pytest.approx(first)
    assert rates[-1] == pytest.approx(first * 1e-4 / 0.04, rel=1e-6)


def test_a_continuation_keeps_one_rate(whole):
    history = tw.Run.open(whole["continue"]).history
    second = [row.learning_rate for row in history.steps.rows if row.step > history.retrain.step]
    assert second == pytest.approx([0.3 * tw.Run.open(whole["continue"]).recipe.optim.lr] * len(second))


def test_the_validation_pictures_count_as_learned(photos, cli, tmp_path):
    words = ["--model=plain", "--set=model.width=8", "--set=model.depth=1", "--batch-size=8", "--epochs=1"]
    words += ["--set=data.valid_share=0.3", "--set=training.retrain=restart", "--set=machine.threads=1"]
    assert cli("train", photos, *words, "--name=run", f"--out={tmp_path}").code == 0
    with (tmp_path / "run/data/split.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["part"] != "train"]
    for row in rows:
        copy = tmp_path / "others" / row["name"]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / row["name"], copy)
    ended = cli("evaluate", tmp_path / "run", tmp_path / "others", "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    parts = [row["part"] for row in rows]
    assert (said["trained_on"], said["unseen"]["pictures"]) == (parts.count("valid"), parts.count("test"))
    assert min(said["trained_on"], said["unseen"]["pictures"]) > 3
    assert "or in the validation part, which it learned, too" in ended.err


@pytest.mark.parametrize("way", WAYS)
def test_resuming_a_finished_run_changes_nothing(whole, cli, way):
    before = (whole[way] / "events.jsonl").read_bytes()
    ended = cli("train", "--resume", whole[way], "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["retrained"]["way"] == way
    assert (whole[way] / "events.jsonl").read_bytes() == before


@pytest.mark.parametrize(("way", "steps"), [("restart", 100), pytest.param("continue", 64, marks=pytest.mark.slow)])
def test_killed_in_the_second_stage_it_ends_with_the_same_weights(whole, start, cli, tmp_path, way, steps):
    run = tmp_path / "run"
    process = start(*words_of(way, tmp_path, "--set=training.checkpoint_every_s=0"))
    log, until = run / "events.jsonl", time.monotonic() + 120
    while not log.exists() or log.read_bytes().count(b'"gradient_norm_before_clip"') < steps:
        assert time.monotonic() < until, f"no {steps} steps in time"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (run / "checkpoints/retraining/last").exists()
    assert not (run / "checkpoints/retrained").exists()
    ended = cli("train", "--resume", run, "--json")
    assert ended.code == 0, ended.err
    assert result(run) == result(whole[way])


@pytest.mark.parametrize("way", WAYS)
def test_interrupted_in_the_second_stage_it_goes_on_from_the_very_step(whole, cli, interrupt, tmp_path, way):
    interrupt(75)
    ended = cli(*words_of(way, tmp_path))
    assert ended.code == 130, ended.err
    assert "interrupted by SIGTERM after step 75; a checkpoint is written" in ended.err
    run = tw.Run.open(tmp_path / "run")
    assert not run.finished
    assert not run.retrained
    assert load_checkpoint(run.path / "checkpoints/retraining/last").meta["step"] == 15
    html = (run.path / "report.html").read_text("utf-8")
    assert "A second stage, on training and validation pictures together" in html
    assert "is not finished (interrupted by SIGTERM)" in html
    best = run.history.first_stop.best_epoch
    assert run.evaluate()["pictures"] == 359, "with the best snapshot"
    assert f"until it is, the weights of epoch {best} are the result" in html
    ended = cli("train", "--resume", run.path, "--json")
    assert ended.code == 0, ended.err
    assert ended.err.count("goes on in epoch 4, after step 75 of the run") == 1
    assert result(run.path) == result(whole[way])
    assert run.finished
    steps = [record.step for record in read_records(run.path / "events.jsonl") if isinstance(record, StepRecord)]
    assert steps == sorted(set(steps))


def test_a_damaged_checkpoint_of_the_first_stage_does_not_take_the_second_back(whole, cli, interrupt, tmp_path):
    interrupt(75)
    assert cli(*words_of("continue", tmp_path)).code == 130
    run = tw.Run.open(tmp_path / "run")
    before, unbroken = run.history, tw.Run.open(whole["continue"])
    assert before.first_stop.best_epoch == 3, "more than the checkpoint before knows of"
    damaged = run.path / "checkpoints/last/model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    ended = cli("train", "--resume", run.path, "--json")
    assert ended.code == 0, ended.err
    assert "going back to the one before" in ended.err
    assert "goes on in epoch 4, after step 75 of the run" in ended.err
    assert run.history.retrain == before.retrain
    assert run.history.resumes[-1].step == 75
    assert run.history.stop.train_time_s > before.first_stop.train_time_s
    kept, epochs = result(run.path)
    expected, unbroken_epochs = result(unbroken.path)
    assert epochs == unbroken_epochs
    assert {**kept, "last": expected["last"]} == expected


def test_the_net_and_the_moments_of_the_first_stage_are_let_go_before_the_second(cli, tmp_path, monkeypatch):
    alive, made, build_second, step = [], weakref.WeakSet(), retraining.build_second, setup.train_step

    def watched(forward, model, optimizer, *arguments, **named):
        made.update((model, optimizer))
        return step(forward, model, optimizer, *arguments, **named)

    def building(*arguments, **named):
        alive.append(len(made))
        return build_second(*arguments, **named)

    monkeypatch.setattr(setup, "train_step", watched)
    monkeypatch.setattr(retraining, "build_second", building)
    assert cli(*words_of("restart", tmp_path), "--epochs=1").code == 0
    assert alive == [0]
    assert len(made) == 0


def test_killed_before_the_second_stage_has_a_checkpoint_it_begins_it_anew(whole, cli, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole["continue"], run)
    for name in ("retraining", "retrained"):
        shutil.rmtree(run / "checkpoints" / name)
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"confusion_KK"' not in line]
    (run / "events.jsonl").write_text("".join(kept))
    ended = cli("train", "--resume", run)
    assert ended.code == 0, ended.err
    assert result(run) == result(whole["continue"])


def test_killed_after_the_last_step_it_is_kept_and_judged(whole, cli, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole["restart"], run)
    (run / "checkpoints" / "retrained").rename(run / "checkpoints" / "retraining" / "best")
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    (run / "events.jsonl").write_text("".join(line for line in lines if '"confusion_KK"' not in line))
    ended = cli("train", "--resume", run, "--json")
    assert ended.code == 0, ended.err
    assert result(run) == result(whole["restart"])
    assert json.loads(ended.out)["test_accuracy"] == tw.Run.open(whole["restart"]).metrics["test_accuracy"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("removed", [["retrained"], ["retrained", "retraining"]])
def test_a_finished_net_that_was_removed_is_made_anew(whole, cli, tmp_path, way, removed):
    run = tmp_path / "run"
    shutil.copytree(whole[way], run)
    for name in removed:
        shutil.rmtree(run / "checkpoints" / name)
    ended = cli("train", "--resume", run, "--json")
    assert ended.code == 0, ended.err
    told = "the net that the second stage ended with is gone"
    assert (told in " ".join(ended.err.split())) == (removed == ["retrained"])
    assert result(run) == result(whole[way])
    said, unbroken = json.loads(ended.out), tw.Run.open(whole[way]).metrics
    assert {**said, "run": None, "wall_time_s": None} == {**unbroken, "run": None, "wall_time_s": None}
    assert tw.Run.open(run).finished


def test_killed_while_a_removed_net_is_made_anew_it_ends_with_the_same_weights(whole, cli, interrupt, tmp_path):
    """No half-trained net takes the place of the finished one."""
    run = tmp_path / "run"
    shutil.copytree(whole["restart"], run)
    shutil.rmtree(run / "checkpoints" / "retrained")
    interrupt(30)
    assert cli("train", "--resume", run).code == 130
    assert not (run / "checkpoints" / "retrained").exists()
    assert cli("train", "--resume", run).code == 0
    assert result(run) == result(whole["restart"])


def test_without_a_test_part_nothing_is_left_to_judge_by(photos, cli, tmp_path):
    words = ["--model=plain", "--set=model.width=8", "--set=model.depth=1", "--batch-size=8", "--epochs=2"]
    words += ["--set=data.test_share=0", "--set=data.valid_share=0.3", "--set=training.retrain=restart"]
    ended = cli("train", photos, *words, "--set=machine.threads=1", "--name=run", f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["test_accuracy"] is None
    assert "no test of the net is on record" in ended.err
    assert tw.Run.open(tmp_path / "run").finished
    ended = cli("evaluate", tmp_path / "run")
    assert ended.code == 2
    assert "the pictures that this run set apart were learned in its second stage" in ended.err
    assert "expected: a test part" in ended.err
    answers = tw.Run.open(tmp_path / "run").predict(photos)
    assert len(answers) == 40


def test_numbers_and_several_labels_are_retrained_too(cli, tmp_path):
    images_NHW, digits, paths = write_digits(tmp_path)
    numbers = [[path, f"{image.mean():.4f}"] for path, image in zip(paths, images_NHW, strict=True)]
    labels = [[path, "|".join(labels_of(digit))] for path, digit in zip(paths, digits, strict=True)]
    regression = [write_manifest(tmp_path / "numbers.csv", ["path", "brightness"], numbers)]
    regression += ["--set=data.target_columns=brightness", "--set=training.retrain=continue", "--lr=0.03"]
    several = [write_manifest(tmp_path / "labels.csv", ["path", "label"], labels)]
    several += ["--set=data.label_separator=|", "--set=training.retrain=restart"]
    for name, words in (("regression", regression), ("several", several)):
        ended = cli("train", *words[:1], *SMALL, *words[1:], f"--out={tmp_path}", f"--name={name}", "--json")
        assert ended.code == 0, ended.err
        figures = json.loads(ended.out)
        assert figures["retrained"]["pictures"] > 300
        assert figures["retrained"]["epochs"] >= 1
        run = tw.Run.open(tmp_path / name)
        assert run.retrained
        assert "These retrained weights are the result." in (run.path / "report.html").read_text("utf-8")
    assert json.loads(cli("evaluate", tmp_path / "regression", "--json").out)["r2"] > 0.5


def test_a_goal_that_is_reached_before_the_first_step_leaves_the_best_snapshot(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(retraining, "losses_at_the_stop", lambda *_: (0.5, 0.25))
    ended = cli(*words_of("continue", tmp_path), "--json")
    assert ended.code == 0, ended.err
    figures = json.loads(ended.out)
    assert figures["retrained"] is None
    (told,) = (finding for finding in figures["findings"] if finding["code"] == "nothing-to-retrain")
    assert told["evidence"] == {"valid_loss": 0.25, "train_loss": 0.5}
    run = tw.Run.open(tmp_path / "run")
    assert run.finished
    assert not run.retrained
    log = run.path / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(line for line in lines if '"confusion_KK"' not in line))
    assert cli("train", "--resume", run.path, "--json").code == 0
    assert [finding.code for finding in run.history.findings].count("nothing-to-retrain") == 1, "told once"


def test_without_a_validation_part_there_is_nothing_to_add(cli, tmp_path):
    ended = cli(*words_of("restart", tmp_path), "--set=data.valid_share=0")
    assert ended.code == 2
    assert "training.retrain: restart needs a validation part" in ended.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_second_stage_that_breaks_down_leaves_the_best_snapshot(cli, tmp_path, monkeypatch, way):
    made, step = 0, setup.train_step

    def poisoned(forward, model, *arguments, **named):
        nonlocal made
        made += 1
        if made == 65:
            with torch.no_grad():
                model.head.weight.fill_(torch.nan)
        return step(forward, model, *arguments, **named)

    monkeypatch.setattr(setup, "train_step", poisoned)
    rates = ["--lr=0.05", *(["--set=training.retrain_rate=0.2"] if way == "continue" else [])]
    ended = cli(*words_of(way, tmp_path, *rates))
    assert ended.code == 3
    run = tw.Run.open(tmp_path / "run")
    assert not run.finished
    finding, stop = run.history.findings[-1], run.history.stop
    assert finding.summary == "the loss became nan at step 65, in epoch 4; it began in head"
    assert finding.summary in ended.err
    assert (finding.since_step, stop.epoch, stop.reason) == (65, 4, finding.summary)
    key, value, words = {
        "restart": ("optim.lr", 0.005, "--set optim.lr=0.005"),
        "continue": ("training.retrain_rate", 0.02, "--set training.retrain_rate=0.02"),
    }[way]
    assert finding.advice == {key: value, "optim.clip_norm": 1.0}
    start = f"trainwright train --recipe {run.path / 'recipe.yaml'}"
    assert f"try: {start} {words} --out {tmp_path}\n" in ended.err
    assert f"or: {start} --set optim.clip_norm=1 --out {tmp_path}\n" in ended.err
    best = run.history.first_stop.best_epoch
    html = (run.path / "report.html").read_text("utf-8")
    assert f"until it is, the weights of epoch {best} are the result" in html
    assert f"recipe.yaml {words}" in html
    assert run.evaluate()["pictures"] == 359

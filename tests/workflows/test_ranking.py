"""Pairs of pictures, from a manifest to scores, through the command line: which of two digits is brighter."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from trainwright import Run
from workflows.task_pictures import COUNT, SMALL, write_digits, write_manifest

RANKING = "--set=data.task=ranking"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    images_NHW, _, paths = write_digits(folder)
    light_N = images_NHW.reshape(COUNT, -1).mean(axis=1)
    drawn = np.random.default_rng(0).choice(COUNT, (3 * COUNT, 2))
    rows = [
        [paths[one], paths[other]] if light_N[one] > light_N[other] else [paths[other], paths[one]]
        for one, other in drawn.tolist()
        if light_N[one] != light_N[other]
    ]
    return write_manifest(folder / "pairs.csv", ["path", "worse"], rows)


def light_of(picture: Path) -> float:
    from PIL import Image

    return float(np.asarray(Image.open(picture)).mean())


def test_it_learns_and_every_command_says_the_same(data, cli, tmp_path):
    ended = cli("train", data, RANKING, *SMALL, f"--out={tmp_path}", "--name=run", "--json")
    assert ended.code == 0, ended.err
    run, figures = tmp_path / "run", json.loads(ended.out)
    assert figures["test_pair_accuracy"] > 0.8, "a guess has a half"
    low, high = figures["test_pair_accuracy_interval"]
    assert low < figures["test_pair_accuracy"] <= high
    assert any(finding["code"] == "pairs-across-parts" for finding in figures["findings"])
    assert "pair %" in ended.err
    assert "the margin = 1.000" in ended.err

    again = json.loads(cli("evaluate", run, "--json").out)
    assert again["pair_accuracy"] == figures["test_pair_accuracy"]
    with (run / "data/split.csv").open() as file:
        tested = [row["name"] for row in csv.DictReader(file) if row["part"] == "test"]
    table = tmp_path / "scores.csv"
    answers = json.loads(cli("predict", run, *(data.parent / name for name in tested), f"--csv={table}", "--json").out)
    assert set(answers[0]) == {"path", "score", "error"}
    score = {name: answer["score"] for name, answer in zip(tested, answers, strict=True)}
    with data.open() as file:
        pairs = [(row["path"], row["worse"]) for row in csv.DictReader(file)]
    within = [score[better] > score[worse] for better, worse in pairs if better in score and worse in score]
    assert len(within) == again["pairs"]
    assert sum(within) / len(within) == pytest.approx(again["pair_accuracy"], abs=1e-9)
    light = [light_of(data.parent / name) for name in tested]
    assert np.corrcoef(np.argsort(np.argsort(light)), np.argsort(np.argsort(list(score.values()))))[0, 1] > 0.7
    with table.open() as file:
        assert next(csv.reader(file)) == ["path", "score", "error"]
    assert "score " in cli("predict", run, data.parent / tested[0]).out

    with (run / "metrics.csv").open() as file:
        header = next(csv.reader(file))
    assert {"train_accuracy", "valid_pair_accuracy"} <= set(header)
    assert "valid_accuracy" not in header
    html = (run / "report.html").read_text()
    for words in ("of the pairs of test pictures are in the right order", "in pairs", "Pairs"):
        assert words in html, words
    other = json.loads(cli("evaluate", run, data, "--json").out)
    assert other["unseen"]["pair_accuracy"] > 0.6
    assert other["pairs"] == len(pairs)
    with (run / "data/split.csv").open() as file:
        learned = {row["name"] for row in csv.DictReader(file) if row["part"] == "train"}
    trained = {name for pair in pairs if learned.issuperset(pair) for name in pair}
    new = [pair for pair in pairs if trained.isdisjoint(pair)]
    assert other["trained_on"] == len(trained)
    assert other["unseen"]["pictures"] == len({name for pair in new for name in pair})


def test_evaluate_counts_pictures_by_the_pairs_that_they_were_trained_in(data, cli, tmp_path):
    named = lambda row: f"pictures/{row:04d}.png"  # noqa: E731
    rows = [[named(row), named(row + 1), "train"] for row in range(0, 40, 2)]
    path = write_manifest(data.parent / "own.csv", ["path", "worse", "split"], rows)
    ended = cli(
        "train",
        path,
        RANKING,
        *SMALL,
        "--epochs=1",
        f"--out={tmp_path}",
        "--name=run",
        "--set=data.test_share=0.3",
        "--batch-size=2",
    )
    assert ended.code == 0, ended.err
    with (tmp_path / "run/data/split.csv").open() as file:
        learned = {row["name"] for row in csv.DictReader(file) if row["part"] == "train"}
    pairs = [row[:2] for row in rows]
    trained = {name for pair in pairs if learned.issuperset(pair) for name in pair}
    assert len(trained) < len(learned), "pictures whose only pair lies across parts are never seen"
    others = [[named(100), named(101)], [named(102), sorted(trained)[0]], [named(103), sorted(learned - trained)[0]]]
    other = write_manifest(data.parent / "others.csv", ["path", "worse"], others)
    ended = cli("evaluate", tmp_path / "run", other, "--json")
    figures = json.loads(ended.out)
    assert (figures["pictures"], figures["trained_on"]) == (6, 1)
    assert figures["unseen"]["pictures"] == 4
    assert isinstance(figures["unseen"]["pictures"], int)
    assert "of the 4 in pairs of two others: pair accuracy" in " ".join(ended.err.split())


def test_a_resumed_run_is_the_same_bit_for_bit(data, resumes_the_same):
    own = ["--set=loss.name=pair-logistic", "--set=augment.policy=light"]
    words = ["train", data, RANKING, *SMALL, "--epochs=2", *own]
    resumes_the_same(*words, interrupted_in_step=30)


def test_a_run_without_a_pair_to_judge_is_finished(data, cli, tmp_path):
    rows = [["pictures/0000.png", f"pictures/{row:04d}.png"] for row in range(1, 41)]
    path = write_manifest(data.parent / "star.csv", ["path", "worse"], rows)
    ended = cli("train", path, RANKING, *SMALL, "--epochs=1", f"--out={tmp_path}", "--name=run", "--seed=1")
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    assert "batches of 16 pairs" in said
    assert "no pair within it: nothing chooses the epoch" in said
    assert "no pair within it: nothing is tested" in said
    run = Run.open(tmp_path / "run")
    assert not run.history.evaluations
    assert run.finished


def test_retraining_and_whole_steps_take_pairs(data, cli, tmp_path):
    words = ["train", data, RANKING, *SMALL, "--epochs=2", f"--out={tmp_path}"]
    again = cli(*words, "--name=again", "--set=training.retrain=restart", "--json")
    assert again.code == 0, again.err
    with (tmp_path / "again/data/split.csv").open() as file:
        part_of = {row["name"]: row["part"] for row in csv.DictReader(file)}
    with data.open() as file:
        rows = [(row["path"], row["worse"]) for row in csv.DictReader(file)]
    pairs = [(part_of[better], part_of[worse]) for better, worse in rows]
    counted = json.loads((tmp_path / "again/data/audit.json").read_text())["pairs"]
    for part in ("train", "valid", "test"):
        assert counted[part] == pairs.count((part, part))
    learned = [row for row, parts in zip(rows, pairs, strict=True) if parts in (("train", "train"), ("valid", "valid"))]
    last = Run.open(tmp_path / "again").history.epochs.rows[-1]
    assert json.loads(again.out)["retrained"]["pictures"] == len({name for row in learned for name in row})
    assert last.step == 2 * (counted["train"] // 16) + 2 * (len(learned) // 16), "both stages count steps in pairs"

    full = cli(*words, "--name=full", "--set=optim.accumulate=all")
    assert full.code == 0, full.err
    steps = [row.step for row in Run.open(tmp_path / "full").history.epochs.rows]
    assert steps == [1, 2], "each step takes all pairs"


def test_another_pair_is_another_run(data, cli, tmp_path, interrupt):
    words = ["train", data, RANKING, *SMALL, "--epochs=2", f"--out={tmp_path}", "--name=run"]
    interrupt(10)
    assert cli(*words).code == 130
    kept = data.read_text()
    data.write_text(kept + "pictures/0000.png,pictures/0001.png\n")
    try:
        ended = cli(*words)
    finally:
        data.write_text(kept)
    assert ended.code == 2
    assert "the data are not those that the run began with" in ended.err


def test_the_look_at_the_data_counts_pairs(data, cli):
    rows = [["pictures/0000.png", "pictures/0001.png"], ["pictures/0001.png", "pictures/0000.png"]] * 3
    path = write_manifest(data.parent / "against.csv", ["path", "worse"], rows)
    shown = cli("data", path, RANKING, "--set=data.test_share=0", "--set=data.valid_share=0").out
    assert "2 pictures in pairs" in shown
    assert "6 training" in shown
    assert "pairs-contradict" in shown


def test_parts_and_groups_of_a_row_are_those_of_both_pictures(data, cli):
    rows = [
        *([f"pictures/{row:04d}.png", f"pictures/{row + 1:04d}.png", "train"] for row in range(0, 20, 2)),
        *([f"pictures/{row:04d}.png", f"pictures/{row + 1:04d}.png", "test"] for row in range(20, 30, 2)),
    ]
    path = write_manifest(data.parent / "parts.csv", ["path", "worse", "split"], rows)
    audit = json.loads(cli("data", path, RANKING, "--set=data.valid_share=0", "--json").out)
    assert audit["pairs"] == {"train": 10, "valid": 0, "test": 5, "across": 0, "contradicting": 0}


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        (["path", "worse"], [["0000", "0001"], ["0002", "0002"]], ["pairs of a picture with itself: 1", "bad.csv:3"]),
        (["path", "worse"], [["0000", "none"]], ["pictures that are not there: 1", "bad.csv:2"]),
        (
            ["path", "worse"],
            [["0000", "none"], ["0001", "0001"]],
            ["2 kinds of mistakes", "pictures that are not there: 1", "pairs of a picture with itself: 1"],
        ),
        (["path", "worst"], [["0000", "0001"]], ["no column 'worse'", "did you mean 'worst'?"]),
        (["path", "worse"], [], ["a manifest without rows"]),
        (["path", "worse", "weight"], [["0000", "0001", "2"]], ["pairs have no weights"]),
        (["path", "worse", "Weights"], [["0000", "0001", "2"]], ["pairs have no weights"]),
        (["path", "worse", "Split"], [["0000", "0001", "train"]], ["no column 'split'", "did you mean 'Split'?"]),
        (
            ["path", "worse", "split"],
            [["0000", "0001", "train"], ["0002", "0001", "test"]],
            ["pictures in two parts of the data: 1", "pictures/0001.png, first in bad.csv:2"],
        ),
        (
            ["path", "worse", "group"],
            [["0000", "0001", "a"], ["0002", "0001", "b"]],
            ["pictures in two groups: 1"],
        ),
        (["path", "worse", "split"], [["0000", "0001", "test"]], ["the data have no training part"]),
    ],
)
def test_pairs_that_cannot_be_learned_are_named(data, cli, header, rows, words):
    written = [[*(f"pictures/{cell}.png" for cell in row[:2]), *row[2:]] for row in rows]
    ended = cli("train", write_manifest(data.parent / "bad.csv", header, written), RANKING)
    assert ended.code == 2
    for word in words:
        assert word in ended.err


def test_rows_without_a_path_are_one_mistake(data, cli):
    rows = [["", "pictures/0000.png", "train"], ["", "pictures/0001.png", "test"]]
    ended = cli("train", write_manifest(data.parent / "bad.csv", ["path", "worse", "split"], rows), RANKING)
    assert "rows without a path: 2" in ended.err
    assert "kinds of mistakes" not in ended.err


def test_pairs_that_all_lie_across_parts_are_refused(data, cli):
    rows = [["pictures/0000.png", "pictures/0001.png"]]
    path = write_manifest(data.parent / "single.csv", ["path", "worse"], rows)
    ended = cli("train", path, RANKING, "--set=data.test_share=0.5", "--set=data.valid_share=0")
    assert ended.code == 2
    assert "no pair has both its pictures in the training part" in ended.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([RANKING, "--set=augment.mixup=0.2"], "augment.mixup has no meaning in the task ranking"),
        ([RANKING, "--set=augment.cutmix=1"], "augment.cutmix has no meaning in the task ranking"),
        ([RANKING, "--set=data.split_column=fold"], "no column 'fold'"),
        ([RANKING, "--set=loss.name=l2"], "loss.name l2 does not fit the task ranking"),
        ([RANKING, "--set=data.worse_column=path"], "one column cannot name both pictures of a pair"),
        (["--set=data.worse_column=worse", "--set=data.target_columns=worse"], "belong to different tasks"),
        ([RANKING, "--batch-size=4096"], "the batch is larger than the training part"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(data, cli, words, problem):
    ended = cli("train", data, *words)
    assert ended.code == 2
    assert problem in ended.err


def test_other_pictures_without_a_pair_are_refused(data, cli, tmp_path):
    words = ["train", data, RANKING, *SMALL, "--epochs=1", f"--out={tmp_path}", "--name=run"]
    assert cli(*words).code == 0
    broken = write_manifest(data.parent / "broken.csv", ["path", "worse"], [["broken.png", "pictures/0001.png"]])
    (data.parent / "broken.png").write_bytes(b"no picture")
    ended = cli("evaluate", tmp_path / "run", broken)
    assert ended.code == 2
    assert "no pair has both its pictures among them" in ended.err

"""Numbers of a picture, from a manifest to predictions, through the command line."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from workflows.task_pictures import SMALL, write_digits, write_manifest

COLUMNS = "--set=data.target_columns=brightness, right half"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    images_NHW, _, paths = write_digits(folder)
    rows = [
        [path, f"{image.mean():.4f}", f"{image[:, 4:].mean():.4f}"]
        for path, image in zip(paths, images_NHW, strict=True)
    ]
    return write_manifest(folder / "numbers.csv", ["path", "brightness", "right half"], rows)


@pytest.fixture
def trained(data, cli, tmp_path):
    ended = cli("train", data, COLUMNS, *SMALL, "--lr=0.03", f"--out={tmp_path}", "--name=run", "--json")
    assert ended.code == 0, ended.err
    return tmp_path / "run", json.loads(ended.out), ended


def test_it_learns_and_every_command_says_the_same(trained, data, cli, tmp_path):
    run, figures, ended = trained
    assert figures["test_r2"] > 0.8, "always answering the mean has 0"
    assert "R²" in ended.err
    assert "always the mean = " in ended.err
    again = json.loads(cli("evaluate", run, "--json").out)
    for name in ("r2", "mae_brightness", "rmse_right half"):
        assert again[name] == figures[f"test_{name}"]
    assert again["per_column"]["brightness"]["rmse"] < again["per_column"]["brightness"]["rmse_of_mean"] / 2

    with (run / "data/split.csv").open() as file:
        tested = [row for row in csv.DictReader(file) if row["part"] == "test"]
    table = tmp_path / "answers.csv"
    pictures = [data.parent / row["name"] for row in tested]
    answers = json.loads(cli("predict", run, *pictures, f"--csv={table}", "--json").out)
    assert set(answers[0]) == {"path", "values", "error"}
    truth = np.array([[float(cell) for cell in row["label"].split(",")] for row in tested])
    said = np.array([list(answer["values"].values()) for answer in answers])
    assert np.abs(said - truth).mean(axis=0)[0] == pytest.approx(again["mae_brightness"], rel=1e-4)
    assert np.sqrt(((said - truth) ** 2).mean(axis=0))[1] == pytest.approx(again["rmse_right half"], rel=1e-4)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "error", "brightness", "right half"]
    assert float(rows[0]["brightness"]) == pytest.approx(said[0, 0], rel=1e-6)
    assert f"brightness {said[0, 0]:.6g}" in cli("predict", run, pictures[0]).out

    with (run / "metrics.csv").open() as file:
        assert "valid_r2" in next(csv.reader(file))
    html = (run / "report.html").read_text()
    for words in ("on the test pictures is", "Told against true", "Farthest off", "The numbers to learn"):
        assert words in html, words
    assert "accuracy" not in html.partition("<h2>The recipe</h2>")[0].lower()
    assert "column by column" in cli("evaluate", run).out
    other = json.loads(cli("evaluate", run, data, "--tta=flip", "--json").out)
    assert other["unseen"]["r2"] > 0.5


def test_a_resumed_run_with_mixed_numbers_is_the_same_bit_for_bit(data, resumes_the_same):
    words = ["train", data, COLUMNS, *SMALL, "--epochs=2", "--set=augment.mixup=0.3", "--set=loss.name=smooth-l1"]
    resumes_the_same(*words, interrupted_in_step=20)


def test_the_look_at_the_data_shows_the_numbers(data, cli):
    shown = cli("data", data, COLUMNS).out
    assert "420 pictures with 2 columns of numbers" in shown
    assert "deviation" in shown
    audit = json.loads(cli("data", data, COLUMNS, "--json").out)
    assert [column["name"] for column in audit["columns"]] == ["brightness", "right half"]
    assert sum(audit["parts"].values()) == 420


def test_tricks_that_no_check_can_judge_stay_off_by_auto(data, cli, tmp_path):
    words = ["train", data, COLUMNS, *SMALL, "--epochs=16", "--batch-size=256"]
    assert cli(*words, f"--out={tmp_path}", "--name=auto").code == 0
    recipe = (tmp_path / "auto/recipe.yaml").read_text()
    assert "no check tells which tricks leave the targets of regression as they are" in recipe
    ended = cli(*words[:-2], "--epochs=1", "--set=augment.policy=medium", f"--out={tmp_path}", "--name=medium")
    assert ended.code == 0, ended.err
    recipe = (tmp_path / "medium/recipe.yaml").read_text()
    assert "flip: 0.0" in recipe
    assert "no check tells whether it leaves the targets as they are" in recipe
    asked = cli(*words[:-2], "--epochs=1", "--set=augment.flip=0.5", f"--out={tmp_path}", "--name=flip")
    assert asked.code == 0, asked.err
    assert "flip: 0.5" in (tmp_path / "flip/recipe.yaml").read_text()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1", "dark", "2"], ["cells of the column 'size' that are no numbers: 1", "'dark'", "bad.csv:3"]),
        (["1", "nan", "inf"], ["that are no numbers: 2", "'nan'; 'inf'", "bad.csv:3, bad.csv:4"]),
        (["1", "", "2"], ["that are no numbers: 1", "bad.csv:3", "try: fill empty cells in, or take their rows out"]),
        (["1", "1,5", "2"], ["that are no numbers: 1", "'1,5'", "try: write decimals with a point: 1.5"]),
        (["4", "4", "4"], ["have the same number in the column 'size'", "4 in 3 rows"]),
        (["1e308", "-1.5e308", "1.7e308"], ["too large, too small or too close", "another unit"]),
        (["1", "2", "-1e300"], ["too large, too small or too close", "0: -1e+300 of 'pictures/0002.png'"]),
        (["1e-200", "2e-200", "3e-200"], ["too large, too small or too close", "deviation 0"]),
    ],
)
def test_cells_that_cannot_be_learned_are_named(data, cli, cells, words):
    rows = [[f"pictures/{row:04d}.png", cell] for row, cell in enumerate(cells)]
    path = write_manifest(data.parent / "bad.csv", ["path", "size"], rows)
    ended = cli("train", path, "--set=data.target_columns=size")
    assert ended.code == 2
    for word in words:
        assert word in ended.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--set=data.target_columns=brightnes"], "did you mean 'brightness'?"),
        (["--set=data.target_columns=path"], "one column of the manifest is asked to be two things"),
        (["--set=data.target_columns=brightness", "--set=data.weight_column=brightness"], "asked to be two things"),
        (["--set=data.task=regression"], "regression needs the columns with the numbers"),
        ([COLUMNS, "--set=augment.cutmix=1"], "augment.cutmix has no meaning in the task regression"),
        ([COLUMNS, "--set=loss.label_smoothing=0.1"], "loss.label_smoothing has no meaning in the task regression"),
        ([COLUMNS, "--set=init.class_prior=true"], "init.class_prior has no meaning in the task regression"),
        ([COLUMNS, "--set=loss.class_weights=balanced"], "loss.class_weights has no meaning in the task regression"),
        ([COLUMNS, "--set=loss.name=logistic"], "loss.name logistic does not fit the task regression"),
        ([COLUMNS, "--set=data.label_separator=,"], "belong to different tasks"),
        (["--set=data.task=classification", COLUMNS], "data.target_columns has no effect"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(data, cli, words, problem):
    ended = cli("train", data, *words)
    assert ended.code == 2
    assert problem in ended.err


def test_a_column_that_predictions_have_already_is_refused(data, cli):
    rows = [[f"pictures/{row:04d}.png", row] for row in range(9)]
    path = write_manifest(data.parent / "taken.csv", ["path", "error"], rows)
    ended = cli("train", path, "--set=data.target_columns=error")
    assert ended.code == 2
    assert "a column of numbers cannot be called 'error'" in ended.err
    assert "rename the column" in ended.err


def test_a_run_of_numbers_that_were_called_error_makes_no_table(data, cli, tmp_path, monkeypatch):
    rows = [[f"pictures/{row:04d}.png", row] for row in range(40)]
    path = write_manifest(data.parent / "older.csv", ["path", "error"], rows)
    with monkeypatch.context() as earlier:
        earlier.setattr("trainwright.data.sources.manifest.PREDICTION_COLUMNS", ())
        words = ["--set=data.target_columns=error", "--epochs=1", f"--out={tmp_path}", "--name=older"]
        assert cli("train", path, *SMALL, *words).code == 0
    table = tmp_path / "answers.csv"
    refused = cli("predict", tmp_path / "older", data.parent / "pictures/0001.png", f"--csv={table}")
    assert refused.code == 2
    assert "the run has a column of numbers called 'error', as the table of predictions has already" in refused.err
    assert "--json gives the numbers apart" in refused.err
    assert not table.exists()
    (told,) = json.loads(cli("predict", tmp_path / "older", data.parent / "pictures/0001.png", "--json").out)
    assert told["error"] is None
    assert set(told["values"]) == {"error"}


FAR = "numbers in the column 'size' that are too far from those of the training pictures: 1"


@pytest.mark.parametrize("part", ["valid", "test"])
@pytest.mark.parametrize("cell", ["1e300", "-1e160", "1e60", "1e25"])
def test_a_number_that_no_float_holds_is_refused_in_other_parts_too(data, cli, part, cell):
    rows = [[f"pictures/{row:04d}.png", row, ("train", "valid", "test")[row % 3]] for row in range(30)]
    rows.append(["pictures/0040.png", cell, part])
    path = write_manifest(data.parent / "far.csv", ["path", "size", "split"], rows)
    ended = cli("train", path, "--set=data.target_columns=size")
    assert ended.code == 2
    assert FAR in ended.err
    assert f"got: {float(cell):g} of 'pictures/0040.png'" in ended.err
    assert "mean 13.5, deviation 8.6" in ended.err


def test_a_number_that_no_float_holds_is_refused_by_evaluate(trained, data, cli):
    run, _, _ = trained
    rows = [[f"pictures/{row:04d}.png", 3, 4] for row in range(5)] + [["pictures/0040.png", "3", "1e300"]]
    path = write_manifest(data.parent / "far.csv", ["path", "brightness", "right half"], rows)
    ended = cli("evaluate", run, path)
    assert ended.code == 2
    assert "in the column 'right half' that are too far" in ended.err
    assert "1e+300 of 'pictures/0040.png'" in ended.err


def test_a_run_without_parts_to_judge_has_all_keys_and_one_picture_no_interval(data, cli, tmp_path):
    shares = ["--set=data.valid_share=0", "--set=data.test_share=0", "--set=data.target_columns=brightness"]
    ended = cli("train", data, *shares, *SMALL, "--epochs=1", f"--out={tmp_path}", "--name=whole", "--json")
    assert ended.code == 0, ended.err
    figures = json.loads(ended.out, parse_constant=pytest.fail)
    names = [f"{part}_{name}" for part in ("valid", "test") for name in ("r2", "mae", "rmse")]
    assert [figures[name] for name in names] == [None] * 6

    single = write_manifest(data.parent / "single.csv", ["path", "brightness"], [["pictures/0001.png", 3.25]])
    told = json.loads(cli("evaluate", tmp_path / "whole", single, "--json").out, parse_constant=pytest.fail)
    assert told["per_column"]["brightness"]["mae_interval"] is None
    assert told["per_column"]["brightness"]["r2"] is None
    shown = cli("evaluate", tmp_path / "whole", single).out
    assert " – " in shown
    assert "inf" not in shown


def test_folders_have_no_numbers(photos, cli):
    ended = cli("train", photos, COLUMNS)
    assert ended.code == 2
    assert "only a manifest can hold the targets of the task regression" in ended.err


def test_a_column_called_weight_is_a_number_where_it_is_to_be_predicted(data, cli, tmp_path):
    rows = [[f"pictures/{row:04d}.png", row, 50 - row] for row in range(40)]
    path = write_manifest(data.parent / "goods.csv", ["path", "weight", "size"], rows)
    words = ["train", path, *SMALL, "--epochs=1", f"--out={tmp_path}"]
    predicted = cli(*words, "--set=data.target_columns=weight", "--name=predicted")
    assert predicted.code == 0, predicted.err
    assert "weights of their own" not in predicted.out
    used = cli(*words, "--set=data.target_columns=size", "--name=used")
    assert "pictures count in the loss by weights of their own" in " ".join(used.out.split())
    shown = cli("data", path, "--set=data.target_columns=size").out
    assert "pictures count in the loss by the column 'weight'" in " ".join(shown.split())


def test_a_short_run_with_the_default_net_and_rate_does_not_break_down(data, cli, tmp_path):
    """Without clipping the losses of this run are up to 200 times that of always answering the mean."""
    words = ["--epochs=4", "--set=machine.threads=1", "--set=logging.step_every=1"]
    ended = cli("train", data, COLUMNS, *words, f"--out={tmp_path}", "--name=run")
    assert ended.code == 0, ended.err
    recipe = (tmp_path / "run/recipe.yaml").read_text()
    assert re.search("clip_norm: 3.0 +# auto: the gradient of l2 grows with the error", recipe)
    with (tmp_path / "run/events.jsonl").open() as file:
        records = [json.loads(line) for line in file]
    losses = [record["loss"] for record in records if record["type"] == "step"]
    assert losses
    assert max(losses) < 5

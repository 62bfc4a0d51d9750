"""Several labels a picture, from a manifest to predictions, through the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import trainwright as tw
from workflows.task_pictures import SMALL, labels_of, write_digits, write_manifest


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    _, digits, paths = write_digits(folder)
    rows = [[path, ";".join(labels_of(int(digit)))] for path, digit in zip(paths, digits, strict=True)]
    return write_manifest(folder / "labels.csv", ["path", "label"], rows)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> tw.Run:
    settings = dict(word.removeprefix("--set=").split("=") for word in SMALL if word.startswith("--set="))
    return tw.train(
        data,
        model="plain",
        epochs=6,
        batch_size=16,
        lr=0.1,
        settings={
            "data.task": "multi-label",
            **{key: int(value) if value.isdecimal() else value for key, value in settings.items()},
        },
        out=tmp_path_factory.mktemp("runs"),
        name="labels",
    )


def test_it_learns_what_a_broken_pipeline_could_not(run):
    figures = run.metrics
    assert figures["test_mean_average_precision"] > 0.9
    assert figures["test_exact_match"] > 0.6, "of 8 sets of labels, guessing meets at most a fifth"
    assert figures["valid_mean_average_precision"] > 0.85
    assert not [name for name in figures if "accuracy" in name]
    with (run.path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"valid_mean_average_precision", "valid_f1_macro"} <= rows[0].keys()
    assert not [name for name in rows[0] if "accuracy" in name]


def test_evaluate_repeats_the_test_and_predict_agrees(run, data, cli):
    again = json.loads(cli("evaluate", run.path, "--json").out)
    figures = run.metrics
    for name in ("mean_average_precision", "f1_micro", "f1_macro", "exact_match", "hamming_loss"):
        assert again[name] == figures[f"test_{name}"], name
    assert list(again["per_label"]) == ["above four", "even", "has a loop"]
    assert set(again["per_label"]["even"]) == {"pictures", "precision", "recall", "f1", "average_precision"}
    with (run.path / "data/split.csv").open() as file:
        tested = [row for row in csv.DictReader(file) if row["part"] == "test"]
    answers = json.loads(cli("predict", run.path, *(data.parent / row["name"] for row in tested), "--json").out)
    assert set(answers[0]) == {"path", "labels", "probabilities", "error"}
    truth = [set(filter(None, row["label"].split(";"))) for row in tested]
    exact = [set(answer["labels"]) == labels for answer, labels in zip(answers, truth, strict=True)]
    assert sum(exact) / len(exact) == pytest.approx(figures["test_exact_match"])
    for answer in answers:
        held = {label for label, chance in answer["probabilities"].items() if chance >= 0.5}
        assert held == set(answer["labels"])


def test_answers_as_lines_and_as_a_table(run, data, cli, tmp_path):
    picture = data.parent / "pictures/0000.png"
    assert "even" in cli("predict", run.path, picture).out
    table = tmp_path / "answers.csv"
    assert cli("predict", run.path, picture, tmp_path / "none.png", f"--csv={table}").code == 0
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "path",
        "labels",
        "error",
        "probability_above four",
        "probability_even",
        "probability_has a loop",
    ]
    assert rows[1]["labels"] == rows[1]["probability_even"] == ""
    assert rows[1]["error"]
    refused = cli("predict", run.path, picture, "--top=2")
    assert refused.code == 2
    assert "the task multi-label has no likeliest classes to list" in refused.err


def test_views_are_averaged_and_other_pictures_are_told_apart(run, data, cli):
    plain, flipped = (json.loads(cli("evaluate", run.path, "--json", *words).out) for words in ([], ["--tta=ten"]))
    assert flipped["tta"] == "ten"
    assert flipped["loss"] != plain["loss"]
    other = json.loads(cli("evaluate", run.path, data, "--json").out)
    assert other["trained_on"] > other["pictures"] / 2
    assert other["unseen"]["pictures"] == other["pictures"] - other["trained_on"]
    assert 0 < other["unseen"]["mean_average_precision"] <= 1


def test_other_pictures_bring_no_label_that_is_unknown(run, data, cli):
    other = write_manifest(data.parent / "other.csv", ["path", "label"], [["pictures/0000.png", "even;unheard of"]])
    ended = cli("evaluate", run.path, other)
    assert ended.code == 2
    assert "labels that the net was not trained on" in ended.err
    assert "'unheard of'" in ended.err


def test_the_report_and_the_terminal_speak_of_labels(run, cli):
    html = run.report().read_text()
    for words in ("The mean average precision on the test", "has a loop", "with 3 labels", "Label by label"):
        assert words in html, words
    assert "accuracy" not in html.partition("<h2>The recipe</h2>")[0].lower()
    shown = cli("evaluate", run.path).out
    assert "label by label, the weakest first" in shown
    assert "Average precision" in shown


def test_a_resumed_run_is_the_same_bit_for_bit(data, resumes_the_same):
    words = ["train", data, *SMALL, "--epochs=2", "--set=data.task=multi-label", "--set=augment.mixup=0.2"]
    resumes_the_same(*words, interrupted_in_step=20)


def test_the_look_at_the_data_counts_labels(data, cli):
    shown = cli("data", data, "--set=data.task=multi-label")
    assert "420 pictures with 3 labels" in shown.out
    assert "Without any label" in shown.out
    audit = json.loads(cli("data", data, "--set=data.task=multi-label", "--json").out)
    assert audit["task"] == "multi-label"
    assert sum(audit["parts"].values()) == 420
    assert audit["counts"]["even"]["train"] + audit["counts"]["even"]["test"] < 420


def test_one_label_each_is_told_to_be_a_class(data, cli):
    path = write_manifest(
        data.parent / "single.csv", ["path", "label"], [[f"pictures/{row:04d}.png", "ab"[row % 2]] for row in range(60)]
    )
    assert "labels-exclusive" in cli("data", path, "--set=data.task=multi-label").out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--set=data.task=multi-label", "--set=loss.name=kl"], "kl does not fit the task multi-label"),
        (["--set=data.task=classification", "--set=data.label_separator=,"], "data.label_separator has no effect"),
        (["--set=data.task=multilabel"], "data.task has no such choice"),
    ],
)
def test_settings_of_another_task_are_refused(data, cli, words, problem):
    ended = cli("train", data, *words)
    assert ended.code == 2
    assert problem in ended.err


def test_balanced_labels_and_a_prior_train(data, cli, tmp_path):
    ended = cli(
        "train",
        data,
        *SMALL,
        "--epochs=1",
        "--set=data.task=multi-label",
        "--set=loss.class_weights=balanced",
        "--set=init.class_prior=true",
        "--set=loss.label_smoothing=0.05",
        "--set=augment.policy=medium",
        f"--out={tmp_path}",
    )
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("asked", ["init.class_prior=true", "loss.class_weights=balanced"])
def test_what_asks_for_odds_refuses_a_label_that_always_holds(data, cli, tmp_path, asked):
    with data.open(newline="") as file:
        _, *rows = csv.reader(file)
    always = write_manifest(
        data.parent / "always.csv", ["path", "label"], [[path, f"{labels};digit"] for path, labels in rows]
    )
    ended = cli("train", always, *SMALL, "--set=data.task=multi-label", f"--set={asked}", "--out", tmp_path)
    assert ended.code == 2
    assert "all training pictures have the label 'digit'" in ended.err
    assert f"leave {asked.partition('=')[0]} out, or the label" in ended.err

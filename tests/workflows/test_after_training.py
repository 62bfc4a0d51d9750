import json
import shlex
from types import SimpleNamespace

import pytest

from trainwright.recipe import compose, parse_assignments
from trainwright.runs import ClassScore, ColumnScore, EvaluationRecord, RegressionRecord, wilson_interval
from trainwright.training.tasks import Classification
from trainwright.workflows import after_training
from trainwright.workflows.after_training import no_better_than_blind
from workflows.task_pictures import SMALL, write_digits, write_manifest


def told(run):
    return [finding["code"] for finding in json.loads((run / "findings.json").read_text())]


def test_a_loss_that_exploded_and_stayed_finite_is_told_with_what_to_do(cli, tmp_path):
    _, digits, paths = write_digits(tmp_path)
    rows = [[path, digit] for path, digit in zip(paths, digits, strict=True)]
    data = write_manifest(tmp_path / "numbers.csv", ["path", "digit"], rows)
    words = ["--set=data.task=regression", "--set=data.target_columns=digit", f"--out={tmp_path}"]
    words = [word for word in SMALL if not word.startswith(("--lr", "--epochs"))] + words
    ended = cli("train", data, *words, "--lr=100", "--epochs=2", "--no-check", "--name=x")
    assert ended.code == 0, ended.err
    finding = json.loads((tmp_path / "x" / "findings.json").read_text())[-1]
    assert (finding["code"], finding["severity"]) == ("learning-rate-too-high", "warn")
    assert finding["advice"] == {"optim.lr": "auto"}
    assert finding["evidence"]["train_loss"] > 3 * finding["evidence"]["loss_of_one_answer"]
    assert finding["evidence"]["peak_learning_rate"] == 100
    again = f"trainwright train --recipe {tmp_path / 'x' / 'recipe.yaml'} --set optim.lr=auto --out {tmp_path}"
    assert f"  {again}\n      train again, as a new run, with the rate that auto takes: 0.0" in ended.out
    assert "how much is luck" not in ended.out
    assert again in " ".join((tmp_path / "x" / "report.html").read_text("utf-8").split())
    assert cli(*shlex.split(again)[1:], "--name=y").code == 0
    assert "learning-rate-too-high" not in told(tmp_path / "y")


@pytest.mark.parametrize(
    ("train_loss", "test_loss", "right", "found"),
    [
        (8.0, 40.0, 11, True),
        (2.3, 40.0, 11, True),
        (0.01, 40.0, 11, False),  # learned by heart, and of no use
        (8.0, 40.0, 60, False),  # a good result after a bad end
        (2.3, 2.4, 11, False),  # nothing learned, nothing exploded
    ],
)
def test_all_three_signs_are_needed(monkeypatch, train_loss, test_loss, right, found):
    monkeypatch.setattr(after_training, "blind_loss", lambda task, part: 2.3)
    monkeypatch.setattr(after_training, "task_of_data", lambda loss, data: None)
    scores = tuple(ClassScore(label=str(k), pictures=10, precision=None, recall=None, f1=None) for k in range(10))
    judged = EvaluationRecord(
        part="test",
        epoch=1,
        pictures=100,
        accuracy=right / 100,
        accuracy_interval=wilson_interval(right, 100),
        balanced_accuracy=right / 100,
        top_k_accuracy={},
        loss=test_loss,
        calibration_error=0.0,
        per_class=scores,
        confusion_KK=(),
    )
    recipe = compose(parse_assignments(["optim.lr=5", "optim.batch_size=32", "training.epochs=9"]))
    data = SimpleNamespace(train=SimpleNamespace(drawn=3000), test=None, valid=None)
    finding = after_training.exploded(SimpleNamespace(train_loss=train_loss), judged, recipe, data)
    assert (finding is not None) == found


def test_a_healthy_run_ends_without_it(cli, tmp_path):
    ended = cli("train", "digits", *SMALL, "--name=x", f"--out={tmp_path}")
    assert "how much is luck" in ended.out
    assert "learning-rate-too-high" not in told(tmp_path / "x")


def test_a_validation_loss_that_is_no_number_is_a_breakdown(cli, tmp_path, monkeypatch):
    judge = Classification.verdict

    def verdict(self, answers):
        said = judge(self, answers)
        object.__setattr__(said, "loss", float("nan"))
        return said

    monkeypatch.setattr(Classification, "verdict", verdict)
    ended = cli("train", "digits", *SMALL, "--name=x", f"--out={tmp_path}")
    assert ended.code == 3
    assert "the validation loss became nan at step" in ended.err
    assert "in epoch 1; what every layer gave out was still finite" in ended.err
    assert "*" not in [line.split()[-1][-1] for line in ended.out.splitlines() if line.startswith("      1/")]
    assert not list((tmp_path / "x" / "checkpoints").glob("best*"))


@pytest.mark.parametrize(("r2", "blind"), [(-0.5, True), (0.3, False), (None, True)])
def test_a_mean_answer_has_an_explained_share_of_0(r2, blind):
    column = ColumnScore(column="a", mae=1.0, mae_interval=None, rmse=1.0, rmse_of_mean=1.0, r2=r2, spearman=None)
    record = RegressionRecord(part="test", epoch=1, pictures=9, loss=1.0, per_column=(column,))
    assert no_better_than_blind(record) == blind

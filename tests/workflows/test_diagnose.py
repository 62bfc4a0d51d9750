"""`trainwright diagnose` on folders made of records alone: what it says, what it prints, what it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import trainwright as tw
from trainwright.recipe import Recipe, write_recipe
from trainwright.runs import (
    AnswersRecord,
    EpochRecord,
    EventWriter,
    Finding,
    ProbeRecord,
    Record,
    RunFolder,
    StepRecord,
    StopRecord,
    WatchRecord,
)
from trainwright.workflows.diagnose import follow

AUDIT = Finding(code="validation-too-small", severity="note", summary="20 pictures")
NEGATIVE = Finding(code="negative-loss", severity="warn", summary="s", since_step=1, diagnosed=True)
GONE = Finding(code="dead-units", severity="warn", summary="s", since_step=4, diagnosed=True)


def steps(losses: list[float], first: int = 1) -> list[Record]:
    return [StepRecord(step=n, epoch=1, learning_rate=0.1, loss=loss) for n, loss in enumerate(losses, first)]


def epoch(number: int, step: int) -> EpochRecord:
    measured = {"train_loss": 1.0, "train_accuracy": 0.5, "valid_loss": 1.0, "valid_accuracy": 0.5}
    cost = {"train_time_s": 1.0, "valid_time_s": 0.1, "pictures_per_s": 1.0, "data_wait_share": 0.0, "memory_mib": 1.0}
    return EpochRecord(epoch=number, step=step, learning_rate=0.1, best=True, **measured, **cost)


def probabilities(step: int) -> AnswersRecord:
    bounds = {"output_low": 0.0, "output_high": 1.0, "sum_low": 1.0, "sum_high": 1.0}
    return AnswersRecord(step=step, epoch=1, part="train", mode="eval", pictures=64, loss=2.0, **bounds)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "my run")
    run.path.mkdir()
    run.recipe.write_text(write_recipe(Recipe()))
    return run


def keep(folder: RunFolder, *records: Record) -> RunFolder:
    with EventWriter(folder.events) as events:
        for record in records:
            events.write(record, sync=False)
    return folder


def test_a_healthy_run_is_told_as_one_with_what_was_looked_at(folder, cli):
    keep(folder, AUDIT, *steps([2.0, 1.0]), epoch(1, 2))
    made = tw.diagnose(folder.path)
    assert made.healthy
    assert made.findings == (AUDIT,)
    assert made.next_steps == ()
    text = " ".join(cli("diagnose", folder.path).out.split())
    assert "Nothing wrong was found; looked at 1 kind" in text.replace(f"{len(made.view.looked_at)} kinds", "1 kind")
    assert "over 2 steps, 1 epoch: " in text
    assert "negative-loss" in text
    assert "notes of data and checks: validation-too-small" in text
    assert made.view.impossible["softmax-twice"] == ("answers",)
    assert "needs the answers to training pictures that stay the same" in text.partition("softmax-twice")[2]


def test_what_is_wrong_is_told_with_its_numbers_how_sure_it_is_and_what_to_do(folder, cli):
    keep(folder, *steps([1.0, -1.0, -2.5, -3.25]))
    text = " ".join(cli("diagnose", folder.path).out.split())
    assert "warning the training loss is below 0 in 75% of the steps" in text
    assert "(since step 2) [negative-loss]" in text
    assert "measured: share_of_steps_below_0 0.750, lowest_loss -3.25" in text
    assert "sure: checked exactly" in text
    assert "try: give the loss what it expects" in text
    assert "more: trainwright diagnose --explain negative-loss" in text
    assert "1 finding to look at, and the first is negative-loss." in text


def test_a_code_is_explained_by_its_page(cli):
    ended = cli("diagnose", "--explain", "negative-loss")
    assert ended.code == 0
    text = " ".join(ended.out.split())
    assert text.startswith("negative-loss: A loss below 0 that cannot be. Sign The training loss is below 0")
    assert "False alarms" in text
    assert "](" not in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--explain", "negativ-loss"], "there is no such finding|got: negativ-loss|did you mean 'negative-loss'?"),
        (["somewhere", "--explain", "negative-loss"], "--explain stands alone|got: --explain RUN|one call for each"),
        (["--explain", "negative-loss", "--json"], "--explain stands alone|got: --explain --json"),
        ([], "diagnose needs RUN|folder of a run, or --explain CODE"),
    ],
)
def test_what_cannot_be_explained(cli, words, says):
    ended = cli("diagnose", *words)
    assert (ended.code, ended.out) == (2, "")
    for part in says.split("|"):
        assert part in ended.err


def test_json_is_one_object_with_the_facts_of_each_finding(folder, cli):
    keep(folder, *steps([1.0, -1.0, -1.0]))
    facts = json.loads(cli("diagnose", folder.path, "--json").out)
    assert set(facts) == {"healthy", "findings", "looked_at", "impossible"}
    assert facts["healthy"] is False
    (found,) = facts["findings"]
    assert list(found) == [
        "code",
        "severity",
        "confidence",
        "summary",
        "evidence",
        "advice",
        "since_step",
        "layers",
        "withdrawn",
    ]
    assert (found["code"], found["confidence"], found["since_step"], found["withdrawn"]) == (
        "negative-loss",
        1.0,
        2,
        None,
    )
    assert "negative-loss" in facts["looked_at"]
    assert facts["impossible"]["softmax-twice"] == ["answers"]


def test_what_was_told_while_it_learned_and_is_gone_is_withdrawn(folder):
    keep(folder, *steps([1.0] * 8), GONE, *steps([1.0] * 8, 9))
    made = tw.diagnose(folder.path)
    assert made.healthy
    assert [(one.code, one.withdrawn) for one in made.view.withdrawn] == [("dead-units", 16)]
    assert made.facts["findings"][-1]["withdrawn"] == 16
    assert "dead-units was told of step 4 and later; its sign is gone at step 16" in " ".join(str(made).split())


def test_a_run_that_has_nothing_yet_says_so(folder, cli):
    assert "There is nothing to look at yet." in cli("diagnose", folder.path).out


def test_a_run_that_broke_down_is_not_told_of_it_twice(folder):
    end = Finding(code="negative-loss", severity="stop", summary="the loop saw it", since_step=2)
    made = tw.diagnose(keep(folder, *steps([1.0, -1.0, -1.0]), end).path)
    assert made.findings == (end,)


def test_advice_that_is_a_setting_becomes_a_command(folder, monkeypatch, cli):
    slow = Finding(
        code="learning-rate-too-low", severity="warn", summary="slow", advice={"optim.lr": 0.5}, diagnosed=True
    )
    keep(folder, *steps([1.0, 1.0]))
    monkeypatch.setattr("trainwright.reporting.views.diagnosis.not_told_by_the_loop", lambda found, history: (slow,))
    text = cli("diagnose", folder.path).out
    assert f"trainwright train --resume '{folder.path}' --apply learning-rate-too-low" in text
    assert "train the recipe anew, as a new run, with --set optim.lr=0.5" in text


def test_no_run_is_told_as_such(tmp_path, cli):
    ended = cli("diagnose", tmp_path / "nowhere")
    assert ended.code == 2
    assert "there is no such run" in ended.err


def test_a_run_is_followed_until_nobody_writes_to_it_and_told_once(folder):
    told: list[Finding] = []
    events = EventWriter(folder.events)
    left = [[*steps([1.0, -1.0, -1.0]), epoch(1, 3)], steps([-1.0], 4), [*steps([-1.0] * 9, 5), epoch(2, 13)]]

    def wait(_: float) -> None:
        if not left:
            end = StopRecord(reason="done", kind="completed", epoch=2, step=13, best_epoch=1, train_time_s=1.0)
            events.write(end)
            events.close()
            return
        for record in left.pop(0):
            events.write(record, sync=False)

    made = follow(folder, told.append, wait)
    assert [(one.code, one.since_step) for one in told] == [("negative-loss", 2)]
    assert [one.code for one in made.findings] == ["negative-loss"]
    assert made.view.steps == 13


def test_following_a_run_that_is_over_ends_at_once(folder, cli):
    keep(folder, *steps([-1.0] * 4))
    out = cli("diagnose", folder.path, "--live").out
    assert out.count("[negative-loss]") == 1
    assert "the first is negative-loss" in out


def test_torch_is_never_loaded(folder):
    watch = WatchRecord(step=0, tensors=(), layers=(), optimizer="SGD", classes=2)
    probe = ProbeRecord(step=1, epoch=1, loss=1.0, loss_after=0.9, predicted_change=-0.1)
    keep(folder, watch, *steps([1.0, -0.5]), probe, probabilities(1), probabilities(2), epoch(1, 2))
    code = (
        f"import sys; sys.argv = ['trainwright', 'diagnose', {str(folder.path)!r}]\n"
        "from trainwright.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'torchvision', 'timm', 'numba', 'sklearn', 'scipy', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[negative-loss]" in done.stdout

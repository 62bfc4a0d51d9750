"""`train --resume RUN --apply FINDING`: what a finding advises becomes a new run."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwright.errors import InputError
from trainwright.recipe import Recipe, compose, parse_assignments, read_recipe_file, write_recipe
from trainwright.runs import EventWriter, Finding, RunFolder
from trainwright.workflows.applying import applied
from trainwright.workflows.requests import recipe_from_words
from workflows.conftest import TINY


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of which nothing is known but a recipe and two findings."""
    run = RunFolder(tmp_path / "runs" / "first")
    run.path.mkdir(parents=True)
    run.recipe.write_text(write_recipe(Recipe()))
    keep(run)
    return run


def keep(run: RunFolder) -> None:
    settings = {"optim.lr": 0.005, "model.normalization": "batch"}
    with EventWriter(run.events) as events:
        events.write(Finding(code="gradient-spikes", severity="warn", summary="s", advice=settings))
        events.write(Finding(code="not-shuffled", severity="warn", summary="s", advice={"do": "shuffle=True"}))


def test_what_loses_its_effect_by_the_advice_gives_way_and_is_told(folder):
    folder.recipe.write_text("init:\n  scheme: normal\n  std: 0.3\n")
    with EventWriter(folder.events) as events:
        advice = {"init.scheme": "kaiming"}
        events.write(Finding(code="initialization-too-large", severity="warn", summary="s", advice=advice))
    found = applied(folder.path, "initialization-too-large")
    assert "init.std of that recipe then has no effect and is left out" in found.note
    recipe = recipe_from_words(None, found.recipe, {}, found.words, firm=False)
    assert recipe.init.scheme == "kaiming"
    with pytest.raises(InputError, match=r"init\.std"):
        recipe_from_words(None, found.recipe, {}, found.words)


def test_what_a_finding_advises_becomes_words_of_settings(folder):
    found = applied(folder.path, "gradient-spikes")
    assert found.words == ["optim.lr=0.005", "model.normalization=batch"]
    assert (found.recipe, found.out) == (folder.recipe, folder.path.parent)
    assert "a new run from the start" in found.note
    recipe = compose(read_recipe_file(found.recipe), parse_assignments(found.words))
    assert (recipe.optim.lr, recipe.model.normalization) == (0.005, "batch")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "gradient-spike",
            r"the run has no such finding\n  expected: gradient-spikes, not-shuffled[\s\S]*did you mean",
        ),
        ("not-shuffled", r"what not-shuffled advises is no setting of a recipe\n  got: shuffle=True"),
    ],
)
def test_a_finding_that_is_not_there_or_advises_no_setting_is_refused(folder, code, words):
    with pytest.raises(InputError, match=words):
        applied(folder.path, code)


def test_a_run_must_be_named_and_have_a_recipe(folder, tmp_path):
    with pytest.raises(InputError, match="--apply needs the run that the finding is of"):
        applied(None, "gradient-spikes")
    with pytest.raises(InputError, match="leave --recipe out"):
        applied(folder.path, "gradient-spikes", Path("other.yaml"))
    folder.recipe.rename(folder.path / "watch.json")
    with pytest.raises(InputError, match="this run was watched"):
        applied(folder.path, "gradient-spikes")


def test_where_nothing_was_found_nothing_can_be_applied(tmp_path):
    run = RunFolder(tmp_path)
    run.recipe.write_text(write_recipe(Recipe()))
    with pytest.raises(InputError, match="expected: a run in which something was found"):
        applied(run.path, "dead-units")


def test_the_new_run_has_the_recipe_of_the_old_one_but_for_what_is_advised(cli, tmp_path):
    assert cli("train", "digits", *TINY, "--no-check", f"--out={tmp_path}", "--name=first").code == 0
    first = RunFolder(tmp_path / "first")
    before = first.recipe.read_bytes()
    keep(first)
    words = ("--resume", first.path, "--apply", "gradient-spikes", "--no-check", "--name=second")
    ended = cli("train", *words)
    assert ended.code == 0, ended.err
    assert "a new run from the start, with the recipe of" in ended.out
    old, new = (compose(read_recipe_file(RunFolder(tmp_path / name).recipe)) for name in ("first", "second"))
    assert {key for key, _, _ in new.differences(old)} == {"optim.lr", "model.normalization"}
    assert first.recipe.read_bytes() == before

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainwright.errors import InputError
from trainwright.recipe import AugmentSection
from trainwright.reporting import read_view
from trainwright.reporting.views.run import MOVES
from trainwright.runs import Finding, RunFolder


def test_a_finished_run(make_run: Callable[..., RunFolder]) -> None:
    view = read_view(make_run(epochs=6))
    assert view.outcome == "completed"
    assert (view.data, view.model, view.name) == ("digits", "small-resnet", "run")
    assert [judged.part for judged in view.judgements] == ["test", "valid"]
    assert len(view.epochs) == 6
    assert view.headline.epochs_planned == 6
    assert view.curves.best_epoch == 5
    assert view.first_batch is not None
    assert view.layers is not None
    assert all(mistake.picture is not None for mistake in view.judgements[0].mistakes)
    assert all(mistake.picture is None for mistake in view.judgements[1].mistakes)


def test_lost_work_is_left_out(make_run: Callable[..., RunFolder]) -> None:
    view = read_view(make_run(epochs=6, resumed=True))
    assert [epoch.epoch for epoch in view.epochs] == [1, 2, 3, 4, 5, 6]
    assert len(view.resumed) == 1


def test_a_run_that_has_just_begun_has_nothing_else_yet(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(epochs=0, end="unfinished", side_files=False, findings=())
    run.events.unlink()
    run.recipe.unlink()
    view = read_view(run)
    assert view.outcome == "unfinished"
    assert (view.data, view.model) == ("unknown data", "unknown model")
    assert (view.audit, view.layers, view.command, view.first_batch) == (None, None, None, None)
    assert view.judgements == view.epochs == view.findings == view.recipe == view.environment == ()


def test_the_gravest_finding_comes_first(make_run: Callable[..., RunFolder], invent: Any) -> None:
    stop = Finding(code="b", severity="stop", summary="grave")
    note = Finding(code="c", severity="note", summary="light")
    view = read_view(make_run(epochs=1, findings=(note, invent.RATE_FINDING, stop)))
    assert [finding.severity for finding in view.findings] == ["stop", "warn", "note"]


@pytest.mark.parametrize("damage", [b'{"half', b"\xff\xfe", b"[3]"])
@pytest.mark.parametrize("name", ["environment", "layers", "audit"])
def test_a_damaged_file_is_named(make_run: Callable[..., RunFolder], name: str, damage: bytes) -> None:
    folder = make_run(epochs=1)
    path = getattr(folder, name)
    path.write_bytes(damage)
    with pytest.raises(InputError) as caught:
        read_view(folder)
    text = str(caught.value)
    assert text.startswith("a file of the run is damaged, or was written by another version of trainwright\n  got: ")
    assert f"where: {path}" in text


@pytest.mark.parametrize("damage", [b"optim: [1", b"\xff\xfe"])
def test_a_damaged_recipe_is_named(make_run: Callable[..., RunFolder], damage: bytes) -> None:
    folder = make_run(epochs=1)
    folder.recipe.write_bytes(damage)
    with pytest.raises(InputError, match="a file of the run is damaged"):
        read_view(folder)


def test_every_trick_of_augmentation_has_a_word() -> None:
    assert set(MOVES) == {f"augment.{name}" for name in AugmentSection.model_fields} - {
        "augment.policy",
        "augment.fill",
    }

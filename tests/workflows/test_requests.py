from __future__ import annotations

from pathlib import Path

import pytest

from trainwright.workflows.requests import recipe_from_python, recipe_from_words


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_paths_become_absolute_wherever_they_stand(folder: Path) -> None:
    (folder / "mine.yaml").write_text("data:\n  source: photos\nmodel:\n  name: plain\n")
    recipe = recipe_from_words(None, Path("mine.yaml"), {"weights": "w.safetensors"}, [])
    assert recipe.data.source == str(folder / "photos")
    assert recipe.model.weights == str(folder / "w.safetensors")
    recipe = recipe_from_words("photos", None, {"model": "plain"}, ["model.weights=w.safetensors"])
    assert (recipe.data.source, recipe.model.weights) == (str(folder / "photos"), str(folder / "w.safetensors"))
    recipe = recipe_from_python(
        Path("photos"), None, {"model": "plain", "weights": Path("w")}, {"data.source": "photos"}
    )
    assert (recipe.data.source, recipe.model.weights) == (str(folder / "photos"), str(folder / "w"))


def test_words_that_are_no_paths_stay() -> None:
    recipe = recipe_from_words("fashion-mnist", None, {"model": "resnet18", "weights": "pretrained"}, [])
    assert (recipe.data.source, recipe.model.weights) == ("fashion-mnist", "pretrained")


def test_a_home_folder_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert recipe_from_words("~/photos", None, {}, []).data.source == str(folder / "photos")

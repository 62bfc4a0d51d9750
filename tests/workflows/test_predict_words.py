from pathlib import Path

import pytest

from trainwright.errors import InputError
from trainwright.recipe import DataSection
from trainwright.workflows.evaluate import _refuse_a_folder
from trainwright.workflows.predict import why_unread


def test_a_missing_folder_is_answered_with_the_nearest_name(tmp_path):
    (tmp_path / "Pictures").mkdir()
    said = why_unread(str(tmp_path / "pictres"), "cannot be opened")
    assert said == f"there is no such file or folder: did you mean '{tmp_path / 'Pictures'}'?"
    assert why_unread(str(tmp_path / "zzz"), "cannot be opened") == "there is no such file or folder"
    assert why_unread(str(tmp_path / "none" / "a.png"), "cannot be opened") == "there is no such file or folder"


def test_a_manifest_belongs_to_evaluate(tmp_path):
    listed = tmp_path / "num.csv"
    listed.write_text("path,age\n")
    assert why_unread(str(listed), "not a picture file") == (
        f"not a picture file: `trainwright evaluate RUN {listed}` judges the net on a manifest"
    )


@pytest.mark.parametrize("there", [True, False])
def test_a_picture_in_the_place_of_the_run(cli, tmp_path, monkeypatch, there):
    monkeypatch.chdir(tmp_path)
    Path("runs/first").mkdir(parents=True)
    Path("runs/first/recipe.yaml").touch()
    if there:
        Path("kiwi.png").touch()
    ended = cli("predict", "kiwi.png", "a b.png")
    assert ended.code == 2
    assert "the run is missing: it stands before the pictures\n" in ended.err
    assert "  try: trainwright predict RUN kiwi.png 'a b.png'; runs in 'runs', the newest first: first\n" in ended.err


def test_a_folder_holds_no_numbers(tmp_path):
    section = DataSection(target_columns="age, height")
    with pytest.raises(InputError, match="holds no answers of the task regression") as caught:
        _refuse_a_folder(section, "regression", tmp_path)
    assert caught.value.hint == "a CSV file whose first line is path,age,height, and then a line a picture"
    _refuse_a_folder(section, "classification", tmp_path)
    _refuse_a_folder(section, "regression", tmp_path / "num.csv")

from __future__ import annotations

import os
from datetime import datetime

import pytest

from trainwright.errors import InputError
from trainwright.runs import EventWriter, RunFolder, create_run, default_name, is_run, open_run, refuse_bad_name

NOW = datetime(2026, 11, 21, 10, 15, 2)


def refused(function, *arguments, **options) -> InputError:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value


def a_run(out, name):
    run = create_run(out, name)
    run.recipe.write_text("")
    return run


def test_the_paths_of_a_run(tmp_path):
    run = RunFolder(tmp_path / "x")
    assert run.name == "x"
    names = [name for name, member in vars(RunFolder).items() if isinstance(member, property) and name != "name"]
    paths = {name: getattr(run, name).relative_to(run.path).as_posix() for name in names}
    assert len(set(paths.values())) == len(paths)
    assert paths["recipe"] == "recipe.yaml"
    assert paths["split"] == "data/split.csv"
    assert paths["events"] == "events.jsonl"
    assert paths["checkpoints"] == "checkpoints"
    assert paths["report"] == "report.html"
    assert not run.path.exists()


@pytest.mark.parametrize(
    ("model", "data", "name"),
    [
        ("small-resnet", "digits", "20261121-101502-small-resnet-digits"),
        ("resnet18.a1_in1k", "/data/my photos/", "20261121-101502-resnet18.a1_in1k-my-photos"),
        ("hf_hub:timm/vit", "C:\\photos\\cats.csv", "20261121-101502-hf_hub-timm-vit-cats.csv"),
        ("plain", "../", "20261121-101502-plain-data"),
        ("***", "", "20261121-101502-model-data"),
        ("plain", "<script>", "20261121-101502-plain-script"),
        ("plain", "äpfel\x00\udcff", "20261121-101502-plain-äpfel"),
        ("m" * 99, "d" * 99, f"20261121-101502-{'m' * 40}-{'d' * 40}"),
    ],
)
def test_names_made_by_us(model, data, name):
    assert default_name(model, data, NOW) == name
    refuse_bad_name(name)


@pytest.mark.parametrize("name", ["first", "a.b", "über", "with space", "20261121", "a" * 150])
def test_names_that_a_user_may_give(tmp_path, name):
    refuse_bad_name(name)
    assert create_run(tmp_path, name).path == tmp_path / name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("a/b", "it holds a separator of paths"),
        ("a\\b", "it holds a separator of paths"),
        ("../up", "it holds a separator of paths"),
        ("..", "it begins with a dot"),
        (".", "it begins with a dot"),
        (".hidden", "it begins with a dot"),
        ("-rf", "it begins with a dash, like an option"),
        ("a\nb", "it holds a character that cannot be seen"),
        ("a\x00", "it holds a character that cannot be seen"),
        ("a\udcff", "it holds a character that cannot be seen"),
        (" a", "it begins or ends with a space"),
        ("ä" * 76, "it is longer than 150 bytes"),
    ],
)
def test_names_that_a_user_may_not_give(tmp_path, name, problem):
    error = refused(create_run, tmp_path, name)
    assert error.problem == f"this cannot be the name of a run: {problem}"
    assert list(tmp_path.iterdir()) == []


def test_a_new_run_gets_a_folder(tmp_path):
    run = create_run(tmp_path / "deep" / "runs", "first")
    assert run.path == tmp_path / "deep" / "runs" / "first"
    assert list(run.path.iterdir()) == []


def test_a_run_is_never_written_over(tmp_path):
    run = a_run(tmp_path, "first")
    error = refused(create_run, tmp_path, "first")
    assert error.problem == "a run of this name exists and is not written over"
    assert error.hint == f"choose another --name, go on with --resume '{run.path}', or remove the folder"


def test_names_made_by_us_are_counted_on(tmp_path):
    name = default_name("plain", "digits", NOW)
    runs = [create_run(tmp_path, name, automatic=True).name for _ in range(3)]
    assert runs == [name, f"{name}-2", f"{name}-3"]


def test_what_a_killed_start_left_is_taken_over(tmp_path):
    run = create_run(tmp_path, "first")
    run.audit.parent.mkdir()
    for path in (run.audit, run.command, run.log, run.path / ".environment.json.123.tmp"):
        path.write_text("x")
    EventWriter(run.events).close()
    assert not is_run(run.path)
    assert create_run(tmp_path, "first") == run


def test_other_files_are_not_taken_over(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "thesis.tex").write_text("x")
    error = refused(create_run, tmp_path, "first")
    assert error.problem == "the run's folder holds other files"
    assert error.got == f"{tmp_path / 'first'} with thesis.tex"


def test_a_log_with_records_is_not_taken_over(tmp_path):
    run = create_run(tmp_path, "first")
    run.events.write_text("{}\n")
    assert refused(create_run, tmp_path, "first").problem == "the run's folder holds other files"


def test_a_file_with_the_name(tmp_path):
    (tmp_path / "first").write_text("")
    assert refused(create_run, tmp_path, "first").problem == "a file has the name of the run"


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    error = refused(create_run, tmp_path / "file" / "runs", "first")
    assert error.problem == "the run's folder cannot be made"
    assert error.got == "Not a directory"
    assert error.where == str(tmp_path / "file" / "runs" / "first")
    assert error.hint == "choose another folder with --out"


def test_a_run_is_opened(tmp_path):
    run = a_run(tmp_path, "first")
    assert open_run(str(run.path)) == run
    assert is_run(run.path)


def test_a_misspelt_run_names_the_nearest(tmp_path):
    a_run(tmp_path, "first")
    error = refused(open_run, tmp_path / "frist")
    assert error.problem == "there is no such run"
    assert error.hint == f"did you mean '{tmp_path / 'first'}'? runs in '{tmp_path}', the newest first: first"
    assert refused(open_run, tmp_path / "zzz").hint == f"runs in '{tmp_path}', the newest first: first"
    assert refused(open_run, tmp_path / "first-of-all").hint == f"runs in '{tmp_path}', the newest first: first"
    assert refused(open_run, tmp_path / "none" / "x").hint is None


def test_a_folder_that_is_no_run(tmp_path):
    error = refused(open_run, tmp_path)
    assert error.problem == "this folder is no run"
    assert (error.got, error.hint) == (str(tmp_path), None)
    a_run(tmp_path, "first")
    assert refused(open_run, tmp_path).hint == f"runs in '{tmp_path}', the newest first: first"


def test_the_newest_runs_are_listed_first_and_the_rest_counted(tmp_path):
    for number, name in enumerate("hgfedcba"):
        os.utime(a_run(tmp_path, name).recipe, (number, number))
    listed = "a, b, c, d, e and 3 more"
    assert refused(open_run, tmp_path / "zzz").hint == f"runs in '{tmp_path}', the newest first: {listed}"


def test_a_file_is_no_run(tmp_path):
    run = a_run(tmp_path, "first")
    run.report.write_text("")
    error = refused(open_run, run.report)
    assert error.problem == "a run is a folder, this is a file"
    assert error.hint == f"did you mean its folder, '{run.path}'?"
    (tmp_path / "x.txt").write_text("")
    assert refused(open_run, tmp_path / "x.txt").hint is None

"""Whatever a person gives wrongly gets one clear message: what was expected, what came, where, what to try."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainwright.workflows import inspect_data, ranks

QUICK = ["--model=plain", "--set=model.width=16", "--set=model.depth=1", "--epochs=1", "--set=machine.threads=1"]


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def refused(cli, tmp_path):
    """Runs train and returns the message of a refusal that leaves no traceback and no run."""

    def run(*words, code=2):
        ended = cli("train", *words, *QUICK, f"--out={tmp_path / 'out'}")
        assert ended.code == code, ended.err + ended.out
        assert "Traceback" not in ended.err
        assert ended.err.startswith("trainwright: ")
        assert not list((tmp_path / "out").glob("*"))
        return ended.err

    return run


def test_no_such_path(refused, tmp_path):
    (tmp_path / "photos").mkdir()
    message = refused(tmp_path / "photo")
    assert "photo" in message
    assert "did you mean" in message


def test_an_empty_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(tmp_path / "empty")


def test_one_class_only(refused, tmp_path):
    for number in range(4):
        picture(tmp_path / "one" / "cat" / f"{number}.png", number)
    message = refused(tmp_path / "one")
    assert "cat" in message
    assert "class" in message


def test_a_class_with_one_picture(refused, tmp_path):
    for number in range(6):
        picture(tmp_path / "few" / "cat" / f"{number}.png", number)
    picture(tmp_path / "few" / "dog" / "0.png", 9)
    message = refused(tmp_path / "few")
    assert "dog" in message


def test_every_picture_unreadable(refused, tmp_path):
    for label in ("cat", "dog"):
        for number in range(3):
            path = tmp_path / "broken" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no picture")
    message = refused(tmp_path / "broken")
    assert "no picture can be read" in message
    assert "0.png" in message


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["file,label", "a.png,cat"], ["path", "file"]),
        (["file,class", "a.png,cat"], ["no column 'path'", "no column 'label'"]),
        (["path,label", "a.png,cat", "nowhere.png,dog"], ["nowhere.png", ":3"]),
        (["path,label", "a.png,cat", "../b.png,dog"], ["leave the manifest's folder", "../b.png", ":3"]),
        (["path,label", "a.png,cat", "b.png,"], ["label", ":3"]),
        (["path,label,split", "a.png,cat,train", "b.png,dog,sometimes"], ["sometimes", ":3"]),
    ],
)
def test_manifests(refused, tmp_path, rows, says):
    for number, name in enumerate("ab"):
        picture(tmp_path / f"{name}.png", number)
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    message = refused(tmp_path / "list.csv")
    assert all(word in message for word in says), message


def test_a_group_that_spans_given_splits(refused, tmp_path):
    rows = ["path,label,split,group"]
    for number in range(8):
        picture(tmp_path / f"{number}.png", number)
        rows.append(f"{number}.png,{'cat' if number % 2 else 'dog'},{'test' if number > 5 else 'train'},patient-1")
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    message = refused(tmp_path / "list.csv")
    assert "patient-1" in message
    assert "group" in message


def test_a_class_that_only_the_test_part_has(refused, tmp_path):
    for number in range(4):
        for label in ("cat", "dog"):
            picture(tmp_path / "data" / "train" / label / f"{number}.png", number + 10 * len(label))
        picture(tmp_path / "data" / "test" / "cow" / f"{number}.png", 50 + number)
    assert "cow" in refused(tmp_path / "data")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model=resnet81"], ["resnet81", "resnet18"]),
        (["--set=optim.lr=fast"], ["optim.lr", "number", "fast"]),
        (["--set=otpim.lr=1"], ["otpim", "did you mean 'optim"]),
        (["--lr=-0.1"], ["optim.lr", "above 0", "-0.1"]),
        (["--batch-size=5000"], ["larger than the training part", "5000", "--batch-size"]),
        (["--opt=sgdd"], ["sgdd", "sgd"]),
        (["--set=loss.label_smoothing=0.95"], ["loss.label_smoothing", "below 0.9"]),
        (["--device=cuda:99"], ["cuda:99", "machine.device"]),
        (["--opt=adamw", "--set=optim.momentum=0.9"], ["optim.momentum", "optim.name"]),
    ],
)
def test_settings(cli, tmp_path, words, says):
    quick = [word for word in QUICK if not (word.startswith("--model") and any("--model" in w for w in words))]
    quick = [word for word in quick if "--model=resnet81" not in words or "model." not in word]
    ended = cli("train", "digits", *quick, *words, f"--out={tmp_path / 'out'}")
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err
    assert all(word in ended.err for word in says), ended.err
    assert not list((tmp_path / "out").glob("*")), "a mistake leaves no run that would block its name"


def test_a_recipe_with_three_mistakes_says_all_three(cli, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("optim:\n  lr: fast\n  momentun: 0.9\ntraining:\n  epochs: -3\n")
    for words in (["recipe", "--check", recipe], ["train", "digits", "--recipe", recipe]):
        ended = cli(*words)
        assert ended.code == 2
        for says in (f"{recipe}:2", f"{recipe}:3", f"{recipe}:5", "did you mean 'optim.momentum'", "at least 1"):
            assert says in ended.err, ended.err


def test_a_recipe_without_mistakes(cli, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("optim:\n  lr: 1e-3\n")
    ended = cli("recipe", "--check", recipe)
    assert ended.code == 0
    assert "no mistakes" in ended.out


def test_an_output_folder_that_cannot_be_written(cli, tmp_path):
    (tmp_path / "file").write_text("in the way")
    ended = cli("train", "digits", *QUICK, f"--out={tmp_path / 'file'}")
    assert ended.code == 2
    assert "the run's folder cannot be made" in ended.err
    assert "--out" in ended.err


def test_an_output_folder_that_must_not_be_written_is_told_at_once(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _mode: str(path) != str(tmp_path))
    ended = cli("train", "digits", *QUICK, f"--out={tmp_path / 'new/runs'}")
    assert ended.code == 2
    assert f"got: {tmp_path} must not be written" in ended.err
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_no_space_left(cli, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small], check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        words = ["--model=small-resnet", "--epochs=1", "--set=model.width=64", "--set=model.depth=2"]
        ended = cli("train", "digits", *words, "--set=machine.threads=1", "--name=x", f"--out={small}")
    finally:
        subprocess.run(["umount", "-l", small], check=True)
    assert ended.code == 3, ended.err
    assert "Traceback" not in ended.err
    assert "space" in ended.err


def test_resuming_by_name_alone_says_where_the_run_lies(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("train", "digits", *QUICK, "--name=tux").code == 0
    ended = cli("train", "--resume", "tux")
    assert ended.code == 2
    assert "did you mean 'runs/tux'?" in ended.err


def test_ways_to_call_recipe_that_exclude_each_other(cli, tmp_path):
    (tmp_path / "recipe.yaml").write_text("optim:\n  lr: 0.1\n")
    for words in (["--schema", "--explain"], ["--check", tmp_path / "recipe.yaml", "--set=optim.lr=1"]):
        ended = cli("recipe", *words)
        assert ended.code == 2
        assert f"{words[0]} stands alone" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--device=cuda:99"], "this machine does not have that device"),
        (["--weights=nowhere.safetensors"], "nowhere.safetensors"),
        (["--opt=timm:lionn"], "timm has no optimizer 'lionn'"),
        (["--out=file"], "the run's folder cannot be made"),
        (["--out=file/deeper"], "file is no folder"),
        (["--name=taken"], "taken"),
        (["--model=resnet18", "--set=model.activation=maxout"], "timm's models take no model.activation: maxout"),
    ],
)
def test_what_needs_no_pictures_is_told_before_they_are_read(cli, tmp_path, monkeypatch, words, says):

    def read(*_arguments, **_named):
        raise AssertionError("pictures are read")

    monkeypatch.setattr(ranks, "prepare", read)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "runs/taken").mkdir(parents=True)
    (tmp_path / "runs/taken/notes.txt").write_text("somebody's")
    ended = cli("train", "digits", "--model=plain", *words)
    assert ended.code == 2, ended.err
    assert says in ended.err
    assert ended.out == ""


@pytest.mark.slow
def test_two_runs_of_one_name_at_once(start, tmp_path):
    words = ["train", "digits", *QUICK, "--name=one"]
    both = [start(*words, f"--seed={seed}") for seed in (1, 2)]
    ends = [process.communicate(timeout=120) for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 2], ends
    winner = codes.index(0)
    assert f"seed: {winner + 1} " in (tmp_path / "runs/one/recipe.yaml").read_text()
    assert "exists" in ends[1 - winner][1] or "somebody else writes" in ends[1 - winner][1]


def test_resuming_what_is_no_run(cli, tmp_path):
    (tmp_path / "folder").mkdir()
    ended = cli("train", "--resume", tmp_path / "folder")
    assert ended.code == 2
    assert "this folder is no run" in ended.err
    ended = cli("evaluate", tmp_path / "nowhere")
    assert ended.code == 2
    assert "there is no such run" in ended.err


@pytest.fixture
def run(cli, tmp_path) -> Path:
    ended = cli("train", "digits", *QUICK, "--batch-size=128", "--name=x", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    return tmp_path / "x"


def test_a_damaged_snapshot_is_refused(cli, run):
    weights = run / "checkpoints" / "best" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 8
    weights.write_bytes(content)
    for words in (["evaluate", run], ["predict", run, "x.png"]):
        ended = cli(*words)
        assert ended.code == 2
        assert "damaged" in ended.err


def test_a_damaged_snapshot_names_the_one_before(cli, run):
    best = run / "checkpoints" / "best"
    shutil.copytree(best, run / "checkpoints" / "best.previous", dirs_exist_ok=True)
    (best / "model.safetensors").write_bytes(b"")
    ended = cli("evaluate", run)
    assert ended.code == 2
    assert "the run's best snapshot is damaged" in ended.err
    assert f"an older one, of epoch 1, lies in {best}.previous" in ended.err
    shutil.rmtree(best)
    (run / "checkpoints" / "best.previous").rename(best)
    assert cli("evaluate", run).code == 0, "the way that the message shows works"


def test_a_run_without_a_snapshot(cli, run):
    shutil.rmtree(run / "checkpoints")
    ended = cli("predict", run, "x.png")
    assert ended.code == 2
    assert "no snapshot yet" in ended.err
    assert "--resume" in ended.err


def test_evaluating_classes_that_the_net_does_not_know(cli, run, photos):
    ended = cli("evaluate", run, photos)
    assert ended.code == 2
    assert "classes that the net was not trained on" in ended.err


def test_evaluating_pictures_none_of_which_can_be_read(cli, run, tmp_path):
    for label in "01":
        (tmp_path / "bad" / label).mkdir(parents=True)
        (tmp_path / "bad" / label / "a.png").write_bytes(b"x")
    ended = cli("evaluate", run, tmp_path / "bad")
    assert ended.code == 2
    assert "none of the 2 pictures can be read" in ended.err


def test_names_that_try_ones_patience_are_shown_and_escaped(cli, tmp_path):
    folder = tmp_path / "names"
    for index, label in enumerate(("a b", 'it\'s "so"', "<script>alert(1)</script>")):
        label = label.replace("/", "\N{DIVISION SLASH}")
        for number in range(8):
            picture(folder / label / f"{number}.png", 100 * index + number)
    odd = os.fsencode(folder) + b"/caf\xe9"
    os.mkdir(odd)
    for number in range(8):
        picture(tmp_path / "odd.png", 900 + number)
        shutil.copy(tmp_path / "odd.png", odd + f"/{number}.png".encode())
    ended = cli("train", folder, *QUICK, "--batch-size=8", "--name=x", f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    page = (tmp_path / "x" / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    classes = json.loads((tmp_path / "x" / "data" / "classes.json").read_text())
    assert len(classes) == 4
    assert all(str(label).isprintable() for label in classes)


def test_float16_without_a_gpu_is_told_before_pictures_are_read(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(ranks, "prepare", lambda *_, **__: pytest.fail("pictures were read"))
    ended = cli("train", "digits", "--set=machine.precision=float16", f"--out={tmp_path}")
    assert ended.code == 2
    assert "float16 needs a CUDA device" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["data", "digits", "--preview={}/none/a.png"], "the folder of the file to write is not there"),
        (["recipe", "--plot={}/none/a.svg", "--pictures=500"], "the folder of the file to write is not there"),
        (["predict", "run", "--csv={}/none/a.csv"], "the folder of the file to write is not there"),
        (["data", "digits", "--preview={}/a.jpg"], "the preview is drawn as a PNG file"),
    ],
)
def test_files_that_cannot_be_written_are_told_at_once_and_no_folder_is_made(cli, tmp_path, monkeypatch, words, says):
    monkeypatch.setattr(inspect_data, "prepare", lambda *_, **__: pytest.fail("pictures were read"))
    ended = cli(*(word.format(tmp_path) for word in words))
    assert ended.code == 2
    assert says in ended.err
    assert not list(tmp_path.iterdir())

"""All of augmentation through the whole program: it trains, says so in the report, and resumes exactly."""

from __future__ import annotations

from pathlib import Path

WORDS = [
    *("train", "digits", "--model=plain", "--epochs=2", "--batch-size=64", "--name=run"),
    *("--set=model.width=8", "--set=machine.threads=1", "--set=augment.policy=strong"),
    *("--set=augment.mixup=0.4", "--set=augment.cutmix=1", "--set=augment.transform=trivialaugment"),
]


def weights(run: Path) -> list[bytes]:
    return [(run / "checkpoints" / name / "model.safetensors").read_bytes() for name in ("last", "best")]


def test_stopped_in_the_middle_it_ends_with_the_same_weights(cli, tmp_path, interrupt):
    ended = cli(*WORDS, f"--out={tmp_path / 'unbroken'}")
    assert ended.code == 0, ended.err
    interrupt(27)
    assert cli(*WORDS, f"--out={tmp_path / 'stopped'}").code == 130
    assert cli("train", f"--resume={tmp_path / 'stopped' / 'run'}").code == 0
    assert weights(tmp_path / "stopped" / "run") == weights(tmp_path / "unbroken" / "run")
    report = (tmp_path / "unbroken" / "run" / "report.html").read_text()
    assert "blended with others" in report
    assert "has the labels of both by their shares" in report
    assert "because of two mixed pictures only one counts as right" in report


def test_a_transform_that_was_changed_since_the_run_began_is_told(cli, tmp_path, interrupt, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = tmp_path / "mine.py"
    code.write_text("def turned(image_CHW):\n    return image_CHW.flip(2)\n")
    interrupt(27)
    words = [word for word in WORDS if "transform" not in word] + ["--set=augment.transform=mine.turned"]
    assert cli(*words, "--out=runs").code == 130
    code.write_text("def turned(image_CHW):\n    return image_CHW.flip(1)\n")
    resumed = cli("train", "--resume=runs/run")
    assert resumed.code == 0
    assert "the code of mine.turned has changed since the run began" in resumed.err + resumed.out

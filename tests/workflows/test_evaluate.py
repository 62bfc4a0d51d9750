"""What `evaluate` says of pictures that it cannot judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflows.task_pictures import SMALL, write_digits, write_manifest


@pytest.fixture
def run(cli, tmp_path: Path) -> Path:
    """A run on a manifest of odd and even digits; beside it lie manifests of the same pictures that do not fit it."""
    _, digits, paths = write_digits(tmp_path)
    rows = [[path, ("even", "odd")[digit % 2]] for path, digit in zip(paths, digits, strict=True)]
    data = write_manifest(tmp_path / "digits.csv", ["path", "label"], rows)
    assert cli("train", data, *SMALL, "--epochs=1", f"--out={tmp_path}", "--name=run").code == 0
    write_manifest(tmp_path / "label.csv", ["path", "species"], rows)
    write_manifest(tmp_path / "both.csv", ["file", "species"], rows)
    write_manifest(tmp_path / "classes.csv", ["path", "label"], [[path, "sea"] for path in paths])
    return tmp_path / "run"


def test_advice_that_names_a_setting_is_said_to_be_for_training(run, cli):
    here = f"evaluate takes no settings and reads pictures as {run / 'recipe.yaml'} says: change the data"
    one = cli("evaluate", run, run.parent / "label.csv")
    assert one.code == 2
    assert one.err.endswith(f"  try: --set data.label_column=NAME names another column (to train; {here})\n")
    two = cli("evaluate", run, run.parent / "both.csv")
    assert two.code == 2
    assert "2. the manifest has no column 'label'" in two.err
    assert two.err.endswith(f"  try: {here}\n")
    own = run.parent / "digits.csv"
    own.write_text(own.read_text().replace("0001.png,odd", "0001.png,alone"))
    changed = cli("evaluate", run)
    assert changed.code == 2
    assert changed.err.endswith(f"or set data.valid_share and data.test_share to 0 (to train; {here})\n")


def test_advice_that_names_none_stands_as_it_is(run, cli):
    other = cli("evaluate", run, run.parent / "classes.csv")
    assert other.code == 2
    assert other.err.endswith("  try: rename them, or leave them out\n")

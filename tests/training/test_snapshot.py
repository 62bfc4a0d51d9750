from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from trainwright.data import Preprocessor, preprocessor_state
from trainwright.errors import InputError
from trainwright.models import build_model
from trainwright.recipe import MachineSection, ModelSection
from trainwright.training.checkpoint import save_checkpoint
from trainwright.training.snapshot import open_snapshot


def kept(folder: Path, *, built_width: int = 4, precision: str = "float32") -> Path:
    """Writes the snapshot of a tiny net, as a run keeps it."""
    net = build_model(ModelSection(name="plain", width=built_width, depth=1), classes=2, channels=1, img_size=8)
    meta: dict[str, Any] = {
        "model": ModelSection(name="plain", width=4, depth=1).model_dump(),
        "classes": ["a", "b"],
        "channels": 1,
        "img_size": 8,
        "precision": precision,
        "epoch": 3,
    }
    preprocessor = Preprocessor.from_statistics([0.5], [0.25])
    save_checkpoint(folder / "best", net.state_dict(), {"preprocessor": preprocessor_state(preprocessor)}, meta)
    return folder


def test_a_snapshot_answers(tmp_path: Path) -> None:
    snapshot = open_snapshot(kept(tmp_path), MachineSection())
    assert snapshot.model(torch.zeros(3, 1, 8, 8)).shape == (3, 2)
    assert (snapshot.classes, snapshot.epoch) == (("a", "b"), 3)


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="do not fit the net that this version builds") as error:
        open_snapshot(kept(tmp_path, built_width=5), MachineSection())
    assert error.value.where == str(tmp_path / "best")


@pytest.mark.parametrize("with_best", [True, False])
def test_a_damaged_net_of_a_second_stage_is_named_and_the_best_snapshot_only_where_it_is(
    tmp_path: Path, with_best: bool
) -> None:
    retrained = kept(tmp_path) / "retrained"
    shutil.copytree(tmp_path / "best", retrained)
    if not with_best:
        shutil.rmtree(tmp_path / "best")
    (retrained / "state.pt").unlink()
    with pytest.raises(InputError, match="the run's retrained net is damaged") as error:
        open_snapshot(tmp_path, MachineSection())
    assert "state.pt is missing" in str(error.value.got)
    assert error.value.where == str(retrained)
    assert (str(tmp_path / "best") in str(error.value.hint)) == with_best
    if with_best:
        shutil.rmtree(retrained)
        assert open_snapshot(tmp_path, MachineSection()).epoch == 3


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_float16_gives_way_where_the_device_cannot_compute_in_it(
    tmp_path: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    snapshot = open_snapshot(kept(tmp_path, precision="float16"), MachineSection(device=device))
    assert snapshot.machine.dtype in (torch.float32, torch.bfloat16)

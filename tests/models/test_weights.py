from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.models.building import build_model
from trainwright.models.weights import load_weights, read_tensors
from trainwright.recipe.model import ModelSection


def net(*, classes: int = 3, width: int = 8, channels: int = 1, seed: int = 0, name: str = "small-resnet") -> nn.Module:
    section = ModelSection(name=name, width=width, depth=1)
    return build_model(section, classes=classes, channels=channels, img_size=8, seed=seed)


def refusal(file: Path, model: nn.Module | None = None) -> str:
    with pytest.raises(InputError) as caught:
        load_weights(model or net(), file)
    return str(caught.value)


@given(seed=st.integers(0, 2**63 - 1), classes=st.integers(2, 5), suffix=st.sampled_from([".safetensors", ".pt"]))
def test_saved_and_loaded_is_the_same_net(
    tmp_path_factory: pytest.TempPathFactory, seed: int, classes: int, suffix: str
) -> None:
    file = tmp_path_factory.mktemp("weights") / f"net{suffix}"
    source, target = net(seed=seed, classes=classes), net(classes=classes, seed=1)
    source.train()(torch.randn(4, 1, 8, 8))
    if suffix == ".safetensors":
        save_file(source.state_dict(), file)
    else:
        torch.save(source.state_dict(), file)
    report = load_weights(target, file)
    assert set(report.loaded) == set(source.state_dict())
    assert (dict(report.skipped), report.missing, report.adapted, report.head_replaced) == ({}, (), (), False)
    for key, tensor in source.state_dict().items():
        assert torch.equal(target.state_dict()[key], tensor), key


def test_other_classes_get_a_new_head(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    source, target = net(classes=3), net(classes=5, seed=1)
    save_file(source.state_dict(), file)
    fresh = target.state_dict()["head.weight"].clone()
    report = load_weights(target, file)
    assert report.head_replaced
    assert not report.skipped
    assert not report.missing
    assert torch.equal(target.state_dict()["head.weight"], fresh)
    assert torch.equal(target.state_dict()["stem.0.weight"], source.state_dict()["stem.0.weight"])
    assert report.summary() == f"{len(source.state_dict()) - 2} tensors loaded; a new head for these classes"


def test_nothing_is_dropped_in_silence(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    tensors = net(channels=3).state_dict()
    del tensors["stages.1.0.conv2.weight"]
    save_file({**tensors, "extra": torch.ones(2)}, file)
    report = load_weights(net(channels=1), file)
    assert dict(report.skipped) == {
        "extra": "the model has no tensor of this name",
        "stem.0.weight": "shape (8, 3, 3, 3), but the model's is (8, 1, 3, 3)",
    }
    assert report.missing == ("stem.0.weight", "stages.1.0.conv2.weight")
    assert "2 not in the file or not fitting (stem.0.weight, stages.1.0.conv2.weight)" in report.summary()
    assert "2 of the file not used (" in report.summary()


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_files_of_other_programs_are_understood(tmp_path: Path, key: str, prefix: str) -> None:
    file = tmp_path / "net.pth"
    source, target = net(), net(seed=1)
    tensors = {prefix + name: value for name, value in source.state_dict().items()}
    torch.save({key: tensors, "epoch": 3}, file)
    assert not load_weights(target, file).missing
    assert torch.equal(target.state_dict()["head.weight"], source.state_dict()["head.weight"])


def test_old_files_may_lack_counters_of_batches(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file({key: value for key, value in net().state_dict().items() if "num_batches" not in key}, file)
    assert load_weights(net(seed=1), file).missing == ()


def test_weights_of_another_width_are_refused_with_counts(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file(net(width=16).state_dict(), file)
    text = refusal(file)
    assert "the file of weights is of another model" in text
    assert "0 of 30 tensors matched" in text
    assert "stem.0.weight: shape (16, 1, 3, 3), but the model's is (8, 1, 3, 3)" in text
    assert "model.weights" in text


def test_weights_of_another_net_are_refused_with_names(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file({key: value for key, value in net().state_dict().items() if key.startswith("stem")}, file)
    text = refusal(file)
    assert "5 of 30 tensors matched" in text
    assert "not in the file: stages.0.0.conv1.weight, stages.0.0.norm1.weight, " in text


def test_a_refused_file_leaves_the_net_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file({key: value for key, value in net(seed=5).state_dict().items() if key.startswith("stem")}, file)
    target = net()
    refusal(file, target)
    assert torch.equal(target.state_dict()["stem.0.weight"], net().state_dict()["stem.0.weight"])


class Malice:
    """Runs a command when an ordinary unpickler meets it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("how", ["torch.save", "pickle", "protocol 2"])
def test_a_malicious_file_is_refused_and_nothing_runs(tmp_path: Path, how: str) -> None:
    file, trace = tmp_path / "net.pt", tmp_path / "it_ran"
    malice = Malice(f"touch '{trace}'")
    if how == "torch.save":
        torch.save({"stem.0.weight": malice}, file)
    else:
        file.write_bytes(pickle.dumps(malice, protocol=2 if how == "protocol 2" else 4))
    text = refusal(file)
    assert "refused and nothing in it was executed" in text
    assert not trace.exists()
    if how == "torch.save":
        assert "which asks for posix.system" in text
    # The file is as dangerous as it says: an ordinary unpickler would have run it.
    if how == "pickle":
        pickle.loads(file.read_bytes())
        assert trace.exists()


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    torch.save(nn.Linear(2, 2), file)
    assert "which asks for torch.nn.modules.linear.Linear" in refusal(file)


@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello world", b"\x80\x02garbage", b"PK\x03\x04 torn zip"])
def test_damaged_files_are_told(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    text = refusal(file)
    assert "cannot be read" in text or "refused and nothing in it was executed" in text
    assert str(file) in text


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_torn_file_is_told(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"net{suffix}"
    if suffix == ".pt":
        torch.save(net().state_dict(), file)
    else:
        save_file(net().state_dict(), file)
    file.write_bytes(file.read_bytes()[:-2000])
    assert "the file of weights cannot be read" in refusal(file)


@pytest.mark.parametrize("content", [[1, 2], {"lr": 0.1}, {}])
def test_a_file_without_tensors_is_told(tmp_path: Path, content: object) -> None:
    file = tmp_path / "net.pt"
    torch.save(content, file)
    text = refusal(file)
    assert "the file holds no weights" in text
    assert type(content).__name__ in text


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = refusal(tmp_path / "nothing.pt")
    assert "there is no such file of weights" in text
    assert "checkpoints/best/model.safetensors" in text
    assert "(a folder)" in refusal(tmp_path)


def test_tensors_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "tensors.pt"
    torch.save({"a": torch.arange(3), "note": "kept apart"}, file)
    tensors: dict[str, Tensor] = read_tensors(file)
    assert {key: value.tolist() for key, value in tensors.items()} == {"a": [0, 1, 2]}

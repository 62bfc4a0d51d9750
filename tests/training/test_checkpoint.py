import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from trainwright.errors import InputError
from trainwright.training.checkpoint import FORMAT, load_checkpoint, load_newest, save_checkpoint

WEIGHTS = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.count": torch.tensor(3)}


def save(folder: Path, step: int = 1) -> None:
    save_checkpoint(folder, WEIGHTS, {"step": step, "moments": [torch.ones(2)]}, {"classes": ["a", "b"], "step": step})


def test_what_is_saved_comes_back(tmp_path):
    save(tmp_path / "last")
    loaded = load_checkpoint(tmp_path / "last")
    assert torch.equal(loaded.weights["layer.weight"], WEIGHTS["layer.weight"])
    assert loaded.state["step"] == 1
    assert torch.equal(loaded.state["moments"][0], torch.ones(2))
    assert loaded.meta == {"classes": ["a", "b"], "step": 1}


def test_the_one_before_is_kept(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path / "last", step)
    assert load_checkpoint(tmp_path / "last").meta["step"] == 3
    assert load_checkpoint(tmp_path / "last.previous").meta["step"] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last", "last.previous"]


@pytest.mark.parametrize("name", ["model.safetensors", "state.pt"])
def test_one_flipped_byte_is_found_and_the_one_before_is_used(tmp_path, name):
    save(tmp_path / "last", 1)
    save(tmp_path / "last", 2)
    damaged = tmp_path / "last" / name
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(InputError, match="the checkpoint is damaged"):
        load_checkpoint(tmp_path / "last")
    checkpoint, complaints = load_newest(tmp_path / "last")
    assert checkpoint is not None
    assert checkpoint.meta["step"] == 1
    assert len(complaints) == 1
    assert "damaged" in complaints[0]
    assert "going back to the one before" in complaints[0]


def test_every_byte_of_the_manifest_counts(tmp_path):
    save(tmp_path / "last")
    manifest = tmp_path / "last" / "manifest.json"
    content = manifest.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        try:
            same = json.loads(bytes(changed)) == json.loads(content)
        except ValueError:
            same = False
        manifest.write_bytes(changed)
        if not same:
            with pytest.raises(InputError, match=r"damaged|cannot be read|another version"):
                load_checkpoint(tmp_path / "last")


def test_a_manifest_that_is_no_json_is_named(tmp_path):
    save(tmp_path / "last")
    (tmp_path / "last" / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="the checkpoint's manifest cannot be read"):
        load_checkpoint(tmp_path / "last")


def test_all_damaged_is_an_error_that_lists_them(tmp_path):
    save(tmp_path / "last", 1)
    save(tmp_path / "last", 2)
    for folder in tmp_path.iterdir():
        (folder / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="every checkpoint named last is damaged"):
        load_newest(tmp_path / "last")


def test_no_checkpoint_at_all(tmp_path):
    assert load_newest(tmp_path / "last") == (None, [])
    with pytest.raises(InputError, match="no checkpoint here"):
        load_checkpoint(tmp_path / "last")


def test_a_kill_between_the_two_renames_leaves_a_whole_one(tmp_path):
    save(tmp_path / "last", 1)
    save(tmp_path / "other", 2)
    (tmp_path / "last").rename(tmp_path / "last.previous")
    (tmp_path / "other").rename(tmp_path / "last.new")
    checkpoint, complaints = load_newest(tmp_path / "last")
    assert checkpoint is not None
    assert checkpoint.meta["step"] == 2
    assert complaints == []


def test_a_half_written_new_one_is_passed_over_in_silence(tmp_path):
    save(tmp_path / "last", 1)
    (tmp_path / "last").rename(tmp_path / "last.previous")
    (tmp_path / "last.new").mkdir()
    checkpoint, complaints = load_newest(tmp_path / "last")
    assert checkpoint is not None
    assert checkpoint.meta["step"] == 1
    assert complaints == []


def test_a_missing_file_is_named(tmp_path):
    save(tmp_path / "last")
    (tmp_path / "last" / "state.pt").unlink()
    with pytest.raises(InputError, match=r"state\.pt is missing"):
        load_checkpoint(tmp_path / "last")


def test_another_format_is_refused(tmp_path):
    save(tmp_path / "last")
    manifest = tmp_path / "last" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {FORMAT}', '"format": 999'))
    with pytest.raises(InputError, match="written by another version"):
        load_checkpoint(tmp_path / "last")


def test_a_malicious_pickle_is_refused_and_nothing_is_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    save(tmp_path / "last")
    state = tmp_path / "last" / "state.pt"
    torch.save({"progress": Evil()}, state)
    forge_manifest(tmp_path / "last")
    with pytest.raises(InputError, match="nothing in it was executed"):
        load_checkpoint(tmp_path / "last")
    state.write_bytes(pickle.dumps(Evil()))
    forge_manifest(tmp_path / "last")
    with pytest.raises(InputError, match="nothing in it was executed"):
        load_checkpoint(tmp_path / "last")
    assert not (tmp_path / "executed").exists()


def forge_manifest(folder: Path) -> None:
    """Gives tampered files the sums that they have, as an attacker would."""
    import hashlib

    manifest = json.loads((folder / "manifest.json").read_text())
    for name in manifest["sha256"]:
        manifest["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    del manifest["manifest_sha256"]
    own = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "manifest_sha256": own}))


def test_saving_over_a_folder_left_by_a_kill(tmp_path):
    save(tmp_path / "last", 1)
    shutil.copytree(tmp_path / "last", tmp_path / "last.new")
    save(tmp_path / "last", 2)
    assert load_checkpoint(tmp_path / "last").meta["step"] == 2

import json
from pathlib import Path

import pytest
import torch

import trainwright as tw
from trainwright.data import prepare
from trainwright.errors import InputError
from trainwright.recipe import compose, parse_assignments
from trainwright.training import Checkpoints, Progress, build, load_checkpoint, restore
from trainwright.training.stopping import Best
from trainwright.workflows.deciding import decide

WORDS = ["model.name=plain", "model.depth=1", "training.epochs=2", "machine.threads=1"]


def setup_of(width: int):
    recipe = compose(parse_assignments([*WORDS, f"model.width={width}"]))
    data = prepare(recipe.data, seed=0)
    return build(decide(recipe, data), data)


@pytest.fixture(scope="module")
def setup():
    return setup_of(16)


def test_progress_comes_back_as_it_was(setup, tmp_path):
    progress = Progress(epoch=3, batch=7, step=77, loss_sum=1.25, correct=9, best=Best(2, 0.5, 1.5))
    Checkpoints(tmp_path).save_last(setup, progress)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    assert restore(load_checkpoint(tmp_path / "last"), setup) == progress
    assert torch.equal(torch.rand(3), drawn)


def test_a_result_cannot_be_trained_further(setup, tmp_path):
    Checkpoints(tmp_path).save_best(setup, Progress())
    with pytest.raises(InputError, match="this checkpoint is a result"):
        restore(load_checkpoint(tmp_path / "best"), setup)


def test_a_checkpoint_of_another_net_is_refused(setup, tmp_path):
    Checkpoints(tmp_path).save_last(setup, Progress())
    with pytest.raises(InputError, match="the checkpoint does not fit the run's recipe"):
        restore(load_checkpoint(tmp_path / "last"), setup_of(32))


def test_groups_of_an_earlier_version_keep_what_groups_have_today(setup, tmp_path):
    Checkpoints(tmp_path).save_last(setup, Progress())
    checkpoint = load_checkpoint(tmp_path / "last")
    for group in checkpoint.state["optimizer"]["param_groups"]:
        del group["shares"]
        group["momentum"] = 0.5
    fresh = setup_of(16)
    restore(checkpoint, fresh)
    assert [group["shares"] for group in fresh.optimizer.param_groups] == [False, False]
    assert {group["momentum"] for group in fresh.optimizer.param_groups} == {0.5}


def test_the_meta_of_a_checkpoint_is_enough_to_use_it_alone(tmp_path):
    settings = {key: given.value for key, given in parse_assignments(WORDS).items()}
    run = tw.train("digits", settings={**settings, "model.width": 16}, out=tmp_path, name="x")
    meta = json.loads((Path(run.path) / "checkpoints/best/manifest.json").read_text())["meta"]
    assert meta["classes"] == list("0123456789")
    assert (meta["img_size"], meta["channels"]) == (8, 1)
    assert set(meta["reading"]) == {"fit", "scaled_decoding", "max_pixels"}
    assert meta["model"]["name"] == "plain"

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from trainwright.errors import InputError, TrainwrightError
from trainwright.models.building import build, build_model
from trainwright.recipe.model import OWN_MODELS, ModelSection


def start(seed: int, name: str = "small-resnet") -> dict[str, torch.Tensor]:
    section = ModelSection(name=name, width=8, depth=1)
    return build_model(section, classes=3, channels=1, img_size=8, seed=seed).state_dict()


@pytest.mark.parametrize("name", OWN_MODELS)
def test_first_weights_are_a_function_of_the_seed(name: str) -> None:
    first, again, other = start(7, name), start(7, name), start(8, name)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_global_random_state_neither_matters_nor_changes() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = start(7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(start(7)["head.weight"], first["head.weight"])


def test_global_random_state_is_put_back_after_an_error() -> None:
    before = torch.get_rng_state()
    with pytest.raises(InputError):
        build_model(ModelSection(name="plain", width=8, depth=1), classes=3, channels=1, img_size=2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("settings", "key"),
    [({}, "name"), ({"name": "plain"}, "width"), ({"name": "plain", "width": 8}, "depth")],
)
def test_an_undecided_section_is_our_bug(settings: dict[str, str], key: str) -> None:
    with pytest.raises(TrainwrightError, match=rf"model\.{key} is still 'auto'") as caught:
        build_model(ModelSection(**settings), classes=3, channels=1, img_size=8)  # pyright: ignore[reportArgumentType]
    assert caught.value.exit_code == 1


def test_our_own_nets_have_no_pretrained_weights() -> None:
    section = ModelSection(name="small-resnet", width=8, depth=1, weights="pretrained")
    with pytest.raises(InputError) as caught:
        build_model(section, classes=3, channels=1, img_size=8)
    assert "'small-resnet' has no pretrained weights" in str(caught.value)
    assert "take a timm model" in str(caught.value)


def test_weights_of_a_file_are_loaded_and_reported(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(start(1), file)
    section = ModelSection(name="small-resnet", width=8, depth=1, weights=str(file))
    built = build(section, classes=5, channels=1, img_size=8, seed=2)
    assert built.weights is not None
    assert built.weights.head_replaced
    assert torch.equal(built.model.state_dict()["stem.0.weight"], start(1)["stem.0.weight"])
    assert built.model.training


def test_without_a_file_there_is_no_report() -> None:
    built = build(ModelSection(name="plain", width=8, depth=1), classes=5, channels=1, img_size=8, seed=0)
    assert built.weights is None


def test_a_net_can_be_copied() -> None:
    model = build_model(ModelSection(name="small-resnet", width=8, depth=1), classes=5, channels=1, img_size=8)
    twin = copy.deepcopy(model)
    assert isinstance(twin, nn.Module)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_our_own_nets_do_not_pay_for_timm() -> None:
    program = (
        "import sys\n"
        "from trainwright.models import build_model, choose_model, layer_table\n"
        "from trainwright.recipe.model import ModelSection\n"
        "model = build_model(ModelSection(name='plain', width=4, depth=1), classes=2, channels=1, img_size=8)\n"
        "layer_table(model, channels=1, img_size=8)\n"
        "choose_model(ModelSection(), img_size=224, channels=3, classes=2, pictures=9, device='cpu')\n"
        "print([name for name in ('timm', 'torchvision', 'huggingface_hub') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trainwright.models import build_model
from trainwright.recipe import ModelSection, OptimSection
from trainwright.training.clipping import CLIPS, build_clip, clip_units, gradient_norm


class Net(nn.Module):
    def __init__(self, seed: int, size: float) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
        self.head = nn.Linear(3, 2)
        for parameter in self.parameters():
            parameter.grad = size * torch.randn_like(parameter)


def gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


seeds, sizes = st.integers(0, 1000), st.floats(1e-3, 1e3)


def test_nothing_is_clipped_unless_it_is_asked_for():
    assert build_clip(OptimSection(clip_norm=0.0)) is None


@given(seeds, sizes, st.floats(1e-2, 10))
def test_by_norm_the_whole_gradient_is_shortened_and_keeps_its_direction(seed, size, limit):
    model = Net(seed, size)
    before = gradients(model)
    norm = gradient_norm(model)
    clip = build_clip(OptimSection(clip_norm=limit))
    clip(model, norm)
    share = min(1.0, limit / float(norm))
    assert float(gradient_norm(model)) <= limit * (1 + 1e-5)
    for name, gradient in gradients(model).items():
        assert torch.allclose(gradient, share * before[name], rtol=1e-4, atol=1e-7 * size)


@given(seeds, sizes, st.floats(1e-2, 10))
def test_by_value_every_number_is_cut(seed, size, limit):
    model = Net(seed, size)
    before = gradients(model)
    build_clip(OptimSection(clip_norm=0.0, clip_value=limit))(model, gradient_norm(model))
    for name, gradient in gradients(model).items():
        assert torch.equal(gradient, before[name].clamp(-limit, limit))


@given(seeds, sizes, st.floats(1e-3, 1))
def test_adaptively_as_timm_does_but_for_the_head(seed, size, share):
    from timm.utils.agc import adaptive_clip_grad

    ours, theirs = Net(seed, size), Net(seed, size)
    before = gradients(ours)
    build_clip(OptimSection(clip_norm=0.0, clip_adaptive=share))(ours, gradient_norm(ours))
    adaptive_clip_grad(theirs.body.parameters(), clip_factor=share)
    expected = gradients(theirs)
    for name, gradient in gradients(ours).items():
        assert torch.allclose(gradient, expected[name], rtol=1e-5, atol=1e-9)
    assert torch.equal(ours.head.weight.grad, before["head.weight"])


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("small-resnet", {"head"}),
        ("resnet18", {"fc"}),
        ("deit_tiny_distilled_patch16_224", {"head", "head_dist"}),
    ],
)
def test_every_head_of_a_net_is_left_alone(name, heads):
    size = {"width": 4, "depth": 1} if name == "small-resnet" else {}
    model = build_model(ModelSection(name=name, **size), classes=3, channels=3, img_size=32)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    build_clip(OptimSection(clip_norm=0.0, clip_adaptive=0.01))(model, gradient_norm(model))
    untouched = {key for key, gradient in gradients(model).items() if bool((gradient == 1e3).all())}
    assert untouched == {f"{head}.{part}" for head in heads for part in ("weight", "bias")}


def test_a_net_that_names_no_head_is_clipped_as_a_whole():
    model = nn.Sequential(nn.Linear(2, 2))
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    build_clip(OptimSection(clip_norm=0.0, clip_adaptive=0.01))(model, gradient_norm(model))
    assert all(float(gradient.abs().max()) < 1 for gradient in gradients(model).values())


def test_a_unit_s_gradient_by_hand():
    """Rows of weights with norm 5 and 0: the first is cut to 0.1 · 5, the second to 0.1 · 1e-3, the third is short."""
    weight = torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]])
    gradient = torch.tensor([[0.0, 2.0], [1.0, 0.0], [0.6, 0.8]])
    clip_units(gradient, weight, 0.1)
    assert torch.allclose(gradient, torch.tensor([[0.0, 0.5], [1e-4, 0.0], [0.6, 0.8]]))


@pytest.mark.parametrize("key", sorted(CLIPS))
def test_each_setting_turns_its_own_way_on(key):
    model = Net(0, 1e3)
    before = float(gradient_norm(model))
    build_clip(OptimSection(**{"clip_norm": 0.0, key: 0.01}))(model, gradient_norm(model))
    assert float(gradient_norm(model)) < before

import numpy as np
import pytest
import torch
from torch import nn

from trainwright.recipe import OptimSection
from trainwright.training.optimizers import OPTIMIZERS, build_optimizer, parameter_groups


def small_net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.Linear(4, 2))


def test_only_filters_and_matrices_decay():
    model = small_net()
    decayed, spared = parameter_groups(model, 0.1)
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 1, 3, 3), (2, 4)]
    assert decayed["weight_decay"] == 0.1
    assert spared["weight_decay"] == 0.0
    assert len(spared["params"]) == 5


def test_the_optimizer_holds_exactly_the_trainable_parameters():
    model = small_net()
    model[0].weight.requires_grad_(False)
    optimizer = build_optimizer(OptimSection(lr=0.1, weight_decay=0.0), model)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters() if p.requires_grad}


def test_every_optimizer_of_the_recipe_has_a_builder():
    assert set(OPTIMIZERS) == set(OptimSection.model_fields["name"].annotation.__args__)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_lowers_rosenbrock(name):
    point = nn.Parameter(torch.tensor([[-1.0, 1.5]]))
    holder = nn.Module()
    holder.point = point
    optimizer = build_optimizer(OptimSection(name=name, lr=1e-3, weight_decay=0.0), holder)

    def rosenbrock() -> torch.Tensor:
        x, y = point[0]
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    first = rosenbrock().item()
    for _ in range(300):
        optimizer.zero_grad()
        rosenbrock().backward()
        optimizer.step()
    assert rosenbrock().item() < 0.5 * first


def test_nesterov_momentum_step_by_hand():
    """v = γv + g and w -= α(g + γv), with the decay added to the gradient."""
    weight = nn.Parameter(torch.tensor([[2.0, -1.0]]))
    holder = nn.Module()
    holder.weight = weight
    optimizer = build_optimizer(OptimSection(lr=0.1, weight_decay=0.01, momentum=0.9, nesterov=True), holder)
    w, v = np.array([2.0, -1.0]), np.zeros(2)
    for gradient in (np.array([1.0, 0.5]), np.array([-0.3, 0.2])):
        weight.grad = torch.tensor(gradient[None], dtype=torch.float32)
        optimizer.step()
        g = gradient + 0.01 * w
        v = 0.9 * v + g
        w = w - 0.1 * (g + 0.9 * v)
    assert weight.detach().numpy()[0] == pytest.approx(w, rel=1e-6)


def test_adamw_step_by_hand():
    weight = nn.Parameter(torch.tensor([[2.0]]))
    holder = nn.Module()
    holder.weight = weight
    section = OptimSection(name="adamw", lr=0.1, weight_decay=0.05, beta1=0.8, beta2=0.9, eps=1e-3)
    optimizer = build_optimizer(section, holder)
    w, m, s = 2.0, 0.0, 0.0
    for t, g in enumerate((1.0, -0.5, 0.25), start=1):
        weight.grad = torch.tensor([[g]])
        optimizer.step()
        w -= 0.1 * 0.05 * w
        m, s = 0.8 * m + 0.2 * g, 0.9 * s + 0.1 * g * g
        w -= 0.1 * (m / (1 - 0.8**t)) / ((s / (1 - 0.9**t)) ** 0.5 + 1e-3)
    assert weight.item() == pytest.approx(w, rel=1e-5)

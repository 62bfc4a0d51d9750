"""Every optimizer's step against the written update equation, worked out in NumPy; test_optimizer_contract.py has the
laws of all."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from trainwright.errors import InputError
from trainwright.recipe import OptimSection
from trainwright.training.optimizers import OPTIMIZERS, build_optimizer, check_optimizer
from trainwright.training.timm_optimizers import check_timm_optimizer, timm_defaults

Array = np.ndarray
RATE, BETA1, BETA2, RHO, EPS, GAMMA = 0.05, 0.8, 0.95, 0.9, 1e-3, 0.7


def sgd(w: Array, g: Array, past: dict[str, Array], t: int) -> Array:
    return w - RATE * g


def momentum(w: Array, g: Array, past: dict[str, Array], t: int) -> Array:
    past["v"] = GAMMA * past.get("v", 0) + g
    return w - RATE * past["v"]


def nesterov(w: Array, g: Array, past: dict[str, Array], t: int) -> Array:
    past["v"] = GAMMA * past.get("v", 0) + g
    return w - RATE * (g + GAMMA * past["v"])


def adagrad(w: Array, g: Array, past: dict[str, Array], t: int) -> Array:
    past["s"] = past.get("s", 0) + g**2
    return w - RATE * g / (np.sqrt(past["s"]) + EPS)


def rmsprop(w: Array, g: Array, past: dict[str, Array], t: int) -> Array:
    past["s"] = RHO * past.get("s", 0) + (1 - RHO) * g**2
    return w - RATE * g / (np.sqrt(past["s"]) + EPS)


def adam(w: Array, g: Array, past: dict[str, Array], t: int) -> Array:
    past["m"] = BETA1 * past.get("m", 0) + (1 - BETA1) * g
    past["s"] = BETA2 * past.get("s", 0) + (1 - BETA2) * g**2
    mean, square = past["m"] / (1 - BETA1**t), past["s"] / (1 - BETA2**t)
    return w - RATE * mean / (np.sqrt(square) + EPS)


FAMILY = {"momentum": GAMMA}
ADAMS = {"beta1": BETA1, "beta2": BETA2, "eps": EPS}
WRITTEN: dict[str, tuple[Callable[..., Array], dict[str, object]]] = {
    "sgd": (nesterov, {**FAMILY, "nesterov": True}),
    "momentum": (momentum, FAMILY),
    "nesterov": (nesterov, FAMILY),
    "adagrad": (adagrad, {"eps": EPS}),
    "rmsprop": (rmsprop, {"rho": RHO, "eps": EPS}),
    "adam": (adam, ADAMS),
    "adamw": (adam, ADAMS),
}
VARIANTS = [
    *((name, *written) for name, written in WRITTEN.items()),
    ("sgd", sgd, {"momentum": 0.0, "nesterov": False}),
    ("sgd", momentum, {**FAMILY, "nesterov": False}),
]


class Quadratic(nn.Module):
    """A matrix that decays and a bias that does not, in double precision."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(2, 3, generator=draw, dtype=torch.float64))
        self.bias = nn.Parameter(torch.randn(3, generator=draw, dtype=torch.float64))


def test_every_optimizer_has_its_equation_here():
    assert set(WRITTEN) == set(OPTIMIZERS)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("name", "written", "settings"), VARIANTS)
def test_steps_are_those_of_the_written_equation(name, written, settings, decay):
    net = Quadratic()
    optimizer = build_optimizer(OptimSection(name=name, lr=RATE, weight_decay=decay, **settings), net)
    values = {key: parameter.detach().numpy().copy() for key, parameter in net.named_parameters()}
    past: dict[str, dict[str, Array]] = {key: {} for key in values}
    curvature = {"weight": np.array([[3.0, 0.2, -1.0], [1.0, 5.0, 0.5]]), "bias": np.array([2.0, -0.5, 1.0])}
    for t in range(1, 9):
        for key, parameter in net.named_parameters():
            gradient = curvature[key] * values[key] - 0.3
            parameter.grad = torch.from_numpy(gradient.copy())
            if key == "weight":
                if name == "adamw":
                    values[key] = values[key] * (1 - RATE * decay)
                else:
                    gradient = gradient + decay * parameter.detach().numpy()
            values[key] = written(values[key], gradient, past[key], t)
        optimizer.step()
        for key, parameter in net.named_parameters():
            assert parameter.detach().numpy() == pytest.approx(values[key], rel=1e-12, abs=1e-14), (t, key)


def test_an_optimizer_of_timm_steps_as_its_authors_write():
    """Lion: u = sign(β₁m + (1-β₁)g), w ← w(1-αλ) - αu, m ← β₂m + (1-β₂)g with β₁ 0.9, β₂ 0.99 (Chen et al. 2023)."""
    net = Quadratic()
    optimizer = build_optimizer(OptimSection(name="timm:lion", lr=0.01, weight_decay=0.1), net)
    w, m = net.weight.detach().numpy().copy(), 0.0
    for t in range(1, 5):
        g = np.cos(t * w)
        net.weight.grad = torch.from_numpy(g.copy())
        net.bias.grad = torch.zeros_like(net.bias)
        optimizer.step()
        w = w * (1 - 0.01 * 0.1) - 0.01 * np.sign(0.9 * m + 0.1 * g)
        m = 0.99 * m + 0.01 * g
        assert net.weight.detach().numpy() == pytest.approx(w, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lionn", ["timm has no optimizer 'lionn'", "did you mean 'timm:lion'", "got: timm:lionn"]),
        ("qqqqqqqq", ["timm has no optimizer 'qqqqqqqq'", "list_optimizers())' prints all names"]),
        ("adahessian", ["'adahessian' cannot be used: it needs second derivatives"]),
        ("kronw", ["'kronw' cannot be used: it draws random numbers", "a resumed run would be another"]),
        ("fusedadam", ["needs the package apex and a CUDA device"]),
        ("bnbadam8bit", ["needs the package bitsandbytes and a CUDA device"]),
    ],
)
def test_optimizers_of_timm_that_cannot_be_had_are_told(name, said):
    with pytest.raises(InputError) as error:
        check_optimizer(OptimSection(name=f"timm:{name}"))
    for words in said:
        assert words in str(error.value)


def test_names_of_our_own_and_of_timm_pass():
    for name in (*OPTIMIZERS, "timm:lamb", "timm:muon"):
        check_optimizer(OptimSection(name=name))


def test_rates_of_timm_are_its_own():
    assert timm_defaults("lamb") == (1e-3, 0.01)
    assert timm_defaults("muon")[0] == 0.02
    assert timm_defaults("adafactor") == (1e-3, 0.0), "timm's has no rate of its own"
    assert timm_defaults("sgdp") == (1e-3, 0.0), "timm's asks for a rate"


def test_every_optimizer_of_timm_that_passes_the_check_moves_weights_and_resumes_exactly():
    from timm.optim import list_optimizers

    def begun(name: str) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 4, 3))
        return net, build_optimizer(OptimSection(name=f"timm:{name}", lr=1e-3, weight_decay=0.01), net)

    def train(net: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            optimizer.zero_grad()
            torch.manual_seed(step)
            nn.functional.cross_entropy(net(torch.randn(5, 1, 4, 4)), torch.tensor([0, 1, 2, 0, 1])).backward()
            optimizer.step()

    passed = []
    for name in list_optimizers():
        try:
            check_timm_optimizer(name)
        except InputError:
            continue
        straight, optimizer = begun(name)
        before = straight[0].weight.detach().clone()
        train(straight, optimizer, range(6))
        assert straight[0].weight.isfinite().all(), name
        assert not torch.equal(straight[0].weight, before), name

        stopped, optimizer = begun(name)
        train(stopped, optimizer, range(3))
        kept = io.BytesIO()
        torch.save({"net": stopped.state_dict(), "optimizer": optimizer.state_dict()}, kept)
        kept.seek(0)
        state = torch.load(kept, weights_only=True)
        resumed, optimizer = begun(name)
        resumed.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        train(resumed, optimizer, range(3, 6))
        assert torch.equal(resumed[0].weight, straight[0].weight), name
        passed.append(name)
    assert len(passed) > 70

"""The fields by formula against the fields by experiment: which rows and columns of a picture move a number?"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainwright.models.building import build_model
from trainwright.models.receptive_field import Field, FieldTracker, Interval
from trainwright.recipe.model import ModelSection


def tracked(model: nn.Module, images_NCHW: Tensor) -> Field | None:
    with torch.no_grad(), FieldTracker() as tracker:
        tracker.start(images_NCHW)
        return tracker.field(model(images_NCHW))


def monotonous(model: nn.Module) -> nn.Module:
    """Makes all weights positive, so that more of any pixel that a number sees is more of the number."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.rand_like(parameter) * 0.5 + 0.5)
    return model.double().eval()


def moved(model: nn.Module, size: int, position: tuple[int, ...], axis: int) -> set[int]:
    """Finds the rows (axis 0) or columns (axis 1) that move the number at a position of the output."""
    images_NCHW = torch.zeros(size + 1, 1, size, size, dtype=torch.float64)
    for line in range(size):
        images_NCHW.select(axis + 2, line)[line] = 1.0
    with torch.no_grad():
        output = model(images_NCHW)[(slice(None), 0, *position)]
    return set((output[:size] > output[size]).nonzero().flatten().tolist())


def agree(model: nn.Module, field: Field, size: int, position: tuple[int, int]) -> bool:
    """Compares the interval of each axis with the lines that move the number at a position.

    Their ends must meet where the field lies inside the picture; else no line may lie outside of it: at the border a
    tap that would be the first may fall into the padding, and the next be pixels away.
    """
    spans = [
        (axis.jump * at + axis.first, axis.jump * at + axis.last)
        for axis, at in zip((field.height, field.width), position, strict=True)
    ]
    lines = [moved(model, size, position, axis) for axis in (0, 1)]
    if all(first >= 0 and last < size for first, last in spans):
        return spans == [(min(found), max(found)) for found in lines]
    return all(first <= line <= last for (first, last), found in zip(spans, lines, strict=True) for line in found)


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module, shortcut: nn.Module | None = None, join: str = "add") -> None:
        super().__init__()
        self.way = nn.Sequential(*layers)
        self.shortcut = shortcut or nn.Identity()
        self.join = join

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        ways = [self.way(maps_NFHW), self.shortcut(maps_NFHW)]
        return ways[0] + ways[1] if self.join == "add" else torch.cat(ways, dim=1).sum(1, keepdim=True)


class Excitation(nn.Module):
    """Scales each map by what the whole map says (squeeze and excitation)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Conv2d(1, 1, 1)

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        return maps_NFHW + self.gate(maps_NFHW.mean((2, 3), keepdim=True))


kernels, strides, dilations = st.integers(1, 4), st.integers(1, 2), st.integers(1, 2)
sides = st.tuples(st.integers(1, 3), st.integers(1, 3))
layers = st.one_of(
    st.builds(nn.Conv2d, st.just(1), st.just(1), kernels, strides, st.integers(0, 3), dilations),
    sides.map(lambda k: nn.Conv2d(1, 1, k, padding=(k[0] // 2, 0))),
    sides.map(lambda k: nn.AvgPool2d(k, stride=(1, 2))),
    st.builds(lambda kernel, *rest: nn.MaxPool2d(kernel, rest[0], kernel // 2, rest[1]), kernels, strides, dilations),
    st.just(nn.MaxPool2d(2)),
    st.just(nn.ReLU(inplace=True)),
    st.just(nn.BatchNorm2d(1)),
    st.just(nn.ZeroPad2d((1, 2, 0, 3))),
    st.just(nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)),
    st.builds(lambda: Residual(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU(), nn.Conv2d(1, 1, 3, padding=1))),
    st.builds(lambda: Residual(nn.Conv2d(1, 1, 3, 2, 1), shortcut=nn.Conv2d(1, 1, 1, 2))),
    st.builds(lambda: Residual(nn.Conv2d(1, 1, 5, padding=2), join="cat")),
)


@settings(max_examples=60, deadline=None)
@given(stack=st.lists(layers, min_size=1, max_size=5), place=st.floats(0, 1))
def test_fields_by_formula_are_those_by_experiment(stack: list[nn.Module], place: float) -> None:
    size = 40
    model = monotonous(nn.Sequential(*stack))
    images_NCHW = torch.zeros(2, 1, size, size, dtype=torch.float64)
    try:
        with torch.no_grad():
            height, width = model(images_NCHW).shape[-2:]
    except RuntimeError:
        reject()  # nothing is left of the picture for one of the windows
    field = tracked(model, images_NCHW)
    assert field is not None
    row, column = int(place * (height - 1)), int(place * (width - 1))
    assert agree(model, field, size, (row, column))


@pytest.mark.parametrize(
    "tail",
    [
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1)),
        nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten()),
        nn.Sequential(nn.Flatten(), nn.Linear(36, 1)),
        nn.Sequential(Excitation(), nn.Conv2d(1, 1, 3), Excitation(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    ],
)
def test_numbers_made_of_a_whole_map_see_what_all_its_positions_see(tail: nn.Module) -> None:
    model = monotonous(nn.Sequential(nn.Conv2d(1, 1, 3, stride=2, padding=0), nn.ReLU(), tail))
    field = tracked(model, torch.zeros(2, 1, 14, 14, dtype=torch.float64))
    assert field is not None
    # Windows of 3 in steps of 2 leave the last of 14 pixels unseen.
    assert field.size == (13, 13)
    assert moved(model, 14, (), 0) == moved(model, 14, (), 1) == set(range(13))


def test_adaptive_pooling_sees_its_cells() -> None:
    field = tracked(nn.AdaptiveAvgPool2d(2), torch.zeros(1, 1, 8, 8))
    assert field == Field(Interval(4, 0, 3), Interval(4, 0, 3))


@pytest.mark.parametrize("norm", [nn.GroupNorm(1, 1), nn.InstanceNorm2d(1)])
def test_norms_of_the_picture_itself_see_all_of_it(norm: nn.Module) -> None:
    field = tracked(norm.eval(), torch.rand(2, 1, 8, 8))
    assert field is not None
    assert field.size == (8, 8)


class Transposing(nn.Module):
    def forward(self, maps_NFHW: Tensor) -> Tensor:
        return maps_NFHW.permute(0, 2, 3, 1)


class Writing(nn.Module):
    def forward(self, maps_NFHW: Tensor) -> Tensor:
        maps_NFHW = maps_NFHW * 2
        maps_NFHW[:, :, 2:] += 1
        return maps_NFHW * 1


@pytest.mark.parametrize(
    "model",
    [
        nn.ConvTranspose2d(1, 1, 2, stride=2),
        nn.Upsample(scale_factor=2),
        nn.AdaptiveAvgPool2d(3),
        nn.Softmax(dim=3),
        nn.ReflectionPad2d(1),
        Transposing(),
        Writing(),
        Residual(nn.MaxPool2d(2), nn.Upsample(scale_factor=2)),
        nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(196, 2)),
    ],
)
def test_what_cannot_be_followed_is_unknown_and_not_guessed(model: nn.Module) -> None:
    assert tracked(model, torch.rand(1, 1, 8, 8)) is None


@pytest.mark.parametrize("name", ["small-resnet", "plain"])
@pytest.mark.parametrize("img_size", [8, 28, 64])
def test_fields_of_our_own_nets_by_experiment(name: str, img_size: int) -> None:
    section = ModelSection(name=name, width=4, depth=1)
    model = monotonous(build_model(section, classes=2, channels=1, img_size=img_size))
    stem = nn.Sequential(*[part for key, part in model.named_children() if key in ("stem", "stages")])
    images_NCHW = torch.zeros(2, 1, img_size, img_size, dtype=torch.float64)
    field = tracked(stem, images_NCHW)
    assert field is not None
    with torch.no_grad():
        last = stem(images_NCHW).shape[-1] - 1
    for at in (0, last // 2, last):
        assert agree(stem, field, img_size, (at, at))
    head = tracked(model, images_NCHW)
    assert head is not None
    assert min(head.size) >= img_size

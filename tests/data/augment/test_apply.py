"""The one resample against numpy.pad, SciPy and torch.grid_sample, and its two implementations against each other."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch.nn import functional as F

from trainwright.data.augment import apply
from trainwright.data.augment.apply import resample
from trainwright.data.augment.color import scaling_matrix
from trainwright.data.augment.compiling import compiled
from trainwright.data.augment.gather import gather_resample
from trainwright.data.augment.geometry import compose, flip_maps, identity_maps, shift_maps
from trainwright.data.augment.noise import normals_on
from trainwright.data.augment.plan import Noise, Plan

FILLS = ["constant", "edge", "reflect", "symmetric", "wrap"]
AS_STORED = scaling_matrix(torch.ones(3), torch.zeros(3))
shared_fixture = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["kernel", "gather"])
def path(request, monkeypatch):
    """Sends every batch, however small, through the compiled kernel or through torch."""
    monkeypatch.setattr(apply, "WORTH_A_KERNEL", 0 if request.param == "kernel" else 10**18)


def pictures(count: int, channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator)


def plan_of(maps_N23: torch.Tensor, *, colors=AS_STORED, boxes=None, whole_pixels=False) -> Plan:
    boxes_NB4 = torch.zeros(len(maps_N23), 0, 4, dtype=torch.int32) if boxes is None else boxes
    return Plan(maps_N23, colors, boxes_NB4, whole_pixels)


def noises(count: int, generator: torch.Generator) -> Noise:
    keys_N2 = torch.randint(0, 2**32, (count, 2), generator=generator)
    return Noise(torch.tensor([0.0, 5.0, 30.0]).repeat(count // 3), keys_N2, normals_on(torch.device("cpu")))


def rotations(count: int, seed: int = 0) -> torch.Tensor:
    """Random rotation, scale, shear and shift, all at once."""
    generator = torch.Generator().manual_seed(seed)
    maps_N23 = identity_maps(count) + 0.4 * torch.randn(count, 2, 3, generator=generator)
    maps_N23[:, :, 2] += 6 * torch.randn(count, 2, generator=generator)
    return maps_N23


@given(
    fill=st.sampled_from(FILLS),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    channels=st.integers(1, 3),
    shift=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
    flipped=st.booleans(),
    channels_last=st.booleans(),
)
@shared_fixture
@pytest.mark.usefixtures("path")
def test_whole_shifts_equal_numpy_pad(fill, height, width, channels, shift, flipped, channels_last):
    images = pictures(2, channels, height, width)
    dx, dy = shift
    maps = shift_maps(torch.tensor([shift, (0, 0)]))
    maps = compose(maps, flip_maps(torch.tensor([flipped, False]), width))
    scale, offset = torch.tensor([0.5, 2.0, 3.0])[:channels], torch.tensor([-1.0, 0.25, 7.0])[:channels]
    constant = torch.tensor([33.0, -5.0, 0.125])[:channels]
    plan = plan_of(maps, colors=scaling_matrix(scale, offset), whole_pixels=True)
    finished = resample(images, plan, fill=fill, constant_C=constant, channels_last=channels_last)

    normalized = images[0].numpy().astype(np.float32) * scale[:, None, None].numpy() + offset[:, None, None].numpy()
    margin = ((20, 20), (20, 20))
    wanted = np.stack(
        [
            np.pad(plane, margin, mode=fill, **({"constant_values": value} if fill == "constant" else {}))
            for plane, value in zip(normalized, constant.tolist(), strict=True)
        ]
    )[:, 20 + dy : 20 + dy + height, 20 + dx : 20 + dx + width]
    wanted = wanted[:, :, ::-1] if flipped else wanted
    assert np.array_equal(finished[0].numpy(), wanted)
    untouched = images[1].float() * scale[:, None, None] + offset[:, None, None]
    assert torch.equal(finished[1], untouched)
    assert finished.is_contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


@pytest.mark.usefixtures("path")
def test_flip_equals_fliplr():
    images = pictures(4, 3, 6, 8)
    plan = plan_of(flip_maps(torch.tensor([True, False, True, True]), 8), whole_pixels=True)
    finished = resample(images, plan, fill="constant", constant_C=torch.zeros(3)).numpy()
    for picture in (0, 2, 3):
        for channel in range(3):
            assert np.array_equal(finished[picture, channel], np.fliplr(images[picture, channel].numpy()))
    assert np.array_equal(finished[1], images[1].numpy())


SCIPY = {
    "constant": "grid-constant",
    "edge": "nearest",
    "reflect": "mirror",
    "symmetric": "grid-mirror",
    "wrap": "grid-wrap",
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.usefixtures("path")
def test_general_maps_equal_scipy(fill):
    images, maps = pictures(12, 3, 11, 14), rotations(12)
    finished = resample(images, plan_of(maps), fill=fill, constant_C=torch.full((3,), 77.0))
    for picture in range(12):
        # SciPy speaks of (row, column), we of (x, y).
        matrix = maps[picture, :, :2].double().numpy()[::-1, ::-1]
        offset = maps[picture, :, 2].double().numpy()[::-1]
        for channel in range(3):
            wanted = ndimage.affine_transform(
                images[picture, channel].double().numpy(), matrix, offset, order=1, mode=SCIPY[fill], cval=77.0
            )
            assert np.abs(finished[picture, channel].numpy() - wanted).max() < 5e-3


@pytest.mark.parametrize(
    ("fill", "mode", "align"),
    [
        ("constant", "zeros", True),
        ("edge", "border", True),
        ("reflect", "reflection", True),
        ("symmetric", "reflection", False),
    ],
)
@pytest.mark.usefixtures("path")
def test_general_maps_equal_grid_sample(fill, mode, align):
    count, height, width = 6, 12, 16
    images, maps = pictures(count, 3, height, width, seed=1), rotations(count, seed=1)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    place = torch.stack([x, y, torch.ones_like(x)]).double().reshape(3, -1)
    old = (maps.double() @ place).reshape(count, 2, height, width).permute(0, 2, 3, 1)
    size = torch.tensor([width, height])
    grid = 2 * old / (size - 1) - 1 if align else (2 * old + 1) / size - 1
    wanted = F.grid_sample(images.double(), grid, mode="bilinear", padding_mode=mode, align_corners=align)
    finished = resample(images, plan_of(maps), fill=fill, constant_C=torch.zeros(3))
    assert (finished - wanted).abs().max() < 5e-3


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_kernel_and_torch_give_the_same_bits(monkeypatch, fill, channels):
    images, maps = pictures(9, channels, 13, 10), rotations(9)
    generator = torch.Generator().manual_seed(2)
    colors = 0.1 * torch.randn(9, channels, channels + 1, generator=generator)
    boxes = torch.tensor([[0, 0, 0, 0], [2, 3, 9, 10], [0, 0, 13, 10]] * 6, dtype=torch.int32).view(9, 2, 4)
    noise = noises(9, generator)
    plan = replace(plan_of(maps, colors=colors, boxes=boxes), lens_N=torch.linspace(-0.5, 0.5, 9), noise=noise)
    constant = torch.linspace(-1, 1, channels)
    both = []
    for threshold in (0, 10**18):
        monkeypatch.setattr(apply, "WORTH_A_KERNEL", threshold)
        both.append(resample(images, plan, fill=fill, constant_C=constant, channels_last=True))
    assert torch.equal(*both)


@pytest.mark.usefixtures("path")
def test_mixing_colors_of_whole_pixels():
    # Whole pixels but channels mixed: gray from the three channels, and a plain shift beside it.
    images = pictures(2, 3, 5, 5)
    colors = torch.tensor([[0.5, 0.25, 0.25, 1.0]]).expand(3, 4).repeat(2, 1, 1)
    plan = plan_of(shift_maps(torch.tensor([[0, 0], [1, 0]])), colors=colors, whole_pixels=True)
    finished = resample(images, plan, fill="edge", constant_C=torch.zeros(3))
    values = images.float()
    gray = 0.5 * values[:, 0] + 0.25 * values[:, 1] + 0.25 * values[:, 2] + 1
    assert torch.equal(finished[0], gray[0].expand(3, 5, 5))
    assert torch.equal(finished[1, 0, :, :4], gray[1, :, 1:])


@pytest.mark.usefixtures("path")
def test_boxes_hold_the_constant_and_nothing_else_does():
    images = pictures(2, 3, 6, 7)
    boxes = torch.tensor([[[1, 2, 4, 7]], [[0, 0, 0, 0]]], dtype=torch.int32)
    constant = torch.tensor([1000.0, 2000.0, 3000.0])
    plan = plan_of(identity_maps(2), boxes=boxes, whole_pixels=True)
    finished = resample(images, plan, fill="constant", constant_C=constant)
    assert torch.equal(finished[0, :, 1:4, 2:7], constant[:, None, None].expand(3, 3, 5))
    assert int((finished >= 1000).sum()) == 3 * 3 * 5
    assert torch.equal(finished[1], images[1].float())


def test_threads_do_not_change_a_bit(monkeypatch):
    monkeypatch.setattr(apply, "WORTH_A_KERNEL", 0)
    monkeypatch.setattr(apply, "WORTH_A_THREAD", 1)
    images, plan = pictures(7, 3, 8, 8), plan_of(rotations(7))
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(resample(images, plan, fill="reflect", constant_C=torch.zeros(3)))
    assert torch.equal(*results)
    assert any(thread.name.startswith("trainwright-augment") for thread in threading.enumerate())


@pytest.mark.usefixtures("path")
def test_pictures_that_are_not_contiguous():
    images = pictures(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    plan = plan_of(identity_maps(4), whole_pixels=True)
    assert torch.equal(resample(images, plan, fill="constant", constant_C=torch.zeros(3)), images.float())


def test_a_function_without_a_place_for_its_cache_is_compiled_all_the_same():
    space: dict[str, object] = {}
    exec(compile("def double(x):\n    return 2 * x\n", "<nowhere>", "exec"), space)
    assert compiled(space["double"])(21) == 42


@pytest.mark.slow
@pytest.mark.parametrize("fill", ["constant", "symmetric"])
def test_what_torch_compiles_for_a_gpu_is_one_graph_of_the_same_arithmetic(fill):
    """Compiled for the CPU, where it can be compared; twice, as the last batch of an epoch may be smaller."""
    torch.compiler.reset()  # torch compiles a function for so many cases only, which all fills together exceed
    one_graph = torch.compile(gather_resample, fullgraph=True)
    for count in (6, 3):
        generator = torch.Generator().manual_seed(count)
        images = pictures(count, 3, 12, 9)
        boxes = torch.tensor([[[1, 2, 4, 7]]] * count, dtype=torch.int32)
        bent = replace(
            plan_of(rotations(count), boxes=boxes), lens_N=torch.full((count,), 0.2), noise=noises(count, generator)
        )
        mirrored = plan_of(flip_maps(torch.arange(count) % 2 == 0, 9), boxes=boxes, whole_pixels=True)
        for plan in (bent, mirrored):
            constant = torch.tensor([1.0, -2.0, 3.0])
            finished = one_graph(images, plan, fill, constant)
            torch.testing.assert_close(finished, gather_resample(images, plan, fill, constant), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("compiled", "device", "by_torch"), [(True, "meta", True), (False, "meta", False), (True, "cpu", False)]
)
def test_only_a_gpus_pictures_go_to_torch_compile_and_only_on_request(compiled, device, by_torch, monkeypatch):
    asked = []
    monkeypatch.setattr(apply, "compiled_gather", lambda: asked.append(True) or gather_resample)
    images, plan = pictures(2, 3, 8, 8).to(device), plan_of(rotations(2))
    resample(images, plan, fill="edge", constant_C=torch.zeros(3), compiled=compiled)
    assert bool(asked) == by_torch

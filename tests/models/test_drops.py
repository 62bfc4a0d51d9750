from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwright.models.centered import center_weights, plain_state, set_weight
from trainwright.models.drops import DropConnect, DropPath, drop_connections, falling_survival


def test_a_skipped_branch_is_skipped_for_a_whole_picture_and_the_mean_stays():
    torch.manual_seed(0)
    layer, maps_NFHW = DropPath(0.25), torch.ones(20_000, 2, 1, 3)
    after_NFHW = layer(maps_NFHW)
    of_picture_N = after_NFHW[:, 0, 0, 0]
    assert torch.equal(after_NFHW, of_picture_N[:, None, None, None].expand_as(after_NFHW))
    assert sorted(set(of_picture_N.tolist())) == pytest.approx([0, 4 / 3])
    assert of_picture_N.mean().item() == pytest.approx(1, abs=0.02)
    assert layer.eval()(maps_NFHW) is maps_NFHW
    assert "0.25" in repr(layer)


@pytest.mark.parametrize("layer", [DropPath(0.5), DropConnect(0.5), nn.Dropout(0.5), nn.Dropout2d(0.5)])
def test_gradient_passes_what_stayed(layer):
    values = torch.ones(8, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    after = layer(values)
    after.sum().backward()
    assert torch.equal(values.grad, after.detach())
    assert set(after.unique().tolist()) == {0.0, 2.0}

    def seeded(values):
        torch.manual_seed(0)
        return layer(values)

    assert torch.autograd.gradcheck(seeded, values)


def test_dropped_weights_keep_their_mean_and_are_whole_at_test():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 2))
    weight = net[0].weight.detach().clone()
    drop_connections(net, 0.3)
    drawn = torch.stack([net[0].weight.detach() for _ in range(2000)])
    assert (drawn == 0).double().mean().item() == pytest.approx(0.3, abs=0.005)
    torch.testing.assert_close(drawn.mean(dim=0), weight, atol=0.02, rtol=0)
    assert not torch.equal(drawn[0], drawn[1])
    net.eval()
    assert torch.equal(net[0].weight, weight)
    assert "0.3" in repr(net)


def test_the_outputs_of_dropped_weights_are_right_in_the_mean():
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, 3)
    images_NCHW = torch.randn(1, 2, 5, 5)
    expected = layer(images_NCHW)
    net = nn.Sequential(layer)
    drop_connections(net, 0.5)
    with torch.no_grad():
        mean = torch.stack([net(images_NCHW) for _ in range(4000)]).mean(dim=0)
    torch.testing.assert_close(mean, expected.detach(), atol=0.06, rtol=0)


def test_what_is_kept_has_all_weights_and_their_own_names():
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(3, 2))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    drop_connections(net, 0.5)
    assert "0.parametrizations.weight.original" in net.state_dict()
    kept = plain_state(net)
    assert kept.keys() == before.keys()
    assert all(torch.equal(kept[key], before[key]) for key in kept)
    assert net.training
    assert net[0].training
    set_weight(net[0], torch.zeros_like(before["0.weight"]))
    assert not plain_state(net)["0.weight"].any()


def test_centered_weights_can_be_dropped_too():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(50, 4))
    center_weights(net)
    centered = net[0].weight.detach().clone()
    drop_connections(net, 0.5)
    dropped = net[0].weight
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], 2 * centered[kept])
    torch.testing.assert_close(plain_state(net)["0.weight"], centered)


def test_survival_falls_in_proportion_to_the_depth():
    assert falling_survival(0.6, 3) == pytest.approx([0.2, 0.4, 0.6])
    assert falling_survival(0.0, 2) == [0.0, 0.0]

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from trainwright.models import build_model, evaluating
from trainwright.recipe import ModelSection


def test_every_mode_comes_back_even_after_an_error():
    net = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2), nn.Dropout())
    net[1].eval()
    with evaluating(net):
        assert not any(module.training for module in net.modules())
        with pytest.raises(RuntimeError), evaluating(net):
            net(torch.zeros(1, 3))
        assert not any(module.training for module in net.modules())
    assert [module.training for module in net.modules()] == [True, True, False, True]


def test_what_a_net_kept_goes_with_the_weights_before_and_can_be_copied_after():
    model, fresh = (build_model(ModelSection(name="levit_128s"), classes=3, channels=3, img_size=224) for _ in range(2))
    images_NCHW = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    model.eval()(images_NCHW)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "attention_biases" in name:
                parameter.normal_(std=10)
    fresh.load_state_dict(model.state_dict())
    with evaluating(model), evaluating(fresh):
        torch.testing.assert_close(model(images_NCHW), fresh(images_NCHW))
    copy.deepcopy(model)

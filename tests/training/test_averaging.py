import pytest
import torch
from torch import nn

from trainwright.models import build_model
from trainwright.recipe import ModelSection
from trainwright.training.averaging import WeightAverage, ema_decay


def test_average_follows_the_formula():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    average = WeightAverage(model, decay=0.5)
    expected = 1.0
    for step in range(1, 30):
        nn.init.constant_(model.weight, float(step))
        average.update(model, step)
        d = min(0.5, (1 + step) / (10 + step))
        expected = d * expected + (1 - d) * step
    assert average.model.weight.item() == pytest.approx(expected, rel=1e-5)


def test_decay_grows_to_its_limit():
    decays = [ema_decay(0.99, step) for step in range(1, 2000)]
    assert decays == sorted(decays)
    assert decays[0] == 2 / 11
    assert decays[-1] == 0.99


def test_running_statistics_are_averaged_and_counters_copied():
    model = nn.BatchNorm1d(2)
    average = WeightAverage(model, decay=0.9)
    model.train()(torch.randn(8, 2) + 5)
    average.update(model, 1)
    assert average.model.num_batches_tracked.item() == 1
    expected = (1 - 2 / 11) * model.running_mean
    assert torch.allclose(average.model.running_mean, expected)


def test_what_a_net_keeps_of_its_weights_for_evaluation_is_never_stale():
    section = ModelSection(name="levit_128s")
    model, fresh = (build_model(section, classes=3, channels=3, img_size=224) for _ in range(2))
    average = WeightAverage(model, decay=0.5)
    images_NCHW = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        average.model(images_NCHW)
        for name, parameter in model.named_parameters():
            if "attention_biases" in name:
                parameter.normal_(std=10)
        average.update(model, 100)
        fresh.eval().load_state_dict(average.model.state_dict())
        torch.testing.assert_close(average.model(images_NCHW), fresh(images_NCHW))
    assert not any(module.training for module in average.model.modules())


def test_the_average_is_apart_from_the_model():
    model = nn.Linear(2, 2)
    average = WeightAverage(model, decay=0.9)
    before = average.model.weight.clone()
    nn.init.zeros_(model.weight)
    assert torch.equal(average.model.weight, before)
    assert not average.model.training
    assert not any(p.requires_grad for p in average.model.parameters())

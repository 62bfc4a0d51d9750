"""Our plain net, forward and backward, put together from the blocks: every gradient is torch's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference import average_pooling, batch_norm, convolution, linear, max_pooling, relu, softmax_cross_entropy
from reference.checking import assert_equal, normal
from trainwright.models import Plain

SIZE, CLASSES = 8, 3


def numbers(value: Tensor | None) -> np.ndarray:
    assert value is not None
    return value.detach().numpy()


def test_a_whole_net_learns_the_same_in_numpy():
    torch.manual_seed(0)
    net = Plain(classes=CLASSES, channels=2, img_size=SIZE, width=3, depth=1).double()
    kernels = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    (head,) = (module for module in net.modules() if isinstance(module, nn.Linear))
    assert len(kernels) == len(norms) == 2
    images, labels = normal(5, 2, SIZE, SIZE, seed=0), np.array([0, 1, 2, 1, 0])
    targets = softmax_cross_entropy.smoothed(labels, CLASSES)
    loss = F.cross_entropy(net(torch.from_numpy(images)), torch.from_numpy(labels))
    loss.backward()

    # There: two stages of convolution, normalization and rectifier, with a pooling in between and one behind.
    maps, kept = images, []
    for stage, (kernel, norm) in enumerate(zip(kernels, norms, strict=True)):
        found = convolution.forward(maps, numbers(kernel.weight), np.zeros(kernel.out_channels), padding=1)
        batch = batch_norm.forward(found, numbers(norm.weight), numbers(norm.bias), eps=norm.eps)
        kept.append((maps, batch))
        maps = relu.forward(batch.outputs)
        if stage == 0:
            rectified = maps
            maps = max_pooling.forward(maps, 2, stride=2)
    side = maps.shape[2]
    features = average_pooling.forward(maps, side, stride=1)[:, :, 0, 0]
    scores = linear.forward(features, numbers(head.weight), numbers(head.bias))
    assert_equal(softmax_cross_entropy.forward(scores, targets), loss.item())

    # And back.
    gradient = softmax_cross_entropy.backward(scores, targets)
    gradient, dhead, dbias = linear.backward(gradient, features, numbers(head.weight))
    assert_equal(dhead, numbers(head.weight.grad))
    assert_equal(dbias, numbers(head.bias.grad))
    gradient = average_pooling.backward(gradient[:, :, None, None], (side, side), side, stride=1)
    for stage, (kernel, norm) in reversed(list(enumerate(zip(kernels, norms, strict=True)))):
        maps, batch = kept[stage]
        if stage == 0:
            gradient = max_pooling.backward(gradient, rectified, 2, stride=2)
        gradient = relu.backward(gradient, batch.outputs)
        gradient, dscale, dshift = batch_norm.backward(gradient, batch, numbers(norm.weight))
        assert_equal(dscale, numbers(norm.weight.grad))
        assert_equal(dshift, numbers(norm.bias.grad))
        dkernel = convolution.weight_gradient(gradient, maps, (3, 3), padding=1)
        assert_equal(dkernel, numbers(kernel.weight.grad))
        gradient = convolution.input_gradient(gradient, numbers(kernel.weight), maps.shape[2:], padding=1)

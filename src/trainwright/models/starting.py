"""First values of the weights of our own nets."""

from __future__ import annotations

from torch import nn

HEAD_STD = 0.01
"""Small, so that the first logits are near 0 and the first loss near ln K; not 0, so that the first gradient already
reaches the layers below."""


def start_conv(module: nn.Module) -> None:
    """Draws the weights of a convolution from N(0, 2 / fan_out), so that gradients keep their size through ReLUs.

    Made for `nn.Module.apply`; leaves every other kind of module alone.

    Source: He et al. 2015, equation 14.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def start_head(head: nn.Linear) -> None:
    """Draws the head's weights from N(0, HEAD_STD²) and sets its bias to 0.

    Source: Goyal et al. 2017, section 5.1.
    """
    nn.init.normal_(head.weight, std=HEAD_STD)
    nn.init.zeros_(head.bias)

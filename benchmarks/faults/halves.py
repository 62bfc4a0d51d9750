"""Which nets and data set limits, and which only judge: fixed here, by name, before any run was made."""

from __future__ import annotations

from typing import Literal

Half = Literal["sets", "judges"]

NETS: dict[Half, tuple[str, ...]] = {
    "sets": ("plain-bn", "vgg", "tanh-mlp", "resnet-gn"),
    "judges": ("resnet-bn", "plain", "lenet", "depthwise"),
}
DATA: dict[Half, tuple[str, ...]] = {
    "sets": ("digits", "shapes", "clipart"),
    "judges": ("fashion", "stamps", "uneven"),
}


CELLS: dict[Half, tuple[tuple[str, str, Literal["sgd", "adam"]], ...]] = {
    "sets": (
        ("plain-bn", "digits", "sgd"),
        ("vgg", "shapes", "sgd"),
        ("resnet-gn", "clipart", "sgd"),
        ("tanh-mlp", "digits", "sgd"),
        ("plain-bn", "clipart", "adam"),
        ("resnet-gn", "shapes", "adam"),
        ("vgg", "digits", "adam"),
        ("tanh-mlp", "shapes", "adam"),
    ),
    "judges": (
        ("resnet-bn", "fashion", "sgd"),
        ("plain", "stamps", "sgd"),
        ("depthwise", "uneven", "sgd"),
        ("lenet", "fashion", "sgd"),
        ("resnet-bn", "stamps", "adam"),
        ("depthwise", "fashion", "adam"),
        ("plain", "uneven", "adam"),
        ("lenet", "stamps", "adam"),
    ),
}
"""Nets, data and optimizers that are trained together."""


def half_of(net: str, data: str) -> Half:
    """Gives the half to which both, a net and its data, belong; nets and data of different halves never meet."""
    for half in NETS:
        if net in NETS[half] and data in DATA[half]:
            return half
    raise ValueError(f"{net} and {data} belong to no half together")

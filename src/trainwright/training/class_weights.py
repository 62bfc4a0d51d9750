"""How much each class counts in the loss, from the setting `loss.class_weights`.

Legend: N pictures of the training part, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainwright.data import PreparedData
from trainwright.errors import InputError, did_you_mean
from trainwright.recipe import LossSection


def class_weights(section: LossSection, classes: Sequence[str], shares_K: Sequence[float]) -> Tensor | None:
    """Gives what each class counts in the loss: float32 K, or None where all count alike.

    For `cross-entropy` they scale the loss of each picture by its class, and have mean 1 over the training pictures;
    `balanced` makes the classes count alike in sum. For `logistic` they scale the term of a label that holds, as they
    stand; `balanced` makes both terms of each label count alike.

    Args:
        section: decided.
        classes: the K names.
        shares_K: share of the training pictures in which each holds, by the pictures' weights; above 0 and, for
            `logistic`, below 1.

    Raises:
        InputError: a class that the data do not have.

    >>> class_weights(LossSection(class_weights="balanced"), ("cat", "dog"), [0.8, 0.2]).tolist()
    [0.625, 2.5]
    """
    shares = torch.tensor(shares_K, dtype=torch.float64)
    if section.class_weights == "none":
        return None
    alone = section.name == "logistic"
    if section.class_weights == "balanced":
        return ((1 - shares) / shares if alone else 1 / (len(classes) * shares)).float()
    given = named_weights(section.class_weights)
    for name in given:
        if name not in classes:
            raise InputError(
                f"loss.class_weights names a class that the data do not have: '{name}'",
                expected=f"some of {', '.join(classes[:10])}{' …' if len(classes) > 10 else ''}",
                got=section.class_weights,
                where="loss.class_weights",
                hint=did_you_mean(name, classes),
            )
    weights = torch.tensor([given.get(name, 1.0) for name in classes], dtype=torch.float64)
    return (weights if alone else weights / (weights * shares).sum()).float()


def named_weights(text: str) -> dict[str, float]:
    """Reads `cat=2, dog=0.5`.

    Raises:
        InputError: a class is named twice.

    >>> named_weights("cat=2, dog=0.5")
    {'cat': 2.0, 'dog': 0.5}
    """
    pairs = [entry.rpartition("=") for entry in text.split(",")]
    names = [name.strip() for name, _, _ in pairs]
    again = next((name for name in names if names.count(name) > 1), None)
    if again is not None:
        raise InputError(f"loss.class_weights names '{again}' twice", got=text, where="loss.class_weights")
    return {name.strip(): float(weight) for name, _, weight in pairs}


def class_shares(data: PreparedData, where: str = "init.class_prior", *, both_ways: bool = False) -> list[float]:
    """Counts each class's, or label's, share of the training part, by the pictures' weights where they have some.

    Args:
        where: the setting that asks.
        both_ways: pictures that have a label are held against those that have it not.

    Raises:
        InputError: a class has no share, so that neither its logarithm nor its inverse is a number; `both_ways` and a
            label has all of it, so that its odds are no number.
    """
    labels_N, weights_N = data.train.labels_N, data.train.weights_N
    weights_N = torch.ones(len(labels_N)).double() if weights_N is None else weights_N.double()
    if labels_N.is_floating_point():
        counts_K = weights_N @ labels_N.double()
    else:
        counts_K = torch.bincount(labels_N, weights_N, minlength=len(data.classes))
    for name, count in zip(data.classes, counts_K.tolist(), strict=True):
        if count <= 0:
            raise InputError(
                f"the class '{name}' has no share of the training part, and {where} cannot act on a share of 0",
                expected="training pictures of every class whose weights add up to more than 0",
                got=f"a total weight of {count:g}",
                where=where,
                hint=f"leave {where} out, or give a training picture of the class a weight above 0",
            )
    shares_K = counts_K / weights_N.sum()
    for name, share in zip(data.classes, shares_K.tolist(), strict=True):
        if both_ways and share >= 1:
            raise InputError(
                f"all training pictures have the label '{name}', and {where} cannot act on a share of 1",
                expected="training pictures without it",
                got="all of the training pictures' weight",
                where=where,
                hint=f"leave {where} out, or the label",
            )
    return shares_K.tolist()

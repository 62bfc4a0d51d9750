"""How much each class counts in the loss, from the setting `loss.class_weights`.

Legend: N pictures of the training part, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

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

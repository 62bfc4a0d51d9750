"""`tw.watch`: every layer of a net is seen while it learns, in a training loop that is not ours.

Legend: N C H W pictures, channels, height and width; K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .watch_request import Asked, bare_optimizer, refuse_bad_watch
from .watched_loop import Watch


def watch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable[[Any, Any], Tensor] | None = None,
    *,
    run: str | Path | None = None,
    probe: object = None,
    epochs: int | None = None,
    steps: int | None = None,
    classes: int | Sequence[str] | None = None,
    forward: Callable[[Any], Any] | None = None,
    share: float = 0.04,
    first_steps: int = 4,
    scaler: torch.amp.GradScaler | None = None,
) -> Watch:
    """Watches a net in a training loop of one's own, which stays as it is; the result is a run folder.

    What is not given makes only those findings impossible that need it. Training goes on with the same numbers as
    without, bit for bit.

    Args:
        model: as the loop calls it, on its device: N C H W → outputs N K, or whatever else.
        optimizer: as the loop steps it.
        loss_fn: (outputs, labels) → scalar, the mean over a batch, as the loop computes it.
        run: path of the run folder that is made; made from time and model in `runs/` where it is not given.
        probe: (inputs, labels) of clean training pictures as the net sees them in evaluation, up to 512; what the net
            does with them is compared over time.
        epochs, steps: that training is planned to last.
        classes: names of the classes, in order, or their number.
        forward: inputs → outputs N K, where the model cannot be called with the inputs of probe and validation alone.
        share: of the training time that watching may take, above 0 to 1.
        first_steps: that are looked at one by one.
        scaler: of the loss, where the loop trains in float16.

    Raises:
        InputError: the model has no parameters, something given has the wrong form, or a run of this name exists.
    """
    asked = Asked(
        model=model,
        optimizer=bare_optimizer(optimizer),
        loss_fn=loss_fn,
        run=run,
        probe=probe,
        epochs=epochs,
        steps=steps,
        classes=classes,
        forward=forward,
        share=share,
        first_steps=first_steps,
        scaler=scaler,
    )
    refuse_bad_watch(asked)
    return Watch(asked)

"""What a model says of the pictures of one part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from trainwright.data import Batch, Part, eval_batches
from trainwright.models import evaluating

from .distributed import ALONE, Ranks
from .machine import Machine
from .tasks import Answers, Task

MOST_PICTURES = 512
MOST_PIXELS = MOST_PICTURES * 64 * 64
"""What a batch holds at most where nothing is learned, so that maps of large pictures do not fill the memory."""


def eval_batch(img_size: int) -> int:
    """Gives the pictures a batch where nothing is learned.

    Args:
        img_size: side of the square pictures, pixels.

    >>> [eval_batch(size) for size in (8, 64, 224, 2000)]
    [512, 512, 41, 1]
    """
    return max(1, min(MOST_PICTURES, MOST_PIXELS // img_size**2))


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    batches: Iterable[Batch],
    views: Sequence[Callable[[Batch], Tensor]],
    machine: Machine,
    task: Task,
) -> Tensor:
    """Runs pictures through a model in evaluation mode, and puts it back into the mode that it was in.

    Args:
        views: ways to prepare a batch; of several, the task makes one answer.

    Returns: logits N K, float32 on the CPU, one row a picture in the order of the batches.
    """
    rows: list[Tensor] = []
    with evaluating(model):
        for batch in batches:
            with machine.autocast():
                logits_VNK = [model(prepare(batch)).float() for prepare in views]
            on_cpu = [logits_NK.cpu() for logits_NK in logits_VNK]
            rows.append(on_cpu[0] if len(on_cpu) == 1 else task.averaged(on_cpu))
    return torch.cat(rows)


def answer(
    model: nn.Module,
    part: Part,
    views: Sequence[Callable[[Batch], Tensor]],
    machine: Machine,
    task: Task,
    ranks: Ranks = ALONE,
) -> Answers:
    """Asks a model about every picture of a part, in storage order; views as in `predict_logits`.

    Several ranks ask about a share each, and all get the answers to every picture, once.
    """
    at_once = eval_batch(part.images_SCHW.shape[-1])
    mine = len(ranks.share(torch.arange(len(part))))
    own_NK = predict_logits(model, eval_batches(part, at_once, ranks.share), views, machine, task) if mine else None
    rows = [some_NK for some_NK in ranks.gathered(own_NK) if some_NK is not None]
    return Answers(rows[0] if ranks.alone else torch.cat(rows), part.labels_N, part.pairs_P2)

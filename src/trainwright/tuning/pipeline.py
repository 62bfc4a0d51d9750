"""Checks of the way from picture to net: the same for training and validation but for chance, and labels survive it.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor

from trainwright.data import COPIES, MOST_COMPARED, NOTHING, Augmenter, PreparedData, batches, check_policy
from trainwright.training import Setup, eval_batch

from .checks import Check, alarm, passed, skipped
from .subject import Lesson, Subject

PIPELINE, LABELS = "pipeline", "labels-kept"

APART = 0.5
"""Difference of two means, in standard deviations of a pixel, and of the logarithms of two deviations, from which two
pipelines are called different where pictures of both are not the same; own choice."""

FEWEST_PICTURES = 50
"""Pictures of either part below which a difference is no proof."""

HARM = 0.02
"""Share of pictures that augmentation may move into other classes, beyond those that it moves back."""


def check_pipeline(setup: Setup, data: PreparedData) -> Check:
    """Sends the same pictures through training's and validation's pipeline, without chance in the first.

    Every bit must be equal.
    """
    seed = setup.recipe.training.seed
    batch = next(batches(data.train, min(64, eval_batch(data.img_size), data.train.drawn), seed=seed, epoch=0))
    plain = Augmenter(NOTHING, setup.preprocessor, seed, channels_last=setup.augmenter.channels_last)
    images_NCHW = batch.images_NCHW.to(setup.machine.device)
    trained_NCHW = plain.train(images_NCHW, batch.samples_N, 1)
    differ = int((trained_NCHW != setup.prepare_eval(batch)).sum())
    evidence = {"values": trained_NCHW.numel(), "values_that_differ": differ}
    if differ:
        return alarm(
            PIPELINE,
            "preprocessing-differs",
            f"without chance, training and validation see {differ} of {trained_NCHW.numel()} values otherwise",
            evidence=evidence,
            causes=("training and validation prepare pictures in two ways",),
        )
    return passed(PIPELINE, "training without chance and validation see the same numbers, bit for bit", evidence)


@torch.no_grad()
def check_statistics(subject: Subject) -> Check:
    """Compares mean and deviation of what training and validation give the net, where pictures are not the same.

    A difference only warns where either part shows few pictures, or half of the classes of both or fewer: classes may
    differ in brightness.
    """
    if subject.unseen is None:
        return skipped(PIPELINE, "no validation pictures were given")
    trained, unseen = subject.clean(512), subject.unseen(512)
    trained_NCHW, unseen_NCHW = trained.images_NCHW.float(), unseen.images_NCHW.float()
    evidence: dict[str, float | str | None] = {
        "training_mean": trained_NCHW.mean().item(),
        "validation_mean": unseen_NCHW.mean().item(),
        "training_std": trained_NCHW.std().item(),
        "validation_std": unseen_NCHW.std().item(),
    }
    summary = (
        f"training gives the net numbers of {_spread(trained_NCHW)}, validation of {_spread(unseen_NCHW)} (mean ± "
        "deviation)"
    )
    if trained_NCHW.shape[1:] != unseen_NCHW.shape[1:]:
        return alarm(
            PIPELINE,
            "preprocessing-differs",
            f"training gives the net pictures of {_shape(trained_NCHW)}, validation of {_shape(unseen_NCHW)}",
            evidence=evidence,
            causes=("validation resizes or crops in another way",),
            stop=trained_NCHW.shape[1] != unseen_NCHW.shape[1],
        )
    trained_std, unseen_std = trained_NCHW.std().clamp(min=1e-12), unseen_NCHW.std().clamp(min=1e-12)
    shift = float((trained_NCHW.mean() - unseen_NCHW.mean()).abs() / torch.minimum(trained_std, unseen_std))
    if shift > APART or float((trained_std / unseen_std).log().abs()) > APART:
        unlike = _unlike(subject, trained, unseen)
        causes = ("one of both is not standardized, or with other figures", "validation pictures are of another kind")
        return alarm(
            PIPELINE,
            "preprocessing-differs",
            f"{summary}{unlike and f'; {unlike}'}",
            evidence=evidence,
            causes=(f"only that {unlike}", *causes) if unlike else causes,
            source="own choice",
            stop=not unlike,
        )
    return passed(PIPELINE, summary, evidence)


def _unlike(subject: Subject, trained: Lesson, unseen: Lesson) -> str:
    """Says why two samples may differ though both are prepared alike; nothing where they should not."""
    fewest = min(len(trained.labels), len(unseen.labels))
    if fewest < FEWEST_PICTURES:
        return f"one of both shows {fewest} pictures"
    if subject.classes is None:
        return ""
    shown, held_out = set(trained.labels.tolist()), set(unseen.labels.tolist())
    fewest, classes = min(len(shown), len(held_out)), len(shown | held_out)
    return f"one of both shows {fewest} of {classes} classes" if 2 * fewest <= classes else ""


def check_labels_kept(setup: Setup, data: PreparedData, subject: Subject) -> Check:
    """Looks whether the whole augmentation moves pictures into other classes, by their nearest neighbors.

    Raises:
        OutOfTime: altering all that are compared takes more than the subject's time, or would by a first batch.
    """
    if data.task != "classification":
        return skipped(LABELS, "neighbors tell of classes only")
    if setup.augmenter.alters:
        some = next(batches(data.train, min(64, data.train.drawn), seed=setup.recipe.training.seed, epoch=0))
        began = 0.0
        for epoch in (1, 2):  # the first one warms up
            began = time.perf_counter()
            setup.augmenter.train(some.images_NCHW, some.samples_N, epoch)
        altered = min(MOST_COMPARED, len(data.train)) * (COPIES + 1)
        subject.keep_time((time.perf_counter() - began) * altered / len(some.images_NCHW))
    found = check_policy(data.train, setup.augmenter, subject.keep_time)
    if found is None:
        return passed(LABELS, "pictures are not altered in training")
    moved = (found.lost - found.won) / found.pictures
    evidence = {"pictures": found.pictures, "right": found.right, "lost": found.lost, "won": found.won}
    summary = (
        f"of {found.pictures} pictures, altered copies make the nearest neighbor of {found.lost} one of another class "
        f"that was of the same, and of {found.won} the other way round"
    )
    if found.harmful and moved > 0:
        return alarm(
            LABELS,
            "augmentation-harmful",
            summary,
            evidence=evidence,
            causes=("a trick makes of one class what looks like another, such as 6 and 9 upside down",),
            advice={"augment.policy": "auto"},
            stop=moved > HARM,
        )
    return passed(LABELS, summary, evidence)


def _spread(images_NCHW: Tensor) -> str:
    return f"{images_NCHW.mean().item():.3g} ± {images_NCHW.std().item():.3g}"


def _shape(images_NCHW: Tensor) -> str:
    return "×".join(map(str, images_NCHW.shape[1:]))

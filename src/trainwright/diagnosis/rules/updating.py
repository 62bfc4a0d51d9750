"""What the optimizer holds and gets: whether the right tensors are moved, by fresh gradients of the right scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trainwright.diagnosis.course import Course
from trainwright.diagnosis.curves import middle
from trainwright.diagnosis.harm import DONE, LOW, MIDDLING, far_enough, knows_little, stalled, train_skill
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import at_height_B, relative_updates_B, weights_D
from trainwright.diagnosis.suspicion import Rule, Suspicion
from trainwright.runs import WatchedTensor

FRESH = 0.98
"""Cosine between the gradient that came in and the one that the optimizer got, below which something else was in
there; clipping and scaling leave it at 1."""

SCALE_FREE = ("Adam", "RMSprop", "Adagrad", "Adadelta", "Lion", "LAMB", "Lamb", "NAdam", "RAdam", "Rprop", "SignSGD")
"""Parts of the names of optimizers whose step hardly depends on the scale of the gradient."""


def optimizer_misses_parameters(course: Course) -> Suspicion | None:
    """Finds tensors that are to learn and that the optimizer does not hold.

    A head that is moved alone on top of everything else looks meant, as in feature extraction; then it is a note,
    unless the net learns little, or what it stands on is as it was drawn at random.
    """
    missed = _missed(course)
    watch = course.history.watch
    if not missed or watch is None or watch.strangers:
        return None
    moved = [one for one in course.tensors if one.moved]
    share = sum(math.prod(one.shape) for one in missed) / sum(math.prod(one.shape) for one in course.tensors)
    drawn = as_drawn(missed) and train_skill(course) < DONE
    meant = _only_the_head_moves(course) and not drawn and not knows_little(course, MIDDLING)
    return Suspicion(
        code="optimizer-misses-parameters",
        strength=0.9,
        persistent=True,
        harmful=not meant,
        exact=True,
        fatal=not moved,
        summary=f"{len(missed)} of {len(course.tensors)} tensors ({share:.0%} of all numbers) ask for a gradient, but "
        f"the optimizer does not hold them, so they never move: {_named(missed)}",
        evidence={"tensors_missed": len(missed), "tensors": len(course.tensors), "share_of_parameters": share},
        advice={"do": "build the optimizer with model.parameters(), or set requires_grad of these to False if meant"},
        since_step=watch.step,
        layers=_layers(missed),
        explains=(
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "initialization-too-small",
            "vanishing-gradients",
            "targets-too-soft",
            "frozen-by-mistake",
        ),
        source="checked exactly: the optimizer's tensors against the model's",
    )


def optimizer_holds_other_model(course: Course) -> Suspicion | None:
    """Finds an optimizer that holds tensors of another model in place of tensors of this one."""
    missed, watch = _missed(course), course.history.watch
    if watch is None or not watch.strangers or not missed:
        return None
    none = not any(one.moved for one in course.tensors)
    return Suspicion(
        code="optimizer-holds-other-model",
        strength=1.0,
        persistent=True,
        harmful=True,
        exact=True,
        fatal=none,
        summary=f"the optimizer holds {watch.strangers} tensors that are not of this model and misses {len(missed)} "
        f"that are ({'all of them' if none else _named(missed)}): it was built before the model was made or rebuilt",
        evidence={"strangers": watch.strangers, "tensors_missed": len(missed), "tensors": len(course.tensors)},
        advice={"do": "build the optimizer after the model has its last form: head replaced, layers wrapped, loaded"},
        since_step=watch.step,
        layers=_layers(missed),
        explains=(
            "optimizer-misses-parameters",
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "frozen-by-mistake",
            "labels-shuffled",
            "vanishing-gradients",
        ),
        source="checked exactly: the optimizer's tensors against the model's",
    )


def detached(course: Course) -> Suspicion | None:
    """Finds weights of layers that are called and to be moved, and that never get any gradient.

    What no backward reaches has no gradient at all, while a dead unit's is 0.
    """
    probes = course.history.probes.rows
    called = {one.name for one in course.layers}
    if len(probes) < 2 or not called:
        return None
    gradients_BT = [row.gradients for row in probes if len(row.gradients) == len(course.tensors)]
    never = [
        one
        for index, one in enumerate(course.tensors)
        if one.kind == "weight"
        and one.trainable
        and one.moved
        and one.layer in called
        and all(row[index] is None for row in gradients_BT)
    ]
    if len(gradients_BT) < 2 or not never:
        return None
    share = sum(math.prod(one.shape) for one in never) / sum(math.prod(one.shape) for one in course.tensors)
    return Suspicion(
        code="frozen-by-mistake",
        strength=0.9,
        persistent=True,
        harmful=True,
        exact=True,
        summary=f"{len(never)} layers ({share:.0%} of all numbers) are called and their weights are to be moved, but "
        f"in {len(gradients_BT)} steps no gradient ever reached them: {_named(never)}",
        evidence={"weights_without_gradient": len(never), "share_of_parameters": share, "steps": len(gradients_BT)},
        advice={"do": "look for detach(), no_grad() or .data between these layers and the loss"},
        since_step=probes[0].step,
        layers=_layers(never),
        explains=("learning-rate-too-low", "model-too-small", "class-imbalance-harmful", "vanishing-gradients"),
        source="checked exactly: weights without a gradient after backward",
    )


def frozen_by_mistake(course: Course) -> Suspicion | None:
    """Finds weights that are frozen where nobody would freeze them: the head, or what the net cannot do without.

    A frozen backbone under a head that learns is meant, if it was trained before. It is an alarm where the head itself
    is frozen, and where the net knows hardly anything. Weights that look as they were drawn are a note: a backbone
    that was trained for a short time looks so, too.
    """
    weights = [course.tensors[index] for index in weights_D(course)]
    frozen = [one for one in weights if not one.trainable and one.name not in ever_moved(course)]
    if not frozen or course.history.watch is None:
        return None
    share = sum(math.prod(one.shape) for one in frozen) / sum(math.prod(one.shape) for one in weights)
    head, none = not weights[-1].trainable, len(frozen) == len(weights)
    drawn = share > 0.3 and as_drawn(frozen) and far_enough(course) and train_skill(course) < DONE
    useless = share > 0.5 and knows_little(course, LOW) and stalled(course)
    if not (head or none or useless or drawn):
        return None
    what = "every weight is" if none else f"{len(frozen)} of {len(weights)} weights, the last one too, are"
    if not head:
        what = f"{len(frozen)} of {len(weights)} weights ({share:.0%} of their numbers) are"
    return Suspicion(
        code="frozen-by-mistake",
        strength=0.8 if head else 0.6,
        persistent=True,
        harmful=head or none or useless,
        exact=head,
        fatal=none,
        summary=f"{what} frozen (requires_grad is False)"
        + (": " + _named(frozen) if not none else ", so that nothing can be learned")
        + ("" if head or not useless else "; the net learns next to nothing on top of them")
        + ("" if head or not drawn else "; they look as they were drawn at random, never trained")
        + ("" if head else f" (skill {train_skill(course):.2f})"),
        evidence={"frozen": len(frozen), "weights": len(weights), "share_of_weights": share},
        advice={"do": "set requires_grad of these to True and build the optimizer anew"},
        since_step=course.history.watch.step,
        layers=_layers(frozen),
        explains=(
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "vanishing-gradients",
            "targets-too-soft",
        ),
        source="checked exactly: requires_grad of every tensor",
    )


def as_drawn(weights: Sequence[WatchedTensor]) -> bool:
    """Says whether all of several weights have just the deviation that a usual initialization draws.

    That is PyTorch's own, He's for inputs or outputs, or Glorot's; training moves it by more than chance does.
    """
    large = [one for one in weights if math.prod(one.shape) >= 64 and len(one.shape) >= 2 and one.deviation]
    return len(large) >= 2 and all(_drawn(one) for one in large)


def _drawn(weight: WatchedTensor) -> bool:
    inputs = math.prod(weight.shape[1:])
    outputs = weight.shape[0] * math.prod(weight.shape[2:])
    usual = [math.sqrt(variance) for variance in (1 / (3 * inputs), 2 / inputs, 2 / outputs, 2 / (inputs + outputs))]
    chance = 0.005 + 2 / math.sqrt(2 * math.prod(weight.shape))
    return any(abs((weight.deviation or 0.0) / deviation - 1) < chance for deviation in usual)


def stale_gradients(course: Course) -> Suspicion | None:
    """Finds old gradients in those that the optimizer gets: zero_grad is missing.

    The sum of what backward brought in since the last step points elsewhere than what the optimizer got, and that is
    longer; meant accumulation brings all of it in between two steps and leaves both equal. Where a loop adds something
    to gradients by itself, such as noise, nothing was left in them before backward.
    """
    fresh, kept, steps = course.probes("fresh"), course.probes("kept"), course.probes("step")
    later = (steps > steps.min()) & np.isfinite(fresh) if len(steps) else np.zeros(0, dtype=bool)
    if later.sum() < 3:
        return None
    stale = later & (fresh < FRESH)
    share, longer = stale.sum() / later.sum(), float(np.median(kept[later]))
    if share < 0.5 or not longer > limit("stale.kept", 1.05):
        return None
    left = course.probes("left")[later]
    if np.isfinite(left).any() and not np.nanmedian(left) > 0:  # what is in there was added after backward, as noise is
        return None
    return Suspicion(
        code="stale-gradients",
        strength=1.0,
        persistent=True,
        harmful=True,
        exact=True,
        summary=f"the optimizer gets more than the gradients of its own step: they point elsewhere (median cosine "
        f"{np.median(fresh[later]):.2f}) and are {longer:.2g} times as long as what backward brought in since the last "
        f"step, in {share:.0%} of the steps looked at",
        evidence={
            "median_cosine": float(np.median(fresh[later])),
            "median_length_over_incoming": longer,
            "share_of_steps": float(share),
        },
        advice={"do": "call optimizer.zero_grad() once for every optimizer.step(), before backward"},
        since_step=int(steps[stale][0]),
        explains=(
            "learning-rate-too-high",
            "exploding-gradients",
            "gradient-spikes",
            "momentum-extreme",
            "stopped-too-early",
            "warmup-missing",
            "dead-units",
            "saturated-units",
            "clipping-too-tight",
            "batchnorm-statistics-stale",
        ),
        source="checked exactly: the gradient of a step against what backward brought in for it",
    )


def accumulation_scale(course: Course) -> Suspicion | None:
    """Suspects that gradients of several batches are summed where their mean is meant.

    The sum itself leaves no trace, but steps that are too long do; with an optimizer whose step depends on the scale.
    """
    backwards, watch = course.probes("backwards"), course.history.watch
    if watch is None or course.known.recipe or any(name in watch.optimizer for name in SCALE_FREE):
        return None
    counted = backwards[np.isfinite(backwards)]
    if len(counted) < 3 or np.median(counted) < 2:
        return None
    batches, update = float(np.median(counted)), float(np.nanmax(relative_updates_B(course), initial=0.0))
    long = middle(relative_updates_B(course)[at_height_B(course)])
    usual = limit("update.high", 0.03)
    if not long > usual or not (knows_little(course, MIDDLING) or (stalled(course) and train_skill(course) < MIDDLING)):
        return None
    return Suspicion(
        code="accumulation-scale",
        strength=0.7,
        persistent=True,
        harmful=True,
        summary=f"gradients of {batches:.0f} batches go into a step, and the steps are long (the median weight "
        f"moves by "
        f"{long:.1%} of its length in each); if the loss is not divided by {batches:.0f}, that is why",
        evidence={"batches_a_step": batches, "relative_update": float(long), "largest_relative_update": update},
        advice={"do": f"divide the loss by {batches:.0f} before backward; else divide the learning rate by it"},
        since_step=int(course.probes("step")[0]),
        explains=("learning-rate-too-high", "exploding-gradients", "warmup-missing"),
    )


def _missed(course: Course) -> list[WatchedTensor]:
    moved = ever_moved(course)
    return [one for one in course.tensors if one.trainable and not one.moved and one.name not in moved]


def ever_moved(course: Course) -> set[str]:
    """Names the tensors that a step moved, also those that were added to the optimizer, or unfrozen, later."""
    updates_BT = course.by_tensor("updates")
    if not len(updates_BT):
        return set()
    moved_T = np.nan_to_num(updates_BT).max(axis=0) > 0
    return {one.name for one, moved in zip(course.tensors, moved_T, strict=True) if moved}


def _only_the_head_moves(course: Course) -> bool:
    """Says whether what the optimizer holds is the last one or two layers, and nothing of what stands before."""
    moved = [index for index, one in enumerate(course.tensors) if one.moved]
    layers = {course.tensors[index].layer for index in moved}
    return bool(moved) and moved == list(range(moved[0], len(course.tensors))) and len(layers) <= 2


def _layers(tensors: list[WatchedTensor]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.layer for one in tensors))


def _named(tensors: list[WatchedTensor], most: int = 3) -> str:
    names = [one.name for one in tensors]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


UPDATING = (
    Rule("optimizer-misses-parameters", optimizer_misses_parameters, frozenset({"watch"})),
    Rule("optimizer-holds-other-model", optimizer_holds_other_model, frozenset({"watch"})),
    Rule("frozen-by-mistake", detached, frozenset({"watch", "probes"})),
    Rule("frozen-by-mistake", frozen_by_mistake, frozenset({"watch"})),
    Rule("stale-gradients", stale_gradients, frozenset({"probes"})),
    Rule("accumulation-scale", accumulation_scale, frozenset({"watch", "probes"})),
)

"""Loss and output: what the net gives out, and what is made of it."""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.counting import batch_counts_BK, chance, table_KK
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.harm import clean_skills
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.standing import last_skill, trained_skill
from trainwright.diagnosis.suspicion import Rule, Suspicion
from trainwright.runs import AnswersRecord

SUM_TOLERANCE = 1e-3
"""How far a picture's outputs may add up beside 1 and still be probabilities, in float16 rounding."""

TRUST = 0.9
"""Share of the probes in which a step must go the wrong way to be called uphill."""


def negative_loss(course: Course) -> Suspicion | None:
    """Finds a training loss below 0, which no cross-entropy, squared or absolute error can have."""
    below = np.flatnonzero(course.losses_S < 0)
    if not len(below) or (course.classes is None and not course.known.recipe):
        return None
    share, lowest = len(below) / len(course.losses_S), float(np.nanmin(course.losses_S))
    return Suspicion(
        code="negative-loss",
        strength=1.0,
        persistent=len(below) >= 2,
        harmful=True,
        exact=True,
        summary=f"the training loss is below 0 in {share:.0%} of the steps, down to {lowest:.3g}; a loss of this kind "
        "cannot be",
        evidence={"share_of_steps_below_0": share, "lowest_loss": lowest},
        advice={"do": "give the loss what it expects: nll_loss wants log-probabilities, cross_entropy raw scores"},
        since_step=int(course.steps_S[below[0]]),
        explains=(
            "learning-rate-too-high",
            "exploding-gradients",
            "gradient-spikes",
            "initialization-too-large",
            "model-too-small",
            "warmup-missing",
            "stopped-too-early",
        ),
    )


def softmax_twice(course: Course) -> Suspicion | None:
    """Finds outputs that are probabilities already in front of a loss that takes a softmax itself.

    Every picture's outputs lie in [0, 1] and add up to 1, before training and after. Then cross-entropy lies between
    ln(1 + (K-1)/e) and ln(e + K-1), and falls no faster than that of a softmax of those outputs; a loss that takes the
    logarithm of probabilities, as it should, leaves these bounds once something is learned.
    """
    rows = course.answers("train")
    if course.classes is None or course.classes < 2 or not rows or not all(_probabilities(row) for row in rows):
        return None
    losses_S = course.losses_S[np.isfinite(course.losses_S)]
    floor, ceiling = math.log(1 + (course.classes - 1) / math.e), math.log(math.e + course.classes - 1)
    if len(losses_S) < 20 or losses_S.min() < 0.98 * floor or losses_S.max() > 1.02 * ceiling:
        return None
    recent, blind = float(np.mean(losses_S[-max(5, len(losses_S) // 10) :])), math.log(course.classes)
    seen = rows[-1].loss
    if seen is None or blind - recent > 1.6 * max(0.0, blind - seen) + 0.05 * blind:
        return None
    return Suspicion(
        code="softmax-twice",
        strength=1.0,
        persistent=len(rows) >= 2,
        harmful=True,
        exact=True,
        summary=f"the net gives out probabilities (all between 0 and 1, adding up to 1 for each picture), and the loss "
        f"takes a softmax of them once more; it cannot fall below {floor:.2f}",
        evidence={"lowest_possible_loss": floor, "recent_loss": recent, "looks": len(rows)},
        advice={"do": "leave the softmax at the end of the net out; cross_entropy makes it itself"},
        since_step=rows[0].step,
        explains=(
            "learning-rate-too-low",
            "model-too-small",
            "vanishing-gradients",
            "targets-too-soft",
            "stopped-too-early",
        ),
        source="Karpathy 2019; the floor is the loss of the surest right answer",
    )


def _probabilities(row: AnswersRecord) -> bool:
    if row.output_low is None or row.output_high is None or row.sum_low is None or row.sum_high is None:
        return False
    off = max(abs(row.sum_low - 1), abs(row.sum_high - 1))
    return row.output_low >= 0 and row.output_high <= 1 and off <= SUM_TOLERANCE


def loss_reduction_sum(course: Course) -> Suspicion | None:
    """Finds a loss that is the sum over a batch: it is that of one picture times the pictures of a batch.

    It is compared with the cross-entropy of the same net's own answers, so that a net that begins sure and wrong, whose
    loss is large for every single picture, is not taken for it.
    """
    size = None if course.history.watch is None else course.history.watch.batch_size
    own = course.answers("train", "train") or course.answers("train")
    if size is None or size < 4 or not own or own[0].loss is None or own[0].loss <= 0:
        return None
    if own[0].step > 0 or course.steps_S[0] > 1:
        return None
    times = float(course.losses_S[0]) / own[0].loss
    near = limit("loss_reduction_sum.near", 0.25)
    if not np.isfinite(times) or abs(times / size - 1) > near:
        return None
    last = own[-1].loss
    recent = float(np.mean(course.losses_S[-max(1, len(course.losses_S) // 10) :]))
    later = recent / last if last else math.nan
    skill = last_skill(course, "train")
    return Suspicion(
        code="loss-reduction-sum",
        strength=0.95,
        persistent=len(course.losses_S) >= 2,
        harmful=not skill > limit("loss_reduction_sum.skill", 0.5),
        summary=f"the loss of a step is {times:.0f} times the net's cross-entropy for a picture ({own[0].loss:.2f}), "
        f"of {size} a batch: it is summed, not averaged, which multiplies gradients and the rate by {size}",
        evidence={
            "times_the_loss_of_a_picture": times,
            "recent_times_the_loss_of_a_picture": later,
            "pictures_a_batch": size,
            "skill_on_training_pictures": skill,
        },
        advice={"do": f'reduction="mean" in the loss, or a learning rate divided by {size}'},
        since_step=int(course.steps_S[0]),
        explains=(
            "learning-rate-too-high",
            "exploding-gradients",
            "gradient-spikes",
            "dead-units",
            "saturated-units",
            "warmup-missing",
            "non-finite-loss",
            "model-too-small",
        ),
    )


def loss_sign_flipped(course: Course) -> Suspicion | None:
    """Finds a loss that is made larger instead of smaller.

    Either the loss as trained is the net's own cross-entropy with its sign turned; or steps change the loss by what
    the gradients promise with the sign turned, while the answers get worse and worse; or the optimizer goes uphill.
    """
    own, skill = course.answers("train"), clean_skills(course)
    if len(own) < 2 or course.classes is None or not np.isfinite(skill[[0, -1]]).all():
        return None
    worse = bool(skill[-1] < skill[0] - 0.02 and skill[-1] < 0 and (np.diff(skill[np.isfinite(skill)]) <= 0.02).all())
    first = course.losses_S[: max(1, min(4, len(course.losses_S) // 4))]
    turned = float(np.mean(first)) / own[0].loss if own[0].loss and own[0].step == 0 and len(first) else math.nan
    promised, made = course.probes("predicted_change"), course.probes("loss_after") - course.probes("loss")
    early = np.flatnonzero(np.isfinite(promised) & np.isfinite(made) & (promised != 0))[:8]
    trust = made[early] / promised[early]
    # A step too long changes the loss by anything; one the wrong way by the same share of what is promised, each time.
    logs = np.log(np.abs(trust[trust < -0.1]))
    against = len(early) >= 4 and len(logs) == len(early) and float(np.std(logs)) < limit("loss_sign.spread", 0.3)
    uphill = float(np.mean((promised[early] > 0) & (made[early] > 0))) if len(early) else 0.0
    if abs(turned + 1) < 0.25 and worse:
        how, exact = f"the loss of the first steps is {turned:.2f} times the net's own cross-entropy", True
    elif len(early) >= 4 and uphill >= TRUST and worse:
        how, exact = f"{uphill:.0%} of the steps looked at go the way the loss rises", False
    elif against and worse:
        how, exact = f"steps change the loss by {np.median(trust):.2f} times what the gradients promise", False
    else:
        return None
    return Suspicion(
        code="loss-sign-flipped",
        strength=1.0 if exact else 0.9,
        persistent=len(own) >= 3,
        harmful=True,
        exact=exact,
        fatal=True,
        summary=f"{how}, and its answers only get worse: skill on training pictures falls from {skill[0]:.2f} to "
        f"{skill[-1]:.3g}; a sign is turned",
        evidence={
            "first_skill": float(skill[0]),
            "last_skill": float(skill[-1]),
            "first_loss_by_own_cross_entropy": turned,
            "trust_ratio_median": float(np.median(trust)) if len(early) else math.nan,
            "share_of_steps_uphill": uphill,
        },
        advice={"do": "minimize the loss: loss.backward(), not (-loss).backward(), and no maximize=True"},
        since_step=own[0].step,
        explains=(
            "negative-loss",
            "learning-rate-too-high",
            "exploding-gradients",
            "gradient-spikes",
            "labels-shuffled",
        ),
    )


def class_weights_harmful(course: Course) -> Suspicion | None:
    """Finds weights of classes that make the net call pictures by classes that they do not have.

    The loss as trained is far below the plain cross-entropy of the training pictures, batches hold the classes as the
    training pictures do, and still some classes are named much too often, at the cost of the others.
    """
    looks = course.answers("train", "train") or course.answers("train")
    learning = trained_skill(course) > limit("class_weights.learning", 0.5)
    named = [_overcalled(table_KK(row), learning) for row in looks[-2:] if row.loss is not None]
    given = course.known.recipe.get("loss.class_weights", "none")
    if not named or any(found is None for found in named) or (course.known.recipe and given == "none"):
        return None
    batches_BK = batch_counts_BK(course)
    plain, trained = (
        float(looks[-1].loss or math.nan),
        float(np.mean(course.losses_S[-max(1, len(course.losses_S) // 10) :])),
    )
    if course.blind_loss is None or not plain > trained + limit("class_weights.gap", 0.25) * course.blind_loss:
        return None
    moved, over, under = named[-1] or (0.0, 0, 0)
    confusion_KK = table_KK(looks[-1])
    if moved < limit("class_weights.moved", 0.2) or confusion_KK is None or len(batches_BK) < 2:
        return None
    shares_K = batches_BK.sum(axis=0) / batches_BK.sum()
    if np.abs(shares_K - confusion_KK.sum(axis=1) / confusion_KK.sum()).sum() / 2 > 0.15:
        return None
    accuracy = float(looks[-1].accuracy or 0.0)
    return Suspicion(
        code="class-weights-harmful",
        strength=min(0.9, 0.5 + moved),
        persistent=len(named) == 2 and min(found[0] for found in named if found) >= limit("class_weights.moved", 0.2),
        harmful=accuracy < 0.9,
        summary=f"answers prefer some classes (most class {over}, least class {under}): {moved:.0%} of the training "
        f"pictures are called by too frequent ones, though batches hold classes as the data does; the loss as trained "
        f"({trained:.2f}) is far below the plain one ({plain:.2f}), as one is that weighs classes",
        evidence={
            "share_of_answers_moved": moved,
            "class_named_too_often": over,
            "class_named_too_rarely": under,
            "loss_as_trained": trained,
            "plain_loss": plain,
            "accuracy_on_training_pictures": accuracy,
        },
        advice={"loss.class_weights": "none"} if course.known.recipe else {"do": "leave the loss's weight= out"},
        since_step=looks[-len(named)].step,
        explains=("class-imbalance-harmful", "model-too-small", "augmentation-harmful"),
    )


def _overcalled(confusion_KK: Numbers | None, learning: bool) -> tuple[float, int, int] | None:
    """Gives how large a share of answers moved between classes, and who gains and loses most.

    A net that knows nothing prefers some class, too; where the loss as trained is low, it knows something.
    """
    if confusion_KK is None:
        return None
    if not learning and np.diag(confusion_KK).sum() / confusion_KK.sum() < 1.1 * chance(confusion_KK):
        return None
    surplus_K = (confusion_KK.sum(axis=0) - confusion_KK.sum(axis=1)) / confusion_KK.sum()
    return float(np.abs(surplus_K).sum() / 2), int(np.argmax(surplus_K)), int(np.argmin(surplus_K))


def targets_too_soft(course: Course) -> Suspicion | None:
    """Finds targets that leave a net no way to be sure: it is right, and hardly says so.

    Most training pictures are called right, and still even the easiest of them cost much, while the loss as trained is
    higher still, which is what targets cost that are spread over classes.
    """
    looks = [row for row in course.answers("train") if row.losses and row.accuracy is not None and row.loss is not None]
    if len(looks) < 2 or course.blind_loss is None or any(_probabilities(row) for row in looks):
        return None
    cheap = [float(np.quantile(row.losses, 0.05)) / course.blind_loss for row in looks[-2:]]
    last, trained = looks[-1], trained_skill(course)
    clean, accuracy = last_skill(course, "train"), float(last.accuracy or 0.0)
    floor = limit("targets_too_soft.cheap", 0.3)
    if min(cheap) < floor or accuracy < limit("targets_too_soft.accuracy", 0.7):
        return None
    if not trained < min(0.5 * clean, clean - 0.1) or not clean < 0.6:
        return None
    smoothing, mixup = (course.known.recipe.get(key, 0) for key in ("loss.label_smoothing", "augment.mixup"))
    known = [(key, value) for key, value in (("loss.label_smoothing", smoothing), ("augment.mixup", mixup)) if value]
    return Suspicion(
        code="targets-too-soft",
        strength=min(0.9, 0.5 + (cheap[-1] - floor)),
        persistent=True,
        harmful=True,
        summary=f"{accuracy:.0%} of the training pictures are called right, but nearly each of them costs at least "
        f"{cheap[-1] * course.blind_loss:.2f}, {cheap[-1]:.0%} of what knowing nothing costs, and the loss as "
        f"trained is higher still (skill {trained:.2f}): the targets are too soft for sure answers",
        evidence={
            "accuracy_on_training_pictures": accuracy,
            "loss_of_the_easiest_twentieth": cheap[-1] * course.blind_loss,
            "skill_on_training_pictures": clean,
            "skill_as_trained": trained,
        },
        advice={known[0][0]: 0.1 if known[0][0] == "loss.label_smoothing" else 0.2}
        if known
        else {"do": "label_smoothing=0.1 at most, and weaker mixing of pictures and labels"},
        since_step=looks[-2].step,
        explains=("model-too-small", "learning-rate-too-low"),
    )


OUTPUTS = (
    Rule("negative-loss", negative_loss, frozenset({"steps"})),
    Rule("softmax-twice", softmax_twice, frozenset({"answers", "steps"})),
    Rule("loss-reduction-sum", loss_reduction_sum, frozenset({"answers", "steps"})),
    Rule("loss-sign-flipped", loss_sign_flipped, frozenset({"answers", "steps"})),
    Rule("class-weights-harmful", class_weights_harmful, frozenset({"answers", "steps", "probes"})),
    Rule("targets-too-soft", targets_too_soft, frozenset({"answers", "steps"})),
)

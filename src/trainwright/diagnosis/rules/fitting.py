"""How well the net fits: too small a net, too much learned by heart, too short or too long a training."""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.curves import CLEAR, mann_kendall, middle, noise, standard_error, tail, theil_sen
from trainwright.diagnosis.harm import (
    DONE,
    MIDDLING,
    best_skill,
    clean_skills,
    far_enough,
    knows_little,
    reference_loss,
    train_skill,
    trained_skills_W,
    valid_skill,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import at_height_B, parameters, pictures_an_epoch, rates_B, trust_B
from trainwright.diagnosis.suspicion import Rule, Suspicion


def overfitting(course: Course) -> Suspicion | None:
    """Finds a net that learns its pictures by heart: the validation loss rises while that of training falls.

    Where accuracy on validation pictures still rises, the net only grows too sure of itself; that is a note.
    """
    valid, trained, accuracies = _valid_losses(course), _clean_losses(course), course.epochs("valid_accuracy")
    if np.isfinite(valid).sum() < 5 or len(trained) != len(valid):
        return None
    skills = 1 - valid / _unit(course, valid)
    best = int(np.nanargmax(windows_of_three(skills)))
    after = skills[best:]
    fall = float(np.nanmax(windows_of_three(skills)) - middle(skills[-3:]))
    rises = len(after) >= 4 and mann_kendall(-after) > CLEAR
    gap = (valid - trained) / _unit(course, valid)
    grows = mann_kendall(gap) > CLEAR and middle(gap[-3:]) > limit("overfitting.gap", 0.3)
    if not rises or not grows or fall < limit("overfitting.fall", 0.1) or not _known_by_heart(course):
        return None
    best_accuracy, last_accuracy = _high_and_last(accuracies)
    own_accuracy = _train_accuracy(course)
    accuracy_gap = own_accuracy - last_accuracy
    won = last_accuracy - float(accuracies[best])
    still = mann_kendall(accuracies[best:]) > CLEAR and won > 0.1 * accuracy_gap
    harmful = not still and not accuracy_gap < limit("overfitting.accuracy_gap", 0.2)
    return Suspicion(
        code="overfitting",
        strength=min(1.0, 0.5 + 0.5 * fall),
        persistent=len(after) >= 4,
        harmful=harmful,
        summary=f"the net learns its pictures by heart: since epoch {best + 1} the validation loss rose from "
        f"{np.nanmin(valid):.3g} to {middle(valid[-3:]):.3g} while that of training fell to {trained[-1]:.3g}"
        + ("" if math.isnan(accuracy_gap) else f"; accuracy is {own_accuracy:.0%} in training, {last_accuracy:.0%} not")
        + ("" if not still else ", but accuracy on validation pictures still rises"),
        evidence={
            "best_epoch": best + 1,
            "lowest_validation_loss": float(np.nanmin(valid)),
            "last_validation_loss": float(valid[-1]),
            "last_training_loss": float(trained[-1]),
            "accuracy_gap": accuracy_gap,
            "best_validation_accuracy": best_accuracy,
            "last_validation_accuracy": last_accuracy,
        },
        advice=advice(
            course,
            {"augment.policy": "medium"},
            f"augment the training pictures, add weight decay or dropout, or stop at epoch {best + 1}",
        ),
        since_step=int(course.epochs("step")[best]),
        explains=("trained-too-long",),
        source="Prechelt 1998; trends by Mann and Kendall",
    )


def big_gap(course: Course) -> Suspicion | None:
    """Finds a big gap that grew while the net learned: nearly all training pictures are right, many others wrong.

    A gap that was there from the start is another distribution, not overfitting.
    """
    valid, own = course.epochs("valid_accuracy"), _train_accuracies(course)
    if len(valid) < 4 or len(own) != len(valid) or not np.isfinite(valid).all() or not np.isfinite(own[-3:]).any():
        return None
    gap = own - valid
    late, early = middle(gap[-3:]), float(gap[0])
    flat = not mann_kendall(tail(valid, 0.5)) > CLEAR
    known, skill = middle(own[-3:]), valid_skill(course)
    big = limit("gap.accuracy", 0.3)
    if not late > big or late - early < 0.5 * late or known < 0.9 or not flat or not _known_by_heart(course):
        return None
    return Suspicion(
        code="overfitting",
        strength=min(1.0, 0.5 + (late - big)),
        persistent=True,
        harmful=True,
        summary=f"the net learns its pictures by heart: {known:.0%} of the training pictures are right, but only "
        f"{middle(valid[-3:]):.0%} of the others, and the gap grew from {early:.0%} to {late:.0%}",
        evidence={"accuracy_gap": late, "first_accuracy_gap": early, "validation_skill": skill},
        advice=advice(
            course,
            {"augment.policy": "medium"},
            "augment the training pictures, add weight decay or dropout, or get more pictures",
        ),
        since_step=int(course.epochs("step")[int(np.argmax(gap > 0.5 * late))]),
        explains=("trained-too-long",),
    )


def model_too_small(course: Course) -> Suspicion | None:
    """Finds underfitting: low in training and validation alike, no gap, and no progress, with steps that are fine.

    What the pictures do not tell no net can learn, and it looks the same; but a net with many more weights than
    pictures could at least learn them by heart. So only a net with fewer is called too small.
    """
    skills, skill, other = trained_skills_W(course, 24), train_skill(course), valid_skill(course)
    if not far_enough(course) or len(skills) < 8 or not skill < limit("small.skill", 0.6):
        return None
    late = tail(skills, 0.4)
    levels = not mann_kendall(late) > CLEAR or float(late[-1] - late[0]) < 0.02
    gap = skill - other
    if not levels or gap > limit("small.gap", 0.15) or skill < limit("skill.low", 0.1):
        return None
    pictures, weights = pictures_an_epoch(course), parameters(course)
    capacity = weights / pictures if pictures > 0 else math.nan
    trust = trust_B(course)[at_height_B(course)]
    bad_steps = bool(np.isfinite(trust).sum() >= 4 and middle(trust) < 0.2)
    roomy = not capacity < limit("small.weights_per_picture", 2.0)
    return Suspicion(
        code="model-too-small",
        strength=0.55 if roomy else 0.65,
        persistent=True,
        harmful=not roomy and not bad_steps,
        summary=f"the net learns no more, at a low level and without a gap: skill {skill:.2f} in training"
        + ("" if math.isnan(other) else f", {other:.2f} on validation pictures")
        + f", with {weights} weights"
        + ("" if math.isnan(pictures) else f" for {pictures:.0f} pictures")
        + (
            "; either it is too small, or the pictures tell no more" if not roomy else "; the pictures may tell no more"
        ),
        evidence={"train_skill": skill, "validation_skill": other, "weights": weights, "weights_per_picture": capacity},
        advice=_wider(course, capacity),
        since_step=int(course.last_step * 0.6),
        experiment="one-batch",
        source="own choice",
    )


def dropped_out(course: Course) -> Suspicion | None:
    """Finds a dropout that leaves so little of the net in each step that it learns next to nothing."""
    name, share = max(
        ((key, float(course.known.recipe.get(key) or 0)) for key in ("model.dropout", "model.spatial_dropout")),
        key=lambda one: one[1],
    )
    if share < limit("dropout.high", 0.7) or not knows_little(course, MIDDLING):
        return None
    skill = best_skill(course)
    return Suspicion(
        code="model-too-small",
        strength=0.8,
        persistent=True,
        harmful=True,
        summary=f"{name} {share:g} leaves {1 - share:.0%} of what its layers answer in each step, and the net stays at "
        f"a skill of {skill:.2f}: as it is trained, it is too small",
        evidence={"dropped": share, "skill": skill},
        advice=advice(course, {name: 0.2}, "drop out a fifth at most"),
        since_step=course.last_step,
        explains=("dead-units", "vanishing-gradients", "trained-too-long", "learning-rate-too-low"),
        source="Srivastava et al. 2014: a half in hidden layers, a fifth in the input",
    )


def stopped_too_early(course: Course) -> Suspicion | None:
    """Finds a training that ended while it was still winning a lot, at a rate that was not yet on its way down."""
    stop, skills = course.history.stop, clean_skills(course, "valid")
    if len(skills) < 5:
        losses = course.epochs("valid_loss" if np.isfinite(course.epochs("valid_loss")).any() else "train_loss")
        skills = 1 - losses / reference_loss(course) if len(losses) else losses
    skills = np.clip(skills, 0, 1)
    if stop is None or stop.kind not in ("completed", "early-stopping") or len(skills) < 6:
        return None
    late = tail(skills, 1 / 3) if len(skills) >= 12 else skills[-4:]
    gain = theil_sen(np.arange(len(late), dtype=float), late) * len(late)
    rates = rates_B(course) if not len(course.rates_S) else course.rates_S
    annealed = len(rates) > 0 and rates[-1] < 0.2 * np.nanmax(rates)
    rising = mann_kendall(late) > CLEAR
    left = 1 - float(skills[-1])
    if not rising or gain < limit("early.note", 0.05) or left < 0.1 or annealed:
        return None
    return Suspicion(
        code="stopped-too-early",
        strength=min(1.0, 0.5 + gain),
        persistent=True,
        harmful=gain > limit("early.gain", 0.15) and left > 0.2,
        summary=f"training ended while it was still winning: the last {len(late)} epochs raised the skill by "
        f"{gain:.2f} to {skills[-1]:.2f}, at a learning rate that had not come down",
        evidence={"gain": gain, "epochs": len(late), "skill": float(skills[-1])},
        advice=_longer(course),
        since_step=course.last_step,
        source="Godbole et al. 2023, Deep Learning Tuning Playbook",
    )


def cut_short(course: Course) -> Suspicion | None:
    """Finds a training that ended long before its planned last step while it was still learning."""
    stop, watch = course.history.stop, course.history.watch
    if stop is None or stop.kind not in ("completed", "early-stopping") or watch is None or not watch.steps_planned:
        return None
    made = course.last_step / watch.steps_planned
    skills, skill = trained_skills_W(course), train_skill(course)
    losses = course.epochs("valid_loss")
    past_its_best = len(losses) >= 4 and bool(losses[-1] > losses.min()) and int(np.argmin(losses)) < len(losses) - 2
    rising = mann_kendall(tail(skills, 0.75)) > CLEAR
    gain = float(skills[-1] - skills[len(skills) // 2]) if len(skills) >= 6 else 0.0
    if made > limit("cut.share", 0.85) or past_its_best or not rising or gain < 0.02 or skill >= DONE:
        return None
    return Suspicion(
        code="stopped-too-early",
        strength=min(1.0, 0.6 + 0.4 * (1 - made)),
        persistent=True,
        harmful=True,
        summary=f"training ended after {course.last_step} of {watch.steps_planned} planned steps, while it was still "
        f"learning: the second half of them raised the skill as trained by {gain:.2f}, to {skill:.2f}",
        evidence={"steps": course.last_step, "steps_planned": watch.steps_planned, "gain": gain, "skill": skill},
        advice={"do": f"train all {watch.steps_planned} planned steps"},
        since_step=course.last_step,
        explains=("model-too-small", "learning-rate-too-low"),
    )


def trained_too_long(course: Course) -> Suspicion | None:
    """Finds a training whose second half won nothing; an alarm where it also lost what it had, and nothing kept it."""
    stop, accuracies = course.history.stop, course.epochs("valid_accuracy")
    if stop is None or stop.kind != "completed" or np.isfinite(accuracies).sum() < 10:
        return None
    high, last = _high_and_last(accuracies)
    best = int(np.nanargmax(windows_of_three(accuracies)))
    half = len(accuracies) // 2
    valid = course.answers("valid")
    error = standard_error(high, valid[-1].pictures) if valid else noise(accuracies)
    late_gain = middle(accuracies[-3:]) - np.nanmax(windows_of_three(accuracies[:half]))
    if best >= half or late_gain > error or mann_kendall(accuracies[half:]) > CLEAR:
        return None
    lost = high - last
    kept = bool(course.known.recipe)
    return Suspicion(
        code="trained-too-long",
        strength=0.6,
        persistent=True,
        harmful=not kept and lost > 3 * error + limit("long.lost", 0.02),
        summary=f"the last {len(accuracies) - best - 1} of {len(accuracies)} epochs won nothing: validation "
        f"accuracy was "
        f"{high:.1%} at epoch {best + 1} and is {last:.1%}",
        evidence={"best_epoch": best + 1, "epochs": len(accuracies), "best_accuracy": high, "last_accuracy": last},
        advice=advice(
            course, {"training.epochs": max(1, best + 1)}, f"stop at epoch {best + 1}, or keep the weights of the best"
        ),
        since_step=int(course.epochs("step")[best]),
        source="Prechelt 1998",
    )


def _known_by_heart(course: Course) -> bool:
    """Says whether clean training pictures are really known better in evaluation, where that was looked at."""
    clean, valid = course.answers("train"), course.epochs("valid_accuracy")
    accuracy = clean[-1].accuracy if clean and clean[-1].step > 0.5 * course.last_step else None
    return accuracy is None or not accuracy - valid[-1] < 0.1


def windows_of_three(values: Numbers) -> Numbers:
    """Takes the median of each point and its neighbours."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.array([np.median(padded[index : index + 3]) for index in range(len(values))])


def _valid_losses(course: Course) -> Numbers:
    return course.epochs("valid_loss")


def _clean_losses(course: Course) -> Numbers:
    """Gives the loss of clean training pictures at each epoch where they were looked at, else that as trained."""
    return _at_epochs(course, "loss") if len(course.answers("train")) >= 2 else course.epochs("train_loss")


def _train_accuracies(course: Course) -> Numbers:
    """Gives the accuracy on clean training pictures at each epoch where they were looked at, else that as trained."""
    return _at_epochs(course, "accuracy") if len(course.answers("train")) >= 2 else course.epochs("train_accuracy")


def _at_epochs(course: Course, name: str) -> Numbers:
    """Reads off the looks at clean training pictures at the ends of epochs, on straight lines between the looks."""
    looks = course.answers("train")
    values = np.array([getattr(row, name) for row in looks], dtype=np.float64)
    kept = np.isfinite(values)
    if not kept.any():
        return np.full(len(course.history.epochs), np.nan)
    return np.interp(course.epochs("step"), np.array([row.step for row in looks], dtype=np.float64)[kept], values[kept])


def _train_accuracy(course: Course) -> float:
    accuracies = _train_accuracies(course)
    return float(np.median(accuracies[-3:])) if len(accuracies) else math.nan


def _high_and_last(accuracies: Numbers) -> tuple[float, float]:
    if not np.isfinite(accuracies).any():
        return math.nan, math.nan
    return float(np.nanmax(windows_of_three(accuracies))), middle(accuracies[-3:])


def _unit(course: Course, losses: Numbers) -> float:
    """Gives the loss by which others are divided: the blind one, or the first where there is none."""
    return course.blind_loss or float(losses[np.isfinite(losses)][0])


def _wider(course: Course, capacity: float) -> dict[str, object]:
    """Advises twice the width, or as much more as makes the net roomy; weights grow by the square of it."""
    width, roomy = course.known.recipe.get("model.width"), limit("small.weights_per_picture", 2.0)
    times = 2 ** math.ceil(math.log2(math.sqrt(roomy / capacity))) if 0 < capacity < roomy else 2
    wider = {"model.width": max(times, 2) * width} if isinstance(width, int) else {}
    return dict(
        advice(course, wider, f"make the net {max(times, 2)} times as wide, or deeper: does the loss then fall?")
    )


def _longer(course: Course) -> dict[str, object]:
    epochs = len(course.history.epochs)
    return dict(advice(course, {"training.epochs": 2 * epochs}, f"train for {2 * epochs} epochs instead of {epochs}"))


FITTING = (
    Rule("overfitting", overfitting, frozenset({"epochs", "validation"})),
    Rule("overfitting", big_gap, frozenset({"epochs", "validation"})),
    Rule("model-too-small", model_too_small, frozenset({"steps", "watch", "validation"})),
    Rule("model-too-small", dropped_out, frozenset({"steps", "recipe"})),
    Rule("stopped-too-early", stopped_too_early, frozenset({"epochs"})),
    Rule("stopped-too-early", cut_short, frozenset({"steps", "watch"})),
    Rule("trained-too-long", trained_too_long, frozenset({"epochs", "validation"})),
)

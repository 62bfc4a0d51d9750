"""Training mode, evaluation mode, and what batch normalization makes of both."""

from __future__ import annotations

import numpy as np

from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.harm import MIDDLING, clean_skills, far_enough, knows_little, train_skill, trained_skills_W
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import batch_normalized
from trainwright.diagnosis.suspicion import Rule, Suspicion

MODES_DIFFER = 0.01
"""Difference of skill between the modes above which it matters which one a net is in."""


def evaluated_in_train_mode(course: Course) -> Suspicion | None:
    """Finds validation in training mode: answers then depend on the other pictures of a batch and on dropout's dice."""
    rows = [row for row in course.history.answers.rows if row.part == "valid" and row.called_in is not None]
    wrong = [row for row in rows if row.called_in in ("train", "both")]
    if not wrong or wrong[-1] is not rows[-1]:
        return None
    matters = _modes_matter(course)
    return Suspicion(
        code="evaluated-in-train-mode",
        strength=1.0,
        persistent=len(wrong) >= 2,
        harmful=matters,
        exact=True,
        summary=f"the net was in training mode when it was judged on validation pictures, {len(wrong)} of {len(rows)} "
        "times: "
        + (
            "answers depend on the other pictures of their batch, or on dropout, and running statistics take them in"
            if matters
            else "in this net the modes hardly differ"
        ),
        evidence={"times": len(wrong), "of": len(rows)},
        advice={"do": "call model.eval() before validation, and model.train() after it"},
        since_step=wrong[0].step,
        explains=("batchnorm-statistics-stale", "validation-shifted"),
        source="checked exactly: the mode of the net at each call",
    )


def trained_in_eval_mode(course: Course) -> Suspicion | None:
    """Finds training in evaluation mode, mostly since the first validation: dropout is off, statistics stand still."""
    rows = [row for row in course.history.probes.rows if row.mode is not None]
    wrong = [row for row in rows if row.mode == "eval"]
    if len(wrong) < 2 or rows[-1].mode != "eval" or len(wrong) < len(rows) / 4:
        return None
    matters = _modes_matter(course)
    always = len(wrong) == len(rows)
    return Suspicion(
        code="trained-in-eval-mode",
        strength=1.0,
        persistent=True,
        harmful=matters,
        exact=True,
        summary="the net is trained in evaluation mode "
        + ("all the time" if always else f"since step {wrong[0].step}")
        + (
            ": batch normalization uses statistics that stand still, and dropout is off"
            if matters
            else "; in this net the modes hardly differ"
        ),
        evidence={"steps_in_evaluation_mode": len(wrong), "steps_looked_at": len(rows)},
        advice={"do": "call model.train() at the start of every epoch, after validation"},
        since_step=wrong[0].step,
        explains=(
            "overfitting",
            "batchnorm-statistics-stale",
            "initialization-too-large",
            "exploding-gradients",
            "vanishing-gradients",
            "learning-rate-too-high",
            "dead-units",
        ),
        source="checked exactly: the mode of the net at each step",
    )


def batchnorm_statistics_stale(course: Course) -> Suspicion | None:
    """Finds running statistics that are not those of the pictures: in evaluation the net does far worse on the same.

    Early in training, and now and then at a high rate, they lag behind in healthy runs, too; so it must stay.
    """
    if not batch_normalized(course):
        return None
    running, batch = clean_skills(course), clean_skills(course, mode="train")
    steps = [row.step for row in course.answers("train")]
    if len(running) != len(batch) or len(running) < 2:
        return None
    gaps = np.clip(batch, -1, 1) - np.clip(running, -1, 1)
    later = np.array(steps) > 0.25 * course.last_step
    usual = limit("batchnorm.gap", 0.25)
    if not later.any() or not (gaps[-3:][later[-3:]] > usual).all():
        return None
    often = float((gaps[later] > usual).mean())
    if often < 0.75:
        return None
    size = float(np.median(gaps[-3:][later[-3:]]))
    return Suspicion(
        code="batchnorm-statistics-stale",
        strength=min(1.0, 0.5 + size / 2),
        persistent=int(later.sum()) >= 3 or (size > 2 * usual and _judged_badly(course, usual)),
        harmful=True,
        summary=f"the running statistics of batch normalization do not fit: on the same training pictures the net "
        f"has a "
        f"skill of {running[-1]:.2f} with them and {batch[-1]:.2f} with those of the batch",
        evidence={
            "skill_in_evaluation": float(running[-1]),
            "skill_with_batch": float(batch[-1]),
            "share_of_looks": often,
        },
        advice=advice(
            course,
            {"training.reestimate_batch_norm": True},
            "use BatchNorm momentum 0.1, or count the statistics anew before evaluation "
            "(torch.optim.swa_utils.update_bn)",
        ),
        since_step=int(np.array(steps)[later][int(np.argmax(gaps[later] > usual))]),
        explains=("validation-shifted", "overfitting", "preprocessing-differs", "evaluated-in-train-mode"),
        source="Wu & Johnson 2021, Rethinking Batch in BatchNorm",
    )


def batch_too_small_for_batchnorm(course: Course) -> Suspicion | None:
    """Finds batch normalization over a handful of pictures, whose statistics are mostly chance.

    The loss as trained then lies far above that of the same net with the statistics of many pictures.
    """
    watch = course.history.watch
    if watch is None or watch.batch_size is None or not batch_normalized(course):
        return None
    size = watch.batch_size
    if size > limit("batchnorm.batch", 4):
        return None
    trained = trained_skills_W(course)
    clean = clean_skills(course, mode="train")
    cost = float(clean[-1] - trained[-1]) if len(clean) and len(trained) else np.nan
    worse = float(clean[-1] - clean_skills(course)[-1]) if len(clean) and len(clean_skills(course)) else np.nan
    costly = cost > limit("batchnorm.cost", 0.2) or worse > limit("batchnorm.gap", 0.25)
    return Suspicion(
        code="batch-too-small-for-batchnorm",
        strength={1: 1.0, 2: 0.9, 3: 0.8}.get(size, 0.6),
        persistent=True,
        harmful=far_enough(course) and (costly or knows_little(course, MIDDLING)),
        summary=f"batch normalization takes its statistics from {size} pictures, which is mostly chance"
        + (f": as trained the net has a skill {cost:.2f} below that with statistics of many" if cost > 0.05 else ""),
        evidence={"batch_size": size, "skill_lost_as_trained": cost, "skill_lost_in_evaluation": worse},
        advice=advice(
            course,
            {"model.normalization": "group"},
            "use GroupNorm in place of BatchNorm, or batches of 16 and more",
        ),
        since_step=watch.step,
        explains=(
            "batchnorm-statistics-stale",
            "batch-too-small",
            "model-too-small",
            "class-imbalance-harmful",
            "validation-shifted",
        ),
        source="Wu & He 2018, Group Normalization",
    )


def _judged_badly(course: Course, gap: float) -> bool:
    """Says whether validation, in evaluation mode, lay far below training in each of the last three epochs."""
    trained, valid = course.skill(course.epochs("train_loss")), course.skill(course.epochs("valid_loss"))
    return len(valid) >= 3 and bool((trained[-3:] - np.clip(valid[-3:], -1, 1) > gap).all())


def _modes_matter(course: Course) -> bool:
    if batch_normalized(course) or any("Dropout" in one.kind for one in course.layers):
        return True
    running, batch = clean_skills(course), clean_skills(course, mode="train")
    if len(running) != len(batch) or not len(running):
        return False
    return bool(np.nanmax(np.abs(running - batch), initial=0.0) > MODES_DIFFER) or train_skill(course) < -1


MODES = (
    Rule("evaluated-in-train-mode", evaluated_in_train_mode, frozenset({"validation"})),
    Rule("trained-in-eval-mode", trained_in_eval_mode, frozenset({"probes"})),
    Rule("batchnorm-statistics-stale", batchnorm_statistics_stale, frozenset({"answers", "watch"})),
    Rule("batch-too-small-for-batchnorm", batch_too_small_for_batchnorm, frozenset({"watch", "steps"})),
)

"""Whether signals and gradients come through the net: vanishing, exploding, dead and saturated units.

B probes · D weights of layers, the head last · U looks at the units · L layers
"""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.curves import middle
from trainwright.diagnosis.harm import (
    DONE,
    LOW,
    MIDDLING,
    best_skill,
    diverged,
    far_enough,
    knows_little,
    stalled,
    train_skill,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import learning_D, low_median, normalized, relative_gradients_BD
from trainwright.diagnosis.suspicion import Rule, Suspicion

SATURATING = ("Sigmoid", "Tanh", "Hardsigmoid", "Hardtanh")
"""Class names of activations that saturate on both sides."""

FEWEST_UNITS = 16
"""Units below which a share of them says little."""

GATES = 0.5
"""Share of the watched activations that must saturate before saturation is a matter of the net and not of gates."""


def vanishing_gradients(course: Course) -> Suspicion | None:
    """Finds gradients that shrink by powers of ten from the head to the first layers, which then do not learn."""
    decades = _profile(course)
    last = decades[-max(2, len(decades) // 3) :]
    if len(decades) < 4 or not np.isfinite(last).any():
        return None
    fall, usual = middle(last), limit("vanishing.decades", 2.0)
    if fall < usual:
        return None
    harmful = far_enough(course) and train_skill(course) < DONE and (knows_little(course, MIDDLING) or stalled(course))
    first, head = _ends(course)
    return Suspicion(
        code="vanishing-gradients",
        strength=min(1.0, 0.5 + 0.15 * (fall - usual)),
        persistent=bool((last > usual).sum() >= 2),
        harmful=harmful,
        summary=f"gradients shrink by {min(fall, 30):.1f} powers of ten from the head to the first layers, so that "
        f"these hardly learn" + (f" (skill {best_skill(course):.2f})" if harmful else ""),
        evidence={"decades": fall, "decades_at_first": float(decades[0]), "skill": best_skill(course)},
        advice=advice(
            course,
            {"model.normalization": "batch", "model.activation": "relu"},
            "use ReLU, normalization or residual connections; initialize by kaiming_normal_",
        ),
        since_step=int(course.probes("step")[0]),
        layers=first,
        explains=(
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "missing-normalization",
            "initialization-too-small",
        )
        if head
        else (),
        source="Hochreiter 1991; Glorot & Bengio 2010",
    )


def exploding_gradients(course: Course) -> Suspicion | None:
    """Finds gradients that grow by powers of ten from the head to the first layers."""
    decades = -_profile(course)
    usual = limit("exploding.decades", 2.0)
    late = decades[-max(2, len(decades) // 3) :]
    if len(decades) < 2 or not (np.nan_to_num(decades) > usual).sum() >= 2:
        return None
    if not (diverged(course) or middle(late) > usual / 2):  # a branch whose gate begins closed looks like that at first
        return None
    growth = float(np.nanmax(decades[np.isfinite(decades)]))
    harmful = diverged(course) or knows_little(course, MIDDLING)
    return Suspicion(
        code="exploding-gradients",
        strength=min(1.0, 0.5 + 0.15 * (growth - usual)),
        persistent=True,
        harmful=harmful,
        fatal=diverged(course),
        summary=f"gradients grow by {min(growth, 30):.1f} powers of ten from the head to the first layers, whose steps "
        f"are then far too long for them" + ("; training diverges" if diverged(course) else ""),
        evidence={"decades": growth, "last_decades": middle(late)},
        advice=advice(
            course,
            {"model.normalization": "batch", "optim.clip_norm": 1.0},
            "normalize (BatchNorm2d after each convolution), initialize by kaiming_normal_, clip the norm at 1",
        ),
        since_step=int(course.probes("step")[int(np.argmax(np.nan_to_num(decades) > usual))]),
        layers=_ends(course)[0],
        explains=("missing-normalization",),
        source="Pascanu et al. 2013",
    )


def dead_units(course: Course) -> Suspicion | None:
    """Finds units that no picture of the probe set ever switches on, in several looks running.

    Sparsity is not death: a unit that is on for one position of one picture is alive. An alarm where most of a layer
    is dead, more than when training began or all of it, and the net does badly.
    """
    table = course.by_layer("dead")
    if len(table) < 2 or not np.isfinite(table).any():
        return None
    now, before = np.nan_to_num(table[-1]), np.nan_to_num(table[-2])
    usual = limit("dead.share", 0.5)
    most = np.minimum(now, before)
    layers = np.flatnonzero(
        (most > usual) & ((now - np.nan_to_num(table[0]) > 0.2) | (most > limit("dead.at_start", 0.8)))
    )
    if not len(layers):
        return None
    worst = int(layers[np.argmax(most[layers])])
    names = tuple(course.layers[index].name for index in layers)
    blocked = bool(most[worst] > 0.999) and knows_little(course, LOW)
    units = np.array([one.units for one in course.layers], dtype=np.float64)
    alive = np.isfinite(table[-1])
    share = float((now * units)[alive].sum() / units[alive].sum())
    since = int(np.argmax(np.nan_to_num(table[:, worst]) > usual))
    harmful = knows_little(course, MIDDLING) or (stalled(course) and train_skill(course) < limit("dead.skill", 0.7))
    return Suspicion(
        code="dead-units",
        strength=min(1.0, 0.5 + 0.5 * (float(most[worst]) - usual) / (1 - usual)),
        persistent=True,
        harmful=harmful and far_enough(course),
        fatal=blocked,
        summary=f"{now[worst]:.0%} of the units of {course.layers[worst].name} are dead: no picture of the probe set "
        f"switches them on at any place ({np.nan_to_num(table[0])[worst]:.0%} before training); {share:.0%} of all",
        evidence={
            "dead_share_of_layer": float(now[worst]),
            "dead_share_at_start": float(np.nan_to_num(table[0])[worst]),
            "dead_share_of_all": share,
            "layers": len(layers),
            "skill": best_skill(course),
        },
        advice=advice(
            course,
            {"model.activation": "leaky-relu"},
            "start again with a lower learning rate; where that does not help, LeakyReLU or normalization",
        ),
        since_step=course.history.units.rows[since].step,
        layers=names,
        explains=(
            "vanishing-gradients",
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "labels-shuffled",
        ),
        source="Lu et al. 2019, Dying ReLU and Initialization; limit: own choice",
    )


def saturated_units(course: Course) -> Suspicion | None:
    """Finds activations that most pictures push to their flat ends, where no gradient comes through."""
    table = course.by_layer("saturated")
    if len(table) < 2 or not np.isfinite(table[-1]).any():
        return None
    activations = [one for one in course.layers if _activates(one.kind)]
    flat = [
        index for index, one in enumerate(course.layers) if one.kind in SATURATING and np.isfinite(table[-1, index])
    ]
    units = sum(course.layers[index].units for index in flat)
    if not flat or len(flat) < GATES * len(activations) or units < FEWEST_UNITS:
        return None
    now, before = table[-1, flat], np.nan_to_num(table[-2, flat])
    usual = limit("saturated.share", 0.5)
    most = np.minimum(now, before)
    if float(np.median(most)) < usual and float((most > 0.8).mean()) < 0.3:
        return None
    at_start = middle(table[0, flat])
    names = tuple(course.layers[index].name for index, share in zip(flat, most, strict=True) if share > usual)
    skill = best_skill(course)
    return Suspicion(
        code="saturated-units",
        strength=min(1.0, 0.5 + 0.5 * float(np.max(most))),
        persistent=True,
        harmful=knows_little(course, MIDDLING) or (far_enough(course) and stalled(course) and skill < 0.7),
        summary=f"{float(np.median(now)):.0%} of the units of the median layer are saturated (mean slope below 5 % "
        f"of the "
        f"greatest; {at_start:.0%} before training), up to {float(np.max(now)):.0%}: hardly any gradient comes through",
        evidence={
            "saturated_median_layer": float(np.median(now)),
            "saturated_at_start": at_start,
            "saturated_worst_layer": float(np.max(now)),
            "skill": skill,
        },
        advice=advice(
            course,
            {"model.activation": "relu"},
            "use ReLU, or smaller weights (xavier_uniform_) and inputs scaled to mean 0 and deviation 1",
        ),
        since_step=0 if at_start > usual else course.history.units.rows[-2].step,
        layers=names,
        explains=("vanishing-gradients", "learning-rate-too-low", "model-too-small", "class-imbalance-harmful"),
        source="Glorot & Bengio 2010",
    )


def missing_normalization(course: Course) -> Suspicion | None:
    """Suspects the lack of any normalization in a deep net whose gradients do not come through evenly."""
    depth = len(learning_D(course))
    decades = np.abs(_profile(course))
    if normalized(course) or depth < limit("normalization.depth", 9) or not len(course.layers) or len(decades) < 2:
        return None
    trouble = middle(decades)
    if not trouble >= limit("normalization.decades", 1.5):
        return None
    return Suspicion(
        code="missing-normalization",
        strength=0.5,
        persistent=True,
        harmful=knows_little(course, MIDDLING),
        summary=f"the net weighs its inputs {depth} times without any normalization, and gradients change by "
        f"{min(trouble, 30):.1f} powers of ten on their way",
        evidence={"weights": depth, "decades": trouble, "skill": best_skill(course)},
        advice=advice(course, {"model.normalization": "batch"}, "put BatchNorm2d or GroupNorm behind each convolution"),
        since_step=0,
        source="Ioffe & Szegedy 2015",
    )


def _profile(course: Course) -> Numbers:
    """Measures at each probe by how many powers of ten ‖g‖/‖w‖ of the first third of weights lies below the last.

    The head is left out, since it gets its gradient at first hand, and so are weights of a single input in front of a
    normalization, which takes their size, all that they have, away. A gradient of exactly 0 counts as 30.
    """
    tensors = [course.tensors[index] for index in learning_D(course)]
    sized = [math.prod(one.shape[1:]) > 1 or not one.normalized for one in tensors]
    relative_BD = relative_gradients_BD(course)[:, sized][:, :-1]
    width = relative_BD.shape[1]
    if width < 4:
        return np.full(len(relative_BD), np.nan)
    third = max(1, width // 3)

    def measured() -> Numbers:
        logs_BD = np.log10(np.where(np.isfinite(relative_BD), np.maximum(relative_BD, 1e-30), np.nan))
        return low_median(logs_BD[:, -third:]) - low_median(logs_BD[:, :third])

    return course.once("profile of gradients", measured)


def _ends(course: Course) -> tuple[tuple[str, ...], bool]:
    """Names the layers of the first third of weights, and says whether any weights come behind them."""
    columns = learning_D(course)[:-1]
    third = max(1, len(columns) // 3)
    names = tuple(dict.fromkeys(course.tensors[index].layer for index in columns[:third]))
    return names, len(columns) > third


def _activates(kind: str) -> bool:
    return any(part in kind for part in ("ReLU", "ELU", "SiLU", "Mish", "Sigmoid", "Tanh", "tanh", "sigmoid", "swish"))


FLOW = (
    Rule("vanishing-gradients", vanishing_gradients, frozenset({"watch", "probes"})),
    Rule("exploding-gradients", exploding_gradients, frozenset({"watch", "probes"})),
    Rule("dead-units", dead_units, frozenset({"watch", "units"})),
    Rule("saturated-units", saturated_units, frozenset({"watch", "units"})),
    Rule("missing-normalization", missing_normalization, frozenset({"watch", "probes"})),
)

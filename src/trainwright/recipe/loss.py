"""What training makes small."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Section, setting

CLASS_WEIGHT = r"[^=,]*[^=,\s][^=,]*=\s*(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?\s*"


class LossSection(Section):
    """The section `loss`. All are means over the pictures of a batch; docs/tasks.md has each formula."""

    name: Literal[
        "auto", "cross-entropy", "kl", "logistic", "l2", "l1", "smooth-l1", "margin-ranking", "pair-logistic"
    ] = setting(
        "auto",
        "`cross-entropy`: of the softmax. `kl`: Kullback–Leibler divergence of the softmax from the labels, which is "
        "cross-entropy less what smoothing and mixing make unavoidable. `logistic`: each class against all others, by "
        "a sigmoid of its own. For regression, r the error in standard deviations of the target: `l2`: r², without ½; "
        "`l1`: |r|; `smooth-l1`: ½ r²/β up to β, |r| - ½ β beyond. For ranking, d the score of the better less that of "
        "the worse: `margin-ranking`: max(0, margin - d); `pair-logistic`: ln(1 + exp(-d)). `auto`: cross-entropy; in "
        "the task multi-label logistic, in regression l2, in ranking margin-ranking.",
        source="Bridle 1990 (cross-entropy); Kullback & Leibler 1951; Cox 1958 (logistic); Girshick 2015 (smooth-l1); "
        "Herbrich et al. 2000 (margin-ranking); Burges et al. 2005 (pair-logistic)",
        also_called={
            "cross-entropy": ("ce", "xent", "softmax", "nll", "log-loss"),
            "kl": ("kld", "kl-div", "kullback-leibler"),
            "logistic": ("bce", "binary-cross-entropy", "sigmoid"),
            "l2": ("mse", "squared"),
            "l1": ("mae", "absolute"),
            "smooth-l1": ("huber",),
            "margin-ranking": ("hinge", "margin"),
            "pair-logistic": ("ranknet", "bpr"),
        },
    )
    label_smoothing: float | Auto = setting(
        "auto",
        "Probability mass taken from the right class and spread evenly over the K-1 wrong ones: 1-e on the right "
        "class, e/(K-1) on each other, whereas torch spreads e over all K classes. In the task multi-label: 1-e where "
        "a label holds, e where it does not. `auto`: 0.1 with cross-entropy and kl, else 0.",
        unit="probability",
        source="Szegedy et al. 2016, in the form e/(K-1)",
        scale="linear",
        applies={"name": ("auto", "cross-entropy", "kl", "logistic")},
        ge=0.0,
        lt=1.0,
    )
    beta: float = setting(
        1.0,
        "β, the error at which smooth-l1 turns from a square into a line.",
        unit="standard deviations of the target",
        source="Girshick 2015 (Fast R-CNN), equation 3",
        scale="log",
        applies={"name": ("smooth-l1",)},
        gt=0.0,
        le=1000.0,
    )
    margin: float = setting(
        1.0,
        "By how much the better of two pictures is to lead, so that margin-ranking is 0.",
        unit="score",
        source="Herbrich et al. 2000",
        scale="log",
        applies={"name": ("auto", "margin-ranking")},
        gt=0.0,
        le=1000.0,
    )
    class_weights: str = setting(
        "none",
        "What each class counts. `balanced`: all alike in sum, however many pictures they have; `cat=2, dog=0.5`: so "
        "much, and 1 for those not named, scaled to mean 1 over the training part. With `logistic` they weigh, as they "
        "stand, the pictures that are of the class against those that are not. `none`: every picture alike.",
        source="King & Zeng 2001; balanced as in scikit-learn",
        applies={"name": ("auto", "cross-entropy", "logistic")},
        pattern=rf"none|balanced|{CLASS_WEIGHT}(,{CLASS_WEIGHT})*",
        examples=("none", "balanced", "cat=2, dog=0.5"),
    )

"""What watching a net measures while it learns: typed lines of a run's event log.

Columns that belong to tensors or layers stand in the order in which the `WatchRecord` before them names those. A number
that could not be measured is None. T parameter tensors · L watched layers · K classes · P pictures of a fixed set
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SKETCH_LOW, SKETCH_HIGH = -24, 8
"""Powers of two between which a sketch counts magnitudes: below lies its first bin, above its last, and the bins
between are one power of two each, so that a sketch has SKETCH_HIGH - SKETCH_LOW + 2 bins."""


@dataclass(frozen=True, kw_only=True)
class WatchedTensor:
    """A parameter tensor of the net.

    `kind` is what it does: the weight of a layer that weighs inputs (`weight`), a scale or shift of a normalization
    (`scale`), a bias, or something else. `trainable` is its requires_grad, `moved` whether the optimizer holds it.
    `normalized` says that a normalization follows, so that its scale does not matter. `deviation` is the standard
    deviation of its numbers, `twins` the share of its filters (rows) that equal another one, when watching began;
    `weight_decay` is the optimizer's for it.
    """

    name: str
    layer: str
    kind: Literal["weight", "scale", "bias", "other"]
    shape: tuple[int, ...]
    trainable: bool
    moved: bool
    normalized: bool
    deviation: float | None
    twins: float
    weight_decay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class WatchedLayer:
    """A layer whose output is looked at, in the order in which the net calls it.

    `kind` is its class. `units` counts channels of a map, or features. `shape` is that of its output for one picture.
    """

    name: str
    kind: str
    units: int
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class WatchRecord:
    """Watching began, at the start of a run or when it was taken up again after `step`.

    `missing` names what was not given, so that findings which need it cannot be made. `optimizer` is its class and
    `settings` the numbers of its first group. `strangers` counts tensors that the optimizer holds and the model does
    not. `classes` is the number of outputs in a classification, else None; `class_counts` those of the probe set.
    `steps_planned` and `batch_size` are None where nobody knows. `affine` says whether the whole net was measured to be
    an affine map of its input; None where that was not measured.
    `dtype` is the number format of the forward pass.
    """

    step: int
    tensors: tuple[WatchedTensor, ...]
    layers: tuple[WatchedLayer, ...]
    optimizer: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    strangers: int = 0
    classes: int | None = None
    class_counts: tuple[int, ...] = ()
    batch_size: int | None = None
    steps_planned: int | None = None
    probe_pictures: int = 0
    affine: bool | None = None
    dtype: str = "float32"
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """One training step seen from near. T numbers a column, in the order of the tensors.

    `learning_rate` is what the step was made with, that of the group with the largest; None in records of an earlier
    version. `loss` is that of the batch as trained, before the step; `loss_after` that of the same batch after it, with
    the same randomness and batch statistics; `predicted_change` is g·Δw. `gradients` are norms of the gradients as the
    optimizer gets them, `weights` norms before the step, `updates` norms of Δw, and `turns` the angle in radians
    between weights before and after. `zero_gradients` is the share of the gradient's numbers that are exactly 0.

    Of the smallest tensor that learns, the gradients that came in by backward since the last step are summed:
    `backwards` counts them, `kept` is the norm of what the optimizer got over that of the sum (below 1: clipped or
    scaled), and `fresh` the cosine between both (below 1: something else was in there, such as old gradients). `left`
    is the norm of what stood in the gradient before the first of these backwards, over that of the sum.
    `half_cosine` is the cosine between the gradients of the batch's halves.

    `mode` is how the net was trained in the forward passes since the last probe: `train`, `eval` or `both`.
    `input_mean` and `input_deviation` are of each channel of the batch, `input_low` and `input_high` of all;
    `label_counts` of K classes, where labels are classes. `sketches` are histograms of the gradients' magnitudes,
    mostly empty to save space. `every` is the distance to the next probe in steps, `cost_s` what this one took,
    `step_s` the median time of a step.
    """

    step: int
    epoch: int
    loss: float | None
    learning_rate: float | None = None
    loss_after: float | None = None
    predicted_change: float | None = None
    gradients: tuple[float | None, ...] = ()
    weights: tuple[float | None, ...] = ()
    updates: tuple[float | None, ...] = ()
    turns: tuple[float | None, ...] = ()
    zero_gradients: tuple[float | None, ...] = ()
    backwards: int | None = None
    kept: float | None = None
    fresh: float | None = None
    left: float | None = None
    half_cosine: float | None = None
    mode: Literal["train", "eval", "both"] | None = None
    input_mean: tuple[float, ...] = ()
    input_deviation: tuple[float, ...] = ()
    input_low: float | None = None
    input_high: float | None = None
    label_counts: tuple[int, ...] = ()
    sketches: tuple[tuple[int, ...], ...] = ()
    every: int = 1
    cost_s: float = 0.0
    step_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class UnitsRecord:
    """What the layers do on the fixed probe set in evaluation mode. L numbers a column, in the order of the layers.

    `mean` and `deviation` are over all numbers of a layer's output, `zeros` the share that is exactly 0. Of units
    (channels, features): `dead` are never active at any position of any picture, `always_on` are always, of layers of
    the ReLU kind; `saturated` are those whose mean derivative is below 5 % of its greatest, of activations that
    saturate; `constant` hardly differ over pictures; None where it has no meaning. `unfed` is the share of units
    without any gradient at their weights in the last step. `correlation` is the mean absolute correlation between units
    over pictures. `sketches` are histograms of the outputs' magnitudes.
    """

    step: int
    epoch: int
    pictures: int
    mean: tuple[float | None, ...] = ()
    deviation: tuple[float | None, ...] = ()
    zeros: tuple[float | None, ...] = ()
    dead: tuple[float | None, ...] = ()
    always_on: tuple[float | None, ...] = ()
    saturated: tuple[float | None, ...] = ()
    constant: tuple[float | None, ...] = ()
    unfed: tuple[float | None, ...] = ()
    correlation: tuple[float | None, ...] = ()
    sketches: tuple[tuple[int, ...], ...] = ()
    cost_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class AnswersRecord:
    """What the net answers about pictures that stay the same: the probe set (`train`), or those of validation.

    `mode` is the net's: `eval`, or `train` with batch statistics of these pictures and no running ones touched. `loss`
    is plain cross-entropy in nats where answers are scores of classes, else the loss that was given; `loss_error` its
    standard error. `confusion_KK[i][j]` counts pictures of class i that were called class j (up to 100 classes).
    `losses` are those of single pictures, P numbers rounded to 3 digits, for the probe set alone. `output_low` and
    `output_high` bound all outputs, `sum_low` and `sum_high` the sums of a picture's outputs. Inputs as in
    `ProbeRecord`; `inputs_id` tells whether pictures are the same as before. `shared` counts pictures, equal number by
    number, that were also seen in training batches; of `shared_of`. `called_in` is the mode in which a loop that is not
    ours called the net for validation itself; where it told its figures alone, `pictures` is 0.
    """

    step: int
    epoch: int
    part: Literal["train", "valid"]
    mode: Literal["train", "eval"]
    pictures: int
    loss: float | None
    loss_error: float | None = None
    accuracy: float | None = None
    confusion_KK: tuple[tuple[int, ...], ...] = ()
    losses: tuple[float, ...] = ()
    output_low: float | None = None
    output_high: float | None = None
    sum_low: float | None = None
    sum_high: float | None = None
    input_mean: tuple[float, ...] = ()
    input_deviation: tuple[float, ...] = ()
    input_low: float | None = None
    input_high: float | None = None
    inputs_id: str | None = None
    shared: int | None = None
    shared_of: int | None = None
    called_in: Literal["train", "eval", "both"] | None = None
    cost_s: float = 0.0


ExperimentKind = Literal["rate-lower", "rate-higher", "augmentation-off", "one-batch"]
"""What is changed in a copy of the net: a tenth of the rate, ten times the rate, pictures unaltered, or one batch of
unaltered pictures again and again."""


@dataclass(frozen=True, kw_only=True)
class ExperimentRecord:
    """Two copies of the net trained for a few steps and thrown away: one as it is, one with a single thing changed.

    `step` and `epoch` are where the net was copied, `asked_by` the codes of the findings that it is to tell apart.
    Both copies made `steps` steps at a constant rate, that of the copied step (`learning_rate`) or its share, with the
    same batches and random numbers. `loss_before`, `loss_as_is` and `loss_changed` are those of the same `pictures` of
    a `part`, unaltered and in evaluation mode, each without smoothing and weights; of `one-batch` those of the batch.
    A copy that broke down has an infinite loss. `error` is the standard error of the difference between both copies
    over these pictures; None where one is infinite.
    """

    step: int
    epoch: int
    kind: ExperimentKind
    asked_by: tuple[str, ...]
    steps: int
    learning_rate: float
    part: Literal["train", "valid"]
    pictures: int
    loss_before: float
    loss_as_is: float
    loss_changed: float
    error: float | None
    cost_s: float = 0.0

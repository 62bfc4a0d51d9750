"""What other tools would say of the same records, by the limits that they publish. Facts, not code.

Where a limit needs a number that the records do not hold, the nearest one stands in for it and the function says which.
A tool alarms where any of its rules does.
Source: AWS developer guide, Debugger built-in rules; AutoTrainer reproduce.py; DeepDiagnosis and DeepLocalize
callbacks; UMLAUT heuristics.

Legend: B probes, T tensors, U looks, L layers, E epochs
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trainwright.diagnosis.course import Course

RELU_KINDS = ("ReLU", "ReLU6", "LeakyReLU")


def _not_finite(course: Course) -> bool:
    return bool((~np.isfinite(course.losses_S)).any())


def _mean_gradients_BT(course: Course) -> NDArray[np.float64]:
    """Mean magnitudes, where the records hold norms: 0.8 of the root mean square, as of a bell curve."""
    sizes_T = np.array([math.prod(tensor.shape) for tensor in course.tensors])
    return 0.8 * course.by_tensor("gradients") / np.sqrt(np.maximum(sizes_T, 1))


def _accuracies(course: Course) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return course.epochs("train_accuracy"), course.epochs("valid_accuracy")


def _inputs_outside(course: Course, low: float, high: float) -> bool:
    lows, highs = course.probes("input_low"), course.probes("input_high")
    return bool((lows < low).any() or (highs > high).any())


def sagemaker(course: Course) -> bool:
    """SageMaker Debugger with the rules that need no model of their own, all on, at their defaults."""
    return _sagemaker_curves(course) or sagemaker_tensors(course)


def sagemaker_tensors(course: Course) -> bool:
    """The same without LossNotDecreasing, Overfit, Overtraining, ClassImbalance and CheckInputImages."""
    if _not_finite(course):
        return True
    gradients_BT, weights_BT = _mean_gradients_BT(course), course.by_tensor("weights")
    ratios_BT = course.by_tensor("updates") / (weights_BT + 1e-9)
    trained_T = np.array([tensor.trainable for tensor in course.tensors], bool)
    if (gradients_BT[:, trained_T] < 1e-7).any() or (ratios_BT > 10).any() or (ratios_BT < 1e-8).any():
        return True
    if (course.by_layer("dead") > 0.5).any() or (course.by_layer("saturated") > 0.5).any():
        return True
    deviations = [
        tensor.deviation**2 for tensor in course.tensors if tensor.kind == "weight" and tensor.deviation is not None
    ]
    return bool(deviations) and max(deviations) > 10 * min(deviations)


def _sagemaker_curves(course: Course) -> bool:
    losses = course.losses_S
    if len(losses) > 10 and (losses[10:] >= losses[:-10]).any():
        return True
    train, valid = course.epochs("train_loss"), course.epochs("valid_loss")
    if (valid > 1.1 * train).any():
        return True
    means = [mean for row in course.history.probes["input_mean"] for mean in row]
    return any(abs(mean) > 0.2 for mean in means)


def autotrainer(course: Course) -> bool:
    """AutoTrainer: symptoms count only where accuracy stays below 0.6 after the last epoch."""
    train, valid = _accuracies(course)
    if _not_finite(course) or (course.losses_S > 1e3).any():
        return True
    if not len(train):
        return False
    best = np.nanmax(np.concatenate([train, valid, [0.0]]))
    if best < 0.6:
        return True
    jumps = np.abs(np.diff(train[np.isfinite(train)]))
    return len(jumps) >= 3 and bool((jumps < 0.01).all())


def deepdiagnosis(course: Course) -> bool:
    """DeepDiagnosis: dead node, saturation, vanishing, variance of weights, standstill, inputs, rate times ratio."""
    if _not_finite(course):
        return True
    relu_L = np.array([layer.kind in RELU_KINDS for layer in course.layers], bool)
    zeros_UL, saturated_UL = course.by_layer("zeros"), course.by_layer("saturated")
    if len(zeros_UL) and ((zeros_UL[-1, relu_L] >= 0.7).any() or (saturated_UL[-1] > 0.5).any()):
        return True
    trained_T = np.array([tensor.trainable for tensor in course.tensors], bool)
    if (_mean_gradients_BT(course)[:, trained_T] < 1e-7).any():
        return True
    variances = [t.deviation**2 for t in course.tensors if t.kind == "weight" and t.deviation is not None]
    if any(not 1e-5 <= variance <= 10 for variance in variances):
        return True
    train = course.epochs("train_loss")
    if len(train) >= 5 and any(len(set(train[at : at + 5])) == 1 for at in range(len(train) - 4)):
        return True
    weight_T = np.array([tensor.kind == "weight" and tensor.moved for tensor in course.tensors], bool)
    ratios_BT = course.by_tensor("updates")[:, weight_T] / np.maximum(course.by_tensor("weights")[:, weight_T], 1e-12)
    medians = np.nanmedian(ratios_BT, axis=0) if len(ratios_BT) else np.empty(0)
    return bool(((medians < 1e-5) | (medians > 0.1)).any()) or _inputs_outside(course, -1, 1)


def umlaut(course: Course) -> bool:
    """UMLAUT: inputs outside [-1, 1], NaN, rate above 0.01, overfitting of one epoch, accuracy above 0.95."""
    rates = course.rates_S
    if (
        _not_finite(course)
        or _inputs_outside(course, -1, 1)
        or (len(rates) and (rates.max() > 0.01 or rates.max() < 1e-7))
    ):
        return True
    train, valid = course.epochs("train_loss"), course.epochs("valid_loss")
    if ((np.diff(valid) > 0) & (np.diff(train) < 0)).any():
        return True
    train_accuracy, valid_accuracy = _accuracies(course)
    return bool((valid_accuracy[3:] > 0.95).any() or (valid_accuracy[3:] > train_accuracy[3:] + 0.05).any())


def deeplocalize(course: Course) -> bool:
    """DeepLocalize: NaN, infinity or exactly 0 in the mean of outputs, weights or gradients of a layer."""
    if _not_finite(course):
        return True
    tables = (course.by_layer("mean"), course.by_tensor("weights"), course.by_tensor("gradients"))
    kinds_T = np.array([tensor.kind == "weight" and tensor.trainable for tensor in course.tensors], bool)
    means, weights, gradients = tables
    return bool((means == 0).any() or (weights[:, kinds_T] == 0).any() or (gradients[:, kinds_T] == 0).any())


def low_accuracy(course: Course) -> bool:
    """Alarms where the last accuracy, of validation or else of training, is below 0.6."""
    train, valid = _accuracies(course)
    last = next((part[-1] for part in (valid, train) if len(part) and np.isfinite(part[-1])), 0.0)
    return bool(last < 0.6)


BASELINES: dict[str, Callable[[Course], bool]] = {
    "always alarm": lambda _: True,
    "not finite only": _not_finite,
    "accuracy below 0.6": low_accuracy,
    "SageMaker Debugger, all rules": sagemaker,
    "SageMaker Debugger, tensors only": sagemaker_tensors,
    "AutoTrainer": autotrainer,
    "DeepDiagnosis": deepdiagnosis,
    "UMLAUT": umlaut,
    "DeepLocalize": deeplocalize,
}

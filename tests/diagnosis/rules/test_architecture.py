from __future__ import annotations

import math

from diagnosis.histories import LAYERS, TENSORS, alarming, course, layer, learning, weight
from trainwright.diagnosis.course import Known
from trainwright.diagnosis.rules.architecture import head_size_mismatch, missing_nonlinearity, resolution_lost_early


def test_a_net_measured_to_be_affine_has_no_nonlinearity():
    bare = tuple(one for one in LAYERS if one.kind != "ReLU")
    found = missing_nonlinearity(course(watch={"affine": True}, layers=bare))
    assert found is not None
    assert alarming(found)
    assert found.exact
    assert "4 layers is an affine map" in found.summary
    assert missing_nonlinearity(course(watch={"affine": False}, layers=bare)) is None
    assert missing_nonlinearity(course(watch={"affine": None}, layers=bare)) is None


def test_activations_behind_gates_that_begin_at_nothing_are_seen():
    assert missing_nonlinearity(course(watch={"affine": True})) is None


def test_a_single_layer_is_affine_on_purpose():
    one = {"watch": {"affine": True}, "tensors": TENSORS[-1:], "layers": LAYERS[-1:]}
    assert missing_nonlinearity(course(**one)) is None


def convolving(pixels: int, kernel: int = 3):
    """A net whose first convolution gives maps of 4×4, and four more of so many pixels."""
    names = ("first", *(f"conv{number}" for number in range(4)))
    return {
        "layers": tuple(layer(name, size=4 if name == "first" else pixels) for name in names),
        "tensors": tuple(weight(name, (16, 16, kernel, kernel)) for name in names),
    }


LOW = {"loss": lambda step: 1.5 + 0.05 * math.sin(step)}


def test_convolutions_on_single_pixels_are_found_where_the_net_fits_badly():
    found = resolution_lost_early(course(**convolving(1), **LOW))
    assert found is not None
    assert alarming(found)
    assert "80% on a single one" in found.summary
    assert found.layers == ("conv0",)
    assert resolution_lost_early(course(**convolving(8), **LOW)) is None
    assert not alarming(resolution_lost_early(course(**convolving(1))))


def test_convolutions_of_a_single_pixel_are_meant_for_it():
    assert resolution_lost_early(course(**convolving(1, kernel=1), **LOW)) is None


def test_classes_that_never_occur_are_told_exactly_where_the_data_are_known():
    found = head_size_mismatch(course(Known(class_shares=(0.25,) * 4)))
    assert found is not None
    assert found.exact
    assert not alarming(found)
    assert found.evidence == {"outputs": 10, "classes_that_occur": 4}
    assert head_size_mismatch(course(Known(class_shares=(0.1,) * 10))) is None


def test_classes_that_no_batch_ever_named_are_suspected():
    counts = {"label_counts": (10,) * 3 + (0,) * 7}
    found = head_size_mismatch(course(probe=counts, loss=lambda step: 1.6 + 0.0 * learning(step)))
    assert found is not None
    assert alarming(found)
    assert not found.exact
    assert head_size_mismatch(course(probe={"label_counts": (5,) * 10})) is None
    assert head_size_mismatch(course(steps=4, per_epoch=4, probe=counts)) is None, "too few labels to say so"

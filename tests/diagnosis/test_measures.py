from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from diagnosis.histories import LAYERS, TENSORS, course, layer
from trainwright.diagnosis import measures


def test_moves_are_shares_of_the_length_of_weights_that_learn():
    moving = course(
        tensors=(replace(TENSORS[0], trainable=False), *TENSORS[1:]),
        probe={"updates": (9.0, 0.1, 0.2, 0.3), "weights": (1.0, 2.0, 2.0, 0.0)},
    )
    table = measures.relative_updates_BD(moving)
    assert table[0].tolist() == pytest.approx([0.05, 0.1, math.nan], nan_ok=True)
    assert measures.relative_updates_B(moving)[0] == pytest.approx(0.05), "of two the smaller"


def test_trust_is_actual_over_predicted_and_only_downhill():
    rows = {"loss": 1.0, "predicted_change": -0.1}
    assert measures.trust_B(course(probe=rows | {"loss_after": 0.95}))[0] == pytest.approx(0.5)
    assert measures.trust_B(course(probe=rows | {"loss_after": 1.2}))[0] == pytest.approx(-2)
    assert measures.trust_B(course(probe=rows | {"loss_after": math.nan}))[0] == -math.inf
    uphill = {"loss": 1.0, "predicted_change": 0.1, "loss_after": 1.2}
    lost_in_rounding = {"loss": 1.0, "predicted_change": -1e-7, "loss_after": 1.0}
    unmeasured = {"predicted_change": None, "loss_after": None}
    for nothing in (uphill, lost_in_rounding, unmeasured):
        assert np.isnan(measures.trust_B(course(probe=nothing))).all()


def test_the_rate_of_a_probe_is_that_of_its_step():
    rising = course(rate=lambda step: step / 400)
    assert measures.rates_B(rising)[:5].tolist() == [1 / 400, 2 / 400, 3 / 400, 4 / 400, 10 / 400]
    assert measures.at_height_B(rising).sum() == 21, "steps 200, 210, … 400"


def test_what_a_loss_asks_of_weights_knows_no_scale():
    plain = course(probe={"loss": 2.0, "gradients": (0.5,) * 4, "weights": (4.0,) * 4})
    scaled = course(probe={"loss": 20.0, "gradients": (0.5,) * 4, "weights": (40.0,) * 4})
    assert measures.elasticities_B(plain)[0] == measures.elasticities_B(scaled)[0] == 1.0


def test_all_gradients_together():
    together = course(probe={"gradients": (3.0, 4.0, None, 0.0)})
    assert measures.total_gradients_B(together)[0] == 5.0
    assert np.isnan(measures.total_gradients_B(course(probe={"gradients": (None,) * 4}))[0])


def test_gains_are_1_where_the_scale_is_kept():
    assert measures.gains_D(course()).tolist() == pytest.approx([1.0] * 4)


def test_kinds_of_normalization():
    assert measures.normalized(course())
    assert measures.batch_normalized(course())
    groups = course(layers=(layer("a", "GroupNorm"),))
    assert measures.normalized(groups)
    assert not measures.batch_normalized(groups)
    assert not measures.normalized(course(layers=LAYERS[-1:]))


def test_counts():
    assert measures.parameters(course()) == 16 * 9 + 2 * 16 * 16 * 9 + 160
    assert measures.pictures_an_epoch(course()) == 2000
    assert math.isnan(measures.pictures_an_epoch(course(watch={"batch_size": None})))


def test_the_lower_median_of_each_row():
    table = np.array([[3.0, 1.0, math.nan, 2.0], [4.0, 1.0, math.inf, math.nan], [math.nan] * 4])
    assert measures.low_median(table).tolist() == pytest.approx([2.0, 1.0, math.nan], nan_ok=True)

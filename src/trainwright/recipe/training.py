"""How long, from which seed, and which weights are kept."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Section, setting


class TrainingSection(Section):
    """The section `training`."""

    epochs: int | Auto = setting(
        "auto",
        "Passes over the training part; each leaves out what does not fill a batch, other pictures every time. `auto`: "
        "by the number of training pictures.",
        unit="epochs",
        source="own choice",
        scale="log",
        ge=1,
        le=100_000,
    )
    seed: int = setting(
        0,
        "Number that all randomness is a function of: split, order, augmentation, initialization, dropout.",
        source="own choice",
        ge=0,
        le=2**31 - 1,
    )
    ema: float = setting(
        0.995,
        "Decay a step of the running average of the weights; where it is above 0, the average is what is evaluated, "
        "kept and shipped. Early on the decay is min(ema, (1+t)/(10+t)). 0: off.",
        source="Polyak & Juditsky 1992; the ramp as in TensorFlow's ExponentialMovingAverage",
        ge=0.0,
        lt=1.0,
    )
    reestimate_batch_norm: bool = setting(
        False,
        "After every epoch, count the running statistics of batch normalization anew over the whole training part, "
        "without augmentation, in the weights that are evaluated, kept and shipped. Costs one pass forward over the "
        "training part an epoch, which counts as time of validation.",
        source="Wu & Johnson 2021, section 3.1",
    )
    sync_batch_norm: bool = setting(
        True,
        "Where several ranks train together, batch normalization takes mean and variance over the whole batch, so that "
        "the net learns what it learns in one process. `false`: each rank by its share of the batch, which saves an "
        "exchange a layer, and their running statistics are averaged. In one process a batch is whole either way.",
        source="Peng et al. 2018, MegDet, section 3.3",
    )
    patience: int = setting(
        0,
        "Epochs without a better validation accuracy after which training stops. 0: never. The best snapshot is kept "
        "either way.",
        unit="epochs",
        source="Prechelt 1998",
        ge=0,
        le=100_000,
    )
    retrain: Literal["none", "restart", "continue"] = setting(
        "none",
        "What is done with the validation pictures once they have chosen the best epoch. `none`: nothing, the best "
        "snapshot is the result. `restart`: train anew from the first weights on training and validation pictures "
        "together, for as many epochs. `continue`: go on from the best snapshot with all of them until the loss of the "
        "added ones is down to that of the training pictures in that snapshot, for as many epochs at most.",
        source="Goodfellow et al. 2016, algorithms 7.2 (restart) and 7.3 (continue)",
    )
    retrain_rate: float = setting(
        0.3,
        "Rate at which `continue` goes on, constant.",
        unit="share of the peak rate",
        source="own choice, measured in benchmarks/results/retraining.md",
        scale="log",
        applies={"retrain": ("continue",)},
        gt=0.0,
        le=1.0,
    )
    guard: bool = setting(
        False,
        "Where a finding says that going on is pointless, or numbers cease to be finite: go back to the newest epoch "
        "from before its sign, or to the start, change what the finding advises first, and go on; three times at most, "
        "each told and kept in the log. A second stage is not guarded.",
        source="own choice",
    )
    checkpoint_every_s: float = setting(
        60.0,
        "A checkpoint is written at the end of every epoch, and within one when this much time has passed.",
        unit="seconds",
        source="own choice",
        ge=0.0,
        le=604_800.0,
    )

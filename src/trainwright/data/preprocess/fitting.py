"""From a decided section and the training part to a preprocessor, in one pass over the pictures.

Legend: C channels, H W height and width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainwright.data.ingest import Progress
from trainwright.data.pictures import Pictures
from trainwright.errors import InputError
from trainwright.recipe import PreprocessSection

from .dimensions import Dimensions
from .preprocessor import Preprocessor
from .statistics import LEVELS, ValueSums, mean_and_std, measure
from .whitening import check_whitening, fit_whitening

BRIGHTEST = LEVELS - 1


@dataclass(frozen=True, eq=False)
class Measured:
    """What centers and scales choose from.

    Attributes:
        mean_C11, std_C11: float64, of u/255 (u: stored value); those of loaded weights where the section says so.
        sums: of each pixel and channel, of stored values.
    """

    mean_C11: Tensor
    std_C11: Tensor
    sums: ValueSums


def fit_preprocessor(
    section: PreprocessSection,
    part: Pictures,
    *,
    source: tuple[Sequence[float], Sequence[float]] | None = None,
    progress: Progress | None = None,
) -> Preprocessor:
    """Measures what the section asks for; deviations are those of a sample (divided by n−1).

    Args:
        section: decided, without `auto`.
        part: the training pictures, at least one.
        source: mean and deviation of u/255 that loaded weights were trained with, C numbers each.
        progress: told what is being done where whitening is fitted.

    Raises:
        InputError: the section says `pretrained`, and there is no source; pictures too large to be whitened.
    """
    _check_source(section, source)
    whiten = section.whiten != "none"
    if whiten:
        check_whitening(*part.images(torch.arange(1)).shape[1:])
    each = whiten or section.center == "image" or section.scale in ("image", "minmax")
    statistics = measure(part, each=each, covariance=whiten, progress=progress)
    mean_C, std_C = (values.tolist() for values in mean_and_std(np.arange(LEVELS) / BRIGHTEST, statistics.levels_CL))
    if source is not None:
        mean_C = source[0] if section.center == "pretrained" else mean_C
        std_C = source[1] if section.scale == "pretrained" else std_C
    if statistics.each is None:
        center, scale = section.center != "none", section.scale != "none"
        return Preprocessor.from_statistics(mean_C, std_C, center=center, scale=scale)
    whitening = None
    if statistics.covariance_VV is not None:
        values = len(statistics.covariance_VV)
        if progress is not None:
            progress("finding the directions to whiten along", 0, values)
        whitening = fit_whitening(section.whiten, statistics.covariance_VV.div_(BRIGHTEST**2), section.epsilon)
        if progress is not None:
            progress("finding the directions to whiten along", values, values)
    # The one pass over a batch then delivers plain u/255, and fills with the mean of each channel.
    return Preprocessor.from_statistics(
        mean_C,
        std_C,
        center=False,
        scale=False,
        dimensions=_fit_dimensions(section, mean_C, std_C, statistics.each),
        whitening=whitening,
    )


def _check_source(section: PreprocessSection, source: object) -> None:
    wanted = [key for key in ("center", "scale") if getattr(section, key) == "pretrained"]
    if wanted and source is None:
        raise InputError(
            "nothing is known of what the net's weights were trained with",
            expected="a timm model with loaded weights",
            got="pretrained",
            where=f"preprocess.{wanted[0]}",
            hint=f"--set preprocess.{wanted[0]}=channel",
        )


def _fit_dimensions(
    section: PreprocessSection, mean: Sequence[float], std: Sequence[float], sums: ValueSums
) -> Dimensions:
    """Chooses what is subtracted from each pixel's channel, and what it is divided by."""
    mean_C11, std_C11 = (torch.tensor(list(values), dtype=torch.float64)[:, None, None] for values in (mean, std))
    measured = Measured(mean_C11, std_C11, sums)
    offset, divisor = CENTERS[section.center](measured), SCALES[section.scale](measured)
    if section.scale == "minmax":
        offset = (sums.low_CHW.double() + sums.high_CHW.double()) / (2 * BRIGHTEST)
    offset_CHW, divisor_CHW = (part.expand(sums.sum_CHW.shape).contiguous() for part in (offset, divisor))
    return Dimensions.from_statistics(offset_CHW, divisor_CHW, sums.constant_CHW)


CENTERS: dict[str, Callable[[Measured], Tensor]] = {
    "none": lambda measured: torch.zeros_like(measured.mean_C11),
    "channel": lambda measured: measured.mean_C11,
    "image": lambda measured: measured.sums.mean_CHW / BRIGHTEST,
    "pretrained": lambda measured: measured.mean_C11,
}
"""Every value of `preprocess.center` but auto, and what it subtracts from u/255."""

SCALES: dict[str, Callable[[Measured], Tensor]] = {
    "none": lambda measured: torch.ones_like(measured.std_C11),
    "channel": lambda measured: measured.std_C11,
    "image": lambda measured: measured.sums.std_CHW / BRIGHTEST,
    "minmax": lambda measured: (measured.sums.high_CHW.double() - measured.sums.low_CHW.double()) / (2 * BRIGHTEST),
    "pretrained": lambda measured: measured.std_C11,
}
"""Every value of `preprocess.scale` but auto, and what it divides by; 0 where nothing is to be divided."""

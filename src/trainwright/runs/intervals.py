"""How far a measured share can be trusted."""

from __future__ import annotations

import math

from ..errors import TrainwrightError

Z_95 = 1.959963984540054
"""The normal distribution holds 95 % of its mass within this many standard deviations."""


def wilson_interval(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Gives Wilson's score interval for the true share behind `successes` out of `n`.

    Chosen over the textbook interval (share ± z·standard error) because that one collapses to zero width at 0 and 1,
    which is where good classifiers live.

    Args:
        successes: how many of the n came out right, 0 to n.
        n: independent trials. 0: nothing is known and the interval is (0, 1).
        z: half-width in standard deviations; the default is for 95 %.
    Returns:
        low and high, 0 to 1.
    Raises:
        TrainwrightError: successes below 0 or above n; a bug of ours.
    Source: Wilson 1927, Journal of the American Statistical Association 22(158).

    >>> low, high = wilson_interval(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    if not 0 <= successes <= n:
        raise TrainwrightError(
            "more successes than trials, or fewer than none", expected=f"0 to {n}", got=str(successes)
        )
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (middle - reach) / scale, (middle + reach) / scale
    # At the ends rounding would leave 1e-17 where the formula is exactly 0 or 1.
    return (0.0 if successes == 0 else low, 1.0 if successes == n else high)

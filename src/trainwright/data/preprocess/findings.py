"""What fitting found that deserves attention."""

from __future__ import annotations

from trainwright.runs.records import Finding

from .preprocessor import Preprocessor


def preprocess_findings(preprocessor: Preprocessor, *, pictures: int) -> list[Finding]:
    """Names dimensions (a pixel's channel) that never change, and whitening that knows too few pictures.

    Silent where channels alone are standardized: the audit tells of constant channels.

    Args:
        pictures: on which the preprocessor was fitted.
    """
    dimensions = preprocessor.dimensions
    if dimensions is None:
        return []
    constant, total = int(dimensions.constant_CHW.sum()), dimensions.constant_CHW.numel()
    found: list[Finding] = []
    if constant:
        found.append(
            Finding(
                code="input-dimensions-constant",
                severity="note",
                summary=f"{constant:,} of {total:,} dimensions (a pixel's channel) hold one value in the whole "
                "training part; they tell nothing, and nothing is divided by their deviation of 0",
                evidence={"constant_dimensions": constant, "dimensions": total},
            )
        )
    if preprocessor.whitening is not None and pictures <= total:
        found.append(
            Finding(
                code="whitening-on-few-pictures",
                severity="warn",
                summary=f"{pictures:,} training pictures cannot show how {total:,} dimensions vary; along directions "
                "that they do not show, new pictures are blown up by 1/√epsilon",
                evidence={"pictures": pictures, "dimensions": total, "epsilon": preprocessor.whitening.epsilon},
                advice={"preprocess.whiten": "none"},
            )
        )
    return found

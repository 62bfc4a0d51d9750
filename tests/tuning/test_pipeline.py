"""The pipelines of a loop of one's own: different where preparation is, and not where classes or chance are."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from trainwright.tuning import Check
from trainwright.tuning.pipeline import check_statistics

from .loops import bars, batches_of, net, subject


def code(check: Check) -> str | None:
    return check.finding.code if check.finding else None


@pytest.mark.parametrize(
    "change", [lambda images: images * 5, lambda images: images + 3, lambda images: images[..., 1:]]
)
def test_validation_that_is_prepared_otherwise(change):
    images_NCHW, labels_N = bars(seed=1)
    check = check_statistics(subject(valid_loader=batches_of(change(images_NCHW), labels_N)))
    assert code(check) == "preprocessing-differs"
    assert check_statistics(subject()).verdict == "passed"
    assert check_statistics(subject(valid_loader=None)).verdict == "skipped"


def uneven(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Gives pictures 1 × 8 × 8 of 4 classes that differ in brightness, class by class: mean 0, deviation 1."""
    labels_N = torch.arange(count) * 4 // count
    noise_NCHW = 0.4 * torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(count))
    return (labels_N - 1.5).view(-1, 1, 1, 1) * 0.8 + noise_NCHW, labels_N


@pytest.mark.parametrize("size", [1, 2, 64])
@pytest.mark.parametrize("as_list", [True, False])
def test_small_batches_and_validation_in_the_order_of_classes_are_no_other_pipeline(size, as_list):
    drawn = torch.Generator().manual_seed(0)
    trained = torch.utils.data.DataLoader(TensorDataset(*uneven(2000)), size, shuffle=True, generator=drawn)
    held = batches_of(*uneven(2001), 128) if as_list else torch.utils.data.DataLoader(TensorDataset(*uneven(2001)), 128)
    given = subject(loader=trained, valid_loader=held)
    check = check_statistics(given)
    assert check.verdict == "passed", check.summary
    assert len(given.unseen(1000).labels) == 512
    assert given.unseen(1000).labels.bincount().tolist() == [128] * 4
    raw = [(images * 5 + 3, labels) for images, labels in batches_of(*uneven(2001), 128)]
    assert check_statistics(subject(loader=trained, valid_loader=raw)).verdict == "failed"


def test_what_may_be_the_classes_or_the_few_pictures_only_warns():
    class Own:
        """A loader that can only be walked through, in the order of classes."""

        def __iter__(self):
            return iter(batches_of(*uneven(4000)))

    trained = batches_of(*(tensor[torch.randperm(2000)] for tensor in uneven(2000)))
    for held, why in (
        (Own(), "one of both shows 1 of 4 classes"),
        (batches_of(*uneven(160))[:1], "shows 2 of 4 classes"),
    ):
        check = check_statistics(subject(loader=trained, valid_loader=held))
        assert (check.verdict, code(check)) == ("warned", "preprocessing-differs")
        assert why in check.summary
        assert check.causes[0].startswith("only that one of both shows ")
    few = [(images[:9] * 9, labels[:9]) for images, labels in trained[:1]]
    assert check_statistics(subject(loader=trained, valid_loader=few)).verdict == "warned"
    numbers = [(images, labels[:, None].float()) for images, labels in trained]
    other = [(images * 5, labels) for images, labels in numbers]
    given = subject(net(1), loader=numbers, valid_loader=other, loss=F.mse_loss)
    assert check_statistics(given).verdict == "failed"

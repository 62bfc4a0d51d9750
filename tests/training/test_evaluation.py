import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support, top_k_accuracy_score
from torch import nn
from torchmetrics.functional.classification import multiclass_calibration_error

from trainwright.data import Batch
from trainwright.training.evaluation import predict_logits
from trainwright.training.machine import Machine
from trainwright.training.tasks import Answers, Classification
from trainwright.training.tasks.classification import calibration_error, class_scores, top_k_accuracy

CPU = Machine(torch.device("cpu"), torch.float32, channels_last=False)


@pytest.fixture
def answers() -> Answers:
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(7, (200,), generator=draw)
    logits = torch.randn(200, 7, generator=draw) + 2 * nn.functional.one_hot(labels, 7)
    return Answers(logits, labels)


def record_of(answers: Answers, k: int = 7):
    names = tuple(f"picture-{i}" for i in range(len(answers.labels_N)))
    return Classification(tuple("abcdefg"[:k])).judge(answers, names=names, part="test", epoch=3)


def test_figures_equal_scikit_learn(answers):
    record = record_of(answers)
    truth, said = answers.labels_N.numpy(), answers.logits_NK.argmax(dim=1).numpy()
    assert record.accuracy == pytest.approx((truth == said).mean())
    assert record.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, said))
    probabilities = answers.logits_NK.double().softmax(dim=1).numpy()
    assert record.top_k_accuracy["5"] == pytest.approx(top_k_accuracy_score(truth, probabilities, k=5))
    precision, recall, f1, count = precision_recall_fscore_support(truth, said, labels=range(7))
    for i, score in enumerate(record.per_class):
        assert (score.precision, score.recall, score.f1) == pytest.approx((precision[i], recall[i], f1[i]))
        assert score.pictures == count[i]
    assert np.trace(np.array(record.confusion_KK)) == (truth == said).sum()


def test_calibration_error_by_hand():
    """Two bins are used: 0.8 said and 3 of 4 right, 0.6 said and 1 of 2 right."""
    said = torch.tensor([0.8, 0.8, 0.8, 0.8, 0.6, 0.6], dtype=torch.float64)
    logits = torch.stack([said, 1 - said], dim=1).log()
    labels = torch.tensor([0, 0, 0, 1, 0, 1])
    record = record_of(Answers(logits, labels), k=2)
    assert record.calibration_error == pytest.approx((4 * abs(0.75 - 0.8) + 2 * abs(0.5 - 0.6)) / 6, abs=1e-6)


@given(st.integers(1, 60), st.integers(2, 6), st.integers(0, 2**31))
def test_calibration_error_is_that_of_torchmetrics(count, k, seed):
    draw = torch.Generator().manual_seed(seed)
    logits_NK = 3 * torch.randn(count, k, generator=draw, dtype=torch.float64)
    labels_N = torch.randint(0, k, (count,), generator=draw)
    reference = multiclass_calibration_error(logits_NK.softmax(dim=1), labels_N, num_classes=k, n_bins=15)
    confidence_N, called_N = logits_NK.softmax(dim=1).max(dim=1)
    ours = calibration_error(confidence_N, called_N == labels_N)
    assert ours == pytest.approx(reference.item(), abs=1e-6), "it computes in float32"


@pytest.mark.parametrize("sure", [0.0, 1 / 15, 1.0])
def test_calibration_error_at_the_ends_of_bins(sure):
    """Each bin holds its upper end, the first also 0."""
    wrong = calibration_error(torch.tensor([sure, sure], dtype=torch.float64), torch.tensor([False, False]))
    assert wrong == pytest.approx(sure)


def test_mistakes_are_the_most_confident_wrong_answers_in_order(answers):
    record = record_of(answers)
    wrong = sum(answers.logits_NK.argmax(dim=1) != answers.labels_N).item()
    assert len(record.mistakes) == min(24, wrong)
    confidences = [mistake.probability for mistake in record.mistakes]
    assert confidences == sorted(confidences, reverse=True)
    for mistake in record.mistakes:
        assert mistake.label == "abcdefg"[answers.labels_N[mistake.row]]
        assert mistake.name == f"picture-{mistake.row}"
        assert mistake.label != mistake.predicted


def test_loss_is_plain_cross_entropy(answers):
    assert record_of(answers).loss == pytest.approx(
        nn.functional.cross_entropy(answers.logits_NK, answers.labels_N).item(), rel=1e-5
    )


def test_a_class_without_pictures_or_calls_has_no_scores():
    scores = class_scores(torch.tensor([[3, 1, 0], [0, 0, 0], [0, 0, 0]]), ("a", "b", "c"))
    assert scores[0].recall == 0.75
    assert (scores[1].recall, scores[1].precision, scores[1].f1) == (None, 0.0, 0.0)
    assert (scores[2].recall, scores[2].precision, scores[2].f1) == (None, None, None)


def test_ties_are_broken_by_class_order():
    even = torch.full((1, 4), 0.25)
    assert top_k_accuracy(even, torch.tensor([1]), 2) == 1.0
    assert top_k_accuracy(even, torch.tensor([2]), 2) == 0.0


def test_asking_leaves_the_model_in_its_mode_and_learns_nothing():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.9), nn.Flatten(), nn.Linear(8, 2))
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    zeros = torch.zeros(3, dtype=torch.int64)
    batches = [Batch(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), zeros, zeros, None)] * 2
    first = predict_logits(model, batches, [lambda b: b.images_NCHW.float()], CPU, Classification(("a", "b")))
    assert model.training
    assert first.shape == (6, 2)
    assert torch.equal(first[:3], first[3:])
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())

"""Records of all kinds, drawn at random, and a disk that is full."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import strategies as st

from trainwright.runs import (
    AnswersRecord,
    ClassScore,
    EpochRecord,
    EvaluationRecord,
    ExperimentRecord,
    Finding,
    Mistake,
    ProbeRecord,
    Record,
    ResumeRecord,
    RetrainRecord,
    StepRecord,
    StopRecord,
    UnitsRecord,
    WatchedTensor,
    WatchRecord,
)

integers = st.integers(1 - 2**63, 2**63 - 1)
"""That JSON keeps."""

st.register_type_strategy(int, integers)

counts = st.integers(0, 10**9)
shares = st.floats(0, 1)
numbers = st.floats()
texts = st.text() | st.binary().map(os.fsdecode)
keys = texts.filter(lambda key: key != "float")
anything = st.recursive(
    st.none() | st.booleans() | integers | numbers | texts,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(keys, anything, max_size=3)

class_scores = st.builds(
    ClassScore, label=texts, pictures=counts, precision=st.none() | shares, recall=st.none() | shares, f1=shares
)
mistakes = st.builds(Mistake, name=texts, row=counts, label=texts, predicted=texts, probability=shares)
steps = st.builds(
    StepRecord,
    step=counts,
    epoch=counts,
    learning_rate=numbers,
    loss=numbers,
    gradient_norm_before_clip=st.none() | numbers,
)
columns = st.lists(st.none() | numbers, max_size=3).map(tuple)
sketches = st.lists(st.lists(counts, max_size=3).map(tuple), max_size=2).map(tuple)
tensors = st.builds(WatchedTensor, shape=st.lists(counts, max_size=4).map(tuple), deviation=st.none() | numbers)
records: st.SearchStrategy[Record] = st.one_of(
    steps,
    st.builds(EpochRecord, valid_loss=st.none() | numbers),
    st.builds(
        EvaluationRecord,
        per_class=st.lists(class_scores, max_size=3).map(tuple),
        confusion_KK=st.lists(st.lists(counts, max_size=3).map(tuple), max_size=3).map(tuple),
        mistakes=st.lists(mistakes, max_size=2).map(tuple),
        top_k_accuracy=st.dictionaries(st.sampled_from(["1", "5"]), shares),
        accuracy_interval=st.tuples(shares, shares),
    ),
    st.builds(ResumeRecord, checkpoint=texts),
    st.builds(RetrainRecord, target_loss=st.none() | numbers, added_loss=st.none() | numbers),
    st.builds(StopRecord, reason=texts),
    st.builds(Finding, evidence=mappings, advice=mappings, layers=st.lists(texts, max_size=2).map(tuple)),
    st.builds(WatchRecord, tensors=st.lists(tensors, max_size=2).map(tuple), settings=mappings),
    st.builds(
        ProbeRecord, gradients=columns, fresh=st.none() | numbers, sketches=sketches, label_counts=st.just((1, 2))
    ),
    st.builds(UnitsRecord, dead=columns, sketches=sketches),
    st.builds(
        ExperimentRecord,
        asked_by=st.lists(texts, max_size=2).map(tuple),
        loss_changed=numbers,
        error=st.none() | numbers,
    ),
    st.builds(AnswersRecord, losses=st.lists(numbers, max_size=3).map(tuple), inputs_id=st.none() | texts),
)


@pytest.fixture(scope="session")
def any_record() -> st.SearchStrategy[Record]:
    """Gives the strategy to tests, which cannot import from here."""
    return records


@pytest.fixture
def full_disk(tmp_path: Path) -> Callable[[], AbstractContextManager[Path]]:
    """Gives a folder on a disk that takes 64 KiB: a small tmpfs where it may be mounted, else a limit on file sizes."""

    @contextmanager
    def limited() -> Iterator[Path]:
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
        if os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            try:
                yield folder
            finally:
                subprocess.run(["umount", "-l", str(folder)], check=True)
            return
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
        try:
            yield folder
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited

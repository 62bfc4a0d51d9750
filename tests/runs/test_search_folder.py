"""The folder of a search gives back what was written, and says what is damaged."""

from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.runs import SearchFolder, TrialRecord, open_search

RECORD = TrialRecord(
    trial=1,
    settings={"optim.lr": 0.1, "optim.name": "sgd", "optim.nesterov": True},
    seed=0,
    epochs=2,
    figure="accuracy",
    value=0.9,
    best_epoch=2,
    ended="completed",
    reason="all 2 epochs done",
    scores=(0.5, 0.9),
    train_losses=(1.0, float("nan")),
    first_loss=2.3,
    epochs_spent=2.0,
    time_s=0.1,
    stage=1,
    fold_values=(0.8, None),
)


@pytest.fixture
def folder(tmp_path) -> SearchFolder:
    folder = SearchFolder(tmp_path / "s")
    folder.write_facts({"study": "s"})
    folder.asked.write_text("data:\n")
    folder.write_trials([RECORD])
    return folder


def test_what_was_written_is_read(folder):
    found = open_search(folder.path)
    assert found.read_facts() == {"study": "s"}
    (record,) = found.read_trials()
    assert repr(record) == repr(RECORD)  # NaN is not itself
    assert found.name == "s"


def test_damage_is_told_with_its_place(folder):
    with folder.trials.open("a") as file:
        file.write('{"type": "trial"}\n')
    with pytest.raises(InputError, match=r"trials.jsonl:2"):
        folder.read_trials()
    folder.facts.write_text("[]")
    with pytest.raises(InputError, match="a file of the search is damaged"):
        folder.read_facts()


def test_a_folder_without_a_search_names_those_beside_it(folder):
    with pytest.raises(InputError) as caught:
        open_search(folder.path.parent / "t")
    assert "there is no search" in str(caught.value)
    assert f"searches in '{folder.path.parent}': s" in str(caught.value)

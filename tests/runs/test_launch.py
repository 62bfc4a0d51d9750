import pytest

from trainwright.errors import InputError
from trainwright.runs import launched, refuse_ranks
from trainwright.runs.launch import Launch

TORCHRUN = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "node1",
    "MASTER_PORT": "29500",
}


def test_a_rank_is_read_from_what_torchrun_sets():
    assert launched(TORCHRUN) == Launch(rank=3, world=4, local_rank=1, local_world=2)
    assert not launched(TORCHRUN).leads


@pytest.mark.parametrize(
    "variables", [{}, {"MASTER_ADDR": "node1"}, {"RANK": "0", "WORLD_SIZE": "1"}, {"WORLD_SIZE": "1"}]
)
def test_one_process_needs_nothing(variables):
    assert launched(variables) == Launch()


@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"])
def test_a_half_set_environment_is_refused(name):
    with pytest.raises(InputError) as caught:
        launched({key: value for key, value in TORCHRUN.items() if key != name})
    assert caught.value.got == f"no {name}"
    assert "torchrun" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RANK", "4", "0 to 3"),
        ("RANK", "-1", "0 to 3"),
        ("WORLD_SIZE", "two", "1 or more"),
        ("LOCAL_RANK", "2", "0 to 1"),
        ("LOCAL_WORLD_SIZE", "5", "1 to 4"),
    ],
)
def test_numbers_that_cannot_be_right_are_refused(name, value, expected):
    with pytest.raises(InputError, match=f"{name} is no number that can be right") as caught:
        launched({**TORCHRUN, name: value})
    assert (caught.value.expected, caught.value.got) == (expected, repr(value))


def test_the_line_that_starts_again_says_how_many():
    assert launched(TORCHRUN).command("train").startswith("torchrun --nnodes 2 … --nproc-per-node 2 -m trainwright")


def test_other_commands_need_one_process(monkeypatch):
    refuse_ranks("predict")
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="predict works in one process; only train works in several"):
        refuse_ranks("predict")

"""Two ranks against one process: real processes that exchange by gloo make the same steps on shares of the batches.

What they do stands in one_of_two_ranks.py.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trainwright.errors import InputError
from trainwright.training import ALONE
from trainwright.training.distributed import Ranks
from trainwright.training.machine import device_of_rank
from trainwright.training.synchronizing import sum_step

WORK = Path(__file__).with_name("one_of_two_ranks.py")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict]]:
    """What one process and two ranks have measured."""
    alone, two = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("two")
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    usual = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [subprocess.Popen([sys.executable, WORK, alone], env=usual)]
    for rank in "01":
        place = {"RANK": rank, "WORLD_SIZE": "2", "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": "2"}
        started.append(subprocess.Popen([sys.executable, WORK, two], env={**usual, **place}))
    try:
        assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    finally:
        for process in started:
            process.kill()
            process.wait()
    return {"alone": [torch.load(alone / "0.pt")], "two": [torch.load(two / f"{rank}.pt") for rank in (0, 1)]}


def test_batch_normalization_takes_its_statistics_over_the_whole_batch(measured):
    (whole,), ranks = ([each["batch_norm"] for each in measured[name]] for name in ("alone", "two"))
    draw = torch.Generator().manual_seed(0)
    maps = torch.randn(7, 5, 3, 2, generator=draw, dtype=torch.float64) * 3 + 10
    torch.testing.assert_close(whole["mean"], 0.1 * maps.mean((0, 2, 3)))  # the reference is torch's own layer
    for name in ("out", "frozen", "gradient"):
        torch.testing.assert_close(torch.cat([rank[name] for rank in ranks]), whole[name], rtol=1e-10, atol=1e-10)
    for name in ("weight", "bias", "mean", "variance"):
        for rank in ranks:
            torch.testing.assert_close(rank[name], whole[name], rtol=1e-10, atol=1e-10)


def test_steps_on_uneven_shares_come_to_the_weights_of_one_process(measured):
    (whole,), ranks = ([each["steps"] for each in measured[name]] for name in ("alone", "two"))
    assert whole["norm"].max() > 0.5, "clipping acted"
    assert whole["penalty"].min() > 0
    for rank in ranks:
        assert rank.keys() == whole.keys()
        for name, tensor in whole.items():
            told = name in ("loss", "penalty", "norm")
            torch.testing.assert_close(rank[name], tensor, rtol=1e-5 if told else 1e-9, atol=1e-9, msg=name)
    assert all(torch.equal(ranks[0][name], ranks[1][name]) for name in whole), "bit for bit alike on both"
    assert torch.equal(whole["unused"], torch.ones(2)), "what no loss reaches does not decay"


def test_without_synchronizing_ranks_normalize_by_their_shares_and_keep_common_statistics(measured):
    (whole,), ranks = ([each["apart"] for each in measured[name]] for name in ("alone", "two"))
    assert all(torch.equal(ranks[0][name], ranks[1][name]) for name in whole)
    assert not torch.allclose(ranks[0]["layers.0.weight"], whole["layers.0.weight"], rtol=1e-4)
    torch.testing.assert_close(measured["alone"][0]["steps"], whole, rtol=0, atol=0)


def test_every_picture_is_answered_once_and_in_order(measured):
    for each in [*measured["alone"], *measured["two"]]:
        assert each["answers"]["answers to 5"].tolist() == [[0.0], [1.0], [2.0], [3.0], [4.0]]
        assert each["answers"]["answers to 1"].tolist() == [[0.0]]


def test_statistics_are_counted_anew_over_the_batches_of_all(measured):
    for each in measured["two"]:
        assert each["statistics"]["mean anew"].item() == 5.5
        torch.testing.assert_close(each["statistics"], measured["alone"][0]["statistics"])


def test_a_loss_that_is_not_finite_on_one_rank_stops_the_step_on_all(measured):
    for each in [*measured["alone"], *measured["two"]]:
        assert each["spoiled"] == "loss nan, weights as before"


def test_ranks_agree_on_an_interruption_and_hear_rank_0(measured):
    for each in [*measured["alone"], *measured["two"]]:
        assert each["interrupted"] == "SIGTERM"
        assert each["told"] == "by rank 0"


def test_noise_goes_by_the_deviation_over_all_ranks(measured):
    numbers = torch.arange(7.0) ** 2
    for each in [*measured["alone"], *measured["two"]]:
        torch.testing.assert_close(each["deviation"].mean(), numbers.std(correction=0), rtol=1e-5, atol=0)


def test_ranks_draw_different_numbers_in_a_step(measured):
    first, second = measured["two"]
    assert first["drawn"] == second["drawn"]
    assert len(set(first["drawn"])) == 2


def test_one_process_is_a_world_of_its_own_and_draws_on():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    ALONE.begin_step(seed=1, step=1)
    assert torch.equal(before, torch.get_rng_state())
    assert (ALONE.leads, ALONE.gathered(3), ALONE.told("x")) == (True, [3], "x")
    assert ALONE.share(torch.arange(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["mps", "cuda:1"])
def test_ranks_need_devices_of_their_own(name):
    with pytest.raises(InputError, match=f"2 ranks cannot train on {name}"):
        device_of_rank(name, Ranks(1, 2, 1))
    assert device_of_rank("cpu", Ranks(1, 2, 1)) == "cpu"


def test_sums_of_a_world_of_one_change_nothing():
    model = torch.nn.Linear(2, 1)
    model(torch.ones(1, 2)).sum().backward()
    kept = [parameter.grad.clone() for parameter in model.parameters()]
    assert sum_step(model, [1.5, 2], ALONE) == [1.5, 2.0]
    assert all(torch.equal(parameter.grad, grad) for parameter, grad in zip(model.parameters(), kept, strict=True))

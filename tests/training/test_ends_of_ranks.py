"""How a rank ends, by what it finds in the store where the ranks met; the exchanges themselves are broken here."""

from __future__ import annotations

import pickle
import signal
import socket
from datetime import timedelta

import pytest
import torch
import torch.distributed
from torch.nn import functional as F

from trainwright.errors import InputError, Interrupted
from trainwright.training import ALONE, RankLost, distributed
from trainwright.training.build import check_shares
from trainwright.training.compiling import check_compiling
from trainwright.training.distributed import Ranks, opened_ranks
from trainwright.training.lost_ranks import OfAnotherRank
from trainwright.training.synchronizing import WholeBatch


class Store(dict):
    """A store of words in this process."""

    def set(self, name: str, value: bytes) -> None:
        self[name] = value

    def check(self, names: list[str]) -> bool:
        return all(name in self for name in names)

    def get(self, name: str) -> bytes:
        return self[name]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """Waits shortly, destroys no group, and keeps this process's own signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(distributed, "SEEN_AFTER_S", 0.05)
    monkeypatch.setattr(distributed, "TAKEN_OVER_AFTER_S", 0.05)
    monkeypatch.setattr(distributed, "LOOKS_EVERY_S", 0.01)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def broken() -> None:
    raise RuntimeError("[/gloo/tcp/pair.cc:545] Connection closed by peer [10.0.0.2]:7. This is typically caused by …")


def failed(code: int, text: str) -> bytes:
    return pickle.dumps((code, text))


@pytest.mark.parametrize(
    ("here", "who"),
    [
        ({}, "ranks 1, 2 are gone, of 3"),
        ({"here/2": b""}, "rank 1 is gone, of 3"),
        ({"here/1": b"", "here/2": b""}, "the 3 ranks cannot reach each other any more"),
    ],
)
def test_who_is_gone_is_found_out_by_who_is_still_there(here, who):
    with pytest.raises(RankLost) as caught:
        Ranks(0, 3, store=Store(here))._together(broken)
    assert (caught.value.problem, caught.value.got) == (who, "Connection closed by peer [10.0.0.2]:7")
    assert caught.value.exit_code == 3
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN, "torchrun ends who is left; the message comes first"


def test_rank_0_is_gone_with_its_store(monkeypatch):
    store = Store()
    monkeypatch.setattr(store, "check", lambda names: broken())
    with pytest.raises(RankLost, match="rank 0 is gone, of 2"):
        Ranks(1, 2, store=store)._together(broken)


def test_a_rank_that_said_why_it_failed_is_believed():
    store = Store({"failed/1": failed(2, "no such data")})
    with pytest.raises(OfAnotherRank, match="on rank 1: no such data") as caught:
        Ranks(0, 2, store=store)._together(broken)
    assert caught.value.exit_code == 2


def begun(monkeypatch, rank: int, store: Store) -> Ranks:
    for name, value in {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setattr(distributed, "_meet", lambda *place: Ranks(*place, store=store))


def test_rank_0_raises_its_own_error_and_lets_the_others_know(monkeypatch):
    begun(monkeypatch, 0, store := Store())
    with pytest.raises(InputError, match="wrong"), opened_ranks():
        raise InputError("wrong")
    assert pickle.loads(store["failed/0"]) == (2, "wrong")


@pytest.mark.parametrize(
    ("said", "silent"), [({"failed/0": failed(2, "x")}, True), ({"ended/0": b""}, True), ({}, False)]
)
def test_another_rank_leaves_the_word_to_rank_0_while_it_is_there(monkeypatch, capsys, said, silent):
    def work() -> None:
        print("not to be heard")
        raise InputError("wrong")

    begun(monkeypatch, 1, store := Store(said))
    with pytest.raises(SystemExit if silent else InputError) as caught, opened_ranks():
        work()
    assert (caught.value.code if silent else caught.value.exit_code) == 2
    assert pickle.loads(store["failed/1"]) == (2, "wrong")
    assert capsys.readouterr().out == ""


def test_a_bug_on_another_rank_is_told_with_its_traceback(monkeypatch):
    begun(monkeypatch, 1, store := Store({"ended/0": b""}))
    with pytest.raises(SystemExit) as caught, opened_ranks():
        _ = 1 / 0
    code, text = pickle.loads(store["failed/1"])
    assert (caught.value.code, code) == (1, 1)
    assert "ZeroDivisionError" in text


def test_a_signal_that_came_since_another_rank_failed_is_not_taken_for_the_users(monkeypatch):
    begun(monkeypatch, 0, Store({"failed/1": failed(2, "no such file")}))
    with pytest.raises(OfAnotherRank, match="on rank 1: no such file"), opened_ranks():
        raise Interrupted("interrupted before training began")


class Awaited(Store):
    """A store in which rank 0 says its end, or is gone with it, only after many looks."""

    def __init__(self, end: bytes | None, **said: bytes) -> None:
        super().__init__({name.replace("_", "/"): value for name, value in said.items()})
        self.end, self.looks = end, 0

    def check(self, names: list[str]) -> bool:
        self.looks += 1
        if self.looks > 60:
            if self.end is None:
                broken()
            self["failed/0"] = self.end
        return super().check(names)


class Slow(Store):
    """A store in which rank 1 comes, or fails, only after many looks."""

    looks = 0

    def check(self, names: list[str]) -> bool:
        self.looks += 1
        if self.looks > 20:
            self.update(self.pop("later", {}))
        return super().check(names)


def test_ranks_wait_for_one_that_reads_for_long():
    store = Slow(later={"looked/1": b""})
    Ranks(0, 2, store=store).wait_for_all("looked")
    assert (store.looks > 20, store["looked/0"]) == (True, b"")
    with pytest.raises(OfAnotherRank, match="on rank 1: no such picture"):
        Ranks(0, 2, store=Slow(later={"failed/1": failed(2, "no such picture")})).wait_for_all("looked")
    ALONE.wait_for_all("looked")


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), SystemExit(130), Interrupted("after step 5"), OfAnotherRank("interrupted", 130)],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("end", [failed(130, "after step 5"), None], ids=["says so", "gone"])
@pytest.mark.parametrize("others", [{}, {"failed_2": failed(130, "interrupted")}], ids=["first", "not the first"])
def test_a_follower_that_is_told_to_end_waits_for_rank_0_as_long_as_it_takes(monkeypatch, error, end, others):
    begun(monkeypatch, 1, store := Awaited(end, **others))
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(SystemExit) as caught, opened_ranks():
        raise error
    assert caught.value.code == 130
    assert store.looks > 60, "0.6 s, where another failure is taken over after 0.05 s"


def test_a_failure_goes_before_an_interruption_that_follows_it():
    store = Store({"failed/0": failed(130, "interrupted"), "failed/2": failed(2, "no such file")})
    with pytest.raises(OfAnotherRank, match="on rank 2: no such file"):
        Ranks(1, 3, store=store).raise_failure()


def test_rank_0_says_nothing_more_to_ranks_of_which_one_has_failed():
    with pytest.raises(OfAnotherRank, match="on rank 1: interrupted"):
        Ranks(0, 2, store=Store({"failed/1": failed(130, "interrupted")})).told("go on")


def test_rank_0_waits_at_the_end_until_the_others_know_and_misses_none(monkeypatch):
    monkeypatch.setattr(Ranks, "told", lambda ranks: ranks.raise_failure())
    store = Slow(later={"ended/1": b""})
    monkeypatch.setattr(distributed, "SEEN_AFTER_S", 5)
    Ranks(0, 2, store=store).part()
    assert (store.looks > 20, store["ended/0"]) == (True, b"")
    Ranks(0, 2, store=(store := Store({"failed/1": failed(130, "interrupted")}))).part()
    assert store["ended/0"] == b"", "the other waits for it"


def test_another_rank_leaves_only_when_rank_0_is_done(monkeypatch):
    monkeypatch.setattr(Ranks, "told", lambda ranks: ranks.raise_failure())
    Ranks(1, 2, store=(store := Store())).part()
    assert store == {"ended/1": b""}
    with pytest.raises(OfAnotherRank, match="no space left"):
        Ranks(1, 2, store=Store({"failed/0": failed(1, "no space left")})).part()
    ALONE.part()


def test_a_block_inside_of_a_block_has_the_same_ranks_and_the_end_of_a_command_is_none(monkeypatch):
    begun(monkeypatch, 0, store := Store())
    with pytest.raises(SystemExit) as caught, opened_ranks() as outer, opened_ranks() as inner:
        raise SystemExit(0 if inner is outer else 1)
    assert caught.value.code == 0
    assert store == {}


def test_ranks_that_do_not_meet_are_told(monkeypatch):
    for name, value in {"RANK": 1, "WORLD_SIZE": 2, "MASTER_ADDR": "nowhere.invalid", "MASTER_PORT": "x"}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(InputError, match="rank 1 of 2 does not meet the others") as caught:
        distributed._meet(1, 2, 0)
    assert caught.value.expected == "all 2 at nowhere.invalid:x, within 5 minutes"


def test_ranks_wait_shortly_for_those_that_do_not_come_and_say_for_whom(monkeypatch, capsys):
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = str(some.getsockname()[1])
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "MEETING", timedelta(seconds=1))
    with pytest.raises(InputError, match="rank 0 of 2 does not meet the others"):
        distributed._meet(0, 2, 0)
    assert capsys.readouterr().err == f"waiting for 2 ranks at 127.0.0.1:{port}\n"


def test_signals_end_a_rank_at_once_while_it_waits_for_the_others(monkeypatch):
    begun(monkeypatch, 0, Store())
    heard: list[object] = []

    def meet(*place: int) -> Ranks:
        heard.extend(signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT))
        return Ranks(*place, store=Store())

    monkeypatch.setattr(distributed, "_meet", meet)
    before = signal.getsignal(signal.SIGINT)
    with opened_ranks():
        assert signal.getsignal(signal.SIGINT) == before
    assert heard == [signal.SIG_DFL, signal.SIG_DFL]


def test_one_value_a_channel_is_too_few_for_all_ranks_as_for_one():
    with WholeBatch(ALONE), pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        F.batch_norm(torch.ones(1, 2, 1, 1), None, None, training=True)


def test_ranks_do_not_compile():
    with pytest.raises(InputError, match="a compiled net cannot be trained by several ranks"):
        check_compiling(torch.device("cpu"), Ranks(0, 2))


def test_a_batch_needs_a_picture_for_every_rank():
    check_shares(2, Ranks(0, 2))
    with pytest.raises(InputError, match="a batch has fewer pictures than there are ranks to share it") as caught:
        check_shares(2, Ranks(0, 3))
    assert caught.value.expected == "at least 3 a batch, one for each rank"

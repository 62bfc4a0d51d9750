"""Journals and databases of trials: damage, connections that break, passwords."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy.exc

from trainwright.errors import InputError
from trainwright.runs import WriteFailed
from trainwright.tuning import storage
from trainwright.tuning.storage import attributes, keep_attributes, open_storage, without_password

from .test_study import BOX, go_on, judged, opened


def test_a_killed_writer_leaves_a_lock_and_half_a_line_that_are_mended(tmp_path, monkeypatch):
    path = tmp_path / "journal.log"
    study = opened(path)
    study.lay_out(BOX, [], [])
    go_on(study, 2)
    (tmp_path / "journal.log.lock").symlink_to(path)
    with path.open("ab") as file:
        file.write(b'{"op_code": 5, "half')
    monkeypatch.chdir(tmp_path)
    later = opened(Path("journal.log"))
    later.lay_out(BOX, [], [])
    assert len(go_on(later)) == 12
    assert [one.name for one in tmp_path.iterdir()] == ["journal.log"]


def test_damage_in_the_middle_of_a_journal_is_told_and_nothing_is_cut_off(tmp_path):
    path = tmp_path / "journal.log"
    opened(path).lay_out(BOX, [], [])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(blob := lines[0] + lines[1][:20] + b"".join(lines[2:]) + b'{"op_code": 5, "half')
    with pytest.raises(InputError, match="the journal of the search is damaged") as told:
        open_storage(path)
    assert "line 2: " in str(told.value)
    assert "head -n 1 " in str(told.value)
    assert path.read_bytes() == blob


@pytest.mark.parametrize("content", ["my notes", "[1]\n", "{}\n", "one\ntwo"])
def test_a_file_that_is_no_journal_is_left_as_it_is(content, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(InputError, match="or is none"):
        open_storage(path)
    assert path.read_text() == content
    path.write_text('{"op_c')  # the first line of a journal, torn
    open_storage(path)
    assert path.read_text() == ""


@pytest.mark.parametrize("where", ["postgresql://nobody@127.0.0.1:1/x", "nosuch://x"])
def test_a_storage_that_cannot_be_reached_is_told(where):
    with pytest.raises(InputError, match="the storage of the search cannot be reached"):
        open_storage(where)


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("postgresql://ada:geheim@h:5/db?connect_timeout=3", "postgresql://ada@h:5/db?connect_timeout=3"),
        ("postgresql://h/db?user=ada&password=geheim", "postgresql://h/db?user=ada"),
        ("postgresql://ada:ge@he:im/x@h/db", "postgresql://ada@h/db"),
        ("no scheme://ada:geheim@h", "no scheme://ada@h"),
        ("sqlite:///rel.db", "sqlite:///rel.db"),
        ("a/b@c:d.log", "a/b@c:d.log"),
    ],
)
def test_a_password_is_shown_nowhere(where, shown):
    assert without_password(where) == shown
    if "://a" in where:
        with pytest.raises(InputError) as told:
            open_storage(where)
        assert "geheim" not in str(told.value)
        assert f"--storage {shown}" in str(told.value)


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Keeps everybody else from a database."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


def test_a_database_that_does_not_answer_for_a_while_is_asked_again(tmp_path, monkeypatch):
    path = tmp_path / "trials.db"
    study = opened(f"sqlite:///{path}?timeout=0.01", "random", trials=2)
    study.lay_out(BOX, [], [])
    trial = study.ask()
    asked = []
    with locked(path) as other:

        def sleep(_seconds):
            asked.append(True)
            if len(asked) == 2:
                other.rollback()

        monkeypatch.setattr(storage.time, "sleep", sleep)
        assert study.pruner(trial)(1, 0.5) is None
    assert len(asked) == 2
    assert study.tell(trial, judged(1, study.settings(trial), 0.5))
    assert [one.value for one in study.records()] == [0.5]


def test_a_database_that_is_gone_is_told_with_the_way_to_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "PATIENCE_S", 0.0)
    path = tmp_path / "trials.db"
    held = open_storage(f"sqlite:///{path}?timeout=0.01", "say it again")
    keep_attributes(held, "s", {}.items())
    with locked(path), pytest.raises(storage.StorageLost) as told:
        attributes(held, "s")
    assert "does not answer any more" in str(told.value)
    assert "OperationalError: database is locked" in str(told.value)
    assert "say it again; no finished trial is lost" in str(told.value)


def test_what_is_wrong_with_what_is_asked_is_not_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(storage.time, "sleep", None)
    held = open_storage(f"sqlite:///{tmp_path / 'trials.db'}")
    monkeypatch.setattr(held._backend, "get_all_studies", lambda: held._backend.engine.connect().exec_driver_sql("x"))
    monkeypatch.setattr(storage, "OperationalError", storage.InterfaceError)
    with pytest.raises(sqlalchemy.exc.OperationalError):
        held.get_all_studies()


def test_a_journal_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    held = open_storage(tmp_path / "a")
    (tmp_path / "a").unlink()
    (tmp_path / "a").mkdir()
    with pytest.raises(WriteFailed, match="a could not be written"):
        keep_attributes(held, "s", {}.items())


def test_a_journal_in_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        open_storage(tmp_path / "none" / "journal.log")


def test_attributes_of_a_search_are_kept_beside_its_stages(tmp_path):
    held = open_storage(tmp_path / "a")
    assert attributes(held, "s") is None
    keep_attributes(held, "s", {"space": {"optim.lr": "log:1:2"}}.items())
    assert attributes(open_storage(tmp_path / "a"), "s") == {"space": {"optim.lr": "log:1:2"}}

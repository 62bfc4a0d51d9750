"""Reads the packed records of the corpus, run by run."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from halves import Half

from trainwright.runs import History, Record
from trainwright.runs.history import Columns
from trainwright.runs.serializing import from_plain

CORPUS = Path(__file__).parent / "corpus"


def histories(half: Half) -> Iterator[tuple[str, History]]:
    """Gives name and history of every run of a half."""
    for head, history in packed(CORPUS / f"{half}.jsonl.xz"):
        yield head["run"], history


def packed(path: Path) -> Iterator[tuple[Mapping[str, Any], History]]:
    """Gives the head and the history of every run of a packed file; a head is a line that names a `run`."""
    head, records = dict[str, Any](), list[Record]()
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            plain = json.loads(line)
            if "run" in plain:
                if head:
                    yield head, History.of(records)
                head, records = plain, []
            else:
                records.append(from_plain(plain))
    if head:
        yield head, History.of(records)


def until(history: History, epoch: int) -> History:
    """Gives a run as it stood at the end of an epoch."""
    return replace(
        history,
        epochs=Columns(tuple(row for row in history.epochs.rows if row.epoch <= epoch)),
        steps=Columns(tuple(row for row in history.steps.rows if row.epoch <= epoch)),
        probes=Columns(tuple(row for row in history.probes.rows if row.epoch <= epoch)),
        units=Columns(tuple(row for row in history.units.rows if row.epoch <= epoch)),
        answers=Columns(tuple(row for row in history.answers.rows if row.epoch <= epoch)),
        stop=None,
    )

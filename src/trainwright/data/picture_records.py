"""What reading a picture tells beside its pixels, as columns: one row for each picture of the catalog.

Legend: N pictures, C channels, F numbers of a fingerprint.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from .fingerprints import FINGERPRINT_SIZE

DIGEST_BYTES = 32


@dataclass(frozen=True, eq=False)
class PictureRecords:
    """Columns over the N pictures of a catalog; rows of unreadable pictures are zero but for what is known.

    Args:
        readable_N: bool.
        sha256_ND: uint8 N 32, of the file's bytes; of the pixel values where the data come as numbers.
        pixels_ND: uint8 N 32, sha256 of the picture as it stands in the store.
        width_N, height_N: int32, upright and before resizing, in pixels.
        kind_N: int16, index into `kinds`.
        animated_N: bool, more pictures followed in the file.
        low_NC, high_NC: uint8, smallest and largest value of each channel in the store.
        fingerprint_NF: uint8, see `fingerprints.fingerprint`.
        whole_N: uint32, CRC-32 of the whole picture before it was made square; 0 where the store has it as it came.
        whole_NF: uint8, fingerprint of the whole picture, its sides squashed to a square.
        blank_N: bool, the whole picture shows one single color.
        kinds: what the files are, format and mode: `JPEG RGB`.
        reasons: row → why the picture cannot be read.
    """

    readable_N: np.ndarray
    sha256_ND: np.ndarray
    pixels_ND: np.ndarray
    width_N: np.ndarray
    height_N: np.ndarray
    kind_N: np.ndarray
    animated_N: np.ndarray
    low_NC: np.ndarray
    high_NC: np.ndarray
    fingerprint_NF: np.ndarray
    whole_N: np.ndarray
    whole_NF: np.ndarray
    blank_N: np.ndarray
    kinds: tuple[str, ...]
    reasons: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.readable_N)

    def sha256(self, row: int) -> str:
        """Returns the sha256 of one picture in hexadecimal."""
        return self.sha256_ND[row].tobytes().hex()

    @property
    def one_color_N(self) -> np.ndarray:
        """Tells of which pictures the store shows one single color: bool."""
        return (self.low_NC == self.high_NC).all(axis=1)

    def take(self, rows: np.ndarray) -> PictureRecords:
        """Returns the records of some rows, in their order; reasons are left out."""
        columns = {column.name: getattr(self, column.name)[rows] for column in fields(self)[:-2]}
        return replace(self, **columns, reasons={})


def empty_records(pictures: int, channels: int) -> PictureRecords:
    """Makes records of zeros to be filled in, all unreadable so far."""
    return PictureRecords(
        readable_N=np.zeros(pictures, bool),
        sha256_ND=np.zeros((pictures, DIGEST_BYTES), np.uint8),
        pixels_ND=np.zeros((pictures, DIGEST_BYTES), np.uint8),
        width_N=np.zeros(pictures, np.int32),
        height_N=np.zeros(pictures, np.int32),
        kind_N=np.zeros(pictures, np.int16),
        animated_N=np.zeros(pictures, bool),
        low_NC=np.zeros((pictures, channels), np.uint8),
        high_NC=np.zeros((pictures, channels), np.uint8),
        fingerprint_NF=np.zeros((pictures, FINGERPRINT_SIZE), np.uint8),
        whole_N=np.zeros(pictures, np.uint32),
        whole_NF=np.zeros((pictures, FINGERPRINT_SIZE), np.uint8),
        blank_N=np.zeros(pictures, bool),
        kinds=(),
        reasons={},
    )


def records_to_bytes(records: PictureRecords) -> bytes:
    """Writes records as an `.npz` archive with the words in it as JSON; nothing in it needs pickle."""
    words = json.dumps({"kinds": records.kinds, "reasons": {str(row): text for row, text in records.reasons.items()}})
    columns = {column.name: getattr(records, column.name) for column in fields(records)[:-2]}
    buffer = io.BytesIO()
    np.savez(buffer, words=np.frombuffer(words.encode(), np.uint8), **columns)
    return buffer.getvalue()


def records_from_bytes(blob: bytes) -> PictureRecords:
    """Reads what `records_to_bytes` wrote; the caller has checked that no byte changed."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    words = json.loads(columns.pop("words").tobytes())
    reasons = {int(row): text for row, text in words["reasons"].items()}
    return PictureRecords(**columns, kinds=tuple(words["kinds"]), reasons=reasons)

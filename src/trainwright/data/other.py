"""Other pictures for a trained net: the same reading, its own classes, nothing divided."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainwright.errors import InputError
from trainwright.recipe import DataSection

from .catalog import quoted
from .decoding import UnreadablePicture, decode_resized, strict_pillow
from .ingest import Progress, Reading
from .part import Part, part_of
from .prepare import true_of
from .sources import open_catalog
from .store import open_store
from .target_checks import check_standardized
from .targets import Scale


@dataclass(frozen=True, eq=False)
class OtherPictures:
    """Pictures for a net that was trained on others.

    Args:
        part: the readable ones, sorted by name.
        sha256s: of each of them, as in the run's split.
        rejected: (name, reason) of each that cannot be read.
    """

    part: Part
    sha256s: tuple[str, ...]
    rejected: tuple[tuple[str, str], ...]


def prepare_other(
    section: DataSection,
    *,
    classes: Sequence[str],
    img_size: int,
    channels: int,
    scale: Scale | None = None,
    workers: int = 0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> OtherPictures:
    """Reads pictures whose answers are known, to judge a net that was trained on others.

    Where the data bring a test part, that is taken, else all their pictures.

    Args:
        section: names the data; read with its settings.
        classes: the net's K class names, in the order of its outputs.
        img_size: side of the net's pictures, pixels.
        channels: of the net's pictures.
        scale: by which the net's targets are standardized, where they are numbers.
        workers: threads that read pictures; 0 reads in the calling thread.
        cache_dir: where decoded pictures are kept; None: $TRAINWRIGHT_CACHE, else the user's cache folder.
        progress: told what is being done, how many are done, of how many.

    Raises:
        InputError: no such data, nothing readable, a class that the net does not know, or a number that no float32
            holds when it is standardized.
    """
    catalog = open_catalog(section, to_train=False)
    known = catalog.labels if catalog.targets is None else catalog.targets.names
    unknown = sorted(set(known) - set(classes))
    if unknown:
        raise InputError(
            f"the data have {'classes' if catalog.targets is None else 'labels'} that the net was not trained on",
            expected=f"some of {quoted(classes)}",
            got=quoted(unknown),
            where=catalog.title,
            hint="rename them, or leave them out",
        )
    reading = Reading(
        img_size=img_size,
        channels=channels,
        fit=section.fit,
        scaled_decoding=section.scaled_decoding,
        max_pixels=section.max_pixels,
    )
    store = open_store(catalog, reading, cache=section.cache, cache_dir=cache_dir, workers=workers, progress=progress)
    own_test = "test" in catalog.splits
    wanted = [row for row in range(len(catalog)) if not own_test or catalog.splits[row] == "test"]
    rows = sorted((row for row in wanted if store.records.readable_N[row]), key=lambda row: catalog.names[row])
    if rows and catalog.targets is not None and not (rows := catalog.targets.paired(rows)):
        raise InputError("no pair has both its pictures among them", got="no pair", where=catalog.title)
    if not rows:
        name, reason = catalog.names[wanted[0]], store.records.reasons[wanted[0]]
        raise InputError(
            f"none of the {len(wanted):,} pictures can be read", got=f"'{name}': {reason}", where=catalog.title
        )
    if scale is not None:
        check_standardized(catalog, rows, scale)
    part = part_of(
        store.images_SCHW,
        np.array(rows, np.int64),
        true_of(catalog, rows, classes, scale),
        np.arange(len(rows), dtype=np.int64),
        [catalog.names[row] for row in rows],
        None,
        on_disk=store.kind == "disk",
        pairs=None if catalog.targets is None else catalog.targets.take(rows).pairs_P2,
    )
    return OtherPictures(
        part,
        sha256s=tuple(store.records.sha256(row) for row in rows),
        rejected=tuple(
            (catalog.names[row], store.records.reasons[row]) for row in wanted if row in store.records.reasons
        ),
    )


def read_pictures(paths: Sequence[Path], reading: Reading, *, workers: int) -> Iterator[np.ndarray | str]:
    """Reads picture files exactly as the store does, in parallel, and yields one item for each, in order.

    Args:
        paths: the files.
        reading: the settings that the net was trained with.
        workers: threads that read, at least 1.

    Returns: uint8 C H W, or the reason why a file gives no picture.
    """

    def read(path: Path) -> np.ndarray | str:
        try:
            return decode_resized(path, **dataclasses.asdict(reading))
        except UnreadablePicture as error:
            return str(error)

    with strict_pillow(), ThreadPoolExecutor(workers) as pool:
        yield from pool.map(read, paths)

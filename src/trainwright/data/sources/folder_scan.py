"""Walks a folder and lists the picture files in it, folder by folder. Opens no file."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

from trainwright.data.printable_names import printable
from trainwright.errors import InputError

PICTURE_SUFFIXES = frozenset(
    f".{ending}"
    for endings in ("jpg jpeg jpe jfif jp2", "png gif bmp dib webp avif", "tif tiff tga", "ppm pgm pbm pnm")
    for ending in endings.split()
)
"""Suffixes, in small letters, of the picture formats that Pillow decodes."""


@dataclass(frozen=True)
class Branch:
    """One folder that holds pictures: its path below the root with `/` ("" for the root), its path for opening, and
    the names of its picture files, sorted. Names are as the operating system gives them."""

    relative: str
    path: str
    files: list[str]


@dataclass
class Scan:
    """What a walk found: folders with pictures sorted by path, folders without, files that are no pictures by suffix,
    and links that were not followed."""

    branches: list[Branch] = field(default_factory=list)
    barren: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def scan_folder(root: str) -> Scan:
    """Lists all pictures below a folder in sorted order, fast: one `scandir` a folder, no `stat` a file.

    Hidden files and folders are left out and counted. A file is a picture by its suffix; a broken link with such a
    suffix counts as a picture too, so that decoding reports it by name. A link to a folder outside the root is
    followed, once; one to a folder inside the root, or above it, is not: its pictures would come twice, or for ever.

    Raises:
        InputError: a folder cannot be read.
    Source: own choice
    """
    found = Scan()
    real_root = os.path.realpath(root)
    seen: set[tuple[int, int]] = set()
    pending = [("", root, False)]
    while pending:
        relative, path, is_link = pending.pop()
        try:
            if is_link and (reason := _loop(path, real_root)):
                found.notes.append(f"the link {printable(relative)} leads {reason} and was not followed")
                continue
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                found.notes.append(f"the folder {printable(relative)} is another one again and was not read twice")
                continue
            seen.add((status.st_dev, status.st_ino))
            files, folders = _list_folder(path, found.skipped)
        except OSError as error:
            where = printable(relative or path)
            raise InputError("a folder of the data cannot be read", got=error.strerror, where=where) from error
        for name, leads_away in folders:
            below = f"{relative}/{name}" if relative else name
            pending.append((below, os.path.join(path, name), leads_away))
        if files:
            files.sort()
            found.branches.append(Branch(relative, path, files))
        elif not folders:
            found.barren.append(relative)
    found.branches.sort(key=lambda branch: branch.relative)
    found.barren.sort()
    found.notes.sort()
    return found


def _list_folder(path: str, skipped: Counter[str]) -> tuple[list[str], list[tuple[str, bool]]]:
    """Lists the pictures of one folder, and its folders (name, is it a link?) in reverse order, as a stack wants."""
    files: list[str] = []
    folders: list[tuple[str, bool]] = []
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                skipped["hidden"] += 1
            elif (suffix := name[name.rfind(".") :].lower()) in PICTURE_SUFFIXES and entry.is_file():
                files.append(name)
            elif entry.is_dir():
                folders.append((name, entry.is_symlink()))
            elif suffix in PICTURE_SUFFIXES and entry.is_symlink():
                files.append(name)
            else:
                skipped[printable(suffix) if suffix[0] == "." else "no suffix"] += 1
    folders.sort(reverse=True)
    return files, folders


def _loop(link: str, real_root: str) -> str | None:
    """Words why following a link would meet the same folders again, if it would."""
    target = os.path.realpath(link)
    common = os.path.commonpath([target, real_root])
    if common == real_root:
        return "to another folder of the same data"
    return "to a folder above the data" if common == target else None

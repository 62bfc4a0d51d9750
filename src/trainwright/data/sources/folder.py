"""Pictures in folders: one folder a class, or train, val and test folders with one folder a class in each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path
from types import MappingProxyType

from trainwright.data.catalog import Catalog, Files, Split, quoted
from trainwright.data.printable_names import class_label, printable
from trainwright.errors import InputError

from .folder_scan import Branch, Scan, scan_folder
from .split_words import split_of

TO_CLASSES = "move them into class folders, or name their classes in a CSV manifest with the columns path,label"


def open_folder(root: Path, *, hint: Callable[[], str | None] = lambda: None) -> Catalog:
    """Lists the pictures of a folder whose folders are the classes.

    If every folder at the top that holds pictures has the name of a part (`train`, `val`, `Testing` …), the classes
    are the folders in those. A class is named by its path below that point, so `a/x` and `b/x` are two classes.

    Args:
        root: an existing folder.
        hint: asked what to try if the folder holds no pictures.
    Raises:
        InputError: no pictures; pictures beside the class folders; class folders beside train, val or test folders;
            two folders for one part; pictures directly in a part's folder.
    Source: own choice; the layout is that of torchvision's ImageFolder
    """
    scan = scan_folder(os.fspath(root))
    title = printable(root.resolve().name or str(root))
    if not scan.branches:
        raise _without_pictures(root, scan, hint())
    if scan.branches[0].relative == "":
        files = scan.branches[0].files
        raise InputError(
            "pictures beside the class folders" if len(scan.branches) > 1 else "pictures without class folders",
            expected="every picture in the folder of its class: cats/1.jpg",
            got=f"{len(files)} pictures directly in the folder: {quoted([printable(name) for name in files], 3)}",
            where=printable(str(root)),
            hint=TO_CLASSES,
        )
    parts = _parts(scan.branches, printable(str(root)))
    names: list[str] = []
    labels: list[str] = []
    splits: list[Split | None] = []
    locations: list[str] = []
    for branch in scan.branches:
        top, _, below = branch.relative.partition("/")
        split = parts.get(top)
        names += _names(branch)
        labels += [class_label(below if split else branch.relative)] * len(branch.files)
        splits.extend(repeat(split, len(branch.files)))
        folder = os.path.join(branch.path, "")
        locations += [folder + name for name in branch.files]
    notes = [f"the folder {printable(folder) or '.'} holds no pictures" for folder in scan.barren]
    return Catalog(
        names=tuple(names),
        labels=tuple(labels),
        splits=tuple(splits),
        groups=(None,) * len(names),
        weights=None,
        pictures=Files(tuple(locations)),
        title=title,
        description=f"picture files in {'the parts and ' if parts else ''}class folders of {printable(str(root))}",
        skipped=MappingProxyType(dict(sorted(scan.skipped.items()))),
        notes=(*notes, *scan.notes),
    )


def _names(branch: Branch) -> list[str]:
    """Names the pictures of a folder; the whole folder is looked at in one go, as nearly all names are harmless."""
    prefix = printable(branch.relative)
    together = "".join(branch.files)
    if together.isprintable() and "\\" not in together:
        return [f"{prefix}/{name}" for name in branch.files]
    return [f"{prefix}/{printable(name)}" for name in branch.files]


def _parts(branches: Sequence[Branch], where: str) -> dict[str, Split]:
    """Tells which part each top folder is; empty if the top folders are classes."""
    tops = list(dict.fromkeys(branch.relative.partition("/")[0] for branch in branches))
    parts: dict[str, Split] = {}
    for top in tops:
        split = split_of(top)
        if split is not None:
            parts[top] = split
    classes = [printable(top) for top in tops if top not in parts]
    if not parts:
        return {}
    if classes:
        raise InputError(
            "folders for parts of the data and folders for classes side by side",
            expected="only part folders (train, val, test) at the top, or only class folders",
            got=f"parts {quoted(sorted(parts))} beside {quoted(classes)}",
            where=where,
            hint="move the class folders into train/; a class that is called like a part goes there too",
        )
    by_split: dict[Split, list[str]] = {}
    for top, split in parts.items():
        by_split.setdefault(split, []).append(top)
    for split, folders in by_split.items():
        if len(folders) > 1:
            raise InputError(
                f"several folders for the {split} part", expected="one folder a part", got=quoted(folders), where=where
            )
    for branch in branches:
        if "/" not in branch.relative:
            raise InputError(
                "pictures without class folders",
                expected=f"every picture in the folder of its class: {branch.relative}/cats/1.jpg",
                got=f"{len(branch.files)} pictures directly in {branch.relative}/",
                where=where,
                hint=TO_CLASSES,
            )
    return parts


def _without_pictures(root: Path, scan: Scan, hint: str | None) -> InputError:
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in scan.skipped.most_common(5))
    empty = not scan.skipped and scan.barren in ([], [""])
    return InputError(
        "the folder is empty" if empty else "no pictures in the folder",
        expected="class folders with pictures (.jpg, .png, .webp, .tif …), or another form of data",
        got=f"files of other kinds: {kinds}" if kinds else ("nothing" if empty else "folders without files"),
        where=printable(str(root)),
        hint=hint,
    )

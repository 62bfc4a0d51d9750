"""Tells what kind of data the user named, and opens it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from trainwright.data.catalog import Catalog, check_trainable, quoted
from trainwright.data.printable_names import printable
from trainwright.data.target_checks import check_targets
from trainwright.errors import InputError, nearest
from trainwright.recipe.data import DataSection
from trainwright.recipe.tasks import task_of

from .cifar import cifar_layout, open_cifar
from .digits import open_digits
from .fashion_mnist import open_fashion_mnist
from .folder import open_folder
from .folder_scan import PICTURE_SUFFIXES
from .idx import OTHER, idx_words, is_idx_name, open_idx
from .manifest import open_manifest
from .npz import open_npz
from .table import TABLE_SUFFIXES

BUILT_IN: dict[str, Callable[[], Catalog]] = {"digits": open_digits, "fashion-mnist": open_fashion_mnist}
FORMS = (
    f"{' or '.join(BUILT_IN)}, a folder with one folder a class, train/val/test folders, a CSV, TSV or Parquet "
    "manifest, an .npz file, a folder of IDX or CIFAR files"
)
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")


def open_catalog(section: DataSection, *, to_train: bool = True) -> Catalog:
    """Lists all pictures of the data that `section.source` names. Decodes none of them.

    In this order: a built-in name (`digits`, `fashion-mnist`) is the built-in, unless a file or folder of that name
    is here, which is an error: `./digits` is always the path. A file is known by its name: `.csv` `.tsv` `.parquet`
    are manifests, `.npz` arrays, `…images-idx3-ubyte[.gz]` an IDX pair. A folder is known by the files directly in
    it: IDX files, then CIFAR batches; every other folder is one of class folders.

    Args:
        section: the recipe's section `data`.
        to_train: also check that a classifier can be learned from the data; False for data to evaluate.
    Returns: the catalog; names, labels and order depend on the data only.
    Raises:
        InputError: whatever is wrong with the data, with the place.
    Source: own choice
    >>> catalog = open_catalog(DataSection(source="digits"))
    >>> len(catalog), catalog.names[7], catalog.labels[7]
    (1797, 'digits:0007', '7')
    """
    catalog = _open(section)
    if catalog.targets is None and task_of(section) != "classification":
        raise InputError(
            f"only a manifest can hold the targets of the task {task_of(section)}",
            expected="a CSV, TSV or Parquet manifest",
            got=catalog.description,
            where=catalog.title,
            hint="see docs/tasks.md for an example, or data.task=classification",
        )
    if to_train and catalog.targets is not None:
        check_targets(catalog, catalog.splits)
    elif to_train:
        check_trainable(catalog, section)
    return catalog


def _open(section: DataSection) -> Catalog:
    source = section.source
    if source in BUILT_IN:
        if os.path.lexists(source):
            raise InputError(
                "the name of the data means two things",
                expected="a built-in name, or a path",
                got=f"'{source}' is built in, and {printable(os.path.abspath(source))} exists",
                hint=f"write ./{source} for the path; for the built-in data, rename the path or work in another folder",
            )
        return BUILT_IN[source]()
    path = Path(os.path.expanduser(source))
    if not os.path.exists(path):
        raise no_such_data(source, path)
    if path.is_dir():
        return _open_directory(path)
    return _open_file(path, section)


def _open_directory(path: Path) -> Catalog:
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise InputError("the folder cannot be read", got=error.strerror, where=printable(str(path))) from error
    where = printable(str(path))
    title = printable(path.resolve().name or where)
    idx_files = [path / name for name in names if is_idx_name(name)]
    if idx_files:
        notes = _not_read(name for name in names if not is_idx_name(name))
        return open_idx(idx_files, title=title, description=f"IDX files in {where}", notes=notes)
    layout = cifar_layout(path, names)
    if layout is not None:
        used = {*layout.train, *layout.test, layout.names}
        return open_cifar(path, layout, title=title, notes=_not_read(name for name in names if name not in used))
    return open_folder(path, hint=lambda: _data_inside(path, names))


def _not_read(names: Iterable[str]) -> list[str]:
    """Words a note on what else lies in a folder that was read for some of its files."""
    others = [printable(name) for name in names if not name.startswith(".")]
    return [f"not read, as it is no part of these data: {quoted(others)}"] if others else []


def _open_file(path: Path, section: DataSection) -> Catalog:
    suffix = path.suffix.lower()
    where = printable(str(path))
    if suffix in TABLE_SUFFIXES:
        return open_manifest(path, section)
    if suffix == ".npz":
        return open_npz(path)
    if is_idx_name(path.name):
        return open_idx(_idx_pair(path), title=printable(path.name), description=f"the IDX pair of {where}")
    hint = None
    if suffix in PICTURE_SUFFIXES:
        hint = "name the folder that holds the class folders, not a picture"
    elif suffix in ARCHIVES:
        hint = "unpack it and name the folder"
    elif cifar_layout(path.parent, _names_in(path.parent)):
        hint = f"name the folder: {printable(str(path.parent))}"
    raise InputError("a file of unknown kind", expected=FORMS, got=printable(path.name), where=where, hint=hint)


def _idx_pair(path: Path) -> list[Path]:
    """Finds the other file of an IDX pair: of the same words before `images` or `labels`, plain or packed."""
    prefix, kind = idx_words(path.name) or ("", "")
    others = {name: idx_words(name) for name in _names_in(path.parent)}
    return [path, *(path.with_name(name) for name, words in others.items() if words and words == (prefix, OTHER[kind]))]


def _data_inside(path: Path, names: list[str]) -> str | None:
    """Words a hint to data of another form that lie in a folder without pictures."""
    for name in names:
        inner = path / name
        known = inner.suffix.lower() in (*TABLE_SUFFIXES, ".npz")
        below = _names_in(inner)
        known = known or any(map(is_idx_name, below)) or cifar_layout(inner, below) is not None
        if known:
            return f"did you mean {printable(str(inner))}?"
    return None


def _names_in(folder: Path) -> list[str]:
    """Lists a folder for a hint, which may do without it."""
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []


def no_such_data(source: str, path: Path) -> InputError:
    """Words what is wrong with a name that is neither built in nor a path of anything."""
    siblings = [name for name in _names_in(path.parent) if not name.startswith(".")]
    options = {name: path.parent / name for name in siblings} | {name: name for name in BUILT_IN}
    match = nearest(path.name, options)
    return InputError(
        "no such data",
        expected=FORMS,
        got=f"'{printable(source)}'",
        hint=f"did you mean '{printable(str(options[match]))}'?" if match else None,
    )

"""The built-in data `fashion-mnist`: 60,000 training and 10,000 test pictures of clothes, 28×28, gray."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from trainwright.data.catalog import Catalog
from trainwright.data.picture_cache import cache_root
from trainwright.data.printable_names import printable
from trainwright.errors import InputError

from .download import RemoteFile, fetch
from .idx import open_idx

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
ADDRESS = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
FILES = (
    RemoteFile(
        "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    RemoteFile(
        "train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
    RemoteFile(
        "t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    RemoteFile("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
VARIABLE = "TRAINWRIGHT_DATA"


def open_fashion_mnist(download: Callable[[RemoteFile, str, Path], Path] = fetch) -> Catalog:
    """Finds the four files of Fashion-MNIST, or fetches them, and reads them with their own split and class words.

    Looked for in this order: `$TRAINWRIGHT_DATA/fashion-mnist`, `$TRAINWRIGHT_DATA` itself, the user's cache, the
    folder of Debian's package. A folder counts if all four files are there, plain or packed.

    Args:
        download: fetches one file into a folder; another one only in tests.
    Raises:
        InputError: nowhere found and not fetched, with all ways to get the data.
    Source: H. Xiao, K. Rasul, R. Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747
    """
    cache = cache_root(None) / "fashion-mnist"
    given, places = os.environ.get(VARIABLE), _given_places()
    files = find_fashion_mnist()
    if files is None:
        try:
            for file in FILES:
                if not (cache / file.name).is_file():
                    download(file, ADDRESS, cache)
        except InputError as error:
            raise _unavailable(error, places, cache) from error
        files = [cache / file.name for file in FILES]
    source = files[0].parent
    elsewhere = bool(places) and source not in places
    note = f"{VARIABLE} is set to {printable(str(given))}, which holds no fashion-mnist; it is read from {source}"
    return open_idx(
        files,
        title="fashion-mnist",
        description="Zalando's pictures of clothes, 28×28 gray, with their own test part, from "
        + printable(str(source)),
        class_names=CLASS_NAMES,
        name_prefix="fashion-mnist:",
        notes=(note,) if elsewhere else (),
    )


def find_fashion_mnist() -> list[Path] | None:
    """Looks for the four files on this machine; None where they are nowhere whole."""
    places = [*_given_places(), cache_root(None) / "fashion-mnist", DEBIAN_FOLDER]
    return next((found for place in places if (found := _complete(place))), None)


def _given_places() -> list[Path]:
    given = os.environ.get(VARIABLE)
    return [Path(given, "fashion-mnist"), Path(given)] if given else []


def _complete(folder: Path) -> list[Path] | None:
    """Lists the four files of a folder, plain before packed; None if one is missing."""
    found = []
    for file in FILES:
        plain = folder / file.name.removesuffix(".gz")
        choices = [path for path in (plain, folder / file.name) if path.is_file()]
        if not choices:
            return None
        found.append(choices[0])
    return found


def _unavailable(error: InputError, places: list[Path], cache: Path) -> InputError:
    looked = ", ".join(printable(str(place)) for place in [*places, cache, DEBIAN_FOLDER])
    names = ", ".join(file.name for file in FILES)
    return InputError(
        "fashion-mnist is not on this machine and could not be downloaded",
        expected=f"the files {names} in one of: {looked}",
        got=str(error).replace("\n ", ";"),
        where=error.where,
        hint=f"one of three: `apt install dataset-fashion-mnist` (Debian, Ubuntu); set {VARIABLE} to a folder that "
        f"holds the four files; put the four files into {printable(str(cache))}",
    )

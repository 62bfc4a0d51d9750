"""Which picture goes into which part: by class in proportion, whole groups together, a function of the seed.

Legend: N pictures, K classes, P parts to divide into.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

import numpy as np

from .catalog import Split

PARTS: tuple[Split, ...] = ("train", "valid", "test")

FILLED: tuple[Split, ...] = ("train", "test", "valid")
"""The order in which parts get a picture of a class that has few."""


def split_pictures(
    names: Sequence[str],
    labels: Sequence[str],
    given: Sequence[Split | None],
    together: Iterable[Sequence[int]],
    *,
    valid_share: float,
    test_share: float,
    seed: int,
    learned: Sequence[Collection[str]] | None = None,
) -> list[Split]:
    """Puts every picture into a part.

    What the data put into a part stays there. The pictures of the training part and those without a part are divided:
    a test part is cut from them where the data bring none, then a validation part from what is left. So with given
    training and validation parts the test part comes out of the training part, never out of the validation part.

    Each class gives to each part its share, rounded up or down so that the totals fit too; a class with at least as
    many pictures (or groups) as there are parts is in all of them, one with fewer goes into train, then test, then
    valid. Groups go whole; where groups are large the shares are met as nearly as a greedy placement, largest group
    first, can. The result depends on names, labels, groups and seed, not on the order of the rows.

    Args:
        names: unique; they give the order.
        labels: class of each picture.
        given: the part that the data bring; None where it is open.
        together: sets of rows that must not be torn apart (groups, duplicates); they may overlap.
        valid_share: of the training pictures that are left after the test part; 0 for none.
        test_share: of the pictures that are divided; 0 for none.
        seed: any integer of 0 or more.
        learned: of each picture all labels, where it has several; none of them is left without a training picture
            that can have one.

    Returns: the part of each row.
    Source: own choice
    >>> split_pictures("abcd", "xxyy", [None] * 4, [], valid_share=0, test_share=0.5, seed=0).count("test")
    2
    """
    parts: list[Split] = [part or "train" for part in given]
    shares: dict[Split, float] = {"train": 1.0}
    brought = {part for part in given if part is not None}
    if "test" not in brought and test_share > 0:
        shares["test"] = test_share
    if "valid" not in brought and valid_share > 0:
        shares["valid"] = valid_share * (1 - shares.get("test", 0.0))
    shares["train"] = 1 - sum(share for part, share in shares.items() if part != "train")
    if len(shares) == 1:
        return parts
    pool = sorted((row for row, part in enumerate(parts) if part == "train"), key=lambda row: names[row])
    units = _units(pool, together)
    generator = _generator(seed)
    for row, part in _divide(units, labels, shares, generator).items():
        parts[row] = part
    if learned is not None:
        _bring_into_training(parts, units, learned, generator)
    return parts


def connected(rows: Iterable[int], together: Iterable[Sequence[int]]) -> dict[int, int]:
    """Joins sets that share a row (union–find) and names each row's set by its first row.

    Sets may mention other rows; these are left out, and tie nothing together.

    >>> connected([0, 1, 2, 3], [(1, 2), (2, 3)])
    {0: 0, 1: 1, 2: 1, 3: 1}
    """
    parent = {row: row for row in rows}

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for members in together:
        inside = [member for member in members if member in parent]
        for member in inside[1:]:
            first, second = root(inside[0]), root(member)
            parent[max(first, second)] = min(first, second)
    return {row: root(row) for row in parent}


def _generator(seed: int) -> np.random.Generator:
    """Makes a generator of its own, so that other uses of the same seed draw other numbers."""
    digest = hashlib.sha256(f"trainwright split {seed}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def _units(pool: Sequence[int], together: Iterable[Sequence[int]]) -> list[list[int]]:
    """Groups the pool into sets that go whole, in the order of their first names."""
    place = {row: position for position, row in enumerate(pool)}
    joined = connected(range(len(pool)), ([place[row] for row in rows if row in place] for rows in together))
    units: dict[int, list[int]] = {}
    for position, first in joined.items():
        units.setdefault(first, []).append(pool[position])
    return list(units.values())


def _divide(
    units: Sequence[Sequence[int]], labels: Sequence[str], shares: Mapping[Split, float], generator: np.random.Generator
) -> dict[int, Split]:
    """Gives each unit to a part: sets of several first, largest first, then single pictures fill up each class."""
    order: list[Split] = [part for part in FILLED if part in shares]
    index = {label: number for number, label in enumerate(sorted({labels[row] for unit in units for row in unit}))}
    held = [Counter(index[labels[row]] for row in unit) for unit in units]
    pictures_K = np.zeros(len(index), np.int64)
    for counts in held:
        for number, count in counts.items():
            pictures_K[number] += count
    units_of_K: list[list[int]] = [[] for _ in index]
    for place in generator.permutation(len(units)).tolist():
        for number in held[place]:
            units_of_K[number].append(place)
    enough_K = np.array([len(places) for places in units_of_K])
    wanted_KP = _wanted(pictures_K, enough_K, np.array([shares[part] for part in order]), generator)
    missing_KP = wanted_KP.copy()
    placed: dict[int, int] = {}
    several = {place: None for places in units_of_K for place in places if len(units[place]) > 1}
    for place in sorted(several, key=lambda place: -len(units[place])):
        numbers, counts = np.array(list(held[place].items())).T
        placed[place] = part = _best_part(missing_KP[numbers], wanted_KP[numbers], counts)
        missing_KP[numbers, part] -= counts
    for number, places in enumerate(units_of_K):
        singles = [place for place in places if len(units[place]) == 1]
        taken = iter(singles)
        for part, count in enumerate(_filled(missing_KP[number], len(singles))):
            placed |= dict.fromkeys(islice(taken, count), part)
    _fill_gaps(placed, held, units_of_K, len(order))
    return {row: order[part] for place, part in placed.items() for row in units[place]}


def _fill_gaps(
    placed: dict[int, int], held: Sequence[Mapping[int, int]], units_of_K: Sequence[Sequence[int]], parts: int
) -> None:
    """Brings each class into every part that it has sets enough for, in the order train, test, valid: moves the
    smallest set that opens no such gap where it comes from. Where there is none, the gap stays and the audit tells,
    but the training part gets its set even so."""
    needed_K = [min(parts, len(places)) for places in units_of_K]
    for number, places in enumerate(units_of_K):
        for part in range(needed_K[number]):
            if any(placed[place] == part for place in places):
                continue
            free = [
                place
                for place in places
                if all(
                    placed[place] >= needed_K[also]
                    or sum(placed[other] == placed[place] for other in units_of_K[also]) > 1
                    for also in held[place]
                )
            ]
            if free or part == 0:
                placed[min(free or places, key=lambda place: sum(held[place].values()))] = part


def _bring_into_training(
    parts: list[Split],
    units: Sequence[Sequence[int]],
    learned: Sequence[Collection[str]],
    generator: np.random.Generator,
) -> None:
    """Moves, for each label that has no training picture, a set that holds it into the training part: the one that
    leaves its part the fewest labels poorer, of these the smallest, of these the first drawn."""
    drawn = generator.permutation(len(units)).tolist()
    held = [{label for row in unit for label in learned[row]} for unit in units]
    units_of: dict[str, list[int]] = {}
    for place in drawn:
        for label in held[place]:
            units_of.setdefault(label, []).append(place)
    pictures = Counter((part, label) for part, labels in zip(parts, learned, strict=True) for label in labels)

    def cost(place: int) -> tuple[int, int]:
        part = parts[units[place][0]]
        inside = Counter(label for row in units[place] for label in learned[row])
        return sum(pictures[part, label] == count for label, count in inside.items()), len(units[place])

    for label in sorted(units_of, key=lambda label: (len(units_of[label]), label)):
        if pictures["train", label]:
            continue
        for row in units[min(units_of[label], key=cost)]:
            for own in learned[row]:
                pictures[parts[row], own] -= 1
                pictures["train", own] += 1
            parts[row] = "train"


def _wanted(
    pictures_K: np.ndarray, units_K: np.ndarray, share_P: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Rounds each class's shares to whole pictures, so that each is off by less than one and so are the totals;
    then sees to it that a class is in every part that it has enough units for.

    Returns: int64 K P.
    """
    exact_KP = pictures_K[:, None] * share_P[None, :]
    wanted_KP = np.floor(exact_KP).astype(np.int64)
    for part in range(1, len(share_P)):
        fraction_K = exact_KP[:, part] - wanted_KP[:, part]
        extra = int(np.rint(fraction_K.sum()))
        tie_breaker_K = generator.random(len(pictures_K))
        wanted_KP[np.lexsort((tie_breaker_K, -np.round(fraction_K, 9)))[:extra], part] += 1
    for part in range(1, len(share_P)):
        wanted_KP[(wanted_KP[:, part] == 0) & (units_K > part), part] = 1
        wanted_KP[units_K <= part, part] = 0
    wanted_KP[:, 0] = pictures_K - wanted_KP[:, 1:].sum(axis=1)
    return wanted_KP


def _best_part(missing_CP: np.ndarray, wanted_CP: np.ndarray, counts_C: np.ndarray) -> int:
    """Chooses the part in which a set leaves the smallest squared distance to what each of its classes wants,
    relative to that."""
    scale_CP = np.maximum(wanted_CP, 0.5)
    before_CP = (missing_CP / scale_CP) ** 2
    after_CP = ((missing_CP - counts_C[:, None]) / scale_CP) ** 2
    return int(np.argmin((after_CP - before_CP).sum(axis=0)))


def _filled(missing_P: np.ndarray, available: int) -> list[int]:
    """Shares single pictures out among the parts that still miss some; the training part takes what is over."""
    counts = np.maximum(missing_P, 0)
    for part in (*range(len(counts) - 1, -1, -1),):
        counts[part] -= min(counts[part], max(0, counts.sum() - available))
    counts[0] += available - counts.sum()
    return counts.tolist()

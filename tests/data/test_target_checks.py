"""What a split asks of targets: groups that do not depend on the order of the rows, and labels that can be learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainwright.data import Catalog, prepare
from trainwright.data.catalog import Files
from trainwright.data.target_checks import strata
from trainwright.data.targets import Targets
from trainwright.errors import InputError
from trainwright.recipe import DataSection


@pytest.mark.parametrize("columns", [1, 2])
def test_where_numbers_tie_the_order_of_the_rows_does_not_count(columns: int) -> None:
    generator = np.random.default_rng(0)
    values_ND = generator.integers(0, 3, (200, columns)).astype(float)

    def strata_of(order: list[int]) -> dict[str, str]:
        names, nothing = tuple(f"{row:03d}" for row in order), (None,) * len(order)
        targets = Targets("regression", tuple("ab"[:columns]), values_ND[order])
        catalog = Catalog(names, names, nothing, nothing, None, Files(names), "made", "", targets=targets)
        return dict(zip(names, strata(catalog), strict=True))

    assert strata_of(list(range(200))) == strata_of(generator.permutation(200).tolist())


def test_a_label_whose_only_picture_is_drawn_elsewhere_is_learned(make_manifest: Callable[..., Path]) -> None:
    rows = [{"path": f"{row}.png", "label": "rare;rarer" if row == 7 else "a" if row % 2 else "b"} for row in range(40)]
    path = make_manifest(rows)
    for seed in range(4):
        section = DataSection(source=str(path), task="multi-label", test_share=0.4, valid_share=0.4)
        assert "7.png" in prepare(section, seed=seed).train.names


@pytest.mark.parametrize("split", [("train", "train", "train"), ("train", "test", "train")])
def test_a_label_of_unreadable_pictures_names_their_files(make_manifest: Callable[..., Path], split) -> None:
    cells = ["a;b", "b", "c"] if split[1] == "train" else ["a;b", "c", "c"]
    rows = [{"path": f"{row}.png", "label": cells[row], "split": split[row]} for row in range(3)]
    rows.append({"path": "last.png", "label": "a;b", "split": "train"})
    path = make_manifest(rows)
    (path.parent / "2.png").write_bytes(b"no picture")
    with pytest.raises(InputError) as caught:
        prepare(DataSection(source=str(path), task="multi-label"), seed=0)
    message = str(caught.value)
    assert "labels without a training picture" in message
    assert "repair the files that cannot be read: '2.png'" in message

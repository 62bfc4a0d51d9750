"""When class names read like lists of labels, and when they only hold a sign that lists have, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import prepare
from trainwright.data.audit import Audit
from trainwright.data.label_lists import find_lists
from trainwright.errors import InputError
from trainwright.recipe import DataSection
from trainwright.runs import Finding

LISTS = [
    (["sea", "sun", "sea;sun"], ";", ["sea", "sun"], False),
    (["a|b", "b|c", "a|c"], "|", ["a", "b", "c"], False),
    (["a, b", "b", "a", "c", "b, c"], ",", ["a", "b", "c"], False),
    (["1,3,7", "1,3", "7"], ",", ["1", "3", "7"], False),
    (["even, low", "even, high", "odd, low", "odd, high"], ",", ["even", "high", "low", "odd"], True),
    (["one, two;three", "three", "one, two"], ";", ["one, two", "three"], False),
]
SINGLE = {
    "one class with a comma": ["cats, small", "dogs", "birds"],
    "a property that several share": ["cats, small", "dogs, small", "birds"],
    "places": ["Paris, France", "Lyon, France", "Bonn, Germany", "Köln, Germany"],
    "paths": ["animal|bird|owl", "animal|bird|hen", "animal|cat"],
    "paths and their beginnings": ["animal", "animal;bird", "animal;bird;owl", "animal;bird;hen", "animal;cat"],
    "synonyms": ["maillot", "maillot, tank suit", "crane", "tench, Tinca tinca", "hen, chicken"],
    "nested folders": ["even/0", "even/2", "odd/1", "odd/3"],
    "decimal commas": ["0,5", "1,0", "1,5", "0,1", "5,1"],
    "decimal commas, and none": ["1,0", "1,5", "5,1", "0,5", "none"],
    "thousands": ["1,000", "2,000", "10,000"],
    "a sign at the end": ["sea;", "sun;", "sea"],
}


@pytest.mark.parametrize(("names", "separator", "labels", "crossed"), LISTS)
def test_lists_are_found(names: list[str], separator: str, labels: list[str], crossed: bool) -> None:
    found = find_lists(names)
    assert found is not None
    assert (found.separator, list(found.labels), found.crossed) == (separator, labels, crossed)
    assert set(found.names) == {name for name in names if separator in name}


@pytest.mark.parametrize("names", SINGLE.values(), ids=SINGLE)
def test_single_classes_are_left_in_peace(names: list[str]) -> None:
    assert find_lists(names) is None


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of 40 pictures with one, two or no labels a cell; `@` stands for the separator."""
    generator = np.random.default_rng(0)
    rows = ["path,label"]
    for number in range(40):
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f'{number}.png,"{["sea", "sun", "sea@sun", "sand@sun"][number % 4]}"')
    path = tmp_path / "m.csv"
    path.write_text("\n".join(rows))
    return path


def audit_of(manifest: Path, separator: str, **settings: str) -> Audit:
    manifest.write_text(manifest.read_text().replace("@", separator))
    return prepare(DataSection(source=str(manifest), **settings), seed=0).audit


def told(audit: Audit) -> Finding | None:
    return next((finding for finding in audit.findings() if finding.code.startswith("labels-")), None)


def add_sand(manifest: Path) -> None:
    manifest.write_text(manifest.read_text().replace('39.png,"sand@sun"', '39.png,"sand"'))
    manifest.write_text(manifest.read_text().replace('35.png,"sand@sun"', '35.png,"sand"'))


@pytest.mark.parametrize(
    ("separator", "advice"),
    [
        (";", {"data.task": "multi-label"}),
        ("|", {"data.task": "multi-label", "data.label_separator": "|"}),
        (",", {"data.task": "multi-label", "data.label_separator": ","}),
    ],
)
def test_lists_that_would_be_classes_are_told_with_their_numbers(
    manifest: Path, separator: str, advice: dict[str, str]
) -> None:
    add_sand(manifest)
    finding = told(audit_of(manifest, separator))
    assert finding is not None
    assert (finding.code, finding.severity) == ("labels-joined", "warn")
    assert finding.summary == (
        f"2 of 5 classes, such as 'sand{separator}sun', read like lists: divided by '{separator}' all are made of "
        "3 labels; as they stand they are trained as single classes"
    )
    assert finding.evidence == {
        "classes_with_separator": 2,
        "classes": 5,
        "labels_when_divided": 3,
        "pictures_of_such_a_class": 18,
        "first": "'sand', 'sea', 'sun'",
    }
    assert finding.advice == advice


def test_the_advice_ends_the_warning(manifest: Path) -> None:
    add_sand(manifest)
    audit = audit_of(manifest, "|", task="multi-label", label_separator="|")
    assert set(audit.counts) == {"sand", "sea", "sun"}
    assert told(audit) is None


def test_a_separator_that_stands_in_no_cell_is_told_in_place_of_exclusive_labels(manifest: Path) -> None:
    add_sand(manifest)
    finding = told(audit_of(manifest, "|", task="multi-label"))
    assert finding is not None
    assert (finding.code, finding.severity) == ("labels-joined", "warn")
    assert finding.summary.endswith("as they stand they are each taken for one label")
    assert finding.advice == {"data.label_separator": "|"}
    wrong = told(audit_of(manifest, "|", task="multi-label", label_separator="/"))
    assert wrong is not None
    assert wrong.advice == {"data.label_separator": "|"}


def test_names_of_folders_are_nobodys_lists(manifest: Path) -> None:
    add_sand(manifest)
    audit = audit_of(manifest, ";")
    assert told(replace(audit, label_column="")) is None


def test_properties_that_cross_are_a_note(manifest: Path) -> None:
    rows = [
        f'{number}.png,"{("red", "blue")[number % 2]}, {("round", "flat")[number // 2 % 2]}"' for number in range(40)
    ]
    manifest.write_text("\n".join(["path,label", *rows]))
    finding = told(audit_of(manifest, ";"))
    assert finding is not None
    assert (finding.code, finding.severity) == ("labels-joined", "note")


@pytest.mark.parametrize(
    ("settings", "rows", "problem", "hint"),
    [
        ({}, ["sea", "sun|sea"], "classes with a single picture", "--set data.task=multi-label --set"),
        ({"split": "test"}, ["sun|sea"], "classes without a training picture", "--set data.task=multi-label --set"),
        ({"split": "test", "task": "multi-label"}, ["sun|sea"], "labels without a training picture", "--set"),
    ],
)
def test_a_refusal_of_rare_lists_names_the_way_out(
    manifest: Path, settings: dict[str, str], rows: list[str], problem: str, hint: str
) -> None:
    lines = ["path,label,split", *(f"{n}.png,{('sea', 'sun')[n % 2]}," for n in range(30))]
    lines = [line + ("train" if "split" in settings and place else "") for place, line in enumerate(lines)]
    lines += [f"{30 + n}.png,{label},{settings.get('split', '')}" for n, label in enumerate(rows)]
    manifest.write_text("\n".join(lines))
    with pytest.raises(InputError, match=problem) as caught:
        prepare(DataSection(source=str(manifest), task=settings.get("task", "auto")), seed=0)
    assert caught.value.hint == f"'sun|sea' reads like a list of labels: {hint} data.label_separator='|'"

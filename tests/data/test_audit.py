"""Every number of an audit, on small sets in which each is known, and when a finding speaks or is silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import prepare
from trainwright.data.audit import Audit, Duplicates, Rejected, Spread
from trainwright.data.audit_findings import standard_error
from trainwright.recipe import DataSection
from trainwright.runs import Finding

NONE = Duplicates(0, 0, 0, {}, ())
HEALTHY = Audit(
    title="made",
    description="",
    pictures=1000,
    counts={label: {"train": 350, "valid": 50, "test": 100} for label in "ab"},
    given_parts=(),
    rejected=(),
    width=Spread(8, 8.0, 8),
    height=Spread(8, 8.0, 8),
    commonest_sizes=((8, 8, 1000),),
    kinds={"PNG RGB": 1000},
    animated=0,
    blank=(),
    blank_pictures=0,
    identical=NONE,
    near=NONE,
    channel_low=(0, 0, 0),
    channel_high=(255, 255, 255),
    skipped={},
    notes=(),
    img_size=8,
    channels=3,
)


def only(audit: Audit) -> Finding:
    (finding,) = audit.findings()
    return finding


def test_healthy_data_say_nothing() -> None:
    assert HEALTHY.findings() == ()


@pytest.mark.parametrize(("unreadable", "blank", "severity"), [(1, 0, "note"), (0, 3, "note"), (9, 9, "warn")])
def test_unusable_pictures(unreadable: int, blank: int, severity: str) -> None:
    rejected = tuple(Rejected(f"{number}.jpg", "truncated") for number in range(unreadable))
    names = tuple(f"blank{number}.png" for number in range(blank))
    finding = only(replace(HEALTHY, rejected=rejected, blank=names, blank_pictures=blank))
    assert (finding.code, finding.severity) == ("pictures-unusable", severity)
    assert finding.evidence["unreadable_pictures"] == unreadable
    assert finding.evidence["blank_pictures"] == blank
    summaries = {
        1: "1 of 1,001 pictures cannot be read and is left out",
        0: "3 pictures show a single color only",
        9: "9 of 1,009 pictures cannot be read and are left out; 9 pictures show a single color only",
    }
    assert finding.summary == summaries[unreadable]
    to_read = "look at those that cannot be read (a run lists all in data/rejected.csv); repair them or take them out"
    to_see = "look at those of a single color (a run lists all in data/audit.json); take out what shows nothing"
    advice = {(1, 0): to_read, (0, 3): to_see, (9, 9): f"{to_read}; {to_see}"}
    assert finding.advice == {"do": advice[unreadable, blank]}


def test_where_many_are_blank_the_audit_names_the_first() -> None:
    names = tuple(f"blank{number}.png" for number in range(20))
    finding = only(replace(HEALTHY, blank=names, blank_pictures=21))
    assert "a run lists the first 20 in data/audit.json" in finding.advice["do"]


@pytest.mark.parametrize(("surplus", "severity"), [(2, "note"), (200, "warn")])
def test_copies(surplus: int, severity: str) -> None:
    near = Duplicates(1, surplus + 1, 0, {}, (("a.png", "b.png"),))
    finding = only(replace(HEALTHY, near=near, identical=Duplicates(1, 2, 0, {}, (("a.png", "b.png"),))))
    assert (finding.code, finding.severity) == ("pictures-duplicated", severity)
    assert finding.summary == f"{surplus} of 1,000 pictures repeat another one (1 pixel for pixel)"


@pytest.mark.parametrize(("leaked", "severity"), [(4, "note"), (5, "warn")])
def test_a_leak_warns_where_it_can_move_the_accuracy(leaked: int, severity: str) -> None:
    assert standard_error(200) == pytest.approx(0.0212, abs=1e-4)
    near = Duplicates(leaked, 2 * leaked, 0, {"train+test": leaked}, (("a.png", "b.png"),))
    findings = replace(HEALTHY, near=near).findings()
    leak = next(finding for finding in findings if finding.code == "train-validation-leak")
    assert leak.severity == severity
    assert leak.summary == f"{leaked} of 200 test pictures ({leaked / 200:.2%}) also stand in the train part"


@pytest.mark.parametrize(("conflicts", "groups", "severity"), [(1, 1, "note"), (3, 100, "note"), (3, 30, "warn")])
def test_conflicting_labels(conflicts: int, groups: int, severity: str) -> None:
    identical = Duplicates(groups, 2 * groups, conflicts, {}, (("a.png", "b.png"),))
    noisy = replace(HEALTHY, identical=identical).findings()
    finding = next(finding for finding in noisy if finding.code == "labels-noisy")
    assert finding.severity == severity
    verb = "carries" if conflicts == 1 else "carry"
    assert finding.summary == f"{conflicts} of {groups} groups of identical pictures {verb} more than one label"


def test_unequal_classes_are_a_note() -> None:
    counts = {"a": {"train": 100, "valid": 50, "test": 50}, "b": {"train": 34, "valid": 50, "test": 50}}
    assert replace(HEALTHY, counts=counts).findings() == ()
    counts["b"]["train"] = 33
    finding = only(replace(HEALTHY, counts=counts))
    assert (finding.code, finding.severity) == ("class-imbalance-harmful", "note")
    assert "'a' has 100 training pictures, 'b' 33" in finding.summary


def test_a_constant_channel() -> None:
    finding = only(replace(HEALTHY, channel_low=(0, 7, 0), channel_high=(255, 7, 255)))
    assert (finding.code, finding.severity) == ("input-channel-constant", "warn")
    assert finding.summary.startswith("green: the same value 7 in every pixel")
    assert finding.advice == {"data.color": "gray"}
    gray = only(replace(HEALTHY, channels=1, channel_low=(9,), channel_high=(9,)))
    assert gray.summary.startswith("gray: ")


def test_a_small_part_and_a_missing_class() -> None:
    counts = {"a": {"train": 100, "valid": 40, "test": 60}, "b": {"train": 100, "valid": 0, "test": 60}}
    missing, small = replace(HEALTHY, counts=counts).findings()
    assert missing.summary == "the valid part has no picture of 'b'; nothing is measured there"
    assert small.summary.startswith("the valid part has 40 pictures: an accuracy of 90 % is known to ± 9% only")
    assert small.advice == {"data.valid_share": 0.3}
    given = replace(HEALTHY, counts=counts, given_parts=("valid",)).findings()[1]
    assert given.advice == {"do": "add pictures"}


@pytest.mark.parametrize(
    ("pairs", "code", "words"),
    [
        (0, "validation-without-pairs", "200 pictures, but no pair within it: nothing chooses the epoch"),
        (1, "validation-too-small", "the valid part has 1 pair within it"),
        (49, "validation-too-small", "49 pairs within it: a share of 90 % in the right order is known to ± 8% only"),
    ],
)
def test_pairs_are_counted_where_pairs_are_measured(pairs: int, code: str, words: str) -> None:
    parts = {"train": 1000, "valid": 200, "test": 0}
    counted = {"train": 900, "valid": pairs, "test": 0, "across": 0, "contradicting": 0}
    audit = replace(HEALTHY, task="ranking", pictures=1200, counts={}, parts=parts, pairs=counted)
    finding = only(audit)
    assert (finding.code, finding.severity) == (code, "warn")
    assert words in finding.summary
    assert "data.group_column" in finding.advice["do"]
    assert finding.advice["data.valid_share"] == 0.3
    given = only(replace(audit, given_parts=("valid",)))
    assert set(given.advice) == {"do"}
    assert replace(audit, parts={**parts, "valid": 12}, pairs={**counted, "valid": 50}).findings() == ()


def test_without_a_validation_part_there_is_nothing_to_say() -> None:
    counts = {label: {"train": 400, "valid": 0, "test": 0} for label in "ab"}
    assert replace(HEALTHY, counts=counts).findings() == ()


def test_the_most_urgent_comes_first() -> None:
    audit = replace(
        HEALTHY, rejected=(Rejected("x.png", "truncated"),), channel_low=(0, 7, 0), channel_high=(255, 7, 255)
    )
    assert [finding.severity for finding in audit.findings()] == ["warn", "note"]


@pytest.mark.parametrize("source", ["digits", "fashion-mnist"])
def test_the_sets_that_everybody_knows_raise_no_alarm(source: str) -> None:
    audit = prepare(DataSection(source=source), seed=0).audit
    assert {finding.severity for finding in audit.findings()} <= {"note"}
    assert audit.blank_pictures == 0
    assert audit.identical.groups == 0


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """Two classes of 60 pictures with one of each trouble."""
    root = tmp_path / "messy"
    generator = np.random.default_rng(0)
    for label in ("cats", "dogs"):
        (root / label).mkdir(parents=True)
        for number in range(60):
            pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number:02d}.png")
    (root / "cats" / "copy.png").write_bytes((root / "cats" / "00.png").read_bytes())
    (root / "dogs" / "conflict.png").write_bytes((root / "cats" / "01.png").read_bytes())
    Image.open(root / "cats" / "02.png").save(root / "cats" / "same-pixels.bmp")
    Image.new("RGB", (16, 16), (9, 9, 9)).save(root / "dogs" / "blank.png")
    frames = [Image.fromarray(generator.integers(0, 256, (20, 24), dtype=np.uint8)) for _ in range(2)]
    frames[0].save(root / "dogs" / "moving.gif", save_all=True, append_images=frames[1:])
    (root / "dogs" / "empty.jpg").touch()
    (root / "dogs" / "cut.png").write_bytes((root / "dogs" / "00.png").read_bytes()[:300])
    (root / "dogs" / "notes.txt").write_text("bark")
    return root


def test_an_audit_counts_what_is_there(messy: Path) -> None:
    prepared = prepare(DataSection(source=str(messy)), seed=0)
    audit = prepared.audit
    assert audit.pictures == 60 * 2 + 5
    assert {label: sum(parts.values()) for label, parts in audit.counts.items()} == {"cats": 62, "dogs": 63}
    assert {rejected.name: rejected.reason.split(":")[0] for rejected in audit.rejected} == {
        "dogs/cut.png": "truncated",
        "dogs/empty.jpg": "empty file (0 bytes)",
    }
    assert audit.commonest_sizes == ((16, 16, 124), (24, 20, 1))
    assert (audit.width, audit.height) == (Spread(16, 16.0, 24), Spread(16, 16.0, 20))
    assert audit.kinds == {"PNG RGB": 123, "BMP RGB": 1, "GIF P": 1}
    assert audit.animated == 1
    assert (audit.blank, audit.blank_pictures) == (("dogs/blank.png",), 1)
    assert (audit.identical.groups, audit.identical.pictures, audit.identical.conflicts) == (3, 6, 1)
    assert audit.identical.examples[0] == ("cats/01.png", "dogs/conflict.png")
    assert ("cats/02.png", "cats/same-pixels.bmp") in audit.identical.examples
    assert audit.near.groups == 3
    assert audit.identical.across == {}
    assert audit.skipped == {".txt": 1}
    assert json.loads(json.dumps(audit.to_json()))["rejected"][0]["name"] == "dogs/cut.png"


def test_what_a_crop_loses_is_measured(make_folder: Callable[..., Path]) -> None:
    root = make_folder({"a": 20, "b": 20})
    for number, size in enumerate([(16, 8), (8, 12), (9, 10), (12, 12)]):
        Image.new("RGB", size, (number, 2, 3)).save(root / "a" / f"wide{number}.png")
    audit = prepare(DataSection(source=str(root)), seed=0).audit
    assert audit.cut == 3
    assert audit.cut_median_share == pytest.approx(1 - 8 / 12)
    for fit in ("pad", "squash"):
        kept = prepare(DataSection(source=str(root), fit=fit), seed=0).audit
        assert (kept.cut, kept.cut_median_share) == (0, 0.0)


def test_twins_across_given_parts_are_counted_by_part(
    make_folder: Callable[..., Path],
) -> None:
    root = make_folder({"train/a": 30, "train/b": 30, "test/a": 30, "test/b": 30})
    for number in range(6):
        picture = (root / "train" / "a" / f"{number:03d}.png").read_bytes()
        (root / "test" / "a" / f"{number:03d}.png").write_bytes(picture)
    audit = prepare(DataSection(source=str(root), valid_share=0), seed=0).audit
    assert audit.identical.across == {"train+test": 6}
    assert audit.given_parts == ("train", "test")
    leak = next(finding for finding in audit.findings() if finding.code == "train-validation-leak")
    assert leak.severity == "warn"
    assert leak.evidence["identical_pictures"] == 6
    assert leak.evidence["first"].startswith("'test/a/000.png' is 'train/a/000.png'; 'test/a/001.png' is ")

from __future__ import annotations

from typing import Any

from trainwright.reporting import audit_lines
from trainwright.reporting.views.audit import data_summary


def test_parts_and_classes_are_counted(invent: Any) -> None:
    view = data_summary(invent.audit_of(["a", "b", "c"]))
    assert [(row.part, row.pictures, row.given) for row in view.parts] == [
        ("train", 375, False),
        ("valid", 42, False),
        ("test", 108, True),
    ]
    assert (view.pictures, view.largest_class) == (525, 130)
    assert [(row.label, row.train) for row in view.classes] == [("a", 130), ("b", 125), ("c", 120)]
    assert view.twins == (("a", "b"),)


def test_facts_are_sentences(invent: Any) -> None:
    facts = dict(data_summary(invent.audit_of(["a"])).facts)
    assert facts["Size as they came"] == "8 to 12 pixels wide, 8 to 9 high; most often 8×8 (900 of 180)"
    assert facts["Seen by the net as"] == "8×8, gray"
    assert facts["Same pixels"] == "none"
    assert facts["Same, or nearly so"] == (
        "5 pictures in 2 groups; 2 test pictures with a twin in the training part; 1 group with more than one label"
    )
    assert facts["Of one single color"] == "1 picture: blank.png"


def test_what_was_not_found_is_not_said(invent: Any) -> None:
    clean = {"rejected": [], "blank": [], "blank_pictures": 0, "animated": 0, "skipped": {}, "channels": 3}
    facts = dict(data_summary(invent.audit_of(["a"], **clean, commonest_sizes=[[8, 8, 180]])).facts)
    assert list(facts) == [
        "Size as they came",
        "Seen by the net as",
        "Kinds of file",
        "Same pixels",
        "Same, or nearly so",
    ]
    assert facts["Size as they came"] == "all 8×8 pixels"
    assert facts["Seen by the net as"] == "8×8, color"


def test_many_blank_pictures_are_counted_to_the_last(invent: Any) -> None:
    names = [f"{number}.png" for number in range(20)]
    facts = dict(data_summary(invent.audit_of(["a"], blank=names, blank_pictures=100)).facts)
    assert facts["Of one single color"] == "100 pictures: 0.png, 1.png, 2.png, 3.png, 4.png and 95 more"


def test_what_is_cut_off_is_said_where_it_is_known(invent: Any) -> None:
    audit = invent.audit_of(["a"], cut=7, cut_median_share=0.25)
    assert dict(data_summary(audit).facts)["Cut to squares"].replace("\N{NO-BREAK SPACE}", " ") == (
        "7 pictures are not square: crop cuts off 25.0 % of the area (median); data.fit=pad or squash keeps all of it"
    )
    assert "Cut to squares: 7 pictures are not square" in "\n".join(audit_lines(audit, 200))
    assert "Cut to squares" not in dict(data_summary(invent.audit_of(["a"])).facts)


def test_the_terminal_says_the_same_and_obeys_no_name(invent: Any) -> None:
    lines = audit_lines(invent.audit_of(["a\x1b[2J", *(f"class {n}" for n in range(50))]))
    text = "\n".join(lines)
    assert "  parts     training" in text
    assert "(given)" in text
    assert "a\\x1b[2J/broken 0.jpg: ends in mid-picture" in text
    assert "a\\x1b[2J       130       14       36" in text
    assert text.endswith("and 11 more classes")
    assert max(map(len, lines)) <= 80


def test_a_missing_part_is_said(invent: Any) -> None:
    counts = {"a": {"train": 5, "valid": 0, "test": 0}}
    assert "no validation part" in "\n".join(audit_lines(invent.audit_of(["a"], counts=counts, rejected=[])))

"""Draws the clearest real case of each code, and writes picture and words into the code's page; without training.

    uv run python benchmarks/faults/draw_cases.py           # a minute
    uv run python benchmarks/faults/draw_cases.py --check   # writes nothing, and says what would change

Cases are runs of the corpus, and of `cases.jsonl.xz` (`more_cases.py`), to which that fault was done by the key. The
clearest, of those that can be drawn, is told louder than others (an alarm before a note), then before other causes,
then by the stronger sign; of equals the one with more steps whose loss is a number, then the first by name.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import halves
from case_charts import drawn
from case_words import DONE, told
from judge import BY_NAME, key, suspicions
from records import CORPUS, histories, packed
from spec import Spec

from faults import STRENGTHS
from trainwright.diagnosis.diagnose import finding_of, severity_of
from trainwright.diagnosis.suspicion import Suspicion
from trainwright.runs import History

DOCS = Path(__file__).parents[2] / "docs"
PAGES, PICTURES = DOCS / "findings", DOCS / "pictures" / "findings"
MORE = CORPUS.parent / "cases.jsonl.xz"
BLOCK = re.compile(r"^<!-- case -->\n.*?^<!-- /case -->\n\n", re.DOTALL | re.MULTILINE)
USUAL = Spec(net="", data="")
LOUDNESS = {"stop": 0, "warn": 0, "note": 1}
LARGEST = 12_000
"""Bytes of a picture's file."""
WIDTH = 120


@dataclass(frozen=True)
class Case:
    """A run to which a fault was done that the diagnosis tells.

    Attributes:
        name: of the run.
        words: what the run is and what was done to it.
        place: of the code among all that was told.
    """

    name: str
    words: str
    said: Suspicion
    place: int
    history: History

    @cached_property
    def picture(self) -> str:
        return drawn(finding_of(self.said), self.history)

    @property
    def good_steps(self) -> int:
        return sum(math.isfinite(loss) for loss in self.history.steps["loss"])

    @property
    def order(self) -> tuple[Any, ...]:
        """Sorts the clearest first."""
        return LOUDNESS[severity_of(self.said)], self.place, -self.said.strength, -self.good_steps, self.name


def candidates() -> Iterator[Case]:
    """Gives every case of every code: a run as often as it tells what was done to it."""
    lines = key()
    for half in halves.NETS:
        for name, history in histories(half):
            if name in lines and (codes := codes_of(lines[name])):
                yield from _cases(name, codes, worded(lines[name]), history)
    for head, history in packed(MORE):
        yield from _cases(head["run"], {head["code"]}, head["words"], history)


def _cases(name: str, codes: Collection[str], words: str, history: History) -> Iterator[Case]:
    for place, said in enumerate(suspicions(history)):
        if said.code in codes:
            yield Case(name, words, said, place, history)


def codes_of(line: Mapping[str, Any]) -> set[str]:
    """Lists the codes that name what was done to a run of the key; no kind is meant for training that is long."""
    long = {"trained-too-long"} if line["spec"].get("epochs", USUAL.epochs) > USUAL.epochs else set()
    return long | (set() if line["strength"] is None else set(BY_NAME[line["kind"]].codes))


def worded(line: Mapping[str, Any]) -> str:
    """Words a run of the key."""
    if line["strength"] is None:
        return told(line["spec"], {name: 0 for name in line["spec"] if name in DONE})
    return told(line["spec"], BY_NAME[line["kind"]].doses[STRENGTHS.index(line["strength"])])


def clearest() -> dict[str, Case]:
    """Chooses the case of each code that has any."""
    found: dict[str, Case] = {}
    for case in candidates():
        code = case.said.code
        if (code not in found or case.order < found[code].order) and case.picture:
            found[code] = case
    return found


def block(code: str, case: Case | None) -> str:
    """Writes what stands on the page between its first sentence and its list."""
    if case is None:
        lines = ["No picture: no real case of it has been measured yet."]
    else:
        finding = finding_of(case.said)
        alt = f"{code}: what the records of a real run show"
        loud = {"stop": "As a problem", "warn": "As a warning", "note": "As a note"}[finding.severity]
        words = f"**A real case**: {case.words}. {loud} it is told: {finding.summary}."
        lines = [f"![{alt}](../pictures/findings/{code}.svg)", *_wrapped(words)]
    return "\n".join(["<!-- case -->", *lines, "<!-- /case -->", "", ""])


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def with_block(page: str, new: str) -> str:
    """Puts a block in the place of the one that a page has, or before its list."""
    bare = BLOCK.sub("", page)
    head, list_, rest = bare.partition("- **Sign**")
    return head + new + list_ + rest


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where anything would change")
    asked = parser.parse_args()
    found = clearest()
    made: dict[Path, str] = {}
    for page in sorted(PAGES.glob("*.md")):
        case = found.get(page.stem)
        made[page] = with_block(page.read_text("utf-8"), block(page.stem, case))
        if case is not None:
            made[PICTURES / f"{page.stem}.svg"] = case.picture
    sizes = {path.name: len(text.encode()) for path, text in made.items() if path.suffix == ".svg"}
    for name, size in sizes.items():
        if size > LARGEST:
            raise SystemExit(f"{name} has {size} bytes")
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text]
    stale += [path for path in PICTURES.glob("*") if path not in made]
    if asked.check:
        print("\n".join(f"would change: {path.relative_to(DOCS)}" for path in stale))
        sys.exit(bool(stale))
    PICTURES.mkdir(exist_ok=True)
    for path in stale:
        if path in made:
            path.write_text(made[path], "utf-8")
        else:
            path.unlink()
    without = [page.stem for page in made if page.suffix == ".md" and page.stem not in found]
    print(f"{len(sizes)} of {len(sizes) + len(without)} codes have a picture, of {max(sizes.values())} bytes at most")
    print(f"none: {', '.join(without)}")


if __name__ == "__main__":
    main()

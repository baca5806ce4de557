"""Page pairs: in tests/pages/<kind>/<case>/, two captures and the changes that lie between them, and no others.

`changes.json` lists the changes wanted; each names only the keys that matter to its case: kind, subject (its id; that
of the page itself is "source:watched"), path, old, new, severity, returned. `options.json` holds options of the kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from watcher.captures import CONTENT_TYPES
from watcher.core import Capture, Change, Severity, Source
from watcher.diff import diff
from watcher.plugins import build

PAGES = Path(__file__).parent / "pages"
CASES = sorted(changes.parent for changes in PAGES.glob("*/*/changes.json"))
FIRST = datetime(2017, 3, 20, 16, tzinfo=UTC)


def capture(case: Path, side: str, at: datetime) -> Capture:
    (file,) = case.glob(f"{side}.*")
    content_type = CONTENT_TYPES[file.suffix.removeprefix(".")]
    url = "https://agency.example/enforcement/page"
    return Capture("watched", case.parent.name, side, at, url, 200, content_type, file.read_bytes())


def told(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "subject": change.subject.id,
        "path": list(change.path),
        "old": change.old,
        "new": change.new,
        "severity": change.severity.label,
        "returned": change.returned,
    }


def fits(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return all(found[name] == value for name, value in wanted.items())


def one_to_one(wanted: list[dict[str, Any]], found: list[dict[str, Any]]) -> bool:
    """Whether each change wanted can have a change found for itself (Kuhn's augmenting paths)."""
    taken: dict[int, int] = {}

    def place(want: int, tried: set[int]) -> bool:
        for number, change in enumerate(found):
            if number not in tried and fits(wanted[want], change):
                tried.add(number)
                if number not in taken or place(taken[number], tried):
                    taken[number] = want
                    return True
        return False

    return len(wanted) == len(found) and all(place(want, set()) for want in range(len(wanted)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_page_pair(case: Path) -> None:
    wanted = json.loads((case / "changes.json").read_text(encoding="utf-8"))
    options = case / "options.json"
    given = json.loads(options.read_text(encoding="utf-8")) if options.exists() else {}
    adapter = build(Source("watched", case.parent.name, "https://agency.example/enforcement/page", options=given))
    earlier, later = capture(case, "before", FIRST), capture(case, "after", FIRST + timedelta(hours=1))
    before = adapter.extract(earlier, {})
    after = adapter.extract(later, before.choices)
    found = [told(change) for change in diff(before, after)]
    assert one_to_one(wanted, found), json.dumps({"wanted": wanted, "found": found}, indent=1, ensure_ascii=False)
    if found:
        assert adapter.fingerprint(earlier) != adapter.fingerprint(later), "these changes would never be looked for"


def test_every_kind_has_its_page_pairs() -> None:
    assert {case.parent.name for case in CASES} >= {"table"}
    for case in PAGES.glob("*/*"):
        assert (case / "changes.json").exists(), f"{case} says no changes.json"


@pytest.mark.parametrize(
    ("wanted", "found", "fit"),
    [
        ([], [], True),
        ([], [{"kind": "page.text"}], False),
        ([{"kind": "page.text"}], [], False),
        ([{"kind": "page.text"}, {}], [{"kind": "page.text"}, {"kind": "page.gone"}], True),
        ([{}, {"kind": "page.text"}], [{"kind": "page.text"}, {"kind": "page.gone"}], True),
        ([{"kind": "page.text"}] * 2, [{"kind": "page.text"}, {"kind": "page.gone"}], False),
    ],
)
def test_wanted_and_found_match_one_to_one(
    wanted: list[dict[str, Any]], found: list[dict[str, Any]], *, fit: bool
) -> None:
    assert one_to_one(wanted, found) is fit


def test_the_severity_in_a_case_is_a_word() -> None:
    labels = {severity.label for severity in Severity}
    for case in CASES:
        for change in json.loads((case / "changes.json").read_text(encoding="utf-8")):
            assert change.get("severity", "minor") in labels
            assert set(change) <= {"kind", "subject", "path", "old", "new", "severity", "returned"}, case

"""The `federal-register` kind: the pages of a search joined, what is news, corrections, and answers that are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.fetching import fetch as one_page
from tests.fetching import run as with_door
from tests.rig import Rig, minutes, source
from tests.site import Page, Reply, Request, Site
from tests.sources.captured import capture
from watcher.core import Document, Failure, Fetched, NotReadable, Source, Validators
from watcher.sources.federal_register import FIELDS, FederalRegister, SearchOptions

API = "/api/v1/documents.json"


def document(number: str, **more: Any) -> dict[str, Any]:
    agencies = [{"name": "Homeland Security Department", "slug": "homeland-security-department"}]
    made = {"document_number": number, "title": f"Notice {number}", "type": "Notice", "publication_date": "2026-01-05"}
    return {**made, "agencies": agencies, "html_url": f"https://register.example/{number}", "abstract": None, **more}


class Register(dict[str, Any]):
    """The pages of a site that answers as the API does; `asked` lists each request's query."""

    def __init__(self, site: Site, documents: Sequence[Any], *, per_page: int = 2) -> None:
        self.site, self.documents, self.per_page = site, list(documents), per_page
        self.asked: list[dict[str, list[str]]] = []
        self.instead: dict[int, Callable[[], Page]] = {}
        self.onward: Any = None
        site.pages = self

    def get(self, path: str, default: Any = None) -> Any:
        return self.answer if urlsplit(path).path == API else default

    def answer(self, request: Request) -> Page:
        query = urlsplit(request.path).query
        self.asked.append(parse_qs(query))
        number = int(self.asked[-1].get("page", ["1"])[0])
        if number in self.instead:
            return self.instead[number]()
        start = (number - 1) * self.per_page
        found: dict[str, Any] = {"count": len(self.documents), "description": "Documents"}
        if self.documents:
            found["results"] = self.documents[start : start + self.per_page]
        if len(self.documents) > start + self.per_page:
            rest = "&".join(part for part in query.split("&") if not part.startswith("page="))
            found["next_page_url"] = self.onward or self.site.url(f"{API}?{rest}&page={number + 1}")
        return Reply(json.dumps(found), headers={"content-type": "application/json", "etag": f'"{number}"'})


@pytest.fixture
def register(site: Site) -> Register:
    return Register(site, [document(f"2026-0000{number}") for number in range(5, 0, -1)])


def snapshot(register: Register, known: Validators = Validators(), **options: Any) -> Fetched | Failure:  # noqa: B008 - frozen
    adapter = FederalRegister(SearchOptions(**options))
    watched = Source("register", adapter.kind, register.site.url(API), ignore_robots=True)
    return with_door(lambda door: adapter.snapshot(watched, door, known, fresh=False))


def numbers(answer: Fetched | Failure) -> list[str]:
    assert isinstance(answer, Fetched), answer
    return [item["document_number"] for item in json.loads(answer.body)["results"]]


def read(*documents: Any) -> Document:
    body = json.dumps({"count": len(documents), "results": documents})
    return FederalRegister(SearchOptions()).extract(capture(body, "application/json"), {})


# ---------------------------------------------------------------- fetching


def test_all_pages_are_joined_into_one_body(register: Register) -> None:
    answer = snapshot(register)
    assert numbers(answer) == [f"2026-0000{number}" for number in range(5, 0, -1)]
    assert len(register.asked) == 3
    assert isinstance(answer, Fetched)
    assert (answer.header("etag"), answer.header("content-length")) == ("", "")
    assert answer.url.startswith(register.site.url(API))


def test_the_same_documents_make_the_same_bytes_however_they_are_spread(register: Register) -> None:
    once = snapshot(register)
    register.per_page = 3
    register.documents = [register.documents[1], register.documents[0], *register.documents[2:], register.documents[4]]
    again = snapshot(register)
    assert isinstance(once, Fetched)
    assert isinstance(again, Fetched)
    assert again.body == once.body
    register.documents[0]["title"] = "Another"
    changed = snapshot(register)
    assert isinstance(changed, Fetched)
    assert changed.body != once.body


def test_what_is_asked(register: Register) -> None:
    snapshot(register, agencies="ice", terms=["detainer", '287"(g)'], types=["RULE", "NOTICE"], pages=1)
    (asked,) = register.asked
    assert asked == {
        "conditions[agencies][]": ["ice"],
        "conditions[type][]": ["RULE", "NOTICE"],
        "conditions[term]": ['"detainer" | "287(g)"'],
        "order": ["newest"],
        "per_page": ["100"],
        "fields[]": list(FIELDS),
    }


def test_the_address_keeps_its_own_conditions() -> None:
    address = FederalRegister(SearchOptions(agencies=["b"])).address(
        "https://register.example/api?conditions[agencies][]=a&order=oldest&fields[]=title#top"
    )
    asked = parse_qsl(urlsplit(address).query)
    assert [value for name, value in asked if name == "conditions[agencies][]"] == ["a", "b"]
    assert ("order", "newest") not in asked
    assert asked.count(("fields[]", "title")) == 1
    assert "#" not in address


def test_no_more_pages_than_wanted(register: Register) -> None:
    assert len(numbers(snapshot(register, pages=2))) == 4
    assert len(register.asked) == 2


def test_a_search_of_one_page_is_asked_for_conditionally(register: Register) -> None:
    register.per_page = 10
    answer = snapshot(register)
    assert isinstance(answer, Fetched)
    assert answer.header("etag") == '"1"'
    again = snapshot(register, Validators('"1"'))
    assert isinstance(again, Fetched)
    assert again.status == 304


def test_a_search_that_finds_nothing(register: Register) -> None:
    register.documents = []
    answer = snapshot(register)
    assert numbers(answer) == []
    assert read().records == {}


def test_the_next_page_is_never_taken_from_another_site(register: Register) -> None:
    with Site() as other:
        for address in (other.url(API), "http://169.254.169.254/latest", "file:///etc/passwd", 7, {"a": 1}):
            register.onward = address
            answer = snapshot(register)
            assert isinstance(answer, Failure), address
            assert answer.refused
            assert answer.detail.startswith("page 2 of the search: ")
        assert other.connections == 0


def test_pages_without_an_end_end(register: Register) -> None:
    register.onward = register.site.url(API)
    assert len(numbers(snapshot(register, pages=20))) == 2
    assert len(register.asked) == 20


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (lambda: Reply("gone", status=404), "page 2 of the search: expected JSON with results, found HTTP 404"),
        (lambda: Reply("<html>Just a moment</html>"), "page 2 of the search: expected JSON with results"),
        (lambda: Reply('{"results": {}}'), "page 2 of the search: expected JSON with results"),
        (lambda: Reply("x" * 100, cut=10), "page 2 of the search: 127.0.0.1: "),
    ],
)
def test_half_a_search_is_none(register: Register, instead: Callable[[], Page], said: str) -> None:
    register.instead[2] = instead
    answer = snapshot(register)
    assert isinstance(answer, Failure)
    assert answer.detail.startswith(said)


def test_pages_too_large_together_are_refused(register: Register) -> None:
    for item in register.documents:
        item["abstract"] = "x" * 4_000_000
    answer = snapshot(register)
    assert isinstance(answer, Failure)
    assert (answer.reason, answer.detail[:6]) == ("too-large", "page 2")


def test_a_first_page_that_is_none_comes_as_it_is(register: Register) -> None:
    register.instead[1] = lambda: Reply("<html><title>Just a moment...</title></html>")
    answer = snapshot(register)
    assert isinstance(answer, Fetched)
    assert answer.body.startswith(b"<html>")
    assert isinstance(one_page(register.site.url(API)), Fetched)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"types": "LAW"}, "types: expected RULE, "),
        ({"pages": 0}, "pages: expected 1 to 20"),
        ({"pages": 21}, "pages:"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FederalRegister(SearchOptions(**options))


# ---------------------------------------------------------------- reading


def test_a_document() -> None:
    agencies = [{"name": "Homeland Security Department"}, {"raw_name": "ICE"}, {"id": 1}, "x"]
    found = read(
        document(
            "C1-2026-00001",
            agencies=agencies,
            abstract=" Two\nlines ",
            correction_of="https://register.example/api/v1/documents/2026-00001.json?publication_date=2026-01-01",
            corrections=["https://register.example/api/v1/documents/C3-2026-00001", "…/C2-2026-00001", None],
        )
    ).records["C1-2026-00001"]
    assert found.subject is not None
    assert found.subject.name == "C1-2026-00001 (corrects 2026-00001): Notice C1-2026-00001"
    assert found.fields == {
        "title": "Notice C1-2026-00001",
        "type": "Notice",
        "publication_date": "2026-01-05",
        "agencies": "Homeland Security Department; ICE",
        "html_url": "https://register.example/C1-2026-00001",
        "abstract": "Two lines",
        "correction_of": "2026-00001",
        "corrections": "C2-2026-00001, C3-2026-00001",
    }


def test_numbers_that_were_given_twice_are_two_documents() -> None:
    assert list(read(document("94-1"), document("94-1", title="Other")).records) == ["94-1", "94-1#2"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>", "expected the API's JSON with results, found '<html>'"),
        ("[]", "expected the API's JSON"),
        ('{"errors": {"x": "y"}}', "expected the API's JSON"),
        ('{"count": 3}', "expected the API's JSON"),
        ('{"results": ' + "[" * 100_000, "expected the API's JSON"),
        ('{"results": [{"title": "x"}]}', "with a document_number each, found some without"),
        ('{"results": [{"document_number": 7}]}', "with a document_number each"),
        ('{"results": [7]}', "with a document_number each"),
        (json.dumps({"results": [{"document_number": "1"}] * 5_001}), "at most 5,000 documents, found 5,001"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_answer_of_the_api_says_so(body: str, said: str) -> None:
    adapter = FederalRegister(SearchOptions())
    with pytest.raises(NotReadable, match=said):
        adapter.extract(capture(body, "application/json"), {})
    with pytest.raises(NotReadable, match=said):
        adapter.fingerprint(capture(body, "application/json"))


def test_wrong_types_are_no_fields() -> None:
    odd = document("1", title=["x"], agencies={}, abstract=5, correction_of=7, corrections="x", html_url=None)
    assert read(odd).records["1"].fields.keys() == {"type", "publication_date"}


# ---------------------------------------------------------------- a whole check


def test_new_documents_and_corrections_are_told(rig: Rig) -> None:
    api = Register(rig.site, [document("2026-00003"), document("2026-00002"), document("2026-00001")])
    rig.watch(source(rig.site, "register", "federal-register", path=API, more="pages = 2"))
    assert rig.check("register").outcome == "first"
    address = "https://register.example/api/v1/documents/"
    api.documents[0]["corrections"] = [f"{address}C1-2026-00003"]
    correction = document("C1-2026-00003", correction_of=f"{address}2026-00003", publication_date="2026-01-09")
    api.documents.insert(0, correction)
    api.documents.insert(0, document("2026-00008", publication_date="2026-01-10"))
    checked = rig.check("register", after=minutes(600))
    assert {(change.kind, change.subject.id) for change in checked.changes} == {
        ("record.added", "record:C1-2026-00003"),
        ("record.added", "record:2026-00008"),
        ("record.changed", "record:2026-00003"),
    }
    told = rig.told()
    assert "C1-2026-00003 (corrects 2026-00003): Notice" in told
    assert "2026-00003: Notice 2026-00003: corrections" in told
    del api.documents[:2]
    assert rig.check("register", after=minutes(600)).outcome == "unchanged"
    assert rig.kinds().count("record.added") == 2


def test_a_search_that_fails_half_way_changes_nothing(rig: Rig) -> None:
    api = Register(rig.site, [document(f"2026-0000{number}") for number in range(5, 0, -1)])
    rig.watch(source(rig.site, "register", "federal-register", path=API))
    rig.check("register")
    before = rig.snapshots("register")
    api.instead[3] = lambda: Reply("down", status=503)
    checked = rig.check("register", after=minutes(600))
    assert (checked.outcome, rig.snapshots("register")) == ("failed", before)
    assert checked.error.startswith("page 3 of the search: ")
    del api.instead[3]
    assert rig.check("register", after=minutes(6000)).outcome == "unchanged"

"""Where a source stands after a check: sound, doubted, gone or failed, and what each step keeps and settles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import (
    Change,
    Failure,
    Fetched,
    Hop,
    Reading,
    Severity,
    Snapshot,
    Source,
    SourceState,
    Subject,
    Validators,
    Verdict,
)
from watcher.standing import believed, doubted, failed, gone, unchanged
from watcher.suspect import confirmed, mark

AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
WAIT = timedelta(minutes=10)
SOURCE = Source("list", "table", "https://agency.example/list")
FETCHED = Fetched(SOURCE.url, 200, (("etag", '"7"'), ("last-modified", "Mon, 20 Mar 2017 16:00:00 GMT")), b"<table>")
SNAPSHOT = Snapshot(
    "s2", "list", 2, AT, SOURCE.url, 200, (), (), None, "sha2", "live", "real", "h1", "h2", fingerprint="f2", version=3
)
CHANGE = Change(
    "c", "list", AT, None, "record.added", Severity.MAJOR, Subject("record:a", "a"), (), None, {}, "", "s2", "s1"
)
LOST, GONE, BLOCKED = (
    Verdict("lost", "all records vanished"),
    Verdict("gone", "HTTP 404"),
    Verdict("blocked", "HTTP 403"),
)
OK = SourceState(
    "list",
    "table",
    SOURCE.url,
    "ok",
    last_checked=AT - timedelta(hours=1),
    last_seen=AT - timedelta(hours=1),
    last_changed=AT - timedelta(days=1),
    records=12,
    snapshot="s1",
    fingerprint="f1",
    version=2,
    sha256="sha1",
    seq=1,
    head="h1",
    rate_count=0.4,
    rate_hours=40.0,
)
IN_DOUBT = replace(
    OK, state="suspect", suspect="s2", suspect_since=AT, suspect_seen=1, suspect_fingerprint="lost:f2", failures=2,
    error="x",
)  # fmt: skip


def no_doubt(state: SourceState) -> bool:
    return (state.suspect, state.suspect_since, state.suspect_seen, state.suspect_fingerprint) == (None, None, 0, "")


def minutes(count: float) -> datetime:
    return AT + timedelta(minutes=count)


def doubt(
    state: SourceState, verdict: Verdict, now: datetime, fingerprint: str = "f2", snapshot: str = "s2"
) -> SourceState:
    return doubted(state, SOURCE, verdict, mark(verdict, fingerprint), snapshot, now, wait=WAIT)


# ---------------------------------------------------------------- sound answers


@pytest.mark.parametrize("before", [OK, IN_DOUBT, replace(OK, state="failing", failures=4, error="refused")])
def test_unchanged_settles_all_doubt_and_keeps_what_is_believed(before: SourceState) -> None:
    after = unchanged(before, SOURCE, FETCHED, "sha1b", AT, price=1)
    assert (after.state, after.failures, after.error) == ("ok", 0, "")
    assert no_doubt(after)
    assert (after.last_checked, after.last_seen, after.last_changed) == (AT, AT, OK.last_changed)
    assert (after.snapshot, after.fingerprint, after.version, after.records) == ("s1", "f1", 2, 12)
    assert (after.sha256, after.validators) == ("sha1b", Validators('"7"', "Mon, 20 Mar 2017 16:00:00 GMT"))
    assert after.next_check is not None
    assert timedelta(0) < after.next_check - AT <= SOURCE.at_least_every
    assert after.rate_hours > before.rate_hours
    assert after.rate_count < before.rate_count


def test_validators_of_a_page_behind_a_redirect_are_not_asked_of_the_first() -> None:
    led = replace(FETCHED, redirects=(Hop(SOURCE.url, 302),))
    assert unchanged(OK, SOURCE, led, "sha1", AT, price=1).validators == Validators()


def test_believed_makes_the_snapshot_what_the_page_is() -> None:
    reading = Reading(Verdict(), (CHANGE,), 13, {"key": ["a"]})
    after = believed(
        IN_DOUBT, SOURCE, replace(FETCHED, url="https://agency.example/new"), SNAPSHOT, reading, AT, price=1
    )
    assert (after.snapshot, after.fingerprint, after.version) == ("s2", "f2", 3)
    assert (after.records, after.choices, after.sha256) == (13, {"key": ["a"]}, "sha2")
    assert (after.url, after.state, after.last_changed) == ("https://agency.example/new", "ok", AT)
    assert no_doubt(after)
    assert after.rate_count > 1


def test_a_first_sight_is_no_change() -> None:
    after = believed(SourceState("list"), SOURCE, FETCHED, SNAPSHOT, Reading(Verdict(), (), 12), AT, price=1)
    assert (after.state, after.last_changed, after.last_seen) == ("ok", None, AT)
    assert (after.rate_count, after.rate_hours) == (0.4, 40.0)


# ---------------------------------------------------------------- doubt


def test_a_first_doubt_is_looked_at_again_soon() -> None:
    after = doubt(OK, LOST, AT)
    assert (after.state, after.error, after.next_check) == ("suspect", "all records vanished", AT + WAIT)
    assert (after.suspect, after.suspect_since, after.suspect_seen) == ("s2", AT, 1)
    assert (after.failures, after.last_checked, after.last_seen) == (0, AT, OK.last_seen)
    assert (after.snapshot, after.fingerprint, after.records) == ("s1", "f1", 12)
    assert (after.rate_count, after.rate_hours) == (OK.rate_count, OK.rate_hours)


def test_agreeing_doubts_count_on_from_the_first() -> None:
    first = doubt(OK, LOST, AT)
    second = doubt(first, LOST, minutes(10), snapshot="s3")
    assert (second.suspect, second.suspect_since, second.suspect_seen) == ("s2", AT, 2)


def test_looks_before_the_wait_is_over_do_not_count() -> None:
    state = doubt(OK, LOST, AT)
    for minute in range(1, 10):
        state = doubt(state, LOST, minutes(minute))
    assert (state.suspect_seen, state.suspect_since) == (1, AT)


@pytest.mark.parametrize(("verdict", "fingerprint"), [(LOST, "f3"), (GONE, "f2"), (BLOCKED, "f2")])
def test_another_doubt_starts_anew(verdict: Verdict, fingerprint: str) -> None:
    after = doubt(doubt(OK, LOST, AT), verdict, minutes(20), fingerprint, "s9")
    assert (after.suspect, after.suspect_since, after.suspect_seen) == ("s9", minutes(20), 1)


def test_a_block_is_trouble_and_backs_off() -> None:
    state = OK
    for failures in range(1, 5):
        state = doubt(state, BLOCKED, AT)
        assert (state.state, state.failures, state.error) == ("blocked", failures, "HTTP 403")
        assert state.next_check == AT + min(SOURCE.at_most_every * 2 ** (failures - 1), SOURCE.at_least_every)


def test_what_is_gone_stays_gone_while_it_is_doubted() -> None:
    known = gone(OK, SOURCE, "HTTP 404", AT, price=1)
    assert doubt(known, BLOCKED, minutes(10)).state == "gone"
    assert doubt(known, LOST, minutes(10)).state == "gone"


@given(st.lists(st.floats(0.1, 30), min_size=1, max_size=12), st.integers(1, 4))
def test_enough_agreeing_captures_after_the_wait_confirm(gaps: list[float], captures: int) -> None:
    state, now = doubt(OK, LOST, AT), AT
    for gap in gaps:
        now += timedelta(minutes=gap)
        done = confirmed(state, LOST, "f2", now, after=WAIT, captures=captures)
        late = now - AT >= WAIT
        assert done == (late and state.suspect_seen + 1 >= captures)
        state = doubt(state, LOST, now)
    assert state.suspect_since == AT


def test_no_wait_confirms_at_the_next_check() -> None:
    state = doubted(OK, SOURCE, LOST, mark(LOST, "f2"), "s2", AT, wait=timedelta())
    assert confirmed(state, LOST, "f2", minutes(0), after=timedelta(), captures=2)


# ---------------------------------------------------------------- gone, and failed


def test_gone_is_a_change_once() -> None:
    after = gone(replace(IN_DOUBT, suspect_fingerprint="gone"), SOURCE, "HTTP 404", minutes(10), price=1)
    assert (after.state, after.error, after.failures, after.last_changed) == ("gone", "HTTP 404", 0, minutes(10))
    assert no_doubt(after)
    assert (after.snapshot, after.fingerprint, after.records, after.last_seen) == ("s1", "f1", 12, OK.last_seen)
    assert after.rate_count > 1
    again = gone(after, SOURCE, "HTTP 410", minutes(20), price=1)
    assert (again.last_changed, again.error) == (minutes(10), "HTTP 410")
    assert again.rate_count < after.rate_count


def test_what_failed_teaches_nothing_and_is_tried_again() -> None:
    failure = Failure("timeout", "no answer within 60 s")
    state = failed(OK, SOURCE, failure, AT)
    assert (state.state, state.failures, state.error) == ("failing", 1, "no answer within 60 s")
    assert (state.last_checked, state.last_seen, state.next_check) == (AT, OK.last_seen, minutes(10))
    assert (state.rate_count, state.rate_hours, state.snapshot) == (OK.rate_count, OK.rate_hours, "s1")
    assert failed(state, SOURCE, failure, minutes(10)).next_check == minutes(30)


def test_a_server_that_says_when_is_asked_then() -> None:
    state = failed(OK, SOURCE, Failure("status", "busy", retry_after=timedelta(hours=9)), AT)
    assert state.next_check == AT + timedelta(hours=9)


@pytest.mark.parametrize("standing", ["gone", "suspect"])
def test_a_failure_between_two_looks_takes_nothing_back(standing: str) -> None:
    before = replace(IN_DOUBT, state=standing)
    after = failed(before, SOURCE, Failure("dns", "no such host"), minutes(5))
    assert (after.state, after.suspect, after.suspect_seen) == (standing, "s2", 1)

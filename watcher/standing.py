"""Where a source stands after a check: pure steps from one SourceState to the next, with the next check's time.

Called by the pipeline; `now` is when the answer came, in UTC.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from watcher import schedule
from watcher.core import Failure, Fetched, Reading, Snapshot, Source, SourceState, Validators, Verdict

NOTE_AFTER = 3
"""Checks in a row that must fail or be blocked before the operator is told, once."""


def unchanged(
    state: SourceState, source: Source, fetched: Fetched, sha256: str, now: datetime, *, price: float
) -> SourceState:
    """What is read is as it was; the bytes may differ."""
    learned = schedule.learn(state, now, changed=False)
    return _sound(learned, fetched, sha256, now, next_check=schedule.next_check(source, learned, now, price=price))


def believed(
    state: SourceState,
    source: Source,
    fetched: Fetched,
    snapshot: Snapshot,
    reading: Reading,
    now: datetime,
    *,
    price: float,
) -> SourceState:
    """`snapshot` is the page from now on. A first sight is no change: there is nothing to learn from it."""
    learned = schedule.learn(state, now, changed=bool(reading.changes))
    return replace(
        _sound(
            learned,
            fetched,
            snapshot.sha256,
            now,
            next_check=schedule.next_check(source, learned, now, price=price),
        ),
        url=fetched.url,
        snapshot=snapshot.id,
        fingerprint=snapshot.fingerprint,
        version=snapshot.version,
        records=reading.records,
        choices=reading.choices,
        last_changed=now if reading.changes else state.last_changed,
    )


def doubted(
    state: SourceState,
    source: Source,
    verdict: Verdict,
    mark: str,
    snapshot: str | None,
    now: datetime,
    *,
    wait: timedelta,
) -> SourceState:
    """A capture that is not believed (yet). Agreeing ones count on; another kind of doubt starts anew."""
    again = state.suspect is not None and state.suspect_fingerprint == mark
    early = again and state.suspect_since is not None and now - state.suspect_since < wait
    trouble = not verdict.confirmable
    failures = state.failures + 1 if trouble else state.failures
    later = schedule.back_off(source, failures, now) if trouble else now + wait
    return replace(
        state,
        state="gone" if state.state == "gone" else "blocked" if verdict.kind == "blocked" else "suspect",
        last_checked=now,
        next_check=later,
        suspect=state.suspect if again else snapshot,
        suspect_since=state.suspect_since if again else now,
        suspect_seen=state.suspect_seen + (not early) if again else 1,
        suspect_fingerprint=mark,
        failures=failures,
        error=verdict.reason,
    )


def gone(state: SourceState, source: Source, reason: str, now: datetime, *, price: float) -> SourceState:
    """The page is known to be gone; what it was is kept, for when it comes back."""
    learned = schedule.learn(state, now, changed=state.state != "gone")
    return replace(
        learned,
        state="gone",
        last_checked=now,
        last_changed=state.last_changed if state.state == "gone" else now,
        next_check=schedule.next_check(source, learned, now, price=price),
        error=reason,
        failures=0,
        **NO_DOUBT,
    )


def failed(state: SourceState, source: Source, failure: Failure, now: datetime) -> SourceState:
    """Nothing was brought: neither changed nor unchanged, so nothing is learned."""
    failures = state.failures + 1
    return replace(
        state,
        state=state.state if state.state in {"gone", "suspect"} else "failing",
        last_checked=now,
        next_check=schedule.back_off(source, failures, now, at_least=failure.retry_after),
        failures=failures,
        error=failure.detail,
    )


NO_DOUBT: dict[str, Any] = {"suspect": None, "suspect_since": None, "suspect_seen": 0, "suspect_fingerprint": ""}


def _sound(state: SourceState, fetched: Fetched, sha256: str, now: datetime, *, next_check: datetime) -> SourceState:
    """What every sound answer settles, in one step: this runs for each unchanged page."""
    return replace(
        state,
        state="ok",
        last_checked=now,
        last_seen=now,
        next_check=next_check,
        sha256=sha256,
        # What stands behind a redirect is another page's, and asked of the first it could hide a change.
        validators=Validators()
        if fetched.redirects
        else Validators(fetched.header("etag"), fetched.header("last-modified")),
        failures=0,
        error="",
        **NO_DOUBT,
    )

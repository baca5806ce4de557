"""Readers: told at once, later or never; digests, mutes, quiet hours; corrections and retractions answer a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.store.made import changed
from watcher import readers
from watcher.core import Alert, Change, Delivery, Run, Sent
from watcher.digest import Seen
from watcher.outbox import letter
from watcher.people import Chat
from watcher.readers import Desk, Readers
from watcher.render import as_text
from watcher.route import Filter
from watcher.store import Connection, Store, changes, chats, held, outbox, queue, subscriptions
from watcher.store.subscriptions import Subscription

NOON = datetime(2026, 3, 2, 20, tzinfo=UTC)
"""Noon in Los Angeles would be 20:00 UTC; the desk's zone here is UTC."""
ANA, BEN, GROUP = "telegram:7", "telegram:8", "telegram:-100/3"
LETTER = partial(letter, limit=4096, measure=lambda lines: len(as_text(lines)))
HOUR = timedelta(hours=1)


def found(count: int = 3) -> list[Change]:
    return [replace(changed(number, at=NOON), source="list") for number in range(count)]


def join(store: Store, chat: str, *filters: Filter, mode: str = "instant", **settings: object) -> Chat:
    one = replace(Chat(chat, "private", chat, NOON - 24 * HOUR), **settings)  # type: ignore[arg-type]
    store.run_sync(chats.put, one)
    for number, wanted in enumerate(filters or (Filter(),)):
        row = Subscription(f"{chat}-{mode}-{number}", chat, wanted, mode, 7, NOON)
        store.run_sync(subscriptions.put, row)
    return one


def share(
    store: Store, told: Sequence[Change], now: datetime = NOON, quiet: Iterable[str] = ()
) -> dict[str, list[str]]:
    """Who is told what at once."""
    store.run_sync(changes.put_changes, told)
    sleeping = set(quiet)

    def write(conn: Connection) -> dict[str, list[str]]:
        known = Readers()
        known.refresh(conn)
        shared = readers.share_out(conn, known.wanted(told), now, lambda chat, _: chat in sleeping)
        return {chat: [change.id for change in mine] for chat, (_, mine) in shared.items()}

    return store.run_sync(write)


def later(store: Store, now: datetime, quiet: Iterable[str] = ()) -> dict[str, str]:
    """What is written to each chat when what waits is looked at."""
    before = {row.id for row in rows(store)}
    desk = Desk(UTC, lambda chat, _: chat in set(quiet), LETTER, Seen(9, 9))
    store.run_sync(readers.tell_later, desk, now)
    return {row.channel: as_text(row.lines) for row in rows(store) if row.id not in before}


def rows(store: Store) -> list[Delivery]:
    from tests.rig import deliveries

    return store.read_sync(deliveries)


def test_a_chat_is_told_a_change_once_however_many_of_its_subscriptions_match(store: Store) -> None:
    told = found()
    join(store, ANA, Filter(), Filter(sources=("list",)))
    join(store, BEN, Filter(sources=("elsewhere",)))
    assert share(store, told) == {ANA: [change.id for change in told]}


def test_a_disabled_chat_is_told_nothing_now_or_later(store: Store) -> None:
    join(store, ANA, state="disabled", reason="blocked")
    assert share(store, found()) == {}
    assert later(store, NOON + 24 * HOUR) == {}


def test_a_digest_comes_once_a_day_and_says_when_all_is_quiet(store: Store) -> None:
    one = join(store, ANA, mode="digest", digest="daily 08:00")
    store.run_sync(readers.begin_digest, one, UTC, NOON)
    told = found()
    assert share(store, told) == {}
    assert later(store, NOON) == {}
    morning = NOON.replace(day=3, hour=8)
    assert later(store, morning - timedelta(seconds=1)) == {}
    assert later(store, morning)[ANA].startswith("Digest: 3 changes, 9 of 9 pages seen.")
    assert later(store, morning + HOUR) == {}
    assert later(store, morning + 24 * HOUR) == {ANA: "Digest: all quiet, 9 of 9 pages seen."}


def test_a_group_that_moved_gets_no_second_digest_the_same_day(store: Store) -> None:
    old, new = "telegram:-200/3", "telegram:-1000000000200/3"
    join(store, old, mode="digest", digest="daily 08:00")
    morning = NOON.replace(day=3, hour=8)
    assert list(later(store, morning)) == [old]
    store.run_sync(queue.move, "telegram:-200", "telegram:-1000000000200")
    assert later(store, morning + HOUR) == {}
    assert list(later(store, morning + 24 * HOUR)) == [new]
    assert later(store, morning + 25 * HOUR) == {}


def test_at_once_wins_over_the_digest(store: Store) -> None:
    join(store, ANA, Filter(sources=("list",)))
    join(store, ANA, Filter(), mode="digest", digest="daily 08:00")
    assert list(share(store, found())) == [ANA]
    assert store.read_sync(held.waiting) == {}


def test_what_a_mute_holds_is_told_when_it_ends(store: Store) -> None:
    join(store, ANA, muted_until=NOON + HOUR)
    assert share(store, found()) == {}
    assert later(store, NOON + HOUR / 2) == {}
    assert later(store, NOON + HOUR)[ANA].startswith("While this chat was muted: 3 changes.")
    assert later(store, NOON + HOUR) == {}


def test_quiet_hours_hold_what_is_for_readers(store: Store) -> None:
    join(store, ANA)
    join(store, BEN)
    assert list(share(store, found(), quiet=[ANA])) == [BEN]
    assert later(store, NOON, quiet=[ANA]) == {}
    assert later(store, NOON)[ANA].startswith("While you had quiet hours: 3 changes.")


def test_a_digest_that_is_not_wanted_any_more_is_told_at_once(store: Store) -> None:
    one = join(store, ANA, mode="digest", digest="daily 08:00")
    share(store, found())
    store.run_sync(chats.put, replace(one, digest=""))
    assert later(store, NOON)[ANA].startswith("Digest: 3 changes")


def test_subscriptions_are_read_again_when_they_differ(store: Store) -> None:
    known = Readers()
    join(store, ANA)
    store.run_sync(known.refresh)
    assert list(known.wanted(found())) == [ANA]
    store.run_sync(subscriptions.remove, ANA)
    store.run_sync(known.refresh)
    assert known.wanted(found()) == {}


def test_a_group_that_moved_is_told_by_its_new_name(store: Store) -> None:
    known = Readers()
    join(store, "telegram:-200/3")
    store.run_sync(known.refresh)
    store.run_sync(queue.move, "telegram:-200", "telegram:-1000000000200")
    store.run_sync(known.refresh)
    assert list(known.wanted(found())) == ["telegram:-1000000000200/3"]


def alert_of(store: Store, channel: str, told: Sequence[Change], lane: int = 3) -> Alert:
    """A message that was sent."""
    ids = [change.id for change in told]
    alert, made = LETTER(channel, "test", ids[0], [(Run("told"),)], now=NOON, lane=lane, changes=ids, source="list")
    store.run_sync(outbox.put_alert, alert, made)
    store.run_sync(outbox.record, made[0], Sent("12"), NOON)
    return alert


def test_a_retraction_answers_each_message_that_told_it_once(store: Store) -> None:
    told = found()
    store.run_sync(changes.put_changes, told)
    alerts = [alert_of(store, chat, told[:1]) for chat in (ANA, GROUP)]
    alert_of(store, BEN, told[1:])
    for _ in range(2):
        store.run_sync(readers.retract, LETTER, "list", [told[0].id], "The page was broken.", NOON)
    answers = {row.channel: row for row in rows(store) if row.extras.reply_to}
    assert {chat: row.extras.reply_to for chat, row in answers.items()} == {one.channel: one.id for one in alerts}
    assert as_text(answers[ANA].lines) == "Retracted. The page was broken."


def test_who_was_told_with_the_digest_hears_that_it_was_not_so(store: Store) -> None:
    told = found()
    join(store, ANA, mode="digest", digest="daily 08:00")
    join(store, BEN, Filter(sources=("elsewhere",)), mode="digest", digest="daily 08:00")
    share(store, told)
    later(store, NOON + 24 * HOUR)
    digest = next(row for row in rows(store) if row.channel == ANA)
    store.run_sync(readers.retract, LETTER, "list", [told[0].id], "The page was broken.", NOON + 25 * HOUR)
    assert {row.channel: row.extras.reply_to for row in rows(store) if row.extras.reply_to} == {ANA: digest.alert}
    now = replace(told[0], id="now", old=told[0].new, new=None, at=NOON + 25 * HOUR)
    store.run_sync(changes.put_changes, [now])
    assert store.read_sync(readers.corrected, [now]) == {ANA: digest.alert}


@pytest.mark.parametrize("whole", [True, False])
def test_a_correction_answers_the_message_with_the_wrong_figure(store: Store, whole: bool) -> None:  # noqa: FBT001 - a case
    place = found(1)[0]
    path = ("records", "Cook", "Detainers")
    first = replace(place, id="a", path=path[:2] if whole else path, old=None, new={"Detainers": 13} if whole else 13)
    other = replace(first, id="b", path=("records", "Cook", "Note"), new="13")
    now = replace(place, id="c", path=path, old=13, new=12, at=NOON + HOUR)
    store.run_sync(changes.put_changes, [first, other])
    wrong = alert_of(store, ANA, [first])
    alert_of(store, BEN, [other])
    assert store.read_sync(readers.corrected, [now]) == {ANA: wrong.id}
    assert store.read_sync(readers.corrected, [replace(now, old=11)]) == {}

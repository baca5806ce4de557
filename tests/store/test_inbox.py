"""The inbox, leases and members, on both databases."""

from __future__ import annotations

from datetime import timedelta

from tests.store.made import NOON
from watcher.people import Invite, Member, Role
from watcher.store import Connection, Store, inbox, leases, members, persons
from watcher.store.leases import Lease

HOUR = timedelta(hours=1)


def test_an_update_is_kept_once_and_handled_once(store: Store) -> None:
    for body in ({"message": {"text": "one \0"}}, {"message": {"text": "another"}}):
        store.run_sync(inbox.put, 7, body, NOON)
    store.run_sync(inbox.put, 6, {}, NOON)
    assert [one.id for one in store.read_sync(inbox.unhandled, 10)] == [6, 7]
    assert store.run_sync(inbox.handle, 7, NOON)
    assert not store.run_sync(inbox.handle, 7, NOON)
    assert not store.run_sync(inbox.handle, 8, NOON)
    found = store.read_sync(inbox.update_of, 7)
    assert found is not None
    assert (found.body, found.handled) == ({"message": {"text": "one \0"}}, NOON)
    store.run_sync(inbox.blank, 7)
    assert store.run_sync(inbox.forget, NOON + HOUR) == 1
    assert [one.id for one in store.read_sync(inbox.unhandled, 10)] == [6]


def test_a_lease_is_one_holders(store: Store) -> None:
    mine, yours = Lease("me", NOON), Lease("you", NOON)
    assert store.run_sync(leases.take, "poller", mine) == mine
    assert store.run_sync(leases.take, "poller", yours) == mine
    later = Lease("me", NOON + HOUR)
    assert store.run_sync(leases.take, "poller", later) == later
    assert store.run_sync(leases.take, "poller", yours, mine) == later
    assert store.run_sync(leases.take, "poller", yours, later) == yours
    store.run_sync(leases.give_back, "poller", "me")
    assert store.read_sync(leases.held, "poller") == yours


def test_members_and_invitations(store: Store) -> None:
    ana, ed = Member(2**40, "Ana \0", Role.READER, NOON), Member(2, "Ed", Role.ADMIN, NOON, 1)

    def work(conn: Connection) -> None:
        members.put(conn, ana)
        members.put(conn, ed)
        members.put(conn, Member(2, "Ed", Role.EDITOR, NOON, 1))
        members.put_invite(conn, Invite(members.digest("code"), Role.REPORTER, 1, NOON + HOUR, 2, NOON))

    store.run_sync(work)
    assert [(one.id, one.role) for one in store.read_sync(members.everybody)] == [
        (2, Role.EDITOR),
        (2**40, Role.READER),
    ]
    assert store.run_sync(members.use, "code", NOON + HOUR) is None
    assert store.run_sync(members.use, "other", NOON) is None
    assert len(store.read_sync(members.invites, NOON)) == 1
    used = store.run_sync(members.use, "code", NOON)
    assert used is not None
    assert (used.role, used.uses) == (Role.REPORTER, 0)
    assert store.run_sync(members.use, "code", NOON) is None
    assert store.run_sync(members.revoke, members.digest("code")[:8]) == 1
    assert store.read_sync(persons.known, 2)["member"][0]["name"] == "Ed"
    assert store.run_sync(persons.erase, 2) == 1
    assert store.run_sync(members.remove, 2**40)
    assert store.read_sync(members.everybody) == []

"""`watcher subs`: who has joined, invitations, and all that is kept of a person."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.store.made import NOON
from watcher.asking import Refused
from watcher.cli import app
from watcher.core import Alert, instant
from watcher.people import Chat, Deed, Member, Role
from watcher.route import Filter
from watcher.store import Connection, Store, audit, chats, inbox, members, outbox, subscriptions
from watcher.store.subscriptions import Subscription

ANA = 7
HERS = f"telegram:{ANA}"


@pytest.fixture
def store(tmp_path: Path, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A desk that Ana has joined, beside Ben; she has said something, and was told something."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "config.toml").write_text('[watcher]\nstate = "."\n', encoding="utf-8")
    sqlite_store.run_sync(_made)
    return sqlite_store


def _made(conn: Connection) -> None:
    for user, name, role in ((ANA, "Ana", Role.REPORTER), (8, "Ben", Role.READER)):
        members.put(conn, Member(user, name, role, NOON))
        chats.put(conn, Chat(f"telegram:{user}", "private", name, NOON))
        wanted = Filter(states=("CA",))
        subscriptions.put(conn, Subscription("aaaaaaaa", f"telegram:{user}", wanted, "instant", user, NOON))
        audit.put(conn, Deed(NOON, user, f"telegram:{user}", "subscribe", "aaaaaaaa"))
        told = Alert(f"alert{user}", "reply", f"telegram:{user}", "", None, NOON, ())
        outbox.put_alert(conn, told, [])
        body = {"message": {"from": {"id": user}, "chat": {"id": user}, "text": f"I am {name}"}}
        inbox.put(conn, user, body, NOON)


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["subs", *words, "--now", instant(NOON)])
    if isinstance(result.exception, Refused):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_list(store: Store) -> None:
    told = run("list")
    assert "Ana" in told
    assert "reporter" in told
    assert "California (instant)" in told
    assert store.read_sync(members.invites, NOON) == []
    rows = [json.loads(line) for line in run("list", "--json").splitlines()]
    assert [(row["type"], row["id"]) for row in rows] == [
        ("person", ANA), ("person", 8), ("chat", HERS), ("chat", "telegram:8"),
    ]  # fmt: skip


def test_an_invitation_is_made_used_and_taken_back(store: Store) -> None:
    made = json.loads(run("invite", "--role", "editor", "--uses", "2", "--until", "2d", "--json"))
    assert made["until"] == instant(NOON + timedelta(days=2))
    used = store.run_sync(members.use, made["code"], NOON)
    assert used is not None
    assert (used.role, used.uses) == (Role.EDITOR, 1)
    assert made["id"] in run("list")
    run("revoke", made["id"])
    assert store.run_sync(members.use, made["code"], NOON) is None


@pytest.mark.parametrize("wanted", [Role.ADMIN, Role.READER])
def test_a_role_is_raised_and_lowered(store: Store, wanted: Role) -> None:
    assert f"reporter before, {wanted.label} now" in run("role", "ana", wanted.label)
    ana = store.read_sync(members.member, ANA)
    assert ana == Member(ANA, "Ana", wanted, NOON)
    (deed, *_) = store.read_sync(audit.latest, 1)
    assert (deed.chat, deed.action, deed.about, deed.detail) == (HERS, "role", wanted.label, {"before": "reporter"})
    assert '"role"' in run("export", "ana")


@pytest.mark.parametrize(
    "words",
    [
        ("invite", "--role", "king"),
        ("invite", "--uses", "0"),
        ("invite", "--until", "2020-01-01"),
        ("invite", "--until", "soon"),
        ("revoke", "ab"),
        ("revoke", "abcdef12"),
        ("export", "Zoe"),
        ("delete", "Zoe"),
        ("role", "Ana", "king"),
        ("role", "999", "reader"),
    ],
)
def test_what_is_refused(store: Store, words: tuple[str, ...]) -> None:
    del store
    with pytest.raises(Refused):
        run(*words)


def test_everything_of_a_person_and_nothing_of_another(store: Store) -> None:
    del store
    told = run("export", "ana")
    found = json.loads(told)
    assert found.keys() == {"member", "subscription", "chat", "alert", "audit", "inbox"}
    assert "I am Ana" in told
    assert "Ben" not in told
    assert "telegram:8" not in told


def test_a_person_is_deleted_and_another_is_not(store: Store) -> None:
    ben = run("export", "8")
    assert "Ana is deleted" in run("delete", "Ana")
    assert json.loads(run("export", str(ANA))) == {}
    assert run("export", "8") == ben
    assert [deed.action for deed in store.read_sync(audit.latest, 10)] == ["erased", "subscribe", "subscribe"]
    assert store.read_sync(subscriptions.of_chat, HERS) == []

"""Polling: what comes is stored before it is confirmed; one process does it; what goes wrong is said, no secrets."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import os
import socket
from typing import Any

import pytest

from tests.bot.house import ANA, House
from tests.telegram_api import TOKEN, faults
from watcher.app import real_clock
from watcher.bot.poll import HELD, POLLER, Kept, Poller, secret
from watcher.bot.telegram import BotStopped
from watcher.config import load
from watcher.store import Store, StoreError, inbox, leases
from watcher.store.leases import Lease


class Given:
    """An update as the library hands it over."""

    update_id = 5
    text = "hello"

    def to_dict(self) -> dict[str, Any]:
        return {"update_id": 5, "message": {"text": self.text}}


def poller(house: House) -> Poller:
    telegram = load(house.path).telegram
    assert telegram is not None
    return Poller(house.store, real_clock, lambda: None, lambda: None, telegram, renew=0.05)


def test_an_update_is_stored_once_put_returns(sqlite_store: Store) -> None:
    woken: list[int] = []
    kept = Kept(sqlite_store, real_clock, lambda: woken.append(1))
    asyncio.run(kept.put(Given()))
    asyncio.run(kept.put(Given()))
    (update,) = sqlite_store.read_sync(inbox.unhandled, 10)
    assert (update.id, update.body["message"]) == (5, {"text": "hello"})
    assert len(woken) == 2


def test_half_a_character_holds_nothing_up(sqlite_store: Store) -> None:
    update = Given()
    update.text = "half \ud83d, and \0"
    asyncio.run(Kept(sqlite_store, real_clock, lambda: None).put(update))
    (kept,) = sqlite_store.read_sync(inbox.unhandled, 10)
    assert kept.body["message"]["text"] == "half ?, and \0"


def test_what_cannot_be_stored_at_all_is_left_out(sqlite_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    update = Given()
    update.text = ...  # type: ignore[assignment]  # nothing that JSON has
    asyncio.run(Kept(sqlite_store, real_clock, lambda: None).put(update))
    assert sqlite_store.read_sync(inbox.unhandled, 10) == []
    assert "is left out" in caplog.text


def test_a_store_that_fails_is_waited_for(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    run = sqlite_store.run

    async def failing(*given: Any, **more: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("the disk is full")
        return await run(*given, **more)

    monkeypatch.setattr(sqlite_store, "run", failing)
    monkeypatch.setattr("watcher.bot.poll.WAITS", (0.0,))
    asyncio.run(Kept(sqlite_store, real_clock, lambda: None).put(Given()))
    assert len(tries) == 3
    assert len(sqlite_store.read_sync(inbox.unhandled, 10)) == 1


def test_a_conflict_ends_the_bot_with_a_clear_text(house: House) -> None:
    house.api.fail(faults.CONFLICT, method="getUpdates")
    house.open()
    assert house.ended_with() == (
        "another program asks Telegram for this bot's updates: stop it, or give this one a bot of its own "
        "([telegram].token_env)"
    )


@pytest.mark.parametrize("fault", [faults.UNAUTHORIZED, faults.NOT_FOUND])
def test_a_rejected_token_ends_the_bot_and_is_told_nowhere(
    house: House, fault: faults.Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house.api.fail(fault, method="getMe", times=None)
    house.open()
    said = house.ended_with()
    assert "Telegram rejects the bot's token" in said
    assert TOKEN not in caplog.text + said
    assert TOKEN.partition(":")[2] not in caplog.text


def test_a_token_that_is_rejected_later_ends_the_bot(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.open()
    house.api.fail(faults.UNAUTHORIZED, method="getUpdates", times=None)
    assert "Telegram rejects the bot's token" in house.ended_with()
    assert TOKEN.partition(":")[2] not in caplog.text


def test_telegram_that_is_away_is_waited_for(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.open().joined()
    house.api.fail(faults.BAD_GATEWAY_UNHEARD, method="getUpdates", times=2)
    assert "told nothing yet" in house.say("/list")
    assert TOKEN.partition(":")[2] not in caplog.text


def test_a_second_process_on_the_same_store_is_refused(house: House) -> None:
    house.open()

    async def second() -> None:
        one = poller(house)
        held = Lease(f"elsewhere/{os.getpid()}/1", real_clock() + HELD)
        await house.store.run(leases.take, POLLER, held, await house.store.read(leases.held, POLLER))

        async def renewed() -> None:
            for number in range(100):
                later = held._replace(until=held.until.replace(microsecond=0) + HELD * (number + 1))
                await house.store.run(leases.take, POLLER, later)
                await asyncio.sleep(0.02)

        renewing = asyncio.create_task(renewed())
        try:
            await one.take_lease(asyncio.Event())
        finally:
            renewing.cancel()

    with pytest.raises(BotStopped, match=rf"another watcher \(elsewhere, process {os.getpid()}\) serves the bot"):
        asyncio.run(second())


def test_a_second_process_of_the_same_machine_is_refused_at_once(house: House) -> None:
    house.open()
    with pytest.raises(BotStopped, match=f"process {os.getpid()}"):
        asyncio.run(poller(house).take_lease(asyncio.Event()))


def test_a_lease_that_stands_still_or_whose_process_has_ended_is_taken_over(house: House) -> None:
    async def take(holder: str) -> str:
        one = poller(house)
        held = await house.store.read(_held)
        await house.store.run(leases.take, POLLER, Lease(holder, real_clock() + HELD), held)
        await one.take_lease(asyncio.Event())
        found = await house.store.read(_held)
        assert found is not None
        return "mine" if found.holder == one.holder else found.holder

    assert asyncio.run(take("elsewhere/1/x")) == "mine"
    assert asyncio.run(take(f"{socket.gethostname()}/{2**22 + 1}/x")) == "mine"


def _held(conn: Any) -> Lease | None:
    return leases.held(conn, POLLER)


def test_the_lease_is_given_back(house: House) -> None:
    house.open()
    assert house.store.read_sync(_held) is not None
    house.close()
    assert house.store.read_sync(_held) is None


def test_what_was_handled_is_forgotten_after_a_week(house: House) -> None:
    house.open().joined()
    house.say("/list")
    house.later(days=6)
    house.say("/list")
    assert house.store.read_sync(inbox.update_of, 1001) is not None
    house.later(days=2)
    house.say("/list")
    assert house.store.read_sync(inbox.update_of, 1001) is None
    assert house.store.read_sync(inbox.update_of, 1002) is not None


def test_what_came_while_nobody_listened_is_handled_once(house: House) -> None:
    house.joined()
    house.api.say(ANA, ANA, "/subscribe dropped")
    house.open()
    house.wait()
    house.close()
    house.open()
    house.wait()
    assert len(house.api.messages(ANA)) == 1


def posted(port: int, token: str) -> int:
    """The status of an update that is brought to a webhook."""
    chat = {"id": ANA, "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": {"id": ANA, "is_bot": False, "first_name": "Ana"}}
    body = json.dumps({"update_id": 77, "message": message | {"text": "/list"}})
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": token}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/hook", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_a_webhook_takes_updates_with_its_secret_alone(house: House) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    house.configure(telegram=f'webhook = "https://desk.example/hook"\nlisten = "127.0.0.1:{port}"')
    house.open().joined()
    assert house.api.world.webhook == "https://desk.example/hook"
    while not listens(port):
        house.call(lambda: asyncio.sleep(0))  # the library listens right after it has told Telegram
    assert posted(port, "guessed") == 403
    assert house.store.read_sync(inbox.update_of, 77) is None
    assert posted(port, secret(TOKEN)) == 200
    house.api.until(lambda: len(house.api.messages(ANA)) == 1)
    assert "told nothing yet" in house.last()


def test_the_secret_of_a_webhook_is_derived_and_fits() -> None:
    made = secret(TOKEN)
    assert made == secret(TOKEN) != secret(TOKEN + "x")
    assert len(made) == 64
    assert made.isalnum()
    assert TOKEN not in made

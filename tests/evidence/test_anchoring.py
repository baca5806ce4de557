"""Hourly heads and their stamps: asked for, checked before they count, and asked for again until they hold."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.histories import exported, ran
from tests.evidence.tsa import BORN, Authority
from tests.rig import NOON, Rig, minutes, source, table, without
from tests.site import Reply
from watcher.app import App
from watcher.core import Alert, Delivery, Line
from watcher.evidence.anchoring import anchor_tick
from watcher.evidence.stamps import BadStamp, check, request, trusted
from watcher.outbox import letter
from watcher.store import Connection, StoreError, anchors, outbox
from watcher.store.anchors import Anchor, Stamp


@pytest.fixture
def authority(rig: Rig) -> Authority:
    """An authority at /tsa, which the desk of `rig` asks."""
    one = Authority(rig.now)
    rig.site.pages["/tsa"] = one
    rig.watch(source(rig.site), evidence=asking(rig, one))
    return one


def asking(rig: Rig, one: Authority, more: str = "") -> str:
    one.root(rig.folder / "roots.pem")
    return f'timestamp_urls = ["{rig.site.url("/tsa")}"]\ntimestamp_roots = "roots.pem"\n{more}'


def tick(rig: Rig, *, after: timedelta = timedelta(0), send: Any = None) -> bool:
    rig.now += after

    async def work(app: App) -> bool:
        tools = app.channels.tools
        return await anchor_tick(rig.store, tools.post, app.config.evidence, lambda: rig.now, send)

    return rig.run(work)


def seen(rig: Rig, county: str) -> None:
    rig.site.pages["/list"] = table(without(county))
    rig.check()


def stamps(rig: Rig) -> list[Stamp]:
    every = rig.store.read_sync(anchors.after, 0)
    return [stamp for one in every for stamp in rig.store.read_sync(anchors.stamps_of, one.n)]


def every(rig: Rig) -> list[Anchor]:
    return rig.store.read_sync(anchors.after, 0)


def said(rig: Rig, *more: str) -> tuple[int, list[dict[str, Any]]]:
    """What `verify --anchors` says of the stamps."""
    code, told = ran(rig, "verify", "--anchors", "--json", "--now", rig.now.isoformat(), *more)
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    return code, [line for line in lines if "anchor" in line]


def test_an_anchor_an_hour_for_what_went_on(rig: Rig, authority: Authority) -> None:
    tick(rig)
    assert every(rig) == []
    seen(rig, "Cook")
    tick(rig)
    tick(rig, after=minutes(61))
    seen(rig, "Clark")
    tick(rig, after=minutes(1))
    seen(rig, "Nassau")
    tick(rig, after=minutes(30))
    authority.now = rig.now + minutes(60)
    tick(rig, after=minutes(60))
    first, second, third = every(rig)
    assert [dict(one.heads)["list"][0] for one in (first, second, third)] == [1, 2, 3]
    assert (first.previous, second.previous, third.previous) == ("", first.digest, second.digest)
    assert [one.due for one in stamps(rig)][0::2] == [None, None]
    assert len(authority.asked) >= 3


def test_nothing_is_anchored_where_nobody_is_asked(rig: Rig) -> None:
    seen(rig, "Cook")
    assert tick(rig) is False
    assert every(rig) == []


def test_a_checked_stamp_is_said(rig: Rig, authority: Authority) -> None:
    seen(rig, "Cook")
    tick(rig)
    (one,) = stamps(rig)
    assert (one.due, one.attempts, one.reason) == (None, 1, "")
    code, (told,) = said(rig)
    assert (code, told["state"], told["said"]) == (0, "checked", "there at 2026-03-01T12:00:00Z")
    assert told["head"] == every(rig)[0].digest
    tick(rig, after=minutes(30))
    assert len(authority.asked) == 1


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"nonce": 5}, "Nonce mismatch"),
    "another imprint": ({"imprint": bytes(32)}, "Mismatch between messages"),
    "an expired certificate": ({"until": BORN + timedelta(days=30)}, "certificates"),
    "another root": ({"name": "Nobody's root"}, "certificates"),
    "a certificate that is not for stamping": ({"stamping": False}, ""),
    "a refusal": ({"status": 2}, ""),
    "a page": ({"reply": Reply("<html>log in</html>")}, ""),
    "nothing": ({"reply": Reply("")}, ""),
    "an error": ({"reply": Reply("", status=500)}, "status 500"),
    "a time long before": ({"now": BORN + timedelta(days=40)}, "cannot have been"),
    "a time to come": ({"now": BORN + timedelta(days=9000)}, "cannot have been"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_an_answer_that_proves_nothing_is_never_believed(
    rig: Rig, authority: Authority, wrong: tuple[dict[str, Any], str]
) -> None:
    fields, why = wrong
    vars(authority).update(fields)
    seen(rig, "Cook")
    tick(rig)
    (one,) = stamps(rig)
    assert (one.due, one.token) == (rig.now + minutes(1), b"")
    assert why in one.reason
    assert one.reason
    code, (told,) = said(rig)
    assert (code, told["state"]) == (0, "pending")
    assert one.reason in told["said"]


def test_an_authority_that_is_down_is_asked_again_later_and_later(rig: Rig, authority: Authority) -> None:
    authority.down = 7
    seen(rig, "Cook")
    tried = []
    for _ in range(24 * 60):
        before = len(authority.asked)
        authority.now = rig.now
        tick(rig)
        if len(authority.asked) > before:
            tried.append(rig.now)
            rig.now = (stamps(rig)[0].due or rig.now) - minutes(1)
        if stamps(rig)[0].due is None:
            break
        rig.now += minutes(1)
    gaps = [int((later - earlier).total_seconds() // 60) for earlier, later in pairwise(tried)]
    assert gaps == [1, 5, 15, 60, 360, 360, 360]
    code, (told,) = said(rig)
    assert (code, told["state"]) == (0, "checked")
    assert told["said"] == "stamped only 19 h after the anchor, there at 2026-03-02T07:21:00Z"


def test_an_authority_that_does_not_answer_is_pending(rig: Rig, authority: Authority) -> None:
    del authority
    rig.watch(source(rig.site), evidence='timestamp_urls = ["http://127.0.0.1:9/tsa"]')
    seen(rig, "Cook")
    tick(rig)
    code, (told,) = said(rig)
    assert (code, told["state"]) == (0, "pending")
    assert "1 attempt: 127.0.0.1 is a private or special address" in told["said"]


def test_roots_that_cannot_be_read_are_said(rig: Rig, authority: Authority) -> None:
    seen(rig, "Cook")
    tick(rig)
    (rig.folder / "roots.pem").write_text("no certificate")
    assert ran(rig, "verify", "--anchors")[0] == 2
    seen(rig, "Clark")
    with pytest.raises(StoreError, match=r"evidence\.timestamp_roots: expected a PEM file"):
        tick(rig, after=minutes(60))
    authority.root(rig.folder / "roots.pem")
    authority.now = rig.now
    tick(rig)
    assert [one.due for one in stamps(rig)] == [None, None]


def test_one_that_is_not_asked_any_more_does_not_hold_up_the_others(rig: Rig, authority: Authority) -> None:
    rig.watch(source(rig.site), evidence='timestamp_urls = ["http://127.0.0.1:9/tsa"]')
    seen(rig, "Cook")
    tick(rig)
    rig.watch(source(rig.site), evidence=asking(rig, authority))
    seen(rig, "Clark")
    authority.now = rig.now + minutes(60)
    tick(rig, after=minutes(60))
    assert [told["state"] for told in said(rig)[1]] == ["pending", "checked"]


def test_a_stored_token_that_was_changed_is_bad(rig: Rig, authority: Authority) -> None:
    del authority
    seen(rig, "Cook")
    tick(rig)
    (one,) = stamps(rig)
    flipped = bytearray(one.token)
    flipped[-5] ^= 1
    rig.store.run_sync(anchors.settle, replace(one, token=bytes(flipped)))
    code, (told,) = said(rig)
    assert (code, told["state"]) == (1, "bad")


def test_no_flipped_byte_of_an_answer_is_an_exception(tmp_path: Path) -> None:
    """What an authority sends is hostile, too: it is believed or refused, and nothing else."""
    authority = Authority(NOON)
    roots = trusted(str(authority.root(tmp_path / "roots.pem")))
    anchor = anchors.made(1, NOON, {"list": (1, "00" * 32)}, "")
    query, nonce = request(anchor)
    honest = authority.answer(query)
    stamp = Stamp(1, "", None, 1, "", nonce, honest)
    assert check(stamp, anchor, roots, NOON) == NOON
    believed = 0
    for place in range(len(honest)):
        answer = bytearray(honest)
        answer[place] ^= 1 << (place % 8)
        with contextlib.suppress(BadStamp):
            believed += check(replace(stamp, token=bytes(answer)), anchor, roots, NOON) == NOON
        with contextlib.suppress(BadStamp):
            check(replace(stamp, token=bytes(answer[:place])), anchor, roots, NOON)
            raise AssertionError("a cut token was believed")
    assert believed < len(honest) / 50


# ---------------------------------------------------------------- what verify makes of it


def verified(rig: Rig, *more: str) -> tuple[int, list[str]]:
    code, told = ran(rig, "verify", "--now", rig.now.isoformat(), *more)
    return code, told.splitlines()


def execute(conn: Connection, statement: str) -> int:
    return conn.exec_driver_sql(statement).rowcount


def test_only_a_checked_stamp_anchors(rig: Rig, authority: Authority) -> None:
    seen(rig, "Cook")
    tick(rig)
    authority.down = 9
    seen(rig, "Clark")
    tick(rig, after=minutes(61))
    assert len(every(rig)) == 2
    assert re.search(r"anchored up to 2026-03-01 \d\d:00 ", verified(rig)[1][-1])
    rig.store.run_sync(execute, "UPDATE stamp SET token = X'00' WHERE anchor = 1")
    code, told = verified(rig)
    assert (code, told[-1].endswith("; 2 anchors, none checked yet")) == (0, True)
    code, told = verified(rig, "--anchors")
    assert (code, told[-1].startswith("the chains hold, and what vouches for them does not")) == (1, True)


def test_anchors_without_a_stamp_are_said(rig: Rig, authority: Authority) -> None:
    del authority
    seen(rig, "Cook")
    tick(rig)
    rig.store.run_sync(execute, "DELETE FROM stamp")
    code, (told,) = said(rig)
    assert (code, told["state"]) == (0, "no stamp")
    rig.now += timedelta(days=1, minutes=1)
    code, (told,) = said(rig)
    assert (code, told["state"]) == (1, "no stamp")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE anchor SET heads = '{{{' WHERE n = 2",
        "UPDATE anchor SET at = 'once' WHERE n = 2",
        "UPDATE anchor SET heads = 7 WHERE n = 2",
    ],
)
def test_a_damaged_anchor_is_named(rig: Rig, authority: Authority, damage: str) -> None:
    for county in ("Cook", "Clark"):
        seen(rig, county)
        authority.now = rig.now
        tick(rig)
        rig.now += minutes(60)
    rig.store.run_sync(execute, damage)
    code, told = verified(rig, "--anchors")
    assert code == 1
    assert "BAD  anchor 2 was changed or damaged, or one before it is missing" in told
    assert any(line.startswith("checked  anchor 1 ") for line in told)
    assert told[-1].startswith("the chains hold, and what vouches for them does not")
    code, lines = said(rig)
    assert {"anchor": 2, "ok": False, "first_bad": "2"} in lines
    assert ran(rig, "db", "check")[0] == 1
    exported(rig, "out.zip")
    seen(rig, "Nassau")
    tick(rig, after=minutes(60))
    assert [one.n for one in every(rig)] == [1, 2, 3]


@pytest.mark.parametrize("damage", ["due = 'soon'", "attempts = 'many', nonce = 'x', due = NULL"])
def test_a_damaged_stamp_is_named(rig: Rig, authority: Authority, damage: str) -> None:
    del authority
    seen(rig, "Cook")
    tick(rig)
    rig.store.run_sync(execute, f"UPDATE stamp SET {damage}")
    code, (told,) = said(rig)
    assert (code, told["state"]) == (1, "bad")
    exported(rig, "out.zip")
    tick(rig, after=minutes(60))


def test_a_missing_head_is_not_all_as_it_was(rig: Rig) -> None:
    seen(rig, "Cook")
    code, told = verified(rig, "--head", "0" * 64)
    assert (code, any("all is as it was stored" in line for line in told)) == (1, False)
    lines = verified(rig, "--head", "0" * 64, "--json")[1]
    assert {"head": "0" * 64, "ok": False} in [json.loads(line) for line in lines if line.startswith("{")]
    for wrong in ("00", "x" * 64, "0" * 63 + " "):
        assert verified(rig, "--head", wrong)[0] == 2


# ---------------------------------------------------------------- heads that others keep


def sender(channel: str, route: str, key: str, lines: Sequence[Line], **more: Any) -> tuple[Alert, Sequence[Delivery]]:
    return partial(letter, limit=4000, measure=lambda told: sum(len(run.text) for line in told for run in line))(
        channel, route, key, lines, **more
    )


def test_the_head_is_told_to_a_channel_and_found_again(rig: Rig) -> None:
    rig.watch(source(rig.site), evidence='head_to = "console"')
    seen(rig, "Cook")
    assert tick(rig, send=sender) is True
    (anchor,) = every(rig)
    (told,) = [one for one in rig.deliveries() if one.lane == 4]
    assert anchor.digest in "".join(run.text for line in told.lines for run in line)
    assert ran(rig, "verify", "--head", anchor.digest)[0] == 0
    code, text = ran(rig, "verify", "--head", "0" * 64)
    assert code == 1
    assert "cut or rewritten" in text
    assert rig.store.read_sync(outbox.counts)[("console", "pending")] >= 1
    assert tick(rig, after=minutes(61), send=sender) is False


def test_a_bundle_holds_the_anchors_of_its_source_alone(rig: Rig, authority: Authority) -> None:
    rig.watch(source(rig.site), source(rig.site, "other"), evidence=asking(rig, authority))
    rig.site.pages["/list"] = rig.site.pages["/other"] = table()
    rig.check_all()
    tick(rig)
    rig.site.pages["/other"] = table(without("Cook"))
    rig.check_all()
    tick(rig, after=minutes(60))
    path = exported(rig, "out.zip")
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("anchors.jsonl").splitlines()
        assert len(lines) == 1
        assert b"other" not in lines[0]
        token = archive.read("tokens/000001-1.tsr")
        archive.extractall(rig.folder / "b")
    assert token == stamps(rig)[0].token
    done = subprocess.run([sys.executable, "-I", "verify.py"], cwd=rig.folder / "b", capture_output=True, check=False)
    assert b"names the right digest" in done.stdout
    anchors_file = rig.folder / "b" / "anchors.jsonl"
    for wrong in (lines[0].replace(b'"n":1', b'"n":2'), lines[0].replace(b'"seq":1', b'"seq":9')):
        anchors_file.write_bytes(wrong)
        done = subprocess.run(
            [sys.executable, "-I", "verify.py"], cwd=rig.folder / "b", capture_output=True, check=False
        )
        assert done.returncode == 1
        assert b"BAD  anchor" in done.stdout

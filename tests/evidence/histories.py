"""Histories to prove and to carry: a table watched live, with a redirect, odd headers and a page that went."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner

from tests.rig import Rig, minutes, page, table, without
from tests.site import Reply
from watcher.asking import Refused
from watcher.cli import app
from watcher.store import Store

HOUR = timedelta(hours=1)


def lived(rig: Rig) -> Rig:
    """Five live captures: plain, changed, packed and with odd headers, not found, and one as at first."""
    odd = {"content-type": "text/html", "content-encoding": "gzip", "etag": '"ü"', "via": "a\tb"}
    rig.site.pages["/list"] = table()
    rig.check()
    for body in (
        table(without("Cook")),
        Reply(gzip.compress(table(without("Nassau")).encode()), headers=odd),
        Reply(page("x", title="Not found"), status=404),
        table(),
    ):
        rig.site.pages["/list"] = body
        rig.check(after=minutes(60))
    assert len(rig.snapshots()) == 5
    return rig


def ran(rig: Rig, *words: str) -> tuple[int, str]:
    """A command on the rig's desk: its exit code, and what it prints, on either stream."""
    result = CliRunner().invoke(app, [*words, "--config", str(rig.path)])
    if isinstance(result.exception, Refused):
        return result.exception.code, str(result.exception)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def beside(rig: Rig, name: str) -> Rig:
    """A desk with the same sources and an empty state of its own."""
    folder = rig.folder / name
    folder.mkdir()
    (folder / "config.toml").write_text(rig.path.read_text())
    return Rig(folder, rig.site, Store.open(folder / "watcher.db"))


def exported(rig: Rig, name: str) -> Path:
    path = rig.folder / name
    code, told = ran(rig, "export", "list", "--to", str(path), "--force")
    assert code == 0, told
    return path

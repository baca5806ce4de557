"""A whole desk in one process: its config.toml, a site on loopback, a store, a clock, and what the console was told."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tests.site import Reply, Request, Site
from watcher.app import App, running
from watcher.child import Job, answer_to
from watcher.config import load
from watcher.core import Change, Delivery, NotReadable, Snapshot, SourceState, instant
from watcher.delivery import Delivered
from watcher.pipeline import Checked
from watcher.pool import Pool, Unread
from watcher.store import Store, changes, outbox, snapshots, sources

T = TypeVar("T")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTIES = tuple(
    (f"{name} County", state, str(number))
    for number, (name, state) in enumerate(
        (("Clark", "Nev."), ("Nassau", "N.Y."), ("Cook", "Ill."), ("Montgomery", "Iowa"), ("Snohomish", "Wash.")), 10
    )
)
"""Five rows: a county, its state, and a figure."""


class Inline(Pool):
    """The pool's work done in this process, which spares each test the start of a child; all else is as there."""

    async def _run(self, job: Any, result: type[T]) -> T:
        answer = answer_to(msgspec.msgpack.decode(msgspec.msgpack.encode(job), type=Job))
        if answer.error:
            raise (NotReadable if answer.unreadable else Unread)(answer.error)
        return msgspec.msgpack.decode(answer.result, type=result)


class Rig:
    """A desk that watches pages of `site`; its clock stands at `now` until a test moves it."""

    def __init__(self, folder: Path, site: Site, store: Store) -> None:
        self.folder, self.site, self.store = folder, site, store
        self.path = folder / "config.toml"
        self.now = NOON
        self.out = io.StringIO()

    def watch(self, *tables: str, **settings: str) -> None:
        """Write config.toml: the tables of `settings` (as watcher='keep = "all"'), then `tables`."""
        self.path.write_text(desk_config(self.site, *tables, **settings), encoding="utf-8")

    def run(self, work: Callable[[App], Awaitable[T]]) -> T:
        """Build the app from config.toml, do `work` with it, and take it down again."""

        async def main() -> T:
            config = load(self.path)
            async with running(config, self.store, clock=lambda: self.now, given=True, out=self.out) as app:
                return await work(app)

        return asyncio.run(main())

    def check_all(self, *names: str) -> dict[str, Checked]:
        """Check these sources, or all, and deliver; gives each one's end by its name."""
        ends: dict[str, Checked] = {}

        async def work(app: App) -> None:
            wanted = [source for source in app.sources if not names or source.name in names]
            await app.check(wanted, lambda source, checked: ends.update({source.name: checked}))
            await app.deliver()

        self.run(work)
        return ends

    def check(self, name: str = "list", *, after: timedelta = timedelta(0)) -> Checked:
        """Let the clock go on by `after`, then check one source and deliver."""
        self.now += after
        return self.check_all(name)[name]

    def deliver(self, *, after: timedelta = timedelta(0)) -> Delivered:
        """Let the clock go on by `after`, then send what is due."""
        self.now += after
        return self.run(lambda app: app.deliver())

    def told(self) -> str:
        """What the console got since this was asked last."""
        text = self.out.getvalue()
        self.out.seek(0)
        self.out.truncate()
        return text

    def state(self, name: str = "list") -> SourceState:
        return self.store.read_sync(sources.states)[name]

    def changes(self, *names: str) -> list[Change]:
        """The stored changes, oldest first."""
        return list(self.store.read_sync(lambda conn: list(changes.history(conn, sources=names or None))))

    def kinds(self, *names: str) -> list[str]:
        return [change.kind for change in self.changes(*names)]

    def snapshots(self, name: str = "list") -> list[Snapshot]:
        return self.store.read_sync(snapshots.snapshots, name)

    def deliveries(self) -> list[Delivery]:
        """Every row of the outbox, in the order of making."""
        return self.store.read_sync(deliveries)

    def counts(self) -> dict[tuple[str, str], int]:
        return self.store.read_sync(outbox.counts)


def deliveries(conn: Any) -> list[Delivery]:
    """Every row of the outbox, by alert and part."""
    from sqlalchemy import select

    from watcher.store.tables import alert

    ids = conn.execute(select(alert.c.id).order_by(alert.c.at, alert.c.id)).scalars().all()
    return [delivery for one in ids for delivery in outbox.deliveries(conn, one)]


def desk_config(site: Site, *tables: str, **settings: str) -> str:
    """A config.toml that may reach `site`, and waits for nothing."""
    lines = {"watcher": "", "fetch": "", **settings}
    lines["watcher"] += '\nstate = "."'
    lines["fetch"] += f'\nper_host_per_minute = 0\nallow_private = ["{site.address}"]'
    return "\n".join([*(f"[{name}]\n{text}\n" for name, text in lines.items()), *tables])


def source(site: Site, name: str = "list", kind: str = "table", *, path: str = "", more: str = "") -> str:
    """A [[source]] whose page is `/name` on `site`."""
    url = site.url(path or f"/{name}")
    return f'[[source]]\nname = "{name}"\nkind = "{kind}"\nurl = "{url}"\nignore_robots = true\n{more}\n'


def page(*parts: str, title: str = "Weekly report", head: str = "") -> str:
    """An HTML page whose content is `parts`."""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body><main><h1>{title}</h1>{''.join(parts)}</main></body></html>"
    )


def table(rows: Iterable[Sequence[str]] = COUNTIES, *, more: str = "", token: str = "") -> str:
    """A page with a table of counties; `token` is markup that nothing reads, `more` stands before the table."""
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    header = "<tr><th>County</th><th>State</th><th>Detainers</th></tr>"
    hidden = f'<input type="hidden" name="token" value="{token}">' if token else ""
    return page(f"{more}{hidden}<table>{header}{cells}</table>")


def without(name: str) -> list[tuple[str, str, str]]:
    """The five counties but one."""
    return [row for row in COUNTIES if row[0] != f"{name} County"]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def at(moment: datetime) -> str:
    """A time as --now takes it."""
    return instant(moment)


class Hook:
    """A webhook's far end: answers `status`, and keeps what was posted."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.got: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Reply:
        self.got.append(msgspec.json.decode(request.body))
        return Reply("", status=self.status)


def webhook(site: Site, name: str = "hook") -> str:
    """A [[channel]] that posts to `/name` of `site`; its secret is in the environment as HOOK_SECRET."""
    url = site.url(f"/{name}")
    return f'[[channel]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}"\nsecret_env = "HOOK_SECRET"\n'


def route(to: str, match: str = "") -> str:
    return f'[[route]]\nto = "{to}"\n' + (f"match = {{ {match} }}\n" if match else "")

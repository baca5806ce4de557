"""Opening databases: new, known, older, newer, foreign, damaged; and that the migrations make what the tables say."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from watcher.store import Store, StoreError, sources
from watcher.store.evidence_tables import anchor
from watcher.store.people_tables import chat
from watcher.store.schema import MIGRATIONS
from watcher.store.tables import HEAD, metadata

STAMPED = "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES"
FOREIGN = [
    "CREATE TABLE bookmarks (url TEXT)",
    f"{STAMPED} ('a1b2c3d4e5f6'); CREATE TABLE source (feed TEXT)",
    f"{STAMPED} ('0001')",
]


def stamp(store: Store, number: str) -> None:
    store.run_sync(lambda conn: conn.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{number}'").rowcount)


def test_migrations_make_what_the_tables_say(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(conn: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(conn), metadata))

    assert chat.metadata is anchor.metadata is metadata
    assert store.read_sync(differences) == []


def test_head_is_the_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_known_database_is_opened_without_heavy_libraries(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    Store.open(path).close()
    program = f"""
import sys
from watcher.store import Store, changes, outbox, snapshots, sources
with Store.open({str(path)!r}) as store:
    assert store.read_sync(sources.states) == {{}}
heavy = {{"alembic", "mako", "psycopg", "zstandard", "sqlalchemy.dialects.postgresql", "sqlalchemy.orm"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_opened_again_it_holds_what_was_stored(store_url: str) -> None:
    from watcher.core import SourceState

    with Store.open(store_url) as store:
        store.run_sync(sources.put_state, SourceState("list"))
    with Store.open(store_url, migrate=False) as store:
        assert list(store.read_sync(sources.states)) == ["list"]


def test_two_processes_may_start_at_once(store_url: str) -> None:
    with ThreadPoolExecutor(2) as both:
        for store in both.map(Store.open, [store_url] * 2):
            with store:
                assert store.read_sync(sources.states) == {}


def test_a_newer_database_is_refused(store_url: str) -> None:
    with Store.open(store_url) as store:
        stamp(store, "0999")
        name = store.name
    with pytest.raises(StoreError, match=r"newer watcher.*0999") as caught:
        Store.open(store_url)
    assert name in str(caught.value)


def test_an_older_database_waits_for_the_upgrade(store_url: str) -> None:
    with Store.open(store_url) as store:
        stamp(store, "0000")
    with pytest.raises(StoreError, match="watcher db upgrade"):
        Store.open(store_url, migrate=False)


@pytest.mark.parametrize("script", FOREIGN)
def test_a_file_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path, script: str) -> None:
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as conn:
        conn.executescript(script)
    conn.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program") as caught:
        Store.open(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_shared_server_keeps_the_tables_of_others(postgresql_url: str) -> None:
    import psycopg

    with psycopg.connect(postgresql_url, autocommit=True) as conn:
        conn.execute("CREATE TABLE queue (job TEXT)")
        Store.open(postgresql_url).close()
        conn.execute("SELECT job FROM queue")
        conn.execute("DROP TABLE alembic_version")
        with pytest.raises(StoreError, match="another program"):
            Store.open(postgresql_url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        Store.open(path)
    assert str(path) in str(caught.value)
    assert path.read_text().startswith("Dear diary")


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    Store.open(path).close()
    content = bytearray(path.read_bytes())
    content[100:2048] = b"\xff" * 1948
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as caught:
        Store.open(path)
    assert str(path) in str(caught.value)


def test_without_migrating_nothing_is_made(tmp_path: Path, store_url: str) -> None:
    with pytest.raises(StoreError, match="no database here yet"):
        Store.open(tmp_path / "none" / "watcher.db", migrate=False)
    assert not (tmp_path / "none").exists()
    if store_url.startswith("postgresql"):
        with pytest.raises(StoreError, match="no tables yet"):
            Store.open(store_url, migrate=False)


def test_a_folder_is_made_for_a_new_file(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a #1?%41" / "watcher.db")) as store:
        assert store.read_sync(sources.states) == {}
    assert (tmp_path / "a #1?%41" / "watcher.db").exists()


def test_a_place_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="folder cannot be made"):
        Store.open(tmp_path / "file" / "watcher.db")
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(tmp_path)


@pytest.mark.parametrize(
    "url", ["mysql://desk:secret@host/name", "sqlite://", "postgresql://desk:secret@host:port/name"]
)
def test_an_address_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreError, match="expected postgresql://") as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_away_is_named_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1") as caught:
        Store.open("postgresql://desk:secret@127.0.0.1:9/watcher?application_name=hidden")
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)

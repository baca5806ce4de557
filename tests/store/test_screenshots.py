"""Pictures beside snapshots: they come back as they were, damage is named, and a database without them gets a place."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from tests.store.made import put_chain
from watcher.store import Corrupt, Store, StoreError, snapshots
from watcher.store.schema import MIGRATIONS
from watcher.store.screenshots import put_screenshot, screenshot
from watcher.store.tables import screenshot as table

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_a_picture_comes_back_as_it_was(store: Store) -> None:
    first, second = store.run_sync(put_chain, [b"one", b"two"])
    store.run_sync(put_screenshot, first.id, PICTURE)
    assert store.read_sync(screenshot, first.id) == PICTURE
    assert store.read_sync(screenshot, second.id) == b""
    assert store.read_sync(snapshots.first_bad, "list") is None


def test_a_picture_belongs_to_a_stored_snapshot_and_is_never_rewritten(store: Store) -> None:
    (one,) = store.run_sync(put_chain, [b"one"])
    store.run_sync(put_screenshot, one.id, PICTURE)
    for snapshot, data in (("0" * 16, PICTURE), (one.id, b"another")):
        with pytest.raises(StoreError):
            store.run_sync(put_screenshot, snapshot, data)
    assert store.read_sync(screenshot, one.id) == PICTURE


def test_a_damaged_picture_is_named(store: Store) -> None:
    (one,) = store.run_sync(put_chain, [b"one"])
    store.run_sync(put_screenshot, one.id, PICTURE)
    store.run_sync(lambda conn: conn.execute(table.update().values(data=PICTURE[:-1])).rowcount)
    with pytest.raises(Corrupt, match="screenshot") as caught:
        store.read_sync(screenshot, one.id)
    assert (caught.value.source, caught.value.snapshot) == ("list", one.id)


def test_a_database_from_before_keeps_what_it_has(store_url: str) -> None:
    from alembic.command import upgrade
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(store_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        upgrade(config, "0001")
        (one,) = put_chain(conn, [b"one"])
    engine.dispose()
    with Store.open(store_url) as store:
        assert store.read_sync(snapshots.body, one.id) == b"one"
        assert store.read_sync(screenshot, one.id) == b""
        store.run_sync(put_screenshot, one.id, PICTURE)
        assert store.read_sync(screenshot, one.id) == PICTURE

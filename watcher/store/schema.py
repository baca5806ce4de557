"""Whose database this is and how old: the stamp is read at each start, and alembic runs only where it is not HEAD."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from watcher.store.errors import StoreError
from watcher.store.tables import HEAD, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
STAMP = "alembic_version"
LOCK = 0x77617463686572
"""PostgreSQL's advisory lock under which one process migrates."""
CATALOGUE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


def prepare(reading: Engine, writing: Engine, name: str, *, migrate: bool) -> None:
    """Make sure that the database has the tables of this program; `migrate` makes or changes them.

    Raises StoreError for a database that is newer, not ours, or (without `migrate`) older.
    """
    stamp = _stamp(reading, name)
    if stamp == HEAD:
        return
    if stamp > HEAD:
        raise StoreError(f"{name}: made by a newer watcher (schema {stamp}, known up to {HEAD}): install that version")
    if not migrate:
        raise StoreError(f"{name}: {'an older schema' if stamp else 'no tables yet'}: run `watcher db upgrade`")
    _upgrade(writing)


def _stamp(engine: Engine, name: str) -> str:
    """The schema's number, "" for an empty database. Raises StoreError for one that others filled."""
    with engine.connect() as conn:
        tables = set(conn.exec_driver_sql(CATALOGUE[conn.dialect.name]).scalars())
        stamp = conn.exec_driver_sql(f"SELECT version_num FROM {STAMP}").scalar() if STAMP in tables else None  # noqa: S608 - a constant
        # A PostgreSQL database may hold the tables of others beside ours; a file is ours alone.
        found = tables if conn.dialect.name == "sqlite" else tables & {STAMP, *metadata.tables}
    if isinstance(stamp, str) and stamp.isdecimal() and metadata.tables.keys() & tables:
        return stamp
    if found:
        raise StoreError(f"{name}: the database of another program: name another path, or an empty database")
    return ""


def _upgrade(engine: Engine) -> None:
    """Run the migrations in one transaction; a second process waits, and then finds nothing to do."""
    from alembic.command import upgrade
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        config.attributes["connection"] = conn
        upgrade(config, "head")

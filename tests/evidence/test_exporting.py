"""Histories carried elsewhere and back: the same captures, the same changes, and files that other tools read."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from tests.evidence.histories import beside, exported, lived, ran
from tests.rig import Rig, table
from watcher.core import Change, Snapshot
from watcher.evidence.listing import COLUMNS, cell
from watcher.store import snapshots

CAPTURES = ["warc.gz", "zip"]


def answers(path: Path) -> list[tuple[Any, ...]]:
    """What a WARC reader sees of the captures."""
    with path.open("rb") as file:
        return [
            (
                record.rec_headers.get_header("WARC-Target-URI"),
                record.rec_headers.get_header("WARC-Date"),
                record.http_headers.statusline,
                record.http_headers.headers,
                record.content_stream().read(),
            )
            for record in ArchiveIterator(file)
            if record.rec_type == "response"
        ]


def facts(changes: list[Change]) -> list[tuple[Any, ...]]:
    return [(one.at, one.kind, one.subject, one.path, one.old, one.new) for one in changes]


def fetched(found: list[Snapshot]) -> list[tuple[Any, ...]]:
    """What is recorded of captures, but for who took them and where they stand in a chain."""
    return [
        (one.at, one.url, one.status, one.headers, one.redirects, one.peer, one.sha256, one.verdict) for one in found
    ]


@pytest.mark.parametrize("form", CAPTURES)
def test_a_live_history_comes_back_with_the_same_records_and_changes(rig: Rig, form: str) -> None:
    path = exported(lived(rig), f"out.{form}")
    other = beside(rig, "other")
    with other.store:
        code, told = ran(other, "import", "list", str(path), "--json")
        assert (code, json.loads(told)["stored"]) == (0, 5)
        assert fetched(other.snapshots()) == fetched(rig.snapshots())
        assert facts(other.changes()) == facts(rig.changes())
        assert {(one.provenance, one.clock) for one in other.snapshots()} == {("import", "capture")}
        assert other.deliveries() == []
        again = exported(other, "out.warc.gz")
        assert answers(again) == answers(exported(rig, "again.warc.gz"))
        assert ran(other, "verify")[0] == 0


@pytest.mark.parametrize("form", CAPTURES)
def test_an_imported_history_is_exported_to_the_same_bytes(rig: Rig, form: str) -> None:
    first = exported(lived(rig), "out.zip")
    one, other = beside(rig, "one"), beside(rig, "other")
    with one.store, other.store:
        ran(one, "import", "list", str(first))
        path = exported(one, f"one.{form}")
        ran(other, "import", "list", str(path))
        assert exported(other, f"other.{form}").read_bytes() == path.read_bytes()
        assert facts(other.changes()) == facts(one.changes())


@pytest.mark.parametrize("form", CAPTURES)
def test_what_is_there_already_is_not_taken_twice(rig: Rig, form: str) -> None:
    path = exported(lived(rig), f"out.{form}")
    before = rig.snapshots(), rig.changes()
    code, told = ran(rig, "import", "list", str(path))
    assert code == 0
    assert "5 captures, 0 stored" in told
    assert (rig.snapshots(), rig.changes()) == before


def test_a_warc_file_holds_what_came_and_its_tools_find_it_sound(rig: Rig) -> None:
    path = exported(lived(rig), "out.warc.gz")
    kinds, bodies = [], []
    with path.open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            kinds.append(record.rec_type)
            content = record.content_stream().read()
            if record.rec_type == "response":
                bodies.append(hashlib.sha256(content).hexdigest())
                assert record.rec_headers.get_header("WARC-IP-Address")
    assert kinds == ["warcinfo", *["response", "request", "metadata"] * 5]
    assert bodies == [one.sha256 for one in rig.snapshots()]
    check = subprocess.run(
        [Path(sys.executable).with_name("warcio"), "check", "-v", path], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout
    assert check.stdout.count("digest pass") == 16


def test_a_bundle_is_checked_without_this_program(rig: Rig, tmp_path: Path) -> None:
    path = exported(lived(rig), "out.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    for words in (["verify.py"], ["verify.py", str(path)]):
        done = subprocess.run(
            [sys.executable, "-I", "-S", *words], cwd=tmp_path / "unpacked", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "5 records of list" in done.stdout
        assert done.stdout.endswith("everything holds\n")


@pytest.mark.parametrize("damage", ["body", "missing", "record", "cut", "swapped", "no json"])
def test_a_bundle_that_was_changed_is_named(rig: Rig, tmp_path: Path, damage: str) -> None:
    with zipfile.ZipFile(exported(lived(rig), "out.zip")) as archive:
        archive.extractall(tmp_path / "b")
    folder = tmp_path / "b"
    body = folder / "bodies" / rig.snapshots()[1].sha256
    lines = (folder / "chain.jsonl").read_text().splitlines(keepends=True)
    if damage == "body":
        body.write_bytes(body.read_bytes() + b" ")
    elif damage == "missing":
        body.unlink()
    else:
        lines = {
            "record": [lines[0], lines[1].replace('"status":200', '"status":201'), *lines[2:]],
            "cut": lines[:-1],
            "swapped": [lines[1], lines[0], *lines[2:]],
            "no json": ["{\n"],
        }[damage]
        (folder / "chain.jsonl").write_text("".join(lines))
    done = subprocess.run([sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == (2 if damage == "no json" else 1), done.stdout
    assert "everything holds" not in done.stdout
    assert done.stderr == ""


def test_changes_leave_as_json_and_as_a_table(rig: Rig) -> None:
    lived(rig)
    lines = [msgspec.json.decode(line) for line in exported(rig, "out.jsonl").read_bytes().splitlines()]
    assert [line["id"] for line in lines] == [change.id for change in rig.changes()]
    with exported(rig, "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [change.id for change in rig.changes()]
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["subject_name"] == "Cook County, Ill."


@given(st.text())
def test_no_cell_is_a_formula(text: str) -> None:
    for one in (text, *(f"{mark}{text}" for mark in "=+-@\t\r＝＋－＠")):
        shown = cell(one)
        assert not shown.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        assert not shown.startswith(("\t", "\r", "\n"))
        assert "\0" not in shown
        assert (
            shown.removeprefix("'") == one.replace("\0", "\ufffd").removeprefix("'" if shown[:1] != "'" else "")
            or shown == one
        )


def test_cells_that_are_no_text() -> None:
    assert [cell(value) for value in (None, 5, -5, {"a": "=1"}, ["="], True)] == [
        "", "5", "'-5", '{"a":"=1"}', '["="]', "true",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["export", "list", "--to", "out.pdf"], 2, ".warc.gz, .zip"),
        (["export", "none", "--to", "out.zip"], 2, "no source is called 'none'"),
        (["export", "list", "--to", "no-folder/out.zip"], 2, "cannot be written"),
        (["import", "list", "none.zip"], 2, "found nothing there"),
        (["import", "list", "none.pdf"], 2, "whose name ends in"),
        (["verify", "none"], 2, "no source is called 'none'"),
        (["verify", "--head", "xyz"], 2, "64 hex digits"),
    ],
)
def test_words_that_cannot_be(rig: Rig, words: list[str], code: int, said: str) -> None:
    rig.site.pages["/list"] = table()
    rig.check()
    done, told = ran(rig, *words)
    assert done == code
    assert said in told


def test_nothing_stored_is_nothing_exported(rig: Rig) -> None:
    assert ran(rig, "export", "list", "--to", str(rig.folder / "out.zip"))[0] == 1
    assert not (rig.folder / "out.zip").exists()


@pytest.mark.parametrize("damage", ["body SET data = X'00'", "snapshot SET status = 201"])
@pytest.mark.parametrize("form", CAPTURES)
def test_damaged_evidence_is_not_exported(rig: Rig, form: str, damage: str) -> None:
    bad = lived(rig).snapshots()[2]
    rig.store.run_sync(lambda conn: conn.exec_driver_sql(f"UPDATE {damage} WHERE seq = 3").rowcount)
    code, told = ran(rig, "export", "list", "--to", str(rig.folder / f"out.{form}"))
    assert code == 1
    assert bad.id in told
    assert [path.name for path in rig.folder.iterdir() if "out" in path.name] == []
    assert rig.store.read_sync(snapshots.first_bad, "list") == bad.id


def test_a_file_that_is_there_is_not_overwritten_unasked(rig: Rig) -> None:
    path = exported(lived(rig), "out.csv")
    path.write_text("mine")
    code, told = ran(rig, "export", "list", "--to", str(path))
    assert (code, "is there already" in told, path.read_text()) == (2, True, "mine")
    code, told = ran(rig, "export", "list", "--to", str(path), "--force")
    assert (code, " changes of list" in told) == (0, True)
    assert all(line.startswith('"') for line in path.read_text().splitlines())

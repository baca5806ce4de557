"""Files that are not what they seem: each ends in a clear error, with nothing that is stored altered."""

from __future__ import annotations

import asyncio
import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.evidence.histories import beside, exported, lived, ran
from tests.rig import Rig, minutes, table, without
from watcher.captures import Arrival, CaptureError
from watcher.core import Source
from watcher.evidence import importing, unbundling, unwarcing

PAGE = "https://www.example.gov/list"
SOURCE = Source("list", "table", PAGE)
RECORD = b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <a>\r\nWARC-Date: 2026-03-01T12:00:00Z\r\n"
RECORD += b"WARC-Target-URI: https://www.example.gov/list\r\nContent-Type: application/http; msgtype=response\r\n"
HTTP = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\nhello"


def warc(*, length: bytes | None = None, http: bytes = HTTP, extra: bytes = b"", kind: bytes = b"response") -> bytes:
    """One answer as a WARC record, honest unless asked otherwise."""
    told = b"Content-Length: " + (str(len(http)).encode() if length is None else length) + b"\r\n"
    return RECORD.replace(b"Type: response", b"Type: " + kind, 1) + extra + told + b"\r\n" + http + b"\r\n\r\n"


def taken(path: Path, source: Source = SOURCE) -> list[Arrival]:
    """The captures that a file gives."""

    async def each(arrivals: importing.Arrivals) -> list[Arrival]:
        found = [await arrivals.arrival(one, source, {}) for one in arrivals]
        return [one for one in found if one is not None]

    with importing.opened(path, source) as arrivals:
        return asyncio.run(each(arrivals))


def bodies(path: Path) -> list[bytes]:
    return [one.fetched.body for one in taken(path)]


# ---------------------------------------------------------------- archives of others


def chunked(body: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:3], body[3:])) + b"0\r\n\r\n"


def foreign(path: Path) -> Path:
    """What another crawler wrote: two captures of the page, packed and in pieces, and answers of other kinds."""
    answers = [
        (PAGE, "200 OK", [("Content-Encoding", "gzip"), ("ETag", "1")], gzip.compress(b"second"), "2026-03-02"),
        ("http://example.gov/list/", "200 OK", [("Transfer-Encoding", "chunked")], chunked(b"first"), "2026-03-01"),
        (PAGE, "301 Moved", [("Location", "/list/")], b"", "2026-03-03"),
        ("https://www.example.gov/list?page=2", "200 OK", [], b"other", "2026-03-04"),
    ]
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=path.suffix == ".gz")
        writer.write_record(writer.create_warcinfo_record("x.warc.gz", {"software": "other"}))
        for url, status, headers, body, day in answers:
            http = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
            told = {"WARC-Date": f"{day}T12:00:00Z"}
            block = {"payload": io.BytesIO(body), "length": len(body), "http_headers": http}
            writer.write_record(writer.create_warc_record(url, "response", warc_headers_dict=told, **block))
    return path


@pytest.mark.parametrize("name", ["other.warc.gz", "other.warc"])
def test_captures_of_the_page_are_taken_out_of_the_archive_of_another(tmp_path: Path, name: str) -> None:
    found = taken(foreign(tmp_path / name))
    assert [(one.at.day, one.fetched.body, one.fetched.status) for one in found] == [
        (1, b"first", 200),
        (2, b"second", 200),
    ]
    assert found[1].fetched.headers == (("content-encoding", "gzip"), ("etag", "1"))
    assert found[0].at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_archive_without_the_page_is_said(tmp_path: Path) -> None:
    path = foreign(tmp_path / "other.warc.gz")
    with pytest.raises(CaptureError, match=r"captures of https://example\.org/, found none"):
        taken(path, Source("x", "page", "https://example.org/"))


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "2900-01-01T00:00:00Z"])
def test_a_time_that_cannot_be_is_refused(tmp_path: Path, time: str) -> None:
    path = tmp_path / "x.warc"
    path.write_bytes(warc().replace(b"2026-03-01T12:00:00Z", time.encode()))
    with pytest.raises(CaptureError, match=r"expected a sound WARC file|up to now, found one of"):
        taken(path)


@pytest.mark.parametrize("form", ["zip", "warc.gz"])
def test_the_captures_of_another_page_are_refused(rig: Rig, form: str) -> None:
    path = exported(lived(rig), f"out.{form}")
    other = beside(rig, "other")
    other.path.write_text(other.path.read_text().replace(rig.site.url("/list"), rig.site.url("/elsewhere")))
    with other.store:
        code, told = ran(other, "import", "list", str(path))
        assert (code, rig.site.url("/elsewhere") in told, rig.site.url("/list") in told) == (2, True, True)
        assert other.snapshots() == []
        assert ran(other, "import", "list", str(path), "--force")[0] == 0
        assert len(other.snapshots()) == 5


# ---------------------------------------------------------------- hostile WARC files

HOSTILE = {
    "nothing": b"",
    "no archive": b"Dear diary, " * 100,
    "an ARC file": b"filedesc://x.arc 0.0.0.0 20260301120000 text/plain 10\n1 0 x\nURL\n\n",
    "one line without end": warc()[:8] + b"\r\n" + b"X: " + b"x" * 10_000_000,
    "headers without end": b"WARC/1.1\r\n" + b"X: y\r\n" * 1_000_000,
    "answer's line without end": warc(http=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000_000),
    "answer's headers without end": warc(http=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000_000),
    "no length": warc().replace(b"Content-Length", b"Content-Width"),
    "negative length": warc(length=b"-5"),
    "length that is none": warc(length=b"many"),
    "longer than it is": warc(length=b"999"),
    "far longer than it is": warc(length=b"99999999999999999999"),
    "shorter than it is": warc(length=b"60"),
    "no time": warc().replace(b"WARC-Date: 2026-03-01T12:00:00Z", b"WARC-Date: noon"),
    "no address": warc().replace(b"WARC-Target-URI", b"WARC-Other"),
    "wrong digest": warc(extra=b"WARC-Block-Digest: sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"),
    "digest of no algorithm": warc(extra=b"WARC-Payload-Digest: abc\r\n"),
    "status that is none": warc(http=HTTP.replace(b"200", b"abc")),
    "packed and cut": warc(http=b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 999)[:-5]),
    "packed otherwise": warc(http=b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nxx"),
    "a record that is none": warc()
    + RECORD.replace(b"response", b"metadata", 1)
    + b"Content-Length: 2\r\n\r\n{}\r\n\r\n",
}


@pytest.mark.parametrize("packed", [0, 1])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_warc_file_that_is_not_sound_is_refused(
    tmp_path: Path, content: bytes, packed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.warc.gz"
    if b"a record that is none" and b"\r\n\r\n{}\r\n" in content:
        content = content.replace(b"application/http; msgtype=response", b"application/json")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    with pytest.raises(CaptureError, match=r"x\.warc\.gz"):
        taken(path)
    assert capfd.readouterr() == ("", "")


def test_an_honest_record_is_taken(tmp_path: Path) -> None:
    """That the records above are refused for what is wrong with them."""
    (tmp_path / "x.warc").write_bytes(warc())
    assert bodies(tmp_path / "x.warc") == [b"hello"]


def bomb(size: int) -> bytes:
    """A gzip file that unpacks to a record of `size` bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6) as file:
        file.write(RECORD + b"Content-Length: %d\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" % size)
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return out.getvalue()


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(bomb(64 << 20))
    with pytest.raises(CaptureError, match="at most 15 MiB"):
        taken(path)
    inner = gzip.compress(bytes(64 << 20))
    path.write_bytes(warc(http=b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + inner))
    with pytest.raises(CaptureError, match="larger than"):
        taken(path)
    monkeypatch.setattr(unwarcing, "MOST_ALTOGETHER", 1 << 20)
    path.write_bytes(gzip.compress(b"".join([warc(http=HTTP + bytes(1 << 18))] * 5)))
    with pytest.raises(CaptureError, match="found more"):
        taken(path)


def test_more_captures_than_any_honest_file_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_FILES", 3)
    (tmp_path / "x.warc").write_bytes(warc() * 4)
    with pytest.raises(CaptureError, match="at most 3 captures"):
        taken(tmp_path / "x.warc")


# ---------------------------------------------------------------- our own files, damaged


@pytest.fixture
def kept(rig: Rig) -> Iterator[Callable[[], bool]]:
    """Whether all that is stored is as it was; asked last it must be."""
    lived(rig)
    before = rig.snapshots(), rig.changes(), rig.state(), rig.deliveries()

    def same() -> bool:
        return (rig.snapshots(), rig.changes(), rig.state(), rig.deliveries()) == before

    yield same
    assert same()


@pytest.mark.parametrize("form", ["warc.gz", "zip"])
def test_a_cut_file_is_refused_wherever_it_is_cut(rig: Rig, kept: Callable[[], bool], form: str) -> None:
    path = exported(rig, f"out.{form}")
    whole = path.read_bytes()
    members = [place for place in range(len(whole)) if whole[place : place + 4] == b"\x1f\x8b\x08\x00"]
    for place in {*range(0, len(whole), max(1, len(whole) // 60)), len(whole) - 1, *members}:
        path.write_bytes(whole[:place])
        with pytest.raises(CaptureError):
            taken(path, Source("list", "table", rig.site.url("/list")))
    code, told = ran(rig, "import", "list", str(path))
    assert code == 2
    assert path.name in told
    assert kept()


@pytest.mark.parametrize("form", ["warc.gz", "zip"])
def test_a_flipped_byte_is_refused_or_harmless(rig: Rig, kept: Callable[[], bool], form: str) -> None:
    source = Source("list", "table", rig.site.url("/list"))
    path = exported(rig, f"out.{form}")
    whole, sound = path.read_bytes(), taken(path, source)
    chance, refused = random.Random(8), 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            assert taken(path, source) == sound
        except CaptureError:
            refused += 1
    assert refused > 40  # the rest is not read: the instructions, the list of changes
    assert kept()


def test_a_record_without_its_answer_is_refused(rig: Rig, kept: Callable[[], bool]) -> None:
    path = exported(rig, "out.warc.gz")
    members = path.read_bytes().split(b"\x1f\x8b\x08")[1:]
    path.write_bytes(b"".join(b"\x1f\x8b\x08" + one for number, one in enumerate(members) if number != 4))
    with pytest.raises(CaptureError, match="answer that it is about is missing"):
        taken(path)
    assert kept()


def rebuilt(path: Path, change: Callable[[str, bytes], bytes | None], how: int = zipfile.ZIP_DEFLATED) -> Path:
    """A bundle made anew, each member's bytes as `change` has them; None leaves it out."""
    made = path.with_name("made.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", how) as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return made


FORGED: dict[str, Callable[[str, bytes], Any]] = {
    "bytes": lambda name, body: body + b" " if name.startswith("bodies") else body,
    "no bytes": lambda name, body: None if name.startswith("bodies") else body,
    "no chain": lambda name, body: None if name == "chain.jsonl" else body,
    "a cut chain": lambda name, body: body[: body.rindex(b"\n", 0, -1) + 1] if name == "chain.jsonl" else body,
    "a record": lambda name, body: body.replace(b'"status":200', b'"status":404') if name == "chain.jsonl" else body,
    "a record of no kind": lambda name, body: b"[]\n" if name == "chain.jsonl" else body,
    "a deep record": lambda name, body: b"[" * 100_000 + b"\n" if name == "chain.jsonl" else body,
    "a long record": lambda name, body: b"x" * (1 << 20) + b"\n" if name == "chain.jsonl" else body,
    "another count": lambda name, body: b'{"source":"list","records":9}' if name == "source.json" else body,
    "a count of no kind": lambda name, body: b"{" if name == "source.json" else body,
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_bundle_is_refused(rig: Rig, kept: Callable[[], bool], forged: Callable[[str, bytes], Any]) -> None:
    path = rebuilt(exported(rig, "out.zip"), forged)
    code, told = ran(rig, "import", "list", str(path))
    assert code == 2
    assert "made.zip" in told
    assert kept()


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "bodies/../../evil"])
def test_a_path_that_leads_out_is_refused(rig: Rig, kept: Callable[[], bool], name: str) -> None:
    path = exported(rig, "out.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    code, told = ran(rig, "import", "list", str(path))
    assert code == 2
    assert "leads out of the archive" in told
    assert kept()


def test_bundles_that_unpack_to_more_than_they_should(
    rig: Rig, kept: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exported(rig, "out.zip")
    large = rebuilt(path, lambda name, body: bytes(40 << 20) if name.startswith("bodies") else body)
    code, told = ran(rig, "import", "list", str(large))
    assert code == 2
    assert "at most 15 MiB" in told
    strange = rebuilt(path, lambda _, body: body, zipfile.ZIP_BZIP2)
    assert "packed in a way" in ran(rig, "import", "list", str(strange))[1]
    monkeypatch.setattr(unbundling, "MOST_ALTOGETHER", 100)
    assert ran(rig, "import", "list", str(path))[0] == 2
    monkeypatch.setattr(unbundling, "MOST_INDEX", 200)
    assert "members, found more" in ran(rig, "import", "list", str(path))[1]
    assert kept()


def test_a_list_of_members_that_hides_its_length_is_refused(rig: Rig, kept: Callable[[], bool]) -> None:
    path = exported(rig, "out.zip")
    whole = path.read_bytes()
    end = whole.rindex(b"PK\x05\x06")
    large = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 9, 9, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path.write_bytes(whole[:end] + large + locator + whole[end:])
    code, told = ran(rig, "import", "list", str(path))
    assert code == 2
    assert "members, found more" in told
    assert kept()


def test_an_import_joins_what_is_stored(rig: Rig) -> None:
    """Captures of another desk are placed by their time, and told as history."""
    path = exported(lived(rig), "out.zip")
    rig.site.pages["/list"] = table(without("Clark"))
    with zipfile.ZipFile(path) as archive:
        assert len([name for name in archive.namelist() if name.startswith("bodies/")]) == 4
    rig.store.run_sync(_forget)
    rig.check(after=minutes(60))
    code, told = ran(rig, "import", "list", str(path))
    assert code == 0
    assert "5 stored" in told
    assert rig.kinds()[-1] == "jurisdiction.delisted"
    assert ran(rig, "verify")[0] == 0


def _forget(conn: Any) -> None:
    for name in ("delivery", "alert", "change", "body", "snapshot", "source"):
        conn.exec_driver_sql(f"DELETE FROM {name}")

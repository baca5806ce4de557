"""Captures on disk: read in the order of their times; whatever else a folder or an archive holds is refused by name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher import captures
from watcher.captures import MOST_BYTES, CaptureError, opened

FIRST, SECOND, THIRD = "2017-02-10T16-00-00Z.html", "2017-03-20T16-00-00Z.html", "2017-03-20T16-00-01Z.json"


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """One header, written by hand, so that it may promise what does not follow."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info.tobuf(tarfile.GNU_FORMAT)


def member(name: str, body: bytes = b"<p>x") -> bytes:
    return header(name, len(body)) + body + b"\0" * (-len(body) % 512)


def archive(*members: bytes) -> bytes:
    return b"".join(members) + b"\0" * 1024


def pax(**records: str) -> bytes:
    """An extended header with GNU sparse records, whose names hold points."""
    body = b""
    for name, value in records.items():
        line = f" {name.replace('_', '.')}={value}\n".encode()
        size = len(line) + len(str(len(line) + 2))
        body += str(size).encode() + line
    return header("pax", len(body), tarfile.XHDTYPE) + body + b"\0" * (-len(body) % 512)


def on_disk(folder: Path, body: bytes, name: str = "captures.tar") -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def read(path: Path) -> list[tuple[str, bytes]]:
    with opened(path) as found:
        assert len(found) == len(list(found))
        return [(one.name, found.body(one)) for one in found]


def refusal(path: Path) -> str:
    with pytest.raises(CaptureError) as caught, opened(path):
        pass
    return str(caught.value)


# ---------------------------------------------------------------- what is read


def test_a_folder_is_read_in_the_order_of_times(tmp_path: Path) -> None:
    for name in (THIRD, FIRST, SECOND):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert read(tmp_path) == [(name, name.encode()) for name in (FIRST, SECOND, THIRD)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_is_read_in_the_order_of_times(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    body = archive(
        header("old/", kind=tarfile.DIRTYPE),
        member(THIRD, b"3" * 700),
        member(f"old/{FIRST}", b""),
        member("./._" + SECOND, b"noise"),
        member(f"./{SECOND}", b"2" * 512),
    )
    assert read(on_disk(tmp_path, pack(body))) == [(FIRST, b""), (SECOND, b"2" * 512), (THIRD, b"3" * 700)]


def test_an_archive_that_tar_made(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    long = tmp_path / "in" / ("a" * 120)
    long.mkdir()
    (long / SECOND).write_bytes(b"deep")
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / "x.tgz", "w:gz", format=form) as out:
            out.add(tmp_path / "in", "in")
        assert read(tmp_path / "x.tgz") == [(SECOND, b"deep")]


def test_times_and_content_types_come_from_the_names(tmp_path: Path) -> None:
    for name in (FIRST, "2017-02-10T16-00-00Z.CSV", "2017-02-10T16-00-00Z.warc"):
        (tmp_path / name).write_bytes(b"x")
    with opened(tmp_path) as found:
        kinds = {one.name: one.content_type for one in found}
        assert {one.at for one in found} == {datetime(2017, 2, 10, 16, tzinfo=UTC)}
    assert kinds == {
        FIRST: "text/html",
        "2017-02-10T16-00-00Z.CSV": "text/csv",
        "2017-02-10T16-00-00Z.warc": "application/octet-stream",
    }


def test_an_empty_folder_and_an_empty_archive_hold_no_captures(tmp_path: Path) -> None:
    assert read(tmp_path) == []
    assert read(on_disk(tmp_path, archive())) == []


def test_bodies_may_be_read_in_any_order_and_twice(tmp_path: Path) -> None:
    with opened(on_disk(tmp_path, archive(member(FIRST, b"1"), member(SECOND, b"22")))) as found:
        one, two = found
        assert [found.body(two), found.body(one), found.body(two)] == [b"22", b"1", b"22"]


def test_a_capture_may_be_as_large_as_a_page(tmp_path: Path) -> None:
    assert len(read(on_disk(tmp_path, archive(member(FIRST, b"x" * MOST_BYTES))))[0][1]) == MOST_BYTES


# ---------------------------------------------------------------- what is refused

NAMES = [
    "page.html",
    "2017-02-10.html",
    "2017-02-10T16-00-00.html",
    "2017-02-10T16:00:00Z.html",
    "2017-02-30T16-00-00Z.html",
    "2017-02-10T24-00-00Z.html",
    "2017-02-10T16-00-00Z",
    "2017-02-10T16-00-00Z.html.gz",
    "2017-02-10T16-00-00Z.html\n",
    "２０１７-02-10T16-00-00Z.html",
    "x2017-02-10T16-00-00Z.html",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_time_is_refused(tmp_path: Path, name: str) -> None:
    wanted = f"{name!r}: expected a name like 2017-03-20T16-00-00Z.html (the time in UTC)"
    path = on_disk(tmp_path, archive(member(FIRST), member(name)))
    assert refusal(path) == f"{path}: {wanted}"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_bytes(b"x")
    assert refusal(folder) == f"{folder}: {wanted}"


@pytest.mark.parametrize("name", ["../" + FIRST, "/etc/" + FIRST, "a/../../" + FIRST, "a/..", "//" + FIRST])
def test_a_path_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = on_disk(tmp_path, archive(member(name)))
    assert (
        refusal(path) == f"{path}: member {name!r}: expected a path inside the archive, found one that leads out of it"
    )


SPARSE = {"GNU_sparse_major": "1", "GNU_sparse_minor": "0", "GNU_sparse_name": FIRST, "GNU_sparse_realsize": "5"}
SPECIAL = {
    "symlink": header(FIRST, kind=tarfile.SYMTYPE, link="/etc/passwd"),
    "hard link": header(FIRST, kind=tarfile.LNKTYPE, link=SECOND),
    "character device": header(FIRST, kind=tarfile.CHRTYPE),
    "block device": header(FIRST, kind=tarfile.BLKTYPE),
    "fifo": header(FIRST, kind=tarfile.FIFOTYPE),
    "volume": header(FIRST, kind=b"V"),
    "hidden symlink": header("." + FIRST, kind=tarfile.SYMTYPE, link="/etc/passwd"),
    "sparse": header(FIRST, kind=tarfile.GNUTYPE_SPARSE),
    "sparse in an extension": pax(**SPARSE) + member("x", b"1\n0\n5\n".ljust(512, b"\0") + b"12345"),
}


@pytest.mark.parametrize("special", SPECIAL.values(), ids=SPECIAL)
def test_links_devices_and_sparse_files_are_refused(tmp_path: Path, special: bytes) -> None:
    path = on_disk(tmp_path, archive(member(SECOND), special))
    said = refusal(path)
    assert said.startswith(f"{path}: ")
    assert FIRST in said
    assert said.endswith("expected a plain file, found a link, a device or another special member")


@pytest.mark.parametrize("size", [MOST_BYTES + 1, 100 * 2**30])
@pytest.mark.parametrize("name", [FIRST, "._hidden", "folder/"])
def test_what_promises_to_be_too_large_is_refused_by_its_header(tmp_path: Path, size: int, name: str) -> None:
    kind = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
    path = on_disk(tmp_path, header(name, size, kind))
    started = time.process_time()
    said = refusal(path)
    assert str(path) in said
    assert f"{size:,} bytes" in said
    assert time.process_time() - started < 1


def test_a_huge_header_is_not_read(tmp_path: Path) -> None:
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
        body = gzip.compress(header("x", 2**30, kind) + b"\0" * 2**20)
        path = on_disk(tmp_path, body)
        assert (
            refusal(path)
            == f"{path}: expected a folder or a sound tar archive of captures: a header of {2**30:,} bytes"
        )


def test_more_than_the_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "MOST_FILES", 3)
    three = [member(f"2017-02-10T16-00-0{n}Z.html") for n in range(3)]
    assert len(read(on_disk(tmp_path, archive(*three)))) == 3
    for more in (member(SECOND), header("folder/", kind=tarfile.DIRTYPE), member(".hidden")):
        assert "expected an archive of at most 8 GiB and 3 files, found more" in refusal(
            on_disk(tmp_path, archive(*three, more))
        )
    monkeypatch.setattr(captures, "MOST_ALTOGETHER", 11)
    assert "found more" in refusal(on_disk(tmp_path, archive(*three)))


def test_a_folder_holds_plain_files_only(tmp_path: Path) -> None:
    (tmp_path / FIRST).symlink_to("/etc/passwd")
    assert refusal(tmp_path) == f"{tmp_path / FIRST}: expected a plain file, found a link"
    (tmp_path / FIRST).unlink()
    (tmp_path / FIRST).mkdir()
    assert refusal(tmp_path) == f"{tmp_path / FIRST}: expected a plain file, found something else"
    (tmp_path / FIRST).rmdir()
    os.mkfifo(tmp_path / FIRST)
    assert refusal(tmp_path) == f"{tmp_path / FIRST}: expected a plain file, found something else"


def test_a_file_of_a_folder_that_is_too_large_or_went_is_named(tmp_path: Path) -> None:
    with (tmp_path / FIRST).open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert refusal(tmp_path) == f"{tmp_path / FIRST}: expected at most 15 MiB, found {MOST_BYTES + 1:,} bytes"
    (tmp_path / FIRST).write_bytes(b"x")
    with opened(tmp_path) as found:
        (one,) = found
        with (tmp_path / FIRST).open("wb") as file:
            file.truncate(MOST_BYTES + 1)
        with pytest.raises(CaptureError, match=f"{FIRST}: expected at most 15 MiB, found more"):
            found.body(one)
        (tmp_path / FIRST).unlink()
        with pytest.raises(CaptureError, match=f"{FIRST}: No such file or directory"):
            found.body(one)


def test_what_is_neither_a_folder_nor_an_archive(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path / "x")
        == f"{tmp_path / 'x'}: expected a folder or a tar archive of captures, found nothing there"
    )
    for body in (b"", b"not an archive", b"x" * 2000, gzip.compress(b"not an archive" * 90)):
        path = on_disk(tmp_path, body)
        assert refusal(path).startswith(f"{path}: expected a folder or a sound tar archive of captures: ")


# ---------------------------------------------------------------- damage

SOUND = archive(member(FIRST, b"1" * 700), member(SECOND, b"2" * 300), member(THIRD, b"3" * 1500))
SOUND_READ = [(FIRST, b"1" * 700), (SECOND, b"2" * 300), (THIRD, b"3" * 1500)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("cut", [100, 512, 700, 1024, 1536, 2048, 3000, 4095])
def test_an_archive_cut_anywhere_is_refused(tmp_path: Path, cut: int, pack: Callable[[bytes], bytes]) -> None:
    path = on_disk(tmp_path, pack(SOUND[:cut]))
    assert refusal(path).startswith(f"{path}: expected a folder or a sound tar archive of captures: ")
    packed = pack(SOUND)
    path = on_disk(tmp_path, packed[: len(packed) * cut // 8192])
    assert refusal(path).startswith(f"{path}: ")


def test_a_packed_archive_is_read_to_its_checksum(tmp_path: Path) -> None:
    packed = gzip.compress(SOUND)
    for body in (packed[:-1], packed[:-8], packed[:-8] + b"\0" * 8):
        path = on_disk(tmp_path, body)
        assert refusal(path).startswith(f"{path}: expected a folder or a sound tar archive of captures: ")
    assert read(on_disk(tmp_path, gzip.compress(SOUND + b"\0" * 10_240))) == SOUND_READ
    bomb = on_disk(tmp_path, gzip.compress(SOUND + b"\0" * 2 * MOST_BYTES))
    assert refusal(bomb) == f"{bomb}: expected nothing after the end of the archive, found more"


def test_a_damaged_header_in_the_middle_is_not_the_end(tmp_path: Path) -> None:
    second = len(member(FIRST, b"1" * 700))
    body = SOUND[: second + 3] + b"#" + SOUND[second + 4 :]
    path = on_disk(tmp_path, body)
    assert "a cut or damaged header (bad checksum)" in refusal(path)


@settings(max_examples=150, deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    packed=st.booleans(),
)
def test_damage_is_refused_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], *, packed: bool
) -> None:
    body = bytearray(gzip.compress(SOUND) if packed else SOUND)
    for place, value in flips:
        body[place % len(body)] = value
    path = on_disk(tmp_path_factory.mktemp("damage"), bytes(body))
    try:
        found = read(path)
    except CaptureError:
        return
    if packed:
        assert found == SOUND_READ, "the checksum of the whole was not looked at"
    else:
        assert [name for name, _ in found] == sorted(name for name, _ in found)
        assert all(len(one) <= MOST_BYTES for _, one in found)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=600), st.sampled_from([tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE, b"0"])
)
def test_any_header_that_is_well_signed_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, kind: bytes
) -> None:
    whole = header("x", len(body), kind) + body + b"\0" * (-len(body) % 512)
    path = on_disk(tmp_path_factory.mktemp("signed"), archive(whole, member(FIRST)))
    try:
        found = read(path)
    except CaptureError:
        return
    assert [name for name, _ in found] == [FIRST]


def test_the_archive_is_never_unpacked_to_where_it_says(tmp_path: Path) -> None:
    path = on_disk(tmp_path, archive(member(f"sub/{FIRST}")))
    before = sorted(tmp_path.rglob("*"))
    assert read(path)
    assert sorted(tmp_path.rglob("*")) == before
    assert read(on_disk(tmp_path, SOUND)) == SOUND_READ

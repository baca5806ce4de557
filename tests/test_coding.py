"""Bodies are decoded within bounds: plain or gzip, all members, nothing cut or corrupt, no other coding."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.coding import MAX_MEMBERS, decode
from watcher.core import Failure

LIMIT = 1 << 20
PAGE = gzip.compress(b"<p>Clark County</p>")


def reason(answer: bytes | Failure) -> str:
    assert isinstance(answer, Failure)
    return answer.reason


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_all_members_are_decoded_in_order(members: list[bytes]) -> None:
    assert decode(b"".join(map(gzip.compress, members)), "gzip", LIMIT) == b"".join(members)


@given(st.binary(max_size=300))
def test_a_plain_body_is_itself(body: bytes) -> None:
    assert decode(body, "", LIMIT) == decode(body, "identity", LIMIT) == body


@given(st.binary(min_size=1, max_size=300).filter(lambda body: body[:2] != b"\x1f\x8b"), st.sampled_from(["", "x"]))
def test_a_body_that_is_no_gzip_is_corrupt(body: bytes, before: str) -> None:
    assert reason(decode(before.encode() + body, "gzip", LIMIT)) == "encoding"


@pytest.mark.parametrize("length", range(1, len(PAGE)))
def test_a_cut_body_is_a_failure_wherever_it_is_cut(length: int) -> None:
    assert reason(decode(PAGE[:length], "gzip", LIMIT)) == "encoding"
    assert reason(decode(PAGE + PAGE[:length], "gzip", LIMIT)) == "encoding"


@pytest.mark.parametrize("tail", [b"\x00", b"more", PAGE[:-1] + b"\xff"], ids=["NUL", "text", "member"])
def test_what_follows_a_body_must_be_a_member(tail: bytes) -> None:
    assert reason(decode(PAGE + tail, "gzip", LIMIT)) == "encoding"


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip,identity", "aws-chunked"])
def test_a_coding_that_was_not_asked_for_is_a_failure(coding: str) -> None:
    assert reason(decode(PAGE, coding, LIMIT)) == "encoding"


@pytest.mark.parametrize("coding", ["gzip", "GZIP", " x-gzip "])
def test_gzip_has_two_names(coding: str) -> None:
    assert decode(PAGE, coding, LIMIT) == b"<p>Clark County</p>"


@pytest.mark.parametrize("coding", ["", "gzip", "br"])
def test_nothing_is_nothing_in_any_coding(coding: str) -> None:
    assert decode(b"", coding, LIMIT) == b""


def test_the_limit_is_the_last_size_that_passes() -> None:
    for body, coding in (
        (b"x" * 1000, ""),
        (gzip.compress(b"x" * 1000), "gzip"),
        (gzip.compress(b"x" * 500) * 2, "gzip"),
    ):
        assert decode(body, coding, 1000) == b"x" * 1000
        assert reason(decode(body, coding, 999)) == "too-large"


def test_a_bomb_is_stopped_at_the_limit() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(50)) + packer.flush()  # 1000 : 1
    assert reason(decode(bomb, "gzip", LIMIT)) == "too-large"


def test_a_gzip_of_a_gzip_is_undone_once() -> None:
    assert decode(gzip.compress(PAGE), "gzip", LIMIT) == PAGE


def test_members_are_counted() -> None:
    empty = gzip.compress(b"")
    assert decode(empty * MAX_MEMBERS, "gzip", LIMIT) == b""
    started = time.process_time()
    assert reason(decode(empty * 500_000, "gzip", LIMIT)) == "encoding"
    assert time.process_time() - started < 1

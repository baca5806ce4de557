"""Packing: what was packed is unpacked, differences are small at any size, and nothing hostile is unpacked."""

from __future__ import annotations

import contextlib
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from watcher.store.bodies import LIMIT, pack, unpack

NOISE = random.Random(1).randbytes(16 * 1024 * 1024)


@given(st.binary(max_size=300), st.none() | st.binary(max_size=300))
def test_what_was_packed_is_unpacked(body: bytes, before: bytes | None) -> None:
    assert unpack(pack(body, before), len(body), before) == body


@pytest.mark.parametrize("size", [1_000, 100_000, 1_000_000, 15 * 1024 * 1024])
def test_a_small_difference_is_small_at_any_size(size: int) -> None:
    before = NOISE[:size]
    body = before[: size // 2] + b"one row more" + before[size // 2 :]
    packed = pack(body, before)
    assert len(packed) < 100 + size // 1000
    assert unpack(packed, len(body), before) == body


def test_a_body_above_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than"):
        pack(bytes(LIMIT + 1), None)


def test_a_frame_that_says_another_length_is_not_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    for size in (100, 49_999_999, -1, LIMIT + 1):
        with pytest.raises(ValueError, match="length"):
            unpack(bomb, size, None)
    with pytest.raises(ValueError, match="length"):
        unpack(zstandard.ZstdCompressor().compress(bytes(LIMIT + 1)), LIMIT + 1, None)


@pytest.mark.parametrize("data", [b"", b"no zstd at all", pack(b"abc" * 50, None)[:-4]])
def test_what_is_not_whole_is_not_unpacked(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"unpacked|length"):
        unpack(data, 150, None)


def test_without_the_bytes_before_it_a_difference_is_nothing() -> None:
    before = NOISE[:5000]
    packed = pack(before + b"more", before)
    with pytest.raises(ValueError, match="unpacked"):
        unpack(packed, 5004, None)
    with contextlib.suppress(ValueError):
        assert unpack(packed, 5004, NOISE[5000:10_000]) != before + b"more"

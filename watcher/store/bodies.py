"""Bytes packed for storing: zstd, with the revision before as dictionary, so that a revision costs what changed in it.

Pure; snapshots.py decides which revision stands before which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zstandard import ZstdCompressionDict

LIMIT = 64 * 1024 * 1024
"""The largest body, unpacked: twice as much just fits zstd's largest usual window, so that each byte finds its twin."""
FULL_EACH = 16
"""Revisions that hang on one full copy, itself included: reading one unpacks as many at most."""

WINDOW, PLACES = 27, 24
"""Logarithms of bounds: how far back zstd looks, and how many places it remembers (64 MiB of them), so that a PDF of
15 MiB, which nothing compresses, costs 2 kB when a few of its bytes differ."""
SHORTEST_DICTIONARY = 8
LEVEL = 9
"""By measurement on tables of 100 KB: a full copy takes 1 ms and 8.4 KB at 9, 20 ms and 7.8 KB at 15; differences are
as small at 9 as anywhere, and even those of 15 MiB are found, in half a second."""


def pack(body: bytes, before: bytes | None) -> bytes:
    """Pack `body`, given the bytes `before` it (None: a full copy). Raises ValueError above LIMIT."""
    from zstandard import ZstdCompressionParameters, ZstdCompressor

    if len(body) > LIMIT:
        raise ValueError(f"a body of {len(body)} bytes is larger than the {LIMIT} that are stored")
    reach = len(body) + len(before or b"")
    bits = max(10, reach.bit_length())
    parameters = ZstdCompressionParameters.from_level(
        LEVEL,
        source_size=reach,
        window_log=min(bits, WINDOW),
        hash_log=min(bits, PLACES),
    )
    return ZstdCompressor(dict_data=_dictionary(before), compression_params=parameters).compress(body)


def unpack(data: bytes, size: int, before: bytes | None) -> bytes:
    """Unpack what `pack` made of `size` bytes. Raises ValueError for data that would give anything else."""
    from zstandard import ZstdDecompressor, ZstdError, get_frame_parameters

    try:
        if not 0 <= size <= LIMIT or get_frame_parameters(data).content_size != size:
            raise ValueError("its length is not the one that was stored")
        unpacker = ZstdDecompressor(dict_data=_dictionary(before), max_window_size=1 << WINDOW)
        return unpacker.decompress(data, max_output_size=size)
    except ZstdError as error:
        raise ValueError(f"its bytes cannot be unpacked ({error})") from error


def _dictionary(before: bytes | None) -> ZstdCompressionDict | None:
    from zstandard import DICT_TYPE_RAWCONTENT, ZstdCompressionDict

    if before is None or len(before) < SHORTEST_DICTIONARY:
        return None
    return ZstdCompressionDict(before, dict_type=DICT_TYPE_RAWCONTENT)

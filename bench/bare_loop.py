"""The least that a check of many pages can cost: httpx on the aiohttp transport and one SHA-256 a page, 50 at a time.

`python -m bench.bare_loop http://127.0.0.1:8000/p/ 1000` prints the wall and processor seconds of the loop alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import Iterator

import httpx
from httpx_aiohttp import AiohttpTransport

TASKS = 50


async def fetch_all(base: str, count: int) -> set[bytes]:
    """Fetch pages 0 … count - 1 below `base`; returns their digests."""
    digests: set[bytes] = set()

    async def work(numbers: Iterator[int]) -> None:
        for number in numbers:
            answer = await client.get(f"{base}{number}")
            digests.add(hashlib.sha256(answer.content).digest())

    async with httpx.AsyncClient(transport=AiohttpTransport()) as client, asyncio.TaskGroup() as group:
        numbers = iter(range(count))
        for _ in range(min(TASKS, count)):
            group.create_task(work(numbers))
    return digests


def main(base: str, count: int) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    digests = asyncio.run(fetch_all(base, count))
    assert len(digests) == count, f"{count - len(digests)} pages are alike or missing"
    print(time.perf_counter() - wall, time.process_time() - cpu)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

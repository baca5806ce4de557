"""The machine's Chromium, started once for each file of tests, and the sites that its pages may or must not reach."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.fetch.showing import Shower
from tests.fetching import door, settings
from tests.site import Site
from watcher.fetch import chromium
from watcher.fetch.browser import Browser


@pytest.fixture(scope="session")
def chromium_version() -> str:
    """Skips where there is no browser."""
    try:
        return asyncio.run(chromium.version())
    except chromium.Missing as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def home() -> Iterator[Site]:
    """A site that may be fetched from."""
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def show(chromium_version: str, home: Site) -> Iterator[Shower]:
    assert chromium_version
    given = settings(allow_private=(home.address,), timeout=timedelta(seconds=30))
    with asyncio.Runner() as runner:
        fetcher = door(allow_private=given.allow_private)
        browser = Browser(fetcher, given)
        yield Shower(runner, browser, home)
        runner.run(browser.aclose())
        runner.run(fetcher.aclose())

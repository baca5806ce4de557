"""What the tests of the browser share: pages to be shown, and browsers to show them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tests.fetching import door, settings
from tests.site import Reply, Site
from watcher.core import Source, Validators
from watcher.fetch import Fetcher
from watcher.fetch.browser import Browser

T = TypeVar("T")
NONE = Validators()


def page(url: str, *, ignore_robots: bool = True, render: str = "browser") -> Source:
    return Source("s", "page", url, ignore_robots=ignore_robots, render=render)


def html(body: str, **headers: str) -> Reply:
    """An HTML page in Latin-1."""
    content_type = {"Content-Type": "text/html; charset=iso-8859-1"}
    return Reply(f"<!doctype html><title>t</title>{body}".encode("latin-1"), headers=content_type | headers)


class Shower:
    """One browser that shows pages of `home`."""

    def __init__(self, runner: asyncio.Runner, browser: Browser, home: Site) -> None:
        self.runner, self.browser, self.home = runner, browser, home

    def __call__(self, path: str, *, validators: Validators = NONE) -> Any:
        """What came of one page: Fetched or Failure."""
        url = self.home.url(path)
        return self.runner.run(self.browser(page(url), url, validators=validators))

    def all(self, *paths: str) -> list[Any]:
        """What came of pages that were asked for at once."""

        async def work() -> list[Any]:
            urls = map(self.home.url, paths)
            return await asyncio.gather(*(self.browser(page(url), url) for url in urls))

        return self.runner.run(work())


def alone(work: Callable[[Browser], Awaitable[T]], fetcher: Fetcher | None = None, **given: Any) -> T:
    """Do `work` with a browser of its own, in a loop of its own."""

    async def main() -> T:
        async with fetcher or door(**given) as own, Browser(own, settings(**given)) as browser:
            return await work(browser)

    return asyncio.run(main())

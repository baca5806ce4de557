"""What one page in a real Chromium costs at most, and how Chromium starts and ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fetch.showing import Shower, alone, html, page
from tests.fetching import bad, good
from tests.site import Raw, Request, Site
from watcher.core import Failure, Fetched
from watcher.fetch import browser, chromium
from watcher.fetch.browser import Browser


def test_a_page_may_ask_for_so_many_things(home: Site, show: Shower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "MOST_REQUESTS", 50)
    home.pages["/many"] = html(
        "<p>words</p><script>for (let i = 0; i < 90; i++) new Image().src = `/many/${i}`</script>"
    )
    assert b"words" in good(show("/many")).body
    assert sum(request.path.startswith("/many/") for request in home.requests) == 50
    assert home.peak <= browser.AT_ONCE * browser.PLACES


def test_a_page_may_ask_for_so_many_bytes(home: Site, show: Shower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "MOST_BYTES", 40_000)
    home.pages["/large"] = bytes(9_000)
    home.pages["/bytes"] = html(
        "<p id='p'></p><script>(async () => { for (let i = 0; i < 6; i++)"
        " p.textContent += await fetch(`/large`).then(r => 'came', () => 'not') })()</script>"
    )
    assert b'<p id="p">camecamecamecamenotnot</p>' in good(show("/bytes")).body
    assert home.hits("/large") == 5


@pytest.mark.usefixtures("chromium_version")
def test_what_hangs_holds_up_nobody(home: Site) -> None:
    home.pages["/drip"] = Raw([b"HTTP/1.1 200 OK\r\n", *[b"x"] * 100], pause=1)
    home.pages["/waits"] = html("<p>words</p><img src='/drip'>")
    home.pages["/busy"] = html("<script>while (true) {}</script>")
    home.pages["/later"] = html("<script>onload = () => setTimeout(() => { while (true) {} })</script>")

    async def work(shown: Browser) -> list[Fetched | Failure]:
        both = (shown(page(home.url()), home.url(path)) for path in ("/busy", "/later"))
        return [*await asyncio.gather(*both), await shown(page(home.url()), home.url("/waits"))]

    busy, later, waits = alone(work, timeout=timedelta(seconds=4))
    assert "within 4 seconds" in bad(busy, "timeout").detail
    assert bad(later, "timeout")
    assert b"words" in good(waits).body


@pytest.mark.usefixtures("chromium_version")
def test_a_document_that_grows_too_large(home: Site) -> None:
    home.pages["/grows"] = html("<p id='p'></p><script>p.textContent = 'x'.repeat(200000)</script>")
    home.pages["/letters"] = html("<p id='p'></p><script>p.textContent = '\\u20ac'.repeat(60000)</script>")

    async def work(shown: Browser) -> list[Fetched | Failure]:
        return [await shown(page(home.url()), home.url(path)) for path in ("/grows", "/letters")]

    for answer in alone(work, max_bytes=100_000):
        assert "100000 bytes" in bad(answer, "too-large").detail


# ---------------------------------------------------------------- how it starts and ends


@pytest.mark.usefixtures("chromium_version")
def test_one_that_ended_is_started_again(home: Site) -> None:
    home.pages["/words"] = html("<p>words</p>")

    async def work(shown: Browser) -> list[Fetched | Failure]:
        first = await shown(page(home.url()), home.url("/words"))
        assert shown._starting
        await shown._starting.result().chromium.close()
        return [first, await shown(page(home.url()), home.url("/words"))]

    for answer in alone(work):
        assert b"words" in good(answer).body


@pytest.mark.usefixtures("chromium_version")
def test_what_drives_it_may_end_too_and_costs_one_check(home: Site) -> None:
    home.pages["/words"] = html("<p>words</p>")

    async def work(shown: Browser) -> list[Fetched | Failure]:
        await shown(page(home.url()), home.url("/words"))
        assert shown._starting
        await shown._starting.result().driver.stop()
        return [await shown(page(home.url()), home.url("/words")) for _ in range(2)]

    broken, whole = alone(work)
    assert bad(broken, "browser")
    assert b"words" in good(whole).body


def test_one_that_is_missing_is_said_before_anything_is_asked(
    home: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = len(home.requests)

    async def work(shown: Browser) -> Fetched | Failure:
        return await shown(page(home.url()), home.url("/words"))

    assert "apt-get install chromium" in bad(alone(work), "browser").detail
    monkeypatch.setenv(chromium.VARIABLE, str(tmp_path / "none"))
    failure = bad(alone(work), "browser")
    assert f"{tmp_path / 'none'} could not be started" in failure.detail
    assert not failure.refused
    assert len(home.requests) == asked


@pytest.mark.usefixtures("chromium_version")
def test_a_visit_that_is_broken_off_leaves_nothing(home: Site) -> None:

    async def work(shown: Browser) -> None:
        loop, asked = asyncio.get_running_loop(), asyncio.Event()

        def part(_: Request) -> Raw:
            loop.call_soon_threadsafe(asked.set)
            return Raw([b"HTTP/1.1 200 OK\r\n", *[b"x"] * 100], pause=1)

        home.pages["/part"] = part
        home.pages["/busy"] = html("<img src='/part'><script src='/part'></script>")
        visit = asyncio.create_task(shown(page(home.url()), home.url("/busy")))
        await asked.wait()
        visit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await visit

    alone(work)

"""Pages as a browser shows them, for sources with `render = "browser"`.

Beside `fetch` in the flow. The document and all that its scripts ask for come through the Fetcher, and so past its
guard and its limits; Chromium itself has no network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from watcher import guard
from watcher.core import Failure, Fetched, Hop, Source, Validators
from watcher.fetch import Fetcher, FetchSettings, chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser as Chromium
    from playwright.async_api import BrowserContext, Page, Request, Route

log = logging.getLogger(__name__)

PLACES = 2
"""Pages that are shown at one time; each may cost some hundred megabytes."""
MOST_REQUESTS = 200
"""What one page may ask for; beyond it, nothing comes."""
MOST_BYTES = 40 << 20
"""Bytes of all that one page asks for, together."""
AT_ONCE = 6
"""Requests of one page that are under way at one time."""
QUIET = 5.0
"""Seconds after its load that a page has until half a second passes without a request."""
WIDTH, HEIGHT = 1280, 800
HEIGHTS = (10_000, HEIGHT)
"""How high a screenshot may be; the second where the first makes it larger than MOST_SCREENSHOT."""
MOST_SCREENSHOT = 4 << 20
PICTURE = 10.0
"""Seconds that a screenshot may take; none is better than no page."""

_NONE = Validators()
_OK = range(200, 300)
_STAY = Fetched("", 204)
"""The answer by which a page stays where it is."""
_USELESS = {"eventsource", "manifest", "media", "ping", "texttrack", "websocket"}
"""Types of request whose answer would show nowhere in the document, or would not end."""
_LEFT_OUT = {
    "alt-svc", "connection", "content-disposition", "content-encoding", "content-length", "keep-alive", "set-cookie",
    "strict-transport-security", "transfer-encoding",
}  # fmt: skip
"""Headers about a connection that Chromium does not have, or about a next visit that there is not."""
_MARKUP = """(most => {
  let text = "";
  for (const node of document.childNodes)
    text += node.nodeType === Node.DOCUMENT_TYPE_NODE ? `<!DOCTYPE ${node.name}>` : node.outerHTML ?? "";
  return text.length > most ? null : text;
})"""


class Browser:
    """The door that adapters get, for sources with and without `render` (calling it is `core.Fetch`).

    Use it as an async context manager. Chromium is started by the first page that needs it.
    """

    def __init__(self, fetcher: Fetcher, settings: FetchSettings) -> None:
        self._fetcher = fetcher
        self._most = settings.max_bytes
        self._seconds = settings.timeout.total_seconds()
        self._places = asyncio.Semaphore(PLACES)
        self._starting: asyncio.Task[chromium.Running] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End Chromium, if it was started."""
        await _end(self._starting)

    async def __call__(
        self, source: Source, url: str, *, validators: Validators = _NONE, fresh: bool = False
    ) -> Fetched | Failure:
        """Bring one page as the Fetcher does; for a source with `render`, its document after its scripts have run.

        That document is the body, in UTF-8; status and headers are those of the page. It is asked for whatever
        `validators` say, since its scripts may bring other data into the same page. What is no HTML, or no success,
        comes as it is.
        """
        if not source.render:
            return await self._fetcher(source, url, validators=validators, fresh=fresh)
        try:
            await self._chromium()
        except chromium.Missing as why:
            return Failure("browser", str(why))
        hops: tuple[Hop, ...] = ()
        while True:
            answer = await self._fetcher(source, url, fresh=fresh)
            if isinstance(answer, Failure):
                return answer
            answer = replace(answer, redirects=hops + answer.redirects)
            if answer.status not in _OK or "html" not in answer.header("content-type").lower():
                return answer
            async with self._places:
                shown = await self._show(answer)
            if not isinstance(shown, str):
                return shown
            hops = (*answer.redirects, Hop(answer.url, answer.status))
            onward = guard.onward(guard.target(answer.url), shown, hops)
            if isinstance(onward, Failure):
                return onward
            url = onward.url

    async def _chromium(self) -> Chromium:
        """The Chromium that runs; a new one where there is none, or none any more. Raises Missing."""
        if not _alive(self._starting):
            self._starting = asyncio.create_task(_start(self._starting))
        assert self._starting
        return (await asyncio.shield(self._starting)).chromium

    async def _show(self, answer: Fetched) -> Fetched | Failure | str:
        """Show the page that `answer` is: as it is once its scripts have run, or the address where they want to go."""
        from playwright.async_api import Error

        try:
            async with asyncio.timeout(self._seconds), self._context() as context:
                patience = self._seconds / 4
                visit = _Visit(self._fetcher, answer, await context.new_page(), patience, MOST_REQUESTS, MOST_BYTES)
                async with visit.answering(context):
                    shown = await visit.shown(self._most)
        except TimeoutError:
            shown = Failure("timeout", f"the browser did not show the page within {self._seconds:g} seconds")
        except chromium.Missing as why:
            return Failure("browser", str(why))
        except Error as error:
            shown = Failure("browser", f"the browser could not show the page ({_first_line(error)})")
        if isinstance(shown, Failure):
            return replace(shown, detail=f"{guard.target(answer.url).host}: {shown.detail}")
        return shown

    @asynccontextmanager
    async def _context(self) -> AsyncIterator[BrowserContext]:
        """A profile for one page: no cookies, no cache, no memory of others, and the same place and time anywhere.

        A Chromium that cannot begin one, or cannot end it, is ended as a whole.
        """
        running = await self._chromium()
        starting = self._starting
        try:
            context = await running.new_context(
                accept_downloads=False,
                locale="en-US",
                reduced_motion="reduce",
                service_workers="block",
                timezone_id="UTC",
                viewport={"width": WIDTH, "height": HEIGHT},
            )
        except BaseException:
            await self._drop(starting)
            raise
        try:
            yield context
        finally:
            try:
                async with asyncio.timeout(chromium.END):
                    await context.close()
            except Exception:  # noqa: BLE001 - whatever it is, the page goes with all of Chromium
                await self._drop(starting)

    async def _drop(self, starting: asyncio.Task[chromium.Running] | None) -> None:
        """End a Chromium; the next page starts another."""
        if self._starting is starting:
            self._starting = None
        await _end(starting)


@dataclass(slots=True)
class _Visit:
    """One page being shown: the answer that it is made of, what it may still ask for, and where it wants to go."""

    fetcher: Fetcher
    answer: Fetched
    page: Page
    patience: float
    requests: int
    left: int
    arrived: str = ""
    loaded: bool = False
    leaving: asyncio.Future[str | Failure] = field(default_factory=asyncio.Future)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def answering(self, context: BrowserContext) -> AsyncIterator[None]:
        """Answer all that is asked for in `context`."""

        def begin(route: Route) -> asyncio.Task[None]:
            task = asyncio.create_task(self._answer(route))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            return task

        await context.route("**/*", begin)
        try:
            yield
        finally:
            waiting = list(self.tasks)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def shown(self, most: int) -> Fetched | Failure | str:
        """Load the page and wait until it is quiet; its document of at most `most` bytes, or where it wants to go."""
        from playwright.async_api import TimeoutError as Unquiet

        loading: asyncio.Future[Any] = asyncio.ensure_future(self.page.goto(self.answer.url, timeout=0))
        try:
            await asyncio.wait({loading, self.leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loading.cancel()
        if not self.leaving.done():
            await loading
            self.loaded = True
            with contextlib.suppress(Unquiet):
                await self.page.wait_for_load_state("networkidle", timeout=QUIET * 1000)
        if self.leaving.done():
            return self.leaving.result()
        body = (await _markup(self.page, most)).encode(errors="replace")
        if not 0 < len(body) <= most:
            return Failure("too-large", f"the document is larger than {most} bytes once its scripts have run")
        headers = tuple((name, value) for name, value in self.answer.headers if name != "content-type")
        headers = (*headers, ("content-type", "text/html; charset=utf-8"))
        return replace(self.answer, headers=headers, body=body, screenshot=await _picture(self.page))

    async def _answer(self, route: Route) -> None:
        from playwright.async_api import Error

        answer = await self._bring(route.request)
        with contextlib.suppress(Error):  # the page has ended, or does not want it any more
            if answer is None:
                await route.abort("blockedbyclient")
            else:
                await route.fulfill(status=answer.status, headers=_headers(answer), body=answer.body)

    async def _bring(self, request: Request) -> Fetched | None:
        """The answer to one request, None for one that gets none."""
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            return self._move(request)
        if request.method != "GET" or request.resource_type in _USELESS:
            return None
        async with self.turns:
            answer = await self._part(request.url)
        return answer if answer and _is_shared(request, answer) else None

    def _move(self, request: Request) -> Fetched:
        """The page itself is asked for: it comes once. If it then wants to go elsewhere, that ends the visit.

        One that leaves while it loads, if only for itself, has its rest dropped by Chromium; later it may load itself
        as often as it likes.
        """
        if not self.arrived:
            self.arrived = request.url
            return self.answer
        if not self.leaving.done() and not (self.loaded and request.url == self.arrived):
            form = Failure("browser", "the page sends a form in place of showing itself")
            self.leaving.set_result(request.url if request.method == "GET" else form)
        return _STAY

    async def _part(self, url: str) -> Fetched | None:
        """What belongs to the page, as long as it has not asked for too much."""
        if self.requests == 0 or self.left <= 0:
            return None
        self.requests -= 1
        try:
            async with asyncio.timeout(self.patience):
                answer = await self.fetcher.beside(url, public=_is_public(self.answer))
        except TimeoutError:
            return None
        if isinstance(answer, Failure):
            log.info("%s: %s is left out (%s)", self.answer.url, url, answer.detail)
            return None
        self.left -= len(answer.body)
        return answer if self.left >= 0 else None


async def _markup(page: Page, most: int) -> str:
    """The document as HTML, "" where it is longer than `most`; read in a world that the page's scripts do not reach."""
    session = await page.context.new_cdp_session(page)
    frame = (await session.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
    world = await session.send("Page.createIsolatedWorld", {"frameId": frame})
    result = await session.send(
        "Runtime.evaluate",
        {"expression": f"{_MARKUP}({most})", "contextId": world["executionContextId"], "returnByValue": True},
    )
    return result["result"].get("value") or ""


async def _picture(page: Page) -> bytes:
    """What the page looks like, as a PNG; b"" where that cannot be had."""
    from playwright.async_api import Error

    for height in HEIGHTS:
        try:
            picture = await page.screenshot(
                animations="disabled",
                clip={"x": 0, "y": 0, "width": WIDTH, "height": height},
                full_page=True,
                timeout=PICTURE * 1000,
            )
        except Error as error:
            log.info("%s: no screenshot (%s)", page.url, _first_line(error))
            return b""
        if len(picture) <= MOST_SCREENSHOT:
            return picture
    return b""


def _headers(answer: Fetched) -> dict[str, str]:
    """The headers of `answer` as Chromium takes them: those of one name joined (RFC 9110, 5.2)."""
    headers: dict[str, str] = {}
    for name, value in answer.headers:
        if name not in _LEFT_OUT and value.isascii() and value.isprintable():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _is_public(answer: Fetched) -> bool:
    """Whether a page came from the open internet, and so must not look into networks that we may look into."""
    return answer.peer is None or guard.is_public(answer.peer)


def _is_shared(request: Request, answer: Fetched) -> bool:
    """Whether the asking page may read `answer`, as far as Chromium cannot know (Playwright adds what is missing)."""
    origin = request.headers.get("origin")
    return (
        not origin or origin == guard.target(request.url).origin or answer.header("access-control-allow-origin") != ""
    )


def _alive(starting: asyncio.Task[chromium.Running] | None) -> bool:
    """Whether a Chromium is starting or runs."""
    if starting is None or not starting.done():
        return starting is not None
    return not starting.cancelled() and not starting.exception() and starting.result().chromium.is_connected()


async def _start(before: asyncio.Task[chromium.Running] | None) -> chromium.Running:
    await _end(before)
    return await chromium.start()


async def _end(starting: asyncio.Task[chromium.Running] | None) -> None:
    """End what was started, or is starting."""
    if starting is None:
        return
    with contextlib.suppress(Exception):
        await (await starting).end()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]

"""Finds, starts and ends the Chromium of `fetch.browser`, and takes its network away.

What a page asks for reaches the Fetcher by Playwright's interception. Whatever would go another way (a WebSocket, a
prefetch, the browser's own calls home) finds no proxy and no name.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from watcher.plugins import hint

if TYPE_CHECKING:
    from playwright.async_api import Browser, Playwright

VARIABLE = "WATCHER_CHROMIUM"
"""The environment variable that may name the program."""
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
END = 5.0
"""Seconds that Chromium, or one page of it, gets to end."""
ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
"""All that Chromium sees of the environment, in which there may be secrets."""
ARGUMENTS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-first-run",
    "--no-pings",
    # Every connection, loopback included, has to go by a proxy whose name leads nowhere, as every name does.
    "--proxy-server=http://proxy.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    # WebRTC asks neither: it may use no UDP but through that proxy.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--js-flags=--max-old-space-size=512",
)


class Missing(LookupError):  # noqa: N818 - an answer to a person, not a fault
    """There is no browser, or none that starts; the text says what to do."""


class Running(NamedTuple):
    """Playwright's driver, and the Chromium that it started."""

    driver: Playwright
    chromium: Browser

    async def end(self) -> None:
        """End both, whatever state they are in."""
        for close in (self.chromium.close, self.driver.stop):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(END):
                    await close()


async def start() -> Running:
    """Start Chromium: the one that the environment names, else Playwright's own, else the system's. Raises Missing."""
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        raise Missing(f'render = "browser" needs playwright: {hint("playwright")}') from None
    driver = await async_playwright().start()
    try:
        program = _program(driver.chromium.executable_path)
        chromium = await driver.chromium.launch(
            executable_path=program,
            headless=True,
            args=ARGUMENTS,
            ignore_default_args=["--disable-popup-blocking"],
            chromium_sandbox=os.geteuid() != 0,  # which root cannot have
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
    except BaseException as error:
        await driver.stop()
        if isinstance(error, Error):
            raise Missing(_advice(program, error)) from error
        raise
    return Running(driver, chromium)


async def version() -> str:
    """Start Chromium, and say which it is. Raises Missing."""
    running = await start()
    await running.end()
    return f"Chromium {running.chromium.version}"


def _program(own: str) -> str | None:
    """The program to start; None for the one that Playwright looks for itself, at `own`."""
    if named := os.environ.get(VARIABLE):
        return named
    if Path(own).exists():
        return None
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def _advice(program: str | None, error: Exception) -> str:
    if program is None:
        return (
            "no Chromium was found: `apt-get install chromium` or `playwright install chromium` brings one; one that "
            f"is elsewhere is named by the environment variable {VARIABLE}"
        )
    return f"{program} could not be started ({str(error).strip().splitlines()[0][:200]})"

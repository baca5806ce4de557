"""A desk with a bot as a process of its own, which kills itself where a file tells it to: python -m tests.bot.victim.

Once the file `armed` stands beside its config.toml, it dies between the inbox and the handling of the next update.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from watcher import bot
from watcher.app import opened, running
from watcher.bot.inbox import Inbox
from watcher.config import load


async def main(path: Path) -> None:
    config = load(path)
    handle = Inbox.handle

    async def dying(self: Inbox, update: Any, ask: Any) -> None:
        armed = path.with_name("armed")
        if armed.exists():
            armed.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        await handle(self, update, ask)

    Inbox.handle = dying  # type: ignore[method-assign]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with opened(config) as store:
        async with running(config, store) as app, asyncio.TaskGroup() as group:
            group.create_task(bot.serve(app, stop))
            assert app.sender is not None
            while not stop.is_set():
                await app.sender.drain(stop)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(app.sender.woken.wait(), 0.05)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

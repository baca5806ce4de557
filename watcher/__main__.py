"""The program `watcher`, also as `python -m watcher`: starts and ends the process around cli, as fast as it can."""

from __future__ import annotations

import contextlib
import copy
import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Run the command line; what is wrong with the input or the store is said with its place, never as a trace."""
    gc.disable()  # imports make many objects that stay, and no garbage
    from watcher import asking, cli

    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    gc.enable()
    try:
        narrowed(cli.app, sys.argv[1:])()
    except asking.Refused as refused:
        asking.complain(str(refused))
        leave(refused.code)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        leave(end.code or 0)


def narrowed(app: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """`app` with only the command that is asked for: to read what all take takes as long as to check many pages."""
    called = {one.name or getattr(one.callback, "__name__", ""): one for one in app.registered_commands}
    if not words or words[0] not in called:
        return app
    alone = copy.copy(app)
    alone.registered_commands, alone.registered_groups = [called[words[0]]], []
    return alone


def leave(code: int) -> NoReturn:
    """End the process. Taking a thousand modules down in order would cost more than the check of an unchanged page."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

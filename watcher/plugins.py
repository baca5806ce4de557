"""Which kinds of source and channel there are, and their code: built-ins and strangers' by the same entry points.

Looking up reads one small file of each installed package, once; code is imported only when its kind is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import msgspec

from watcher.core import Adapter, Notifier, Source, Tools

SOURCES = "watcher.sources"
NOTIFIERS = "watcher.notifiers"
EXTRAS = {
    "trafilatura": "articles",
    "lxml_html_clean": "articles",
    "apprise": "apprise",
    "psycopg": "postgres",
    "feedparser": "feeds",
    "pdfplumber": "pdf",
    "playwright": "browser",
    "icalendar": "calendars",
    "recurring_ical_events": "calendars",
    "PIL": "pictures",
    "tornado": "webhook",
    "warcio": "evidence",
    "rfc3161_client": "evidence",
}
"""Which extra brings which optional library."""


Kinds = dict[str, dict[str, str]]
"""By group and kind, where its code is: "module:Class"."""
_told: Kinds = {}


class PluginError(LookupError):
    """There is no such kind, or its code cannot be used; the text says what to do."""


def source_kinds() -> tuple[str, ...]:
    """The kinds that a [[source]] may have, sorted; nothing is imported."""
    return tuple(sorted(found()[SOURCES]))


def notifier_kinds() -> tuple[str, ...]:
    """The kinds that a [[channel]] may have, sorted; nothing is imported."""
    return tuple(sorted(found()[NOTIFIERS]))


def adapter(kind: str) -> type[Adapter]:
    """The code of one kind of source. Raises PluginError."""
    code: type[Adapter] = _loaded(SOURCES, kind, tuple(sys.path))
    return code


def patience(kind: str) -> tuple[int, float]:
    """How many seconds of processor time, and altogether, reading one document of a kind may take.

    0 where its adapter asks for no more than a page gets, or cannot be loaded.
    """
    try:
        code = adapter(kind)
    except PluginError:
        return 0, 0.0
    return getattr(code, "cpu_seconds", 0), getattr(code, "wall_seconds", 0.0)


def notifier(kind: str) -> type[Notifier]:
    """The code of one kind of channel. Raises PluginError."""
    code: type[Notifier] = _loaded(NOTIFIERS, kind, tuple(sys.path))
    return code


def build(source: Source) -> Adapter:
    """The adapter of `source`, with its options. Raises PluginError; msgspec.ValidationError for unchecked options."""
    made = adapter(source.kind)
    return made(msgspec.convert(source.options, made.Options))


def build_notifier(kind: str, options: Mapping[str, Any], tools: Tools) -> Notifier:
    """The notifier of one channel, with its options (secrets in the clear). Raises as `build` does."""
    made: Any = notifier(kind)
    built: Notifier = made(msgspec.convert(options, made.Options), tools)
    return built


def hint(library: str) -> str:
    """How to install an optional library."""
    return f"pip install 'watcher[{EXTRAS[library]}]'" if library in EXTRAS else f"pip install {library}"


def found() -> Kinds:
    """All kinds, with where their code is."""
    return _told or _scan(tuple(sys.path))


def tell(kinds: Kinds) -> None:
    """Take `kinds` for all that there are: a child knows them from its parent, and does not look again."""
    _told.update(kinds)


@cache
def _scan(path: tuple[str, ...]) -> Kinds:
    """The entry points of both groups on `path`; a name found twice is its first, as with imports.

    `importlib.metadata.entry_points` reads the name of every installed package and parses all their entry points: it
    takes nearly twice as long as looking for our groups in the text first.
    """
    from importlib.metadata import distributions

    kinds: Kinds = {SOURCES: {}, NOTIFIERS: {}}
    for distribution in distributions(path=list(path)):
        if "[watcher." in (distribution.read_text("entry_points.txt") or ""):
            for entry in distribution.entry_points:
                if entry.group in kinds:
                    kinds[entry.group].setdefault(entry.name, entry.value)
    return kinds


@cache
def _loaded(group: str, kind: str, _path: tuple[str, ...]) -> Any:
    place = found()[group].get(kind)
    if place is None:
        raise PluginError(_unknown(group, kind))
    module, _, name = place.partition(":")
    try:
        code = getattr(import_module(module), name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
            raise PluginError(f'kind "{kind}" needs {error.name}: {hint(error.name)}') from error
        raise PluginError(f'kind "{kind}" cannot be loaded from {place}: {error}') from error
    options = getattr(code, "Options", None)
    if not isinstance(code, type) or not isinstance(options, type) or not issubclass(options, msgspec.Struct):
        raise PluginError(f'kind "{kind}": {place} is not a class with an Options struct')
    _require(kind, getattr(code, "requires", ()))
    return code


def _require(kind: str, libraries: tuple[str, ...]) -> None:
    """Refuse a kind whose optional libraries, imported only when it works, are not installed."""
    from importlib.util import find_spec

    for library in libraries:
        if find_spec(library) is None:
            raise PluginError(f'kind "{kind}" needs {library}: {hint(library)}')


def _unknown(group: str, kind: str) -> str:
    import difflib

    kinds = sorted(found()[group])
    there = f"there are {', '.join(kinds)}"
    near = difflib.get_close_matches(kind[:60], kinds, n=1)
    meant = f'did you mean "{near[0]}"? ' if near else ""
    return f'unknown kind "{kind[:60]}"; {meant}{there}'

"""Reads the tables of a parsed config.toml into structs, collecting the problems of all of them on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from watcher import plugins
from watcher.config.problems import closest, fields, find, item, keys, read, secrets, shown, spot
from watcher.config.secrets import NOTHING, Vault, hide
from watcher.config.sections import Channel, ChannelKeys, SourceKeys, Telegram
from watcher.config.values import Secret, Url
from watcher.core import Source
from watcher.css import check_selector

T = TypeVar("T", bound=msgspec.Struct)

SELECTORS = ("select", "drop")
"""Options that are CSS selectors, whatever the kind."""
SECRET_OPTIONS = {"token", "secret", "password", "url"}
"""Options of channels that do not stand in the file; but a web address may: it need not be secret."""


class Reader:
    """One reading of one file. `problems` grows; each is "<path>: <what was expected>"."""

    def __init__(self, data: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> None:
        self.data = data
        self.vault = Vault(folder, env)
        self.problems: list[str] = []
        self._raw: dict[str, list[tuple[str, dict[str, Any]]]] = {}

    def shape(self, tables: Sequence[str], arrays: Sequence[str]) -> None:
        """Refuse keys of the file that are neither [table] nor [[array]], and arrays that are something else."""
        for key, value in self.data.items():
            if key not in tables and key not in arrays:
                self.problems.append(f"{spot('', key)}: unknown key; {closest(key, [*tables, *arrays])}")
            elif key in arrays and not isinstance(value, list):
                found = f"[{key}]" if isinstance(value, dict) else shown(value)
                self.problems.append(f"{key}: expected [[{key}]], found {found}")
            elif key in arrays:
                wrong = ((index, one) for index, one in enumerate(value) if not isinstance(one, dict))
                self.problems += [f"{key}[{index}]: expected a table, found {shown(one)}" for index, one in wrong]

    def table(self, kind: type[T], key: str, defaults: Mapping[str, Any] | None = None) -> T | None:
        """The table [key], or None when it has problems."""
        raw = self.data.get(key, {})
        if isinstance(raw, dict):
            return self._read(kind, {**(defaults or {}), **raw}, key)
        self.problems.append(f"{key}: expected [{key}], a table, found {shown(raw)}")
        return None

    def tables(self, kind: type[T], key: str) -> list[tuple[str, T]]:
        """The tables [[key]] that have no problems, each with its path."""
        found = ((path, self._read(kind, raw, path)) for path, raw in self.raw(key))
        return [(path, value) for path, value in found if value is not None]

    def raw(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """The tables [[key]] as they stand in the file, each with its path."""
        if key not in self._raw:  # asked for several times, and there may be thousands
            listed = self.data.get(key, [])
            tables = enumerate(listed) if isinstance(listed, list) else ()
            self._raw[key] = [(item(key, index, one), one) for index, one in tables if isinstance(one, dict)]
        return self._raw[key]

    def names(self, key: str) -> set[str]:
        """The names of the tables [[key]], those with problems included."""
        return {table["name"] for _, table in self.raw(key) if isinstance(table.get("name"), str)}

    def sources(self) -> list[tuple[str, Source]]:
        """The [[source]] tables, their options checked by the adapters of their kinds."""
        found = []
        for path, raw in self.raw("source"):
            common, options = _split(raw, SourceKeys)
            base = self._read(SourceKeys, common, path)
            sound = self._options(path, raw.get("kind"), options)
            if base and sound:
                kept = {field: _plain(getattr(base, field)) for field in base.__struct_fields__}
                self.problems += _unshown(path, base)
                found.append((path, Source(**kept, options=options)))
        return found

    def _options(self, path: str, kind: object, options: dict[str, Any]) -> bool:
        if not isinstance(kind, str):
            return False  # said already, as a problem of the key itself
        try:
            code: Any = plugins.adapter(kind)
        except plugins.PluginError as error:
            self.problems.append(f"{path}.kind: {error}")
            return False
        problems = list(_selectors(path, options))
        self.problems += problems
        checked = self._read(code.Options, options, path, keys(SourceKeys))
        if checked is None or problems:
            return False
        refused = list(_refused(path, code, checked))
        self.problems += refused
        return not refused

    def channels(self, telegram: Telegram | None) -> list[tuple[str, Channel]]:
        """The [[channel]] tables, their options checked by the notifiers of their kinds."""
        found = []
        for path, raw in self.raw("channel"):
            common, rest = _split(raw, ChannelKeys)
            base = self._read(ChannelKeys, common, path)
            options = self._channel_options(path, str(common.get("kind", "apprise")), rest, telegram)
            if base and options is not None:
                found.append((path, Channel(base.name, base.kind, options)))
        return found

    def _channel_options(
        self, path: str, kind: str, options: dict[str, Any], telegram: Telegram | None
    ) -> dict[str, Any] | None:
        try:
            code: Any = plugins.notifier(kind)
        except plugins.PluginError as error:
            self.problems.append(f"{path}.kind: {error}")
            return None
        secret = SECRET_OPTIONS & fields(code.Options).keys()
        given, problems = self._given(path, kind, options, code.Options, telegram)
        clear = Channel("", kind, given).revealed()
        known = ["name", "kind", *(f"{name}{how}" for name in secret for how in ("_env", "_file"))]
        problems += read(clear, code.Options, path, known)[1]
        self.problems += [hide(problem, given) for problem in problems]
        return None if problems else given

    def _given(
        self, path: str, kind: str, options: dict[str, Any], wanted: type[msgspec.Struct], telegram: Telegram | None
    ) -> tuple[dict[str, Any], list[str]]:
        """The options of a channel with its secrets, and with what [telegram] gives to channels of that kind."""
        given, problems = self.vault.fill(options, fields(wanted), path)
        if kind == "telegram" and telegram is not None:
            given = {"token": telegram.token, "base_url": telegram.base_url, **given}
        elif kind == "telegram" and "telegram" in self.data:
            given = {"token": NOTHING, **given}  # what is wrong with it has been said
        for name in sorted(fields(wanted).keys() & SECRET_OPTIONS):
            if name not in given and fields(wanted)[name].required:
                problems.append(f"{path}: {name}_env or {name}_file is missing")
                given[name] = NOTHING
            elif name in given and not isinstance(given[name], Secret) and not _public(name, given[name]):
                problems.append(
                    f"{spot(path, name)}: a secret never stands in this file; use {name}_env or {name}_file"
                )
                given[name] = NOTHING
        return given, problems

    def _read(self, kind: type[T], raw: dict[str, Any], path: str, known: Sequence[str] = ()) -> T | None:
        table, problems = self.vault.fill(raw, secrets(kind), path)
        self.problems += problems
        value, mistakes = read(table, kind, path, known)
        self.problems += mistakes
        return value


def _public(name: str, value: Any) -> bool:
    """Whether an option is a web address without a password, which may stand in the file: not every one is a secret."""
    return name == "url" and not list(find(value, Url, "")) and "@" not in value


def _split(raw: dict[str, Any], kind: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, Any]]:
    common = set(keys(kind))
    return {k: v for k, v in raw.items() if k in common}, {k: v for k, v in raw.items() if k not in common}


def _selectors(path: str, options: Mapping[str, Any]) -> Iterator[str]:
    for name in SELECTORS:
        given = options.get(name, [])
        for text in given if isinstance(given, list) else [given]:
            problem = check_selector(text) if isinstance(text, str) and text else None
            if problem:
                yield f"{path}.{name}: {problem}, found {shown(text)}"


def _refused(path: str, code: Any, options: msgspec.Struct) -> Iterator[str]:
    """Building the adapter is its own check of its options."""
    try:
        code(options)
    except Exception as error:  # noqa: BLE001 - a stranger's adapter may refuse in any way
        yield f"{path}: {error}"


def _unshown(path: str, source: SourceKeys) -> Iterator[str]:
    """A source that wants a browser, without the library that leads one."""
    if source.render and find_spec("playwright") is None:
        yield f'{path}.render: "{source.render}" needs playwright: {plugins.hint("playwright")}'


def _plain(value: Any) -> Any:
    """A value as its plain type, which all the rest of the program, and the pipes to its children, know."""
    if isinstance(value, str):
        return str(value)
    return value + timedelta() if isinstance(value, timedelta) else value

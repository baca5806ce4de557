"""Reads the tables of a parsed config.toml into structs, collecting the problems of all of them on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from watcher import plugins
from watcher.config.problems import closest, find, holds_secret, item, keys, shown, spot
from watcher.config.sections import Channel, ChannelKeys, SourceKeys, Telegram
from watcher.config.values import Secret, Url, decode
from watcher.core import Source
from watcher.css import check_selector

T = TypeVar("T", bound=msgspec.Struct)

SELECTORS = ("select", "drop")
"""Options that are CSS selectors, whatever the kind."""
SECRET_OPTIONS = {"token", "secret", "password", "url"}
"""Options of channels that do not stand in the file; but a web address may: it need not be secret."""
LONGEST_SECRET = 1 << 16


class Reader:
    """One reading of one file. `problems` grows; each is "<path>: <what was expected>"."""

    def __init__(self, data: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> None:
        self.data = data
        self.folder = folder
        self.env = env
        self.problems: list[str] = []

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
        read = ((path, self._read(kind, raw, path)) for path, raw in self.raw(key))
        return [(path, value) for path, value in read if value is not None]

    def raw(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """The tables [[key]] as they stand in the file, each with its path."""
        listed = self.data.get(key, [])
        if not isinstance(listed, list):
            return []
        return [(item(key, index, one), one) for index, one in enumerate(listed) if isinstance(one, dict)]

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
                kept = {field: getattr(base, field) for field in base.__struct_fields__ if field != "render"}
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
        before = len(self.problems)
        given = self._given(path, kind, options, code.Options, telegram)
        clear = Channel("", kind, given).revealed()
        secret = SECRET_OPTIONS.intersection(code.Options.__struct_encode_fields__)
        known = ["name", "kind", *(f"{name}{how}" for name in secret for how in ("_env", "_file"))]
        self._read(code.Options, clear, path, known)
        self.problems[before:] = [_hidden(text, given) for text in self.problems[before:]]
        return given if len(self.problems) == before else None

    def _given(
        self, path: str, kind: str, options: dict[str, Any], wanted: type[msgspec.Struct], telegram: Telegram | None
    ) -> dict[str, Any]:
        """The options of a channel with its secrets, and with what [telegram] gives to channels of that kind."""
        fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
        given = self._with_secrets(options, set(fields), path)
        if kind == "telegram" and telegram is not None:
            given = {"token": telegram.token, "base_url": telegram.base_url, **given}
        for name in fields.keys() & SECRET_OPTIONS:
            if isinstance(given.get(name), Secret) or (name not in given and not fields[name].required):
                continue
            if name == "url" and name in given and not list(find(given[name], Url, path)):
                continue
            if kind != "telegram" or name in given or "telegram" not in self.data:
                what = "a secret never stands in this file" if name in given else "missing"
                self.problems.append(f"{spot(path, name)}: {what}; use {name}_env or {name}_file")
            given[name] = Secret(str)
        return given

    def _read(self, kind: type[T], raw: dict[str, Any], path: str, known: list[str] | None = None) -> T | None:
        secrets = {field.encode_name for field in msgspec.structs.fields(kind) if holds_secret(field.type)}
        table = self._with_secrets(raw, secrets, path)
        try:
            return msgspec.convert(table, kind, dec_hook=decode)
        except msgspec.ValidationError:
            self.problems += find(table, kind, path, known or ())
            return None

    def _with_secrets(self, raw: dict[str, Any], names: set[str], path: str) -> dict[str, Any]:
        """`raw` with `NAME_env` and `NAME_file` replaced by NAME, a Secret, for every one of `names`."""
        table = dict(raw)
        for name in sorted(names):
            for key, read in ((f"{name}_env", self._from_env), (f"{name}_file", self._from_file)):
                if key not in raw:
                    continue
                if name in table:
                    self.problems.append(f"{spot(path, key)}: {name} is given twice")
                problem, table[name] = read(table.pop(key))
                if problem:
                    self.problems.append(f"{spot(path, key)}: {problem}")
        return table

    def _from_env(self, name: object) -> tuple[str, Secret]:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,99}", name):
            # What was found is not shown: it may be the secret itself, pasted into the wrong place.
            return 'expected the name of an environment variable, in capitals like "DESK_SLACK_URL"', Secret(str)
        if not self.env.get(name, "").strip():
            how = "empty" if name in self.env else "not set"
            return f"missing secret: environment variable {name} is {how}", Secret(str)

        def read() -> str:
            return self.env[name].strip()

        return "", Secret(read)

    def _from_file(self, name: object) -> tuple[str, Secret]:
        if not isinstance(name, str) or not name or "\0" in name:
            return "expected the path of a file", Secret(str)
        path = self.folder / name

        def read() -> str:
            with path.open(encoding="utf-8") as file:
                return file.read(LONGEST_SECRET).strip()

        try:
            return ("" if read() else f"missing secret: file {name} is empty"), Secret(read)
        except UnicodeDecodeError:
            return f"missing secret: file {name} is not written in UTF-8", Secret(str)
        except OSError as error:
            return f"missing secret: file {name} cannot be read: {str(error.strerror).lower()}", Secret(str)


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
    except ValueError as error:
        yield f"{path}: {error}"


def _hidden(problem: str, options: Mapping[str, Any]) -> str:
    """`problem` without the secrets among `options`, in whatever form it may quote them."""
    for value in options.values():
        text = value.reveal() if isinstance(value, Secret) else ""
        for form in (shown(text), text) if text else ():
            problem = problem.replace(form, "***")
    return problem

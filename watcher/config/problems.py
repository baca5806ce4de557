"""What is wrong with a table of config.toml, all of it at once, in words for people.

msgspec stops at the first mistake; here a table that it refuses is walked key by key until every mistake has been said.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from watcher.config.values import Database, Secret, decode

T = TypeVar("T", bound=msgspec.Struct)

WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
LONGEST = 60


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says why, each "config.toml: <where>: <what was expected>"."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def shown(value: object) -> str:
    """`value` as a refusal shows it: short, on one line, a secret never."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return json.dumps(value if len(value) <= LONGEST else value[:LONGEST] + "…", ensure_ascii=False)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return repr(value)[:LONGEST]


def spot(path: str, key: str) -> str:
    """The path of `key` in the table at `path`; a key that is not a bare one is quoted."""
    written = key if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", key) else shown(key)
    return f"{path}.{written}" if path else written


def item(path: str, index: int, value: object) -> str:
    """The path of one entry of a list, with its name where it has one."""
    name = value.get("name") if isinstance(value, dict) else None
    return f"{path}[{index}] {shown(name)}" if isinstance(name, str) else f"{path}[{index}]"


def closest(word: str, known: Iterable[str]) -> str:
    """A hint for people: what `word` was probably meant to be, or all that there is."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(word[:LONGEST], names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"there {'are' if len(names) > 1 else 'is'} {', '.join(names)}" if names else "there is none"


@cache
def fields(kind: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """The fields of a table by their keys; finding them costs a quarter of a millisecond, and every table asks."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


@cache
def keys(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys of a table as one writes them: a secret is only ever named by `*_env` or `*_file`."""
    return tuple(key for field in fields(kind).values() for key in ways(field))


@cache
def secrets(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a table that are secrets."""
    return frozenset(key for key, field in fields(kind).items() if holds_secret(field.type))


def ways(field: FieldInfo) -> list[str]:
    """The keys by which one field may be given."""
    name = field.encode_name
    plain = [] if holds_secret(field.type) and Database not in _members(field.type) else [name]
    return [*plain, *([f"{name}_env", f"{name}_file"] if holds_secret(field.type) else [])]


def holds_secret(kind: Any) -> bool:
    """Whether a field of type `kind` is a secret."""
    return any(isinstance(one, type) and issubclass(one, Secret) for one in _members(kind))


def read(table: dict[str, Any], kind: type[T], path: str, known: Iterable[str] = ()) -> tuple[T | None, list[str]]:
    """`table` as a `kind`, or None and every mistake in it, as `find` says them."""
    try:
        return msgspec.convert(table, kind, dec_hook=decode), []
    except msgspec.ValidationError as error:
        return None, list(find(table, kind, path, known)) or [f"{path}: {error}"]


def find(value: object, kind: Any, path: str, known: Iterable[str] = ()) -> Iterator[str]:
    """Every mistake in `value` as a `kind`, each "<path>: <what was expected>". `known` are further keys to suggest."""
    wanted = [one for one in _members(kind) if one is not NoneType]
    only = wanted[0] if len(wanted) == 1 else kind
    if isinstance(only, type) and issubclass(only, msgspec.Struct) and isinstance(value, dict):
        yield from _table(value, only, path, known)
    elif get_origin(only) in (list, tuple) and get_args(only)[1:] in ((), (...,)) and isinstance(value, list):
        for index, one in enumerate(value):
            yield from find(one, get_args(only)[0], item(path, index, one))
    else:
        yield from _whole(value, kind, path)


def _table(table: dict[str, Any], kind: type[msgspec.Struct], path: str, known: Iterable[str]) -> Iterator[str]:
    problems = [
        f"{spot(path, key)}: unknown key; {closest(key, [*keys(kind), *known])}"
        for key in table
        if key not in fields(kind) and kind.__struct_config__.forbid_unknown_fields
    ]
    for key, field in fields(kind).items():
        if key in table:
            problems += find(table[key], field.type, spot(path, key))
        elif field.required:
            problems.append(f"{path}: {' or '.join(ways(field))} is missing")
    yield from problems or _whole(table, kind, path)


def _whole(value: object, kind: Any, path: str) -> Iterator[str]:
    try:
        msgspec.convert(value, kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        text = _said(kind) or _translated(str(error).partition(" - at `")[0])
        if text.startswith("expected") and not holds_secret(kind):
            text += f", found {shown(value)}"
        yield f"{path}: {text}"


def _said(kind: Any) -> str:
    """What the type itself says it expects, if it does."""
    for one in _members(kind):
        if get_origin(one) is Literal:
            return "expected " + " or ".join(shown(choice) for choice in get_args(one))
        if one is dt.date:
            return "expected a date like 2026-01-05"
        if get_origin(one) is Annotated:
            described = (meta.description for meta in get_args(one)[1:] if isinstance(meta, msgspec.Meta))
            return "".join(f"expected {text}" for text in described if text)
    return ""


def _translated(error: str) -> str:
    """Give msgspec's "Expected `str | array`, got `int`" words in place of types, and leave out what it got."""

    def words(found: re.Match[str]) -> str:
        names = [WORDS.get(name, name) for name in found[1].split(" | ")]
        return " or ".join(name for name in names if name != "nothing")

    text = re.sub(r"`([^`]*)`", words, error.partition(", got ")[0])
    return text[:1].lower() + text[1:]


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)

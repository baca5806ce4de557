"""Who is told of which changes: changes and rules in, alerts out. Pure; after diff, before the outbox."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from watcher.core import Alert, Change, Severity, content_id

OPERATOR = "source."
"""Kinds that start so are faults, for the operator: only a rule that names them gets them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Changes that match all that is given. An empty condition asks for nothing.

    `sources` and `kinds` are globs, `states` postal codes, `places` subject ids (matched within larger places too),
    `words` stand in the changed text, `severity` is the least.
    """

    sources: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = ("*",)
    states: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    severity: Severity = Severity.MINOR


@dataclass(frozen=True, slots=True)
class Rule(Filter):
    """A filter with a name, and the channel `to` which what matches goes. `page` names an escalation to start."""

    to: str
    name: str
    page: str = ""


def route(
    changes: Sequence[Change], rules: Iterable[Rule], *, at: datetime
) -> tuple[tuple[Alert, tuple[Change, ...]], ...]:
    """Return each alert with its changes in the order given; the same changes and rules give the same ids.

    One alert is the changes of one snapshot that match one rule. A channel gets a change once: the first rule wins.
    """
    told: set[tuple[str, str]] = set()
    alerts: list[tuple[Alert, tuple[Change, ...]]] = []
    for rule in rules:
        groups: dict[tuple[str, str | None], list[Change]] = {}
        for change in changes:
            if (rule.to, change.id) not in told and matches(rule, change):
                told.add((rule.to, change.id))
                groups.setdefault((change.source, change.snapshot), []).append(change)
        alerts += [(_alert(rule, group, at), tuple(group)) for group in groups.values()]
    return tuple(alerts)


def _alert(rule: Rule, changes: Sequence[Change], at: datetime) -> Alert:
    ids = tuple(sorted(change.id for change in changes))
    first = changes[0]
    alert_id = content_id(rule.name, rule.to, ids)
    return Alert(alert_id, rule.name, rule.to, first.source, first.snapshot, at, ids)


def matches(wanted: Filter, change: Change) -> bool:
    """Whether `change` meets every condition of `wanted`."""
    subject = change.subject
    return (
        change.severity >= wanted.severity
        and any(may_match(glob, change.kind) and pattern(glob).match(change.kind) for glob in wanted.kinds)
        and any(pattern(glob).match(change.source) for glob in wanted.sources)
        and (not wanted.states or subject.state in wanted.states)
        and (not wanted.places or not {subject.id, *subject.within}.isdisjoint(wanted.places))
        and (not wanted.words or _any_word(wanted.words).search(changed_text(change)) is not None)
    )


def changed_text(change: Change) -> str:
    """The words that came or went, case folded, one run a line; what stands unchanged around them is left out."""
    if change.spans:
        runs = [span.text for span in change.spans if span.op != "="]
    else:
        runs = [*_texts(change.old), *_texts(change.new)]
    return "\n".join(map(folded, runs))


def folded(text: str) -> str:
    """A text as words are looked for in it: case folded, with single spaces."""
    return " ".join(text.casefold().split())


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [] if value is None else [str(value)]


def may_match(glob: str, kind: str) -> bool:
    """Whether a glob is let near a kind: faults of a source want one that names them."""
    return glob.startswith(OPERATOR) or not kind.startswith(OPERATOR)


@lru_cache(maxsize=4096)
def pattern(glob: str) -> re.Pattern[str]:
    """A glob of sources or kinds, to be matched with a name."""
    return re.compile(fnmatch.translate(glob))


@lru_cache(maxsize=4096)
def _any_word(words: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern that finds any of `words` as whole words in a folded text; blank ones never."""
    wanted = sorted({folded(word) for word in words} - {""})
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?!\w)" if wanted else r"(?!)")

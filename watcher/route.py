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


@dataclass(frozen=True, slots=True)
class Rule:
    """Changes that match all that is given go to channel `to`. An empty condition asks for nothing.

    `sources` and `kinds` are globs, `states` postal codes, `places` subject ids (matched within larger places too),
    `words` stand in the changed text, `severity` is the least. `page` names an escalation to start.
    """

    to: str
    name: str
    sources: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = ("*",)
    states: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    severity: Severity = Severity.MINOR
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


def matches(rule: Rule, change: Change) -> bool:
    """Whether `change` meets every condition of `rule`."""
    subject = change.subject
    return (
        change.severity >= rule.severity
        and _any_glob(_kinds_for(change.kind, rule.kinds), change.kind)
        and _any_glob(rule.sources, change.source)
        and (not rule.states or subject.state in rule.states)
        and (not rule.places or not {subject.id, *subject.within}.isdisjoint(rule.places))
        and (not rule.words or _any_word(rule.words).search(changed_text(change)) is not None)
    )


def changed_text(change: Change) -> str:
    """The words that came or went, case folded, one run a line; what stands unchanged around them is left out."""
    if change.spans:
        runs = [span.text for span in change.spans if span.op != "="]
    else:
        runs = [*_texts(change.old), *_texts(change.new)]
    return "\n".join(" ".join(run.casefold().split()) for run in runs)


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [] if value is None else [str(value)]


def _kinds_for(kind: str, globs: tuple[str, ...]) -> tuple[str, ...]:
    """The globs that may match `kind`: faults of a source want a glob that names them."""
    return tuple(glob for glob in globs if glob.startswith(OPERATOR)) if kind.startswith(OPERATOR) else globs


def _any_glob(globs: tuple[str, ...], name: str) -> bool:
    return any(_glob(glob).match(name) is not None for glob in globs)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


@lru_cache(maxsize=4096)
def _any_word(words: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern that finds any of `words` as whole words in case-folded text with single spaces; blank ones never."""
    folded = sorted({" ".join(word.casefold().split()) for word in words} - {""})
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, folded))})(?!\w)" if folded else r"(?!)")

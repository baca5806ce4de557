"""What two configurations tell, for programs and as a page of HTML: it stands alone, all text escaped. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from html import escape
from typing import Any

from watcher.core import Change, instant
from watcher.render import as_text, body
from watcher.render.formats import clean
from watcher.replay.rules import SAME, Compared, Counts
from watcher.wire import change_json

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:left}"
    "td.n{text-align:right}small{color:#555}pre{white-space:pre-wrap;margin:.3em 0}li{margin:.8em 0}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def compared_json(one: Compared) -> dict[str, Any]:
    """One change for one recipient, for programs."""
    return {
        "at": instant(one.change.at),
        "source": one.change.source,
        "change": change_json(one.change),
        "to": one.to,
        "route": one.route,
        "part": 1,
        "text": said(one.change),
        "alert": one.alert,
    }


def said(change: Change) -> str:
    """How a message tells one change."""
    return as_text([told.line for told in body([change])])


def page(counts: Counts, sorts: Sequence[str], new: str, zone: tzinfo, note: str = "") -> str:
    """The whole report: who is told how much, and what of it differs; `new` names the other configuration.

    `note` says what could not be compared.
    """
    title = f"What {new} would have told, beside what the present configuration tells"
    head = "".join(f"<th>{sort}</th>" for sort in sorts)
    rows = "".join(
        f"<tr><td>{_text(to)}</td>{''.join(f'<td class=n>{number[sort]:,}</td>' for sort in sorts)}</tr>"
        for to, number in sorted(counts.counts.items())
    )
    lists = "".join(_list(counts, to, sort, zone) for to in sorted(counts.counts) for sort in sorts if sort != SAME)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_text(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style>'
        f"<h1>{_text(title)}</h1><p>{_text(note)}</p><table><tr><th>recipient</th>{head}</tr>{rows}</table>{lists}</html>\n"
    )


def _list(counts: Counts, to: str, sort: str, zone: tzinfo) -> str:
    examples = counts.examples(to, sort)
    if not examples:
        return ""
    left = counts.counts[to][sort] - len(examples)
    more = f"<p>… and {left:,} more</p>" if left else ""
    return f"<h2>{sort} for {_text(to)}</h2><ul>{''.join(_item(one, zone) for one in examples)}</ul>{more}"


def _item(one: Compared, zone: tzinfo) -> str:
    at = one.change.at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
    facts = f"{at} · {one.change.source} · {one.change.kind} · {one.change.severity.label} · {one.route}"
    was = said(one.was) if one.was is not None and one.was is not one.change else ""
    before = f"<pre>before: {_text(was)}</pre>" if was and was != said(one.change) else ""
    return f"<li><small>{_text(facts)}</small><pre>{_lines(said(one.change))}</pre>{before}</li>"


def _lines(text: str) -> str:
    return "\n".join(map(_text, text.split("\n")))


def _text(text: str) -> str:
    return escape(clean(text))

"""The rows that one alert becomes: its message, cut to the channel's limit, one delivery a part. Pure; after route."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from watcher.core import PLAIN, Alert, Change, Delivery, Extras, Line, Run, content_id
from watcher.folding import once
from watcher.render import Told, body, cut, footer, longest, more_line, ref_line, see_also, split
from watcher.summary import shorten

DRAWN = ("jurisdiction.", "record.")
"""Kinds that can be drawn: rows and places."""
HANDFUL = 5
"""So many of them are read as easily as seen."""
LONGEST_CAPTION = 300
Letter = Callable[..., tuple[Alert, Sequence[Delivery]]]
"""`letter` with the limits of its channel; raises LookupError for a channel that is not there."""

MOST_PARTS = 3
"""Messages of one alert; what does not fit is counted, and read in the stored copy."""


def plan(
    alert: Alert,
    changes: Sequence[Change],
    *,
    pages: Mapping[str, str],
    stored: str,
    zone: tzinfo,
    limit: int,
    measure: Callable[[tuple[Line, ...]], int],
    now: datetime,
    due: datetime | None = None,
    series: str = "",
    related: Sequence[tuple[Change, str]] = (),
    drawn: bool = False,
) -> tuple[Delivery, ...]:
    """Return the pending deliveries of `alert`, `due` now or later; planning again gives the same ids.

    `pages` are the sources that it is about, with their addresses; `related` are changes elsewhere that name its
    places, each with the address of its page. `series` is the name that readers know its documents by.
    `limit` and `measure` are the channel's own (its Notifier's). Each part ends with the alert's id as its reference.
    Where the channel shows pictures (`drawn`), many rows or places come with one, as a part after the last.
    """

    def with_ref(lines: tuple[Line, ...]) -> int:
        return measure((*lines, ref_line(alert.id, MOST_PARTS, MOST_PARTS)))

    foot = (*see_also(related, zone), *footer(changes, pages=pages, stored=stored, zone=zone, series=series))
    told = body(once(changes))
    parts = _fitted(told, foot, stored, limit, with_ref)
    rows = tuple(
        Delivery(
            id=content_id(alert.id, alert.channel, number),
            alert=alert.id,
            channel=alert.channel,
            source=alert.source,
            part=number,
            parts=len(parts),
            lines=(*lines, ref_line(alert.id, number, len(parts))),
            changes=tuple(change.id for change in changes),
            created=now,
            due=due or now,
        )
        for number, lines in enumerate(parts, start=1)
    )
    if not drawn or sum(change.kind.startswith(DRAWN) for change in changes) <= HANDFUL:
        return rows
    caption = (Run(shorten("".join(run.text for run in told[0].line), LONGEST_CAPTION)),)
    number = len(rows) + 1
    return (
        *rows,
        replace(
            rows[-1],
            id=content_id(alert.id, alert.channel, number),
            part=number,
            lines=(caption, ref_line(alert.id)),
            extras=Extras(picture=True),
        ),
    )


def letter(
    channel: str,
    route: str,
    key: str,
    lines: Sequence[Line],
    *,
    now: datetime,
    limit: int,
    measure: Callable[[tuple[Line, ...]], int],
    lane: int,
    extras: Extras = PLAIN,
    changes: Sequence[str] = (),
    source: str = "",
    due: datetime | None = None,
) -> tuple[Alert, tuple[Delivery, ...]]:
    """A message that no route made: an answer, a ping, a digest. The same `route`, `channel`, `key` are the same one.

    It is cut into parts as alerts are, however many; `extras` go with the last, and what it answers with the first.
    """
    alert = Alert(content_id(route, channel, key), route, channel, source, None, now, tuple(changes))
    parts = split(lines, limit, measure)
    first = replace(PLAIN, reply_to=extras.reply_to, edit=extras.edit, silent=extras.silent)
    last = replace(extras, reply_to="", edit="") if len(parts) > 1 else extras
    return alert, tuple(
        Delivery(
            id=content_id(alert.id, channel, number),
            alert=alert.id,
            channel=channel,
            source=source,
            part=number,
            parts=len(parts),
            lines=part,
            changes=alert.changes,
            created=now,
            due=due or now,
            lane=lane,
            extras=last if number == len(parts) else first if number == 1 else PLAIN,
        )
        for number, part in enumerate(parts, start=1)
    )


def _fitted(
    told: Sequence[Told],
    foot: tuple[Line, ...],
    stored: str,
    limit: int,
    measure: Callable[[tuple[Line, ...]], int],
) -> tuple[tuple[Line, ...], ...]:
    """The message in at most three parts: as many lines from its start as fit, the rest only counted."""
    all_of_it = (*(entry.line for entry in told), *foot)
    if measure(all_of_it) <= limit:  # as nearly always; else each line is measured
        return (all_of_it,)
    pieces = [piece for entry in told for piece in _pieces(entry, limit, measure)]

    def parts(count: int) -> tuple[tuple[Line, ...], ...]:
        left = sum(piece.changes for piece in pieces[count:])
        more = (more_line(left, stored),) if left else ()
        return split((*(piece.line for piece in pieces[:count]), *more, *foot), limit, measure)

    whole = parts(len(pieces))
    if len(whole) <= MOST_PARTS:
        return whole
    return parts(longest(len(pieces), lambda count: len(parts(count)) <= MOST_PARTS))


def _pieces(entry: Told, limit: int, measure: Callable[[tuple[Line, ...]], int]) -> list[Told]:
    """A line cut to the limit; its changes count as told by its last piece."""
    *lines, last = cut(entry.line, limit, measure)
    return [*(Told(line) for line in lines), Told(last, entry.changes)]

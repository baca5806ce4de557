"""One alert matched with 100,000 subscriptions, beside asking each of them: `python -m bench.subscriptions`."""

from __future__ import annotations

import random
import statistics
import sys
from dataclasses import replace
from datetime import UTC, datetime

from bench.measure import Figure, report
from bench.table_diff import seconds
from watcher.core import Change, Severity, Subject
from watcher.places.tables import county_list, states
from watcher.route import Filter, matches
from watcher.subscriptions.index import Index

SUBSCRIPTIONS = 100_000
CHANGES = 20
ROUNDS = 9
SAMPLE = 2_000
"""Subscriptions that are asked one by one; all of them would take that much longer."""
SEED = 2017

Subscriptions = list[tuple[int, Filter]]

SOURCES = ("doj-sanctuary-list", "dhs-sanctuary-list", "ice-287g", "ice-declined-detainers", "federal-register-ice")
KINDS = ("jurisdiction.listed", "jurisdiction.delisted", "report.corrected", "report.late", "page.gone", "report.*")
WORDS = ("detainer", "warrant", "sheriff", "will not honor", "executive order", "memorandum", "immigration", "fine")


def filters(dice: random.Random) -> Filter:
    """One subscription of those that people make: mostly a county, a state or a word, some with a kind or a source."""
    place = (dice.choice(county_list()).subject.id,)
    state = (dice.choice(list(states())),)
    word = (dice.choice(WORDS) if dice.random() < 0.5 else f"{dice.choice(county_list()).names[0].casefold()} jail",)
    source = dice.choice(SOURCES)
    kind = (dice.choice(KINDS),)
    made = (
        (40, Filter(places=place)),
        (15, Filter(places=place, kinds=kind)),
        (5, Filter(places=place, kinds=kind, words=word)),
        (12, Filter(states=state)),
        (8, Filter(states=state, kinds=kind)),
        (4, Filter(states=state, words=word, severity=Severity.MAJOR)),
        (10, Filter(words=word)),
        (2, Filter(sources=(source, f"{source}/*"))),
        (2, Filter(sources=(source, f"{source}/*"), kinds=kind)),
        (1, Filter(kinds=kind)),
        (1, Filter(severity=Severity.URGENT)),
    )
    return dice.choices([wanted for _, wanted in made], [weight for weight, _ in made])[0]


def changes(dice: random.Random) -> list[Change]:
    """The counties that one list gained and lost."""
    first = Change(
        id="",
        source="doj-sanctuary-list",
        at=datetime(2017, 3, 20, 16, tzinfo=UTC),
        last_seen=None,
        kind="jurisdiction.listed",
        severity=Severity.MAJOR,
        subject=Subject("", ""),
        path=("records",),
        old=None,
        new=None,
        summary="",
        snapshot="s2",
        before="s1",
    )
    found = []
    for number, entry in enumerate(dice.sample(county_list(), CHANGES)):
        policy = dice.choice(("Will not honor a detainer without a warrant", f"Ordinance {number} of the county board"))
        fields = {"Jurisdiction": entry.subject.name, "Policy": policy}
        came = dice.random() < 0.7
        found.append(
            replace(
                first,
                id=f"c{number}",
                kind="jurisdiction.listed" if came else "jurisdiction.delisted",
                subject=entry.subject,
                old=None if came else fields,
                new=fields if came else None,
            )
        )
    return found


def one_by_one(subscribed: Subscriptions, found: list[Change]) -> dict[int, tuple[Change, ...]]:
    """What a loop over all subscriptions says."""
    told = {key: tuple(change for change in found if matches(wanted, change)) for key, wanted in subscribed}
    return {key: group for key, group in told.items() if group}


def main() -> int:
    """Measure and print; returns 1 where a target is missed."""
    dice = random.Random(SEED)
    subscribed = [(key, filters(dice)) for key in range(SUBSCRIPTIONS)]
    found = changes(dice)
    built = seconds(lambda: Index(subscribed))
    index, sample = Index(subscribed), subscribed[:SAMPLE]
    told = index.match(found)
    assert one_by_one(sample, found) == {key: group for key, group in told.items() if key < SAMPLE}
    ours = statistics.median(seconds(lambda: index.match(found)) for _ in range(ROUNDS))
    loop = statistics.median(seconds(lambda: one_by_one(sample, found)) for _ in range(ROUNDS))
    loop *= SUBSCRIPTIONS / SAMPLE
    return report(
        f"{SUBSCRIPTIONS:,} subscriptions, {CHANGES} changes ({len(told):,} get some)",
        [
            Figure("one alert matched, ms", f"{ours * 1000:.1f} ms", ours * 1000, 50),
            Figure("built, s", f"{len(set(dict(subscribed).values())):,} distinct filters", built, 5),
            Figure(
                "asking each / the index", f"{loop * 1000:,.0f} ms / {ours * 1000:.1f} ms", loop / ours, 100, most=False
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())

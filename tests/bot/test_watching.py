"""An editor adds a page in chat, and it is watched from then on, also after a restart."""

from __future__ import annotations

from datetime import timedelta

from tests.bot.house import ANA, House
from tests.rig import COUNTIES, page, table
from watcher.people import Role
from watcher.store import additions


def added(house: House) -> list[additions.Addition]:
    return house.store.read_sync(additions.standing, additions.SOURCE)


def test_a_page_is_looked_at_picked_and_named(house: House) -> None:
    house.site.pages["/other"] = table(COUNTIES)
    house.open().joined(ANA, Role.EDITOR)
    said = house.say(f"/watch {house.site.url('/other')}")
    assert "jurisdiction-list: 5 rows" in said
    assert "table: 5 rows" in said
    house.tap("table")
    assert "how shall the source be called?" in house.last()
    assert "is watched from now on" in house.say("Other list")
    assert [(one.name, one.body["kind"], one.by) for one in added(house)] == [("Other list", "table", ANA)]
    assert "Other list" in [one.name for one in house.app.sources]
    house.close()
    house.open()
    assert "Other list" in house.say("/sources")


def test_the_suggested_name(house: House) -> None:
    house.site.pages["/roster.html"] = page("<p>Twenty people were detained in the county on Monday.</p>")
    house.open().joined(ANA, Role.EDITOR)
    house.say(f"/watch {house.site.url('/roster.html')}")
    house.tap("page")
    assert house.tap("127-roster") == "Watched as 127-roster"
    assert "is watched already, as 127-roster" in house.say(f"/watch {house.site.url('/roster.html')}")


def test_what_cannot_be_watched(house: House) -> None:
    house.open().joined(ANA, Role.EDITOR)
    assert "Write /watch and the address" in house.say("/watch")
    assert "Write /watch and the address" in house.say("/watch file:///etc/passwd")
    assert "cannot be watched" in house.say("/watch http://10.0.0.1/")
    assert "cannot be watched" in house.say("/watch http://user:pass@127.0.0.1/")
    assert "HTTP 404" in house.say(f"/watch {house.site.url('/nothing')}")
    assert added(house) == []


def test_fifty_are_the_most(house: House) -> None:
    for number in range(50):
        one = additions.Addition(f"n{number}", {"name": f"n{number}"}, ANA, house.now)
        house.store.run_sync(additions.put, additions.SOURCE, one)
    house.site.pages["/other"] = table(COUNTIES)
    house.open().joined(ANA, Role.EDITOR)
    house.say(f"/watch {house.site.url('/other')}")
    house.tap("table")
    assert "that is the most" in house.say("One more")
    assert len(added(house)) == 50


def test_an_added_page_is_asked_for_every_ten_minutes_at_most(house: House) -> None:
    house.site.pages["/other"] = table(COUNTIES)
    house.open().joined(ANA, Role.EDITOR)
    house.say(f"/watch {house.site.url('/other')}")
    house.tap("table")
    house.say("Other")
    (source,) = (one for one in house.app.sources if one.name == "Other")
    assert source.at_most_every >= timedelta(minutes=5)


def test_a_bad_name_is_refused_and_can_be_written_again(house: House) -> None:
    house.site.pages["/other"] = table(COUNTIES)
    house.open().joined(ANA, Role.EDITOR)
    house.say(f"/watch {house.site.url('/other')}")
    house.tap("table")
    assert "name" in house.say("tele:gram")
    assert "There is, or was, a source called list" in house.say("list")
    assert "is watched from now on" in house.say("Another")

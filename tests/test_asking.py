"""What every command needs first: times, names and the clock as people write them, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rig import NOON, desk_config, source
from tests.site import Site
from watcher.asking import Desk, Refused, complain, complete_source
from watcher.core import instant


@pytest.fixture
def path(tmp_path: Path, site: Site) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(desk_config(site, source(site), source(site, "other"), watcher='timezone = "America/New_York"'))
    return path


@pytest.fixture
def desk(path: Path) -> Desk:
    return Desk.begin(path, now=instant(NOON))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2017-03-20T16:00:00Z", datetime(2017, 3, 20, 16, tzinfo=UTC)),
        ("2017-03-20T16:00:00+02:00", datetime(2017, 3, 20, 14, tzinfo=UTC)),
        ("2017-03-20", datetime(2017, 3, 20, 4, tzinfo=UTC)),
        ("2017-03-01", datetime(2017, 3, 1, 5, tzinfo=UTC)),
        ("3d", NOON - timedelta(days=3)),
        ("90s", NOON - timedelta(seconds=90)),
        ("0s", NOON),
        ("", None),
    ],
)
def test_a_time_has_three_forms(desk: Desk, text: str, meant: datetime | None) -> None:
    assert desk.time(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "2017-03-20T16:00:00", "2017-02-30", "2017-3-20", "20170320", "3", "-3d", "3 days", "T", "3dT"),
        *("99999999999d", "\0" * 10, "2017-03-20T25:00:00Z", "١٢٣d", "2017-03-20T16:00:00Z" * 50),
    ],
)
def test_what_is_no_time_is_refused_with_what_was_expected(desk: Desk, text: str) -> None:
    with pytest.raises(Refused, match="expected a time like 2017-03-20T16:00:00Z, 2017-03-20 or 3d, found") as refused:
        desk.time(text)
    assert refused.value.code == 2
    assert len(str(refused.value)) < 200


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    desk = DESK
    try:
        found = desk.time(text)
    except Refused:
        return
    assert found is None if not text else found is not None and found.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_written_time_is_read_as_itself(moment: datetime) -> None:
    assert DESK.time(instant(moment)) == moment.replace(microsecond=0)


def test_the_clock_stands_where_now_says(path: Path) -> None:
    assert Desk.begin(path, now="2017-03-20").clock() == datetime(2017, 3, 20, 4, tzinfo=UTC)
    before = datetime.now(UTC).replace(microsecond=0)
    assert before <= Desk.begin(path).clock() <= datetime.now(UTC)
    assert Desk.begin(path, now="1d").clock() < before


def test_a_source_is_known_by_its_name(desk: Desk) -> None:
    assert desk.source("other").name == "other"
    with pytest.raises(
        Refused, match=r"no source is called 'nobody' in config\.toml; there are list, other"
    ) as refused:
        desk.source("nobody")
    assert refused.value.code == 2


def test_a_configuration_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"nothing\.toml: cannot be read") as refused:
        Desk.begin(tmp_path / "nothing.toml")
    assert refused.value.code == 2


def test_a_store_that_cannot_be_opened_is_refused(desk: Desk) -> None:
    (desk.config.state / "watcher.db").write_text("this is no database, by any measure" * 99)
    with pytest.raises(Refused, match=r"watcher\.db") as refused, desk.store():
        pass
    assert refused.value.code == 1


def test_each_line_of_a_complaint_says_who_complains(capsys: pytest.CaptureFixture[str]) -> None:
    complain("one\ntwo")
    assert capsys.readouterr() == ("", "watcher: one\nwatcher: two\n")


def test_the_shell_completes_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_CONFIG", str(path))
    assert complete_source("") == ["list", "other"]
    assert complete_source("o") == ["other"]
    monkeypatch.setenv("WATCHER_CONFIG", str(path.with_name("nothing.toml")))
    assert complete_source("") == []


SHIPPED = Path(__file__).parent.parent / "config.toml"
DESK = Desk.begin(SHIPPED, now=instant(NOON))

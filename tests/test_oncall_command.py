"""`watcher oncall` as people and scripts use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.test_duty import PEOPLE, ROTA
from watcher.asking import Refused
from watcher.cli import app

NOW = "2026-03-01T09:00:00Z"
NIGHT = ROTA.replace('"desk"', '"night"')
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `watcher oncall` with these words at NOW; gives what it prints. Raises Refused."""
    path = tmp_path / "config.toml"
    path.write_text(f'[watcher]\ntimezone = "UTC"\n{PEOPLE}{ROTA}')
    monkeypatch.setenv("WATCHER_CONFIG", str(path))
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["oncall", *words, "--now", NOW])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def lines(printed: str) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in printed.splitlines()]


def test_who_is_on_now_and_in_the_next_weeks(run: Run) -> None:
    now, *later = run().splitlines()[1:]
    assert now.split() == ["desk", "Ana", "2026-02-23", "09:00", "UTC", "2026-03-02", "09:00", "UTC", "now"]
    assert [line.split()[1] for line in later] == ["Ben", "Ana", "Ben", "Ana"]


def test_for_scripts(run: Run) -> None:
    first, second, *_ = lines(run("--json", "--rota", "desk"))
    until = "2026-03-02T09:00:00Z"
    assert first == {"rota": "desk", "person": "Ana", "from": "2026-02-23T09:00:00Z", "until": until, "override": None}
    assert (second["person"], second["from"]) == ("Ben", until)


def test_at_another_time(run: Run) -> None:
    run()
    assert lines(run("--json", "--at", "2026-03-04"))[0]["person"] == "Ben"
    gap = lines(run("--json", "--at", "2020-01-01"))[0]
    assert (gap["person"], gap["override"]) == (None, None)


def test_an_exchange_is_made_shown_and_cancelled(run: Run) -> None:
    made = run("take", "Ed").rpartition("(")[2].strip(").\n")
    assert lines(run("--json"))[0] | {"from": ""} == {
        "rota": "desk", "person": "Ed", "from": "", "until": "2026-03-02T09:00:00Z", "override": made,
    }  # fmt: skip
    assert made in run("cancel", made)
    assert lines(run("--json"))[0]["person"] == "Ana"
    run("swap", "Ana", "Ben")
    assert [line["person"] for line in lines(run("--json"))[:2]] == ["Ben", "Ana"]
    times = ("--from", "2026-03-09T09:00:00Z", "--until", "2026-03-10")
    run("override", "Ed", *times, "--instead", "Ana")
    assert lines(run("--json", "--at", "2026-03-09T10:00:00Z"))[0]["person"] == "Ed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rota", "day"], "no rota is called 'day' in config.toml; there are desk"),
        (["take", "Zoe"], "no person is called 'Zoe' in config.toml; there are Ana, Ben, Ed"),
        (["take", "Ana"], "Ana is on call in desk already"),
        (["swap", "Ana", "Ed"], "Ed has no shift in desk within a year"),
        (["override", "Ed", "--from", "2026-03-05", "--until", "2026-03-04"], "it ends before it begins"),
        (["override", "Ed", "--from", "soon", "--until", "2026-03-04"], "expected a time like"),
        (["cancel", "x"], "there is no exchange 'x' in desk"),
    ],
)
def test_what_cannot_be_is_refused_in_words(run: Run, words: list[str], said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        run(*words)
    assert refused.value.code == 2


def test_of_several_rotas_one_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"{path.read_text()}{NIGHT}")
    with pytest.raises(Refused, match="say which rota, with --rota NAME: there are desk, night"):
        run("take", "Ed")
    run("take", "Ed", "--rota", "night")
    assert lines(run("--json", "--rota", "night"))[0]["person"] == "Ed"
    assert {line["rota"] for line in lines(run("--json"))} == {"desk", "night"}


ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260301T000000Z\r\n"
    "SUMMARY:Ed\r\nDTSTART:20260301T080000Z\r\nDTEND:20260302T170000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_a_calendar_in_a_file_is_read(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'{path.read_text()}calendar = "desk.ics"\n')
    with pytest.raises(Refused, match=r"desk\.ics"):
        run()
    (tmp_path / "desk.ics").write_text("no calendar")
    with pytest.raises(Refused, match=r"expected an \.ics file"):
        run()
    (tmp_path / "desk.ics").write_text(ICS)
    assert [line["person"] for line in lines(run("--json"))] == ["Ed", None]
    run("take", "Ben")
    assert lines(run("--json"))[0]["person"] == "Ben"


def test_a_calendar_at_an_address_is_left_to_the_service(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'{path.read_text()}calendar = "https://example.org/desk.ics?key=secret"\n')
    assert lines(run("--json"))[0]["person"] is None


def test_without_a_rota(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[watcher]\ntimezone = "UTC"\n')
    with pytest.raises(Refused, match=r"config.toml has no \[\[rota\]\]"):
        run()

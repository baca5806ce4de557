"""config.toml: each mistake alone with its exact words, many mistakes at once, and what comes out of a good file."""
# ruff: noqa: E501, ISC004, PT017 - a mistake and its words stand side by side; a law may hold in two ways

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.config import Channel, Config, ConfigError, Match, Route, Secret, duration_text, load, parse_duration
from watcher.config.values import LONGEST
from watcher.core import Severity, Source
from watcher.css import check_selector
from watcher.plugins import source_kinds

ROOT = Path(__file__).parent.parent
SOURCE = '[[source]]\nname = "list"\nkind = "table"\nurl = "https://www.example.org/list"\n'
HOOK = '[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "https://desk.example.org/in"\n'
ANA = '[[person]]\nname = "Ana"\n'
ROTA = '[[rota]]\nname = "desk"\npeople = ["Ana"]\nstart = 2026-01-05\nhandoff = "monday 09:00"\n'
LADDER = '[[escalation]]\nname = "desk"\nsteps = [{ ping = "person:Ana" }]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, text: str, env: Mapping[str, str] | None = None) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, env or {})


def problems(folder: Path, text: str, env: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, env)
    return [problem.removeprefix("config.toml: ") for problem in caught.value.problems]


# ---------------------------------------------------------------- a good file


def test_an_empty_file_has_the_defaults(folder: Path) -> None:
    config = read(folder, "")
    assert config.state == folder / "state"
    assert config.database_url == f"sqlite:///{folder}/state/watcher.db"
    assert config.timezone == ZoneInfo("America/Los_Angeles")
    assert (config.contact, config.operator, config.keep) == ("desk@example.org", "console", "changed")
    assert (config.public_url, config.heartbeat_url) == ("", "")
    fetch = config.fetch
    assert (fetch.requests_per_day, fetch.per_host_per_minute, fetch.per_host, fetch.concurrency) == (20_000, 12, 2, 50)
    assert (fetch.max_bytes, fetch.timeout, fetch.allow_private) == (15 * 1024 * 1024, timedelta(seconds=60), ())
    assert (config.suspect.confirm_after, config.suspect.confirmations) == (timedelta(minutes=10), 2)
    assert (config.web.listen, config.retention.bodies, config.evidence.timestamp_urls) == ("127.0.0.1:8300", "", ())
    assert (config.sources, config.people, config.rotas, config.escalations, config.telegram) == ((), (), (), (), None)


def test_without_routes_everything_goes_to_the_console(folder: Path) -> None:
    config = read(folder, "")
    assert config.channels == (Channel("console", "console"),)
    assert config.routes == (Route(to="console"),)
    assert config.routes[0].match.at_least is Severity.MINOR


def test_the_console_is_there_beside_other_channels(folder: Path) -> None:
    config = read(folder, HOOK + 'secret_env = "KEY"\n[[route]]\nto = "console"\n', {"KEY": "k"})
    assert [channel.name for channel in config.channels] == ["hook", "console"]


def test_a_console_of_ones_own_is_not_doubled(folder: Path) -> None:
    config = read(folder, '[[channel]]\nname = "console"\nkind = "console"\n')
    assert config.channels == (Channel("console", "console"),)


def test_a_source_carries_the_options_of_its_kind(folder: Path) -> None:
    more = 'select = "main table"\nkey = ["State", "County"]\nat_most_every = "0s"\nat_least_every = "1w"\nweight = 3\n'
    config = read(folder, SOURCE + more + 'expect = "weekly on monday"\nignore_robots = true\nrender = "browser"\n')
    assert config.sources == (
        Source(
            "list",
            "table",
            "https://www.example.org/list",
            at_most_every=timedelta(0),
            at_least_every=timedelta(weeks=1),
            weight=3.0,
            ignore_robots=True,
            expect="weekly on monday",
            render="browser",
            options={"select": "main table", "key": ["State", "County"]},
        ),
    )


def test_a_route_says_what_it_lets_through(folder: Path) -> None:
    match = 'sources = ["l*"], kinds = ["jurisdiction.*"], states = ["CA"], places = ["Cook County, IL"]'
    config = read(
        folder, SOURCE + f'[[route]]\nto = "console"\nmatch = {{ {match}, words = ["x"], severity = "major" }}'
    )
    assert config.routes[0].match == Match(("l*",), ("jurisdiction.*",), ("CA",), ("Cook County, IL",), ("x",), "major")
    assert config.routes[0].match.at_least is Severity.MAJOR


def test_people_and_the_rota_are_read(folder: Path) -> None:
    config = read(
        folder,
        '[[person]]\nname = "Ana"\ntelegram = 222222\ntimezone = "Europe/Berlin"\nquiet = "22:00-07:00"\n'
        '[[person]]\nname = "Ed"\n' + ROTA + 'every = "1w"\ncalendar = ""\n'
        '[[escalation]]\nname = "desk"\nrepeat = 2\n'
        'steps = [{ ping = "rota:desk", wait = "5m" }, { ping = "person:Ed", wait = "0s" }, { ping = "channel:console" }]\n'
        '[[route]]\nto = "console"\npage = "desk"\n',
    )
    assert [person.timezone for person in config.people] == [ZoneInfo("Europe/Berlin"), None]
    assert (config.rotas[0].people, config.rotas[0].start) == (("Ana",), date(2026, 1, 5))
    assert [step.wait for step in config.escalations[0].steps] == [timedelta(minutes=m) for m in (5, 0, 5)]
    assert (config.escalations[0].repeat, config.routes[0].page) == (2, "desk")


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "desk").mkdir()
    (folder / "desk" / "config.toml").write_text('[watcher]\nstate = "../history"\n')
    monkeypatch.chdir(folder)
    config = load("desk/config.toml", {})
    assert config.path == folder / "desk" / "config.toml"
    assert config.state == folder / "desk" / "../history"


def test_the_config_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        read(folder, "").contact = "other@example.org"  # type: ignore[misc]


# ---------------------------------------------------------------- secrets


def test_secrets_are_read_when_they_are_needed(folder: Path) -> None:
    env = {"TOKEN": "123:abc", "KEY": "first"}
    (folder / "address").write_text("slack://tokens\n")
    config = read(
        folder,
        '[telegram]\ntoken_env = "TOKEN"\n[[channel]]\nname = "chat"\nkind = "telegram"\nchat = -100\n'
        '[[channel]]\nname = "slack"\nurl_file = "address"\n' + HOOK + 'secret_env = "KEY"\n',
        env,
    )
    env["KEY"] = "second"
    chat, slack, hook, _ = config.channels
    assert chat.revealed() == {"token": "123:abc", "base_url": "https://api.telegram.org/bot", "chat": -100}
    assert (slack.kind, slack.revealed()) == ("apprise", {"url": "slack://tokens"})
    assert hook.revealed() == {"url": "https://desk.example.org/in", "secret": "second"}


def test_secrets_are_never_shown(folder: Path) -> None:
    text = (
        '[watcher]\ndatabase = "postgresql://desk:hunter2@db/watcher"\n[telegram]\ntoken_env = "TOKEN"\n'
        '[web]\ntoken_env = "TOKEN"\n' + HOOK + 'secret_env = "TOKEN"\n'
    )
    config = read(folder, text, {"TOKEN": "hunter2"})
    assert config.database_url == "postgresql://desk:hunter2@db/watcher"
    assert "hunter2" not in f"{config!r} {config}"
    assert str(Secret(lambda: "hunter2")) == "***"


def test_the_database_may_live_in_the_environment(folder: Path) -> None:
    config = read(folder, '[watcher]\ndatabase_env = "DB"\n', {"DB": "postgresql://db/watcher"})
    assert config.database_url == "postgresql://db/watcher"


@pytest.mark.parametrize(
    ("text", "env"),
    [
        ('[telegram]\ntoken = "hunter2"\n', {}),
        ('[telegram]\ntoken_env = "hunter2:x"\n', {}),
        ('[watcher]\ndatabase = "mysql://desk:hunter2@db"\n', {}),
        ('[watcher]\ndatabase_env = "DB"\n', {"DB": "mysql://desk:hunter2@db"}),
        ('[[channel]]\nname = "slack"\nurl = "slack://hunter2"\n', {}),
        (HOOK + 'secret = "hunter2"\n', {}),
        (HOOK.replace("https://", "https://me:hunter2@"), {}),
        (
            '[[channel]]\nname = "chat"\nkind = "telegram"\ntoken_env = "T"\nchat_env = "T"\ntopic_env = "T"\n',
            {"T": "hunter2"},
        ),
    ],
)
def test_mistakes_with_secrets_do_not_show_them(folder: Path, text: str, env: dict[str, str]) -> None:
    assert "hunter2" not in "\n".join(problems(folder, text, env))


# ---------------------------------------------------------------- each mistake alone

KINDS = ", ".join(source_kinds())
MISTAKES = [
    # keys
    ("[sources]\n", 'sources: unknown key; did you mean "source"?'),
    ("zzz = 1\n", "zzz: unknown key; there are backfill, channel, escalation, evidence, fetch, person, retention, rota,"
     " route, source, suspect, telegram, watcher, web"),
    ('"a b" = 1\n', '"a b": unknown key; there are backfill, channel, escalation, evidence, fetch, person, retention,'
     " rota, route, source, suspect, telegram, watcher, web"),
    ('[fetch]\ntimeuot = "3s"\n', 'fetch.timeuot: unknown key; did you mean "timeout"?'),
    (SOURCE + 'selct = "p"\n', 'source[0] "list".selct: unknown key; did you mean "select"?'),
    (SOURCE + 'at_least = "1h"\n', 'source[0] "list".at_least: unknown key; did you mean "at_least_every"?'),
    ('[telegram]\ntokenenv = "T"\ntoken_env = "PATH"\n', 'telegram.tokenenv: unknown key; did you mean "token_env"?'),
    ('[[channel]]\nname = "a"\nurl_env = "PATH"\nurlenv = "x"\n',
     'channel[0] "a".urlenv: unknown key; did you mean "url_env"?'),
    ('[[source]]\nname = "a"\nkind = "table"\n', 'source[0] "a": url is missing'),
    ('[[source]]\nkind = "table"\nurl = "https://a.org"\n', "source[0]: name is missing"),
    ('[[source]]\nname = "a"\nurl = "https://a.org"\n', 'source[0] "a": kind is missing'),
    ("[[route]]\n", "route[0]: to is missing"),
    ("[telegram]\n", "telegram: token_env or token_file is missing"),
    # shapes
    ('[source]\nname = "a"\n', "source: expected [[source]], found [source]"),
    ("source = 3\n", "source: expected [[source]], found 3"),
    ("route = [3]\n", "route[0]: expected a table, found 3"),
    ("fetch = 3\n", "fetch: expected [fetch], a table, found 3"),
    ("[[fetch]]\n", "fetch: expected [fetch], a table, found a list"),
    ('[[route]]\nto = "console"\nmatch = 3\n', "route[0].match: expected a table, found 3"),
    ('[[route]]\nto = "console"\nmatch = { words = "x" }\n', 'route[0].match.words: expected a list, found "x"'),
    ('[[route]]\nto = "console"\nmatch = { words = ["x", 3] }\n',
     "route[0].match.words[1]: expected a text that is not empty, found 3"),
    (SOURCE + "select = 3\n", 'source[0] "list".select: expected a text, found 3'),
    (SOURCE + "key = 3\n", 'source[0] "list".key: expected a text or a list, found 3'),
    (SOURCE + 'ignore_robots = "yes"\n', 'source[0] "list".ignore_robots: expected true or false, found "yes"'),
    # values
    (SOURCE + 'at_most_every = "15 minutes"\n',
     'source[0] "list".at_most_every: expected a duration like "15m", found "15 minutes"'),
    (SOURCE + "at_most_every = 15\n", 'source[0] "list".at_most_every: expected a duration like "15m", found 15'),
    (SOURCE + 'at_least_every = "0s"\n',
     'source[0] "list".at_least_every: expected a duration longer than nothing, like "15m", found "0s"'),
    ('[suspect]\nconfirm_after = "999w"\n',
     'suspect.confirm_after: expected a duration of at most ten years, found "999w"'),
    ('[fetch]\nmax_bytes = "15 MB"\n', 'fetch.max_bytes: expected a size like "15 MiB", found "15 MB"'),
    ("[fetch]\nmax_bytes = 15\n", 'fetch.max_bytes: expected a size like "15 MiB", found 15'),
    ('[fetch]\nrequests_per_day = "many"\n', 'fetch.requests_per_day: expected a whole number, at least 1, found "many"'),
    ("[fetch]\nconcurrency = 0\n", "fetch.concurrency: expected a whole number, at least 1, found 0"),
    ("[fetch]\nconcurrency = true\n", "fetch.concurrency: expected a whole number, at least 1, found true"),
    ("[fetch]\nper_host_per_minute = nan\n", "fetch.per_host_per_minute: expected a number, 0 or more, found nan"),
    (SOURCE + "weight = inf\n", 'source[0] "list".weight: expected a number above 0, found inf'),
    ('[fetch]\nallow_private = ["http://a"]\n',
     'fetch.allow_private[0]: expected "host", "host:port" or a block like "10.0.0.0/8", found "http://a"'),
    ('[watcher]\ntimezone = "Mars/Olympus"\n',
     'watcher.timezone: expected a time zone like "America/Los_Angeles", found "Mars/Olympus"'),
    ('[watcher]\ntimezone = "../../etc/passwd"\n',
     'watcher.timezone: expected a time zone like "America/Los_Angeles", found "../../etc/passwd"'),
    ('[watcher]\ncontact = "a\\nb"\n',
     'watcher.contact: expected an address to reach you at, like "desk@example.org", found "a\\nb"'),
    ('[watcher]\nkeep = "some"\n', 'watcher.keep: expected "changed" or "all", found "some"'),
    ('[watcher]\ndatabase = "mysql://db"\n', 'watcher.database: expected an address like "postgresql://host/name"'),
    ('[[route]]\nto = "console"\nmatch = { severity = "high" }\n',
     'route[0].match.severity: expected "cosmetic" or "minor" or "major" or "urgent", found "high"'),
    ('[[route]]\nto = "console"\nmatch = { states = ["Cal"] }\n',
     'route[0].match.states[0]: expected a postal code like "CA", found "Cal"'),
    (SOURCE + 'expect = "mondays"\n',
     'source[0] "list".expect: expected a rhythm like "weekly on monday", or "daily" or "monthly", found "mondays"'),
    (SOURCE + 'render = "no"\n', 'source[0] "list".render: expected "" or "browser", found "no"'),
    (SOURCE + 'select = "table["\n',
     'source[0] "list".select: expected a CSS selector like "main table.list", found "table["'),
    ('[retention]\nbodies = "long"\n',
     'retention.bodies: expected an age like "2y" or a size like "20 GiB", found "long"'),
    ('[evidence]\ntimestamp_urls = ["a"]\n',
     'evidence.timestamp_urls[0]: expected an address like "https://www.example.org/page", found "a"'),
    (ANA + 'quiet = "late"\n', 'person[0] "Ana".quiet: expected hours like "22:00-07:00", found "late"'),
    (ANA + 'quiet = "22:00-22:00"\n',
     'person[0] "Ana".quiet: expected hours that end at another time than they begin, found "22:00-22:00"'),
    (ANA + "telegram = -5\n", 'person[0] "Ana".telegram: expected a Telegram user id, a whole number, found -5'),
    (ANA + ROTA.replace("monday 09:00", "9 am"),
     'rota[0] "desk".handoff: expected a day and a time like "monday 09:00", found "9 am"'),
    (ANA + ROTA + 'every = "30m"\n', 'rota[0] "desk".every: expected at least an hour, in whole minutes, found 30m'),
    (ANA + ROTA.replace("2026", "9999"), 'rota[0] "desk".start: expected a day from 1970 to 2999, found 9999-01-05'),
    (ANA + ROTA.replace("2026-01-05", '"soon"'), 'rota[0] "desk".start: expected a date like 2026-01-05, found "soon"'),
    (ANA + LADDER.replace("person:Ana", "Ana"),
     'escalation[0] "desk".steps[0].ping: expected "rota:NAME", "person:NAME" or "channel:NAME", found "Ana"'),
    ('[web]\nlisten = "8300"\n', 'web.listen: expected an address and a port like "127.0.0.1:8300", found "8300"'),
    # kinds
    (SOURCE.replace("table", "tabel"), 'source[0] "list".kind: unknown kind "tabel"; did you mean "table"? there are '
     + KINDS),
    ('[[channel]]\nname = "a"\nkind = "telegraph"\n', 'channel[0] "a".kind: unknown kind "telegraph"; did you mean'
     ' "telegram"? there are apprise, console, telegram, webhook'),
    # names
    (SOURCE + SOURCE, 'source[1] "list".name: is the name of source[0] already'),
    (ANA + ANA, 'person[1] "Ana".name: is the name of person[0] already'),
    (ANA + ROTA + ROTA, 'rota[1] "desk".name: is the name of rota[0] already'),
    (ANA + LADDER + LADDER, 'escalation[1] "desk".name: is the name of escalation[0] already'),
    ('[[channel]]\nname = "a"\nkind = "console"\n' * 2, 'channel[1] "a".name: is the name of channel[0] already'),
    (SOURCE.replace('"list"', '"a/b"'), 'source[0] "a/b".name: expected a name: letters and digits, with space . \' -'
     ' between them, at most 64 in all, found "a/b"'),
    ('[[channel]]\nname = "console"\nurl_env = "PATH"\n',
     'channel[0] "console".name: "console" is always the console itself; choose another name'),
    # references
    ('[[route]]\nto = "desk-slak"\n' + HOOK.replace('"hook"', '"desk-slack"') + 'secret_env = "PATH"\n',
     'route[0].to: unknown channel "desk-slak"; did you mean "desk-slack"?'),
    ('[[route]]\nto = "console"\npage = "desk"\n', 'route[0].page: unknown escalation "desk"; there is none'),
    (SOURCE + '[[route]]\nto = "console"\nmatch = { sources = ["lits", "l*"] }\n',
     'route[0].match.sources: unknown source "lits"; did you mean "list"?'),
    ('[watcher]\noperator = "ops"\n', 'watcher.operator: unknown channel "ops"; there is console'),
    (ROTA + ANA.replace("Ana", "Ben"), 'rota[0] "desk".people: unknown person "Ana"; there is Ben'),
    (LADDER, 'escalation[0] "desk".steps[0].ping: unknown person "Ana"; there is none'),
    (LADDER.replace("person:Ana", "rota:x"), 'escalation[0] "desk".steps[0].ping: unknown rota "x"; there is none'),
    # promises
    (SOURCE + 'at_most_every = "2h"\nat_least_every = "90m"\n',
     'source[0] "list".at_most_every: expected at most 90m, which is its at_least_every, found 2h'),
    (SOURCE + 'at_most_every = "1s"\nat_least_every = "1m"\n[fetch]\nrequests_per_day = 1000\n',
     "fetch.requests_per_day: the promises (at_least_every) of 1 source need 1,440 requests a day, the budget is 1,000:"
     " raise it, or lengthen at_least_every"),
    ((SOURCE + 'at_most_every = "1s"\nat_least_every = "40s"\n')
     + (SOURCE + 'at_most_every = "1s"\nat_least_every = "1m"\n').replace('"list"', '"other"')
     + "[fetch]\nper_host_per_minute = 2.4\n",
     "fetch.per_host_per_minute: the promises (at_least_every) of 2 sources on www.example.org need 2.5 requests a"
     " minute, the limit is 2.4: raise it, or lengthen at_least_every"),
    ('[web]\nlisten = "0.0.0.0:8300"\n',
     'web.listen: expected 127.0.0.1, or token_env or token_file beside it, found "0.0.0.0:8300"'),
    # secrets
    ('[telegram]\ntoken_env = "DESK"\n', "telegram.token_env: missing secret: environment variable DESK is not set"),
    ('[telegram]\ntoken_env = "EMPTY"\n', "telegram.token_env: missing secret: environment variable EMPTY is empty"),
    ('[telegram]\ntoken_env = "a:b"\n',
     'telegram.token_env: expected the name of an environment variable, in capitals like "DESK_SLACK_URL"'),
    ('[telegram]\ntoken_file = "gone"\n',
     'telegram.token_file: missing secret: file "gone" cannot be read: no such file or directory'),
    ('[telegram]\ntoken_file = "."\n', 'telegram.token_file: missing secret: file "." cannot be read: is a directory'),
    ('[telegram]\ntoken_file = "empty"\n', 'telegram.token_file: missing secret: file "empty" is empty'),
    ('[telegram]\ntoken_file = "binary"\n', 'telegram.token_file: missing secret: file "binary" is not written in UTF-8'),
    ('[telegram]\ntoken_file = ""\n',
     'telegram.token_file: expected the path of a file, like "/run/secrets/telegram"'),
    ('[telegram]\ntoken_env = "PATH"\ntoken_file = "x"\n', "telegram.token_file: token is given twice"),
    ('[telegram]\ntoken = "123:abc"\n', "telegram.token: a secret never stands in this file; an environment variable"
     " (*_env) or a file (*_file) holds it"),
    ('[[channel]]\nname = "a"\n', 'channel[0] "a": url_env or url_file is missing'),
    ('[[channel]]\nname = "a"\nkind = "telegram"\nchat = 1\n', 'channel[0] "a": token_env or token_file is missing'),
    ('[[channel]]\nname = "a"\nurl = "slack://x"\n',
     'channel[0] "a".url: a secret never stands in this file; use url_env or url_file'),
    (HOOK + 'secret = "x"\n', 'channel[0] "hook".secret: a secret never stands in this file; use secret_env or secret_file'),
    # TOML
    ("[watcher]\nstate = \n", "line 2, column 9: invalid value"),
    ("[watcher\n", "line 1, column 9: expected ']' at the end of a table declaration"),
    ("[watcher]\n[watcher]\n", "line 2, column 9: cannot declare ('watcher',) twice"),
    ("a = 2026-02-30\n", "line 1, column 5: invalid date or datetime"),
    ('a = "', "end of document: unterminated string"),
    ("a = " + "[" * 10_000, "is nested too deeply"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), MISTAKES)
def test_a_mistake_alone(folder: Path, text: str, problem: str) -> None:
    (folder / "empty").write_text(" \n")
    (folder / "binary").write_bytes(b"\xff\xfe\xff")
    found = problems(folder, text, {"PATH": "x", "EMPTY": " "})
    if problem.startswith("telegram.token_file: token"):
        found = [one for one in found if "missing secret" not in one]
    assert found == [problem]


STRANGER = """
import msgspec

class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    depth: int = 1
    drop: list[str] = []

    def __post_init__(self):
        if self.depth > 9:
            raise ValueError("depth: expected at most 9")

class Sitemap:
    Options = Options

    def __init__(self, options):
        if options.depth < 0:
            raise KeyError("depth below zero")
"""


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("depth = 3\n", None),
        ("deep = 3\n", 'source[0] "list".deep: unknown key; did you mean "depth"?'),
        ('depth = "x"\n', 'source[0] "list".depth: expected a whole number, found "x"'),
        ('drop = ["p", ">"]\n',
         'source[0] "list".drop: expected a CSS selector like "main table.list", found ">"'),
        ("depth = 10\n", 'source[0] "list": depth: expected at most 9'),
        ("depth = -1\n", "source[0] \"list\": 'depth below zero'"),
    ],
)  # fmt: skip
def test_a_strangers_kind_checks_its_own_options(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: str, problem: str | None
) -> None:
    metadata = folder / "sitemaps-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sitemaps\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[watcher.sources]\nsitemap = sitemaps:Sitemap\n")
    (folder / "sitemaps.py").write_text(STRANGER)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "sitemaps", raising=False)
    text = SOURCE.replace("table", "sitemap") + options
    assert problem is None or problems(folder, text) == [problem]
    assert problem or read(folder, text).sources[0].options == {"depth": 3}


BAD_URLS = [
    "", "a", "ftp://a.org", "file:///etc/passwd", "javascript:alert(1)", "//a.org", "http://", "https:///x", "http://a b",
    "http://a.org:99999", "http://a.org:0", "http://in\\\\@out/", "http://[::1", "http:a.org",
    "https://a.org/" + "x" * 2048,
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_only_web_addresses_are_watched(folder: Path, url: str) -> None:
    (found,) = problems(folder, f'[[source]]\nname = "a"\nkind = "table"\nurl = "{url}"\n')
    assert found.startswith('source[0] "a".url: expected an address like "https://www.example.org/page"')


@pytest.mark.parametrize(
    "url", ["http://a.org", "https://a.org:8443/x?y[]=1#z", "HTTPS://A.ORG", "http://127.0.0.1/", "http://me@a.org"]
)
def test_web_addresses_are_taken_as_they_are(folder: Path, url: str) -> None:
    assert read(folder, f'[[source]]\nname = "a"\nkind = "table"\nurl = "{url}"\n').sources[0].url == url


# ---------------------------------------------------------------- many mistakes, and no file


def test_all_mistakes_are_said_at_once(folder: Path) -> None:
    text = (
        SOURCE + 'at_most_every = "15 minutes"\nselect = "div >"\n[[route]]\nto = "nobody"\n[fetch]\ntimeuot = "3s"\n'
    )
    assert problems(folder, text) == [
        'fetch.timeuot: unknown key; did you mean "timeout"?',
        'source[0] "list".at_most_every: expected a duration like "15m", found "15 minutes"',
        'source[0] "list".select: expected a CSS selector like "main table.list", found "div >"',
        'route[0].to: unknown channel "nobody"; there is console',
    ]


def test_a_missing_file_is_named_in_full(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(folder / "desk.toml", {})
    assert caught.value.problems == (f"{folder}/desk.toml: cannot be read: no such file or directory",)


def test_a_folder_is_no_file(folder: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        load(folder, {})


def test_other_encodings_are_refused_with_the_line(folder: Path) -> None:
    (folder / "config.toml").write_bytes("[watcher]\ncontact = 'Café'\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(folder / "config.toml", {})
    assert caught.value.problems == ("config.toml: line 2: is not written in UTF-8",)


def test_a_huge_file_is_not_read(folder: Path) -> None:
    with (folder / "config.toml").open("wb") as file:
        file.truncate((8 << 20) + 1)
    with pytest.raises(ConfigError, match=r"config\.toml: is larger than 8 MiB"):
        load(folder / "config.toml", {})


def test_a_huge_number_is_no_traceback(folder: Path) -> None:
    (found,) = problems(folder, "a = " + "9" * 5000)
    assert found.startswith("not valid TOML: exceeds the limit")


# ---------------------------------------------------------------- laws


@given(st.integers(0, int(LONGEST.total_seconds())))
def test_durations_round_trip(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_duration(duration_text(span)) == span


@given(st.text(max_size=12) | st.from_regex(r"[0-9]{1,12} ?[smhdwy]", fullmatch=True))
def test_durations_are_read_or_refused(text: str) -> None:
    try:
        span = parse_duration(text)
    except ValueError as error:
        assert str(error).startswith("expected a duration")
    else:
        assert timedelta(0) <= span <= LONGEST


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("6h", 21_600), ("3d", 259_200), ("1w", 604_800)]
)
def test_durations_by_example(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert duration_text(timedelta(seconds=seconds)) == text


@given(st.text(max_size=30))
def test_any_selector_is_judged(text: str) -> None:
    problem = check_selector(text)
    assert problem is None or problem.startswith("expected a CSS selector")


@pytest.mark.parametrize(
    "text", ["table[", "div >", "> p", "", " ", "a,,b", ":nope", "//a", "a{", "p::before", "a" * 1001]
)
def test_nonsense_is_no_selector(text: str) -> None:
    assert check_selector(text) is not None


@pytest.mark.parametrize(
    "text", ["table", "main > article p", "#list .row:nth-child(2)", 'a[href^="/x"]', "a, b", "div:has(p)"]
)
def test_css_is_a_selector(text: str) -> None:
    assert check_selector(text) is None


SHIPPED = (ROOT / "config.toml").read_text(encoding="utf-8")
SCRAPS = st.sampled_from(
    ['"', "'", "[", "]", "[[", "{", "}", "=", "\n", "#", "0", "-1", "nan", "1e999", "true", '"x"', "[]", "{}", "[1]", ".",
     "2026-01-05", "_env", "\0", "é", "[[source]]\n", 'kind = "table"\n', "[watcher]\n", '"""', "\\u0000"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SHIPPED)), st.integers(0, 40), SCRAPS | st.text(max_size=5)), max_size=4))
def test_no_file_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, str]]) -> None:
    text = SHIPPED
    for at, cut, scrap in edits:
        text = text[:at] + scrap + text[at + cut :]
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(path, {})
    except ConfigError as error:
        assert error.problems
        assert all("\n" not in problem for problem in error.problems)


# ---------------------------------------------------------------- cost


def test_importing_it_stays_light() -> None:
    heavy = {"httpx", "aiohttp", "bs4", "lxml", "sqlalchemy", "telegram", "apprise", "rich", "email", "difflib"}
    code = "import sys, watcher.config; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())

"""What README and docs show is true: examples load, commands run and print what is shown, nothing is missing."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
import structlog
import typer
from typer.core import TyperCommand, TyperGroup
from typer.testing import CliRunner

from tests.site import Site
from watcher import plugins
from watcher.asking import Refused
from watcher.bot.registry import COMMANDS as COMMANDS_IN_CHAT
from watcher.cli import app
from watcher.commands import checking
from watcher.config import ConfigError, load
from watcher.config.problems import keys
from watcher.demo import pages
from watcher.demo.site import Pages, serving
from watcher.sources.federal_register import FederalRegister, SearchOptions

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "bench" / "README.md", *DOCS.rglob("*.md")])
COMMANDS = (DOCS / "commands.md").read_text(encoding="utf-8")
ADAPTERS = DOCS / "adapters.md"
KIND = r"(?:article|jurisdiction|page|record|report|source)\.[a-z]+"
PATHS = {
    "table": "/list",
    "jurisdiction-list": "/list",
    "article": "/article",
    "page": "/article",
    "index": "/reports",
    "federal-register": "/documents",
}
SITE: Pages = {
    "/reports": pages.reports(),
    "/list": pages.sanctuary_list(),
    "/article": pages.article(3),
    FederalRegister(SearchOptions()).address("/documents"): '{"count": 0}',
}


class Archived(Pages):
    """The site, with a web archive that has three captures of its list."""

    captures: ClassVar = {
        "20170501120000": pages.sanctuary_list(without={"Nevada"}),
        "20180201120000": pages.sanctuary_list(without={"Nevada", "Oregon"}),
        "20180301120000": pages.sanctuary_list(without={"Nevada"}),
    }

    def get(self, path: str, default: Any = None) -> Any:
        if path.startswith("/cdx/search/cdx?"):
            rows = [[stamp, "http://agency.example/list", "200", stamp] for stamp in self.captures]
            return json.dumps([["timestamp", "original", "statuscode", "digest"], *rows])
        return self.captures.get(path[5:19]) if path.startswith("/web/") else super().get(path, default)


def name(page: object) -> str:
    return page.relative_to(ROOT).as_posix() if isinstance(page, Path) else str(page)[:40]


def fenced(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


# ---------------------------------------------------------------- commands that are shown


class Shown(NamedTuple):
    """One command of a page: its line, the exit codes it may have, and what it is said to print."""

    line: str
    codes: set[int]
    output: list[str]


class Tour(NamedTuple):
    """What the tour left and what it printed."""

    state: Path
    output: str


def shown(page: Path) -> list[Shown]:
    found = []
    for block in fenced(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *output = part.splitlines()
            line, _, note = first.partition("#")
            codes = {int(code) for code in re.findall(r"\d", note)} if note.startswith(" exit") else {0}
            found.append(Shown(line.strip(), codes, output))
    return found


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Tour:
    folder = tmp_path_factory.mktemp("tour")
    run = [sys.executable, "-m", "watcher", "demo", "--fast"]
    env = os.environ | {"COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(run, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=60)
    return Tour(folder / "state", done.stdout)


@pytest.fixture
def desk(tour: Tour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A folder with the shipped config.toml, the tour's state and captures, and its pages on loopback; the port."""

    async def briefly(desk: Any, stop: Any) -> None:
        stop.set()
        await serve(desk, stop)

    serve = checking.serve
    monkeypatch.setattr(checking, "serve", briefly)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    shutil.copytree(tour.state, tmp_path / "state")
    captures = tmp_path / "captures"
    captures.mkdir()
    (captures / "2017-03-20T18-45-00Z.html").write_text(pages.sanctuary_list())
    (captures / "2017-04-10T23-20-00Z.html").write_text(pages.sanctuary_list(without={"Nevada"}))
    with serving(Archived(SITE)) as port:
        (tmp_path / "config.toml").write_text(local((ROOT / "config.toml").read_text(encoding="utf-8"), port))
        yield port
    structlog.reset_defaults()


def local(config: str, port: int) -> str:
    """`config` with each source's page on loopback, and no pause between them."""
    place = f"http://127.0.0.1:{port}"
    address = re.compile(r'^kind = "([\w-]+)"\nurl = "[^"]+"', re.MULTILINE)
    config = address.sub(lambda found: f'kind = "{found[1]}"\nurl = "{place}{PATHS[found[1]]}"', config)
    fetch = f'[fetch]\nper_host_per_minute = 0\nper_host = 50\nallow_private = ["127.0.0.1:{port}"]\n'
    fetch += f'[backfill]\nwayback = "{place}"\n'
    return re.sub(r"^\[fetch\]\n(\w.*\n)*", "", config, flags=re.MULTILINE) + fetch


def ran(line: str, tour: Tour) -> tuple[int, str]:
    """How a command ends, and what it prints."""
    if line == "make demo":
        return 0, tour.output
    program, *arguments = shlex.split(line)
    assert program == "watcher"
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, Refused):
        return result.exception.code, ""
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if shown(page)], ids=name)
def test_commands_do_what_is_shown(page: Path, desk: int, tour: Tour) -> None:
    for own in fenced(page, "toml"):
        if own.startswith("# config.toml"):
            Path("config.toml").write_text(local(own, desk))
    for step in shown(page):
        code, printed = ran(step.line, tour)
        assert code in step.codes, step.line
        lines = [plain(line) for line in printed.splitlines()]
        for wanted in step.output:
            assert any(agree(wanted, line) for line in lines), f"{step.line}\n{wanted}\n\n{printed}"


def plain(line: str) -> str:
    """A line without colours, and without what differs from run to run: snapshot and alert ids, the tour's port."""
    line = re.sub(r"\x1b\[[\d;]*m|\b[0-9a-f]{16}\b|(?<=127\.0\.0\.1:)\d+", "", line)
    return " ".join(line.split())


def agree(wanted: str, line: str) -> bool:
    """Whether `line` is what is wanted: where "…" stands, anything; of JSON, the same keys."""
    if wanted.startswith("{"):
        return line.startswith("{") and json.loads(line).keys() == json.loads(wanted).keys()
    return re.fullmatch(".*".join(map(re.escape, plain(wanted).split("…"))), line) is not None


def test_the_tour_is_shown_with_two_alerts() -> None:
    (step,) = (step for step in shown(ROOT / "README.md") if step.line == "make demo")
    assert sum(" · seen " in line for line in step.output) == 2


# ---------------------------------------------------------------- every command and option


def commands() -> dict[str, TyperCommand | TyperGroup]:
    found: dict[str, TyperCommand | TyperGroup] = {}
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for first, command in group.commands.items():
        inner = command.commands.items() if isinstance(command, TyperGroup) else [("", command)]
        found |= {f"{first} {second}".strip(): leaf for second, leaf in inner}  # type: ignore[misc]
        if isinstance(command, TyperGroup) and command.invoke_without_command:
            found[first] = command
    return found


def options(command: TyperCommand | TyperGroup) -> set[str]:
    given = (parameter for parameter in command.params if parameter.param_type_name == "option")
    return {option for parameter in given for option in parameter.opts if option.startswith("--")}


def test_no_command_is_missing_and_none_is_invented() -> None:
    assert set(re.findall(r"^## watcher (.+)$", COMMANDS, re.MULTILINE)) == commands().keys()


@pytest.mark.parametrize("called", commands())
def test_a_command_is_documented_whole(called: str) -> None:
    command = commands()[called]
    section = COMMANDS.split(f"\n## watcher {called}\n", 1)[1].split("\n## ", 1)[0]
    assert command.help
    assert command.help.strip().splitlines()[0] in section
    assert set(re.findall(r"(?<!\S)`?(--[a-z][a-z-]+)", section)) == options(command) - {"--help"}
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            assert f"| `{parameter.make_metavar(typer.Context(command)).strip('{}')}` |" in section
        else:
            assert getattr(parameter, "help", ""), parameter.opts
    assert "Exit 0: " in section
    if "--json" in options(command):
        assert re.search(r"^\{|`--json` prints changes, as above", section, re.MULTILINE)


def test_options_of_all_are_documented() -> None:
    head = COMMANDS.split("\n## ", 1)[0]
    shared = set.intersection(*(options(command) for command in commands().values() if "--json" in options(command)))
    assert {option for option in shared if f"`{option}" in head} == shared
    assert all(f"`watcher {option}`" in head for option in options(typer.main.get_command(app)))  # type: ignore[arg-type]


def test_commands_in_sentences_exist() -> None:
    spans = [span for page in PAGES for span in re.findall(r"`watcher ([^`]+)`", page.read_text(encoding="utf-8"))]
    top = options(typer.main.get_command(app))  # type: ignore[arg-type]
    assert len(spans) > 10
    for span in spans:
        words = span.split()
        known = commands().get(" ".join(words[:2])) or commands().get(words[0])
        given = {word for word in words if word.startswith("--")}
        assert given <= (options(known) if known else top), span
        assert known or given, span


def test_each_command_of_the_bot_is_documented_and_none_is_invented() -> None:
    table = (DOCS / "telegram.md").read_text(encoding="utf-8").split("| command | does |", 1)[1].split("\n\n", 1)[0]
    assert set(re.findall(r"^\| `/(\w+)` \|", table, re.MULTILINE)) == COMMANDS_IN_CHAT.keys()


# ---------------------------------------------------------------- examples, kinds, options, links


EXAMPLES = [
    (page, text)
    for page in PAGES
    if page != ADAPTERS  # whose kinds have to be installed first
    for text in fenced(page, "toml")
]


@pytest.mark.parametrize(("page", "text"), EXAMPLES, ids=name)
def test_an_example_is_a_configuration(page: Path, text: str, tmp_path: Path) -> None:
    env = dict.fromkeys(re.findall(r'_env = "(\w+)"', text), "postgresql://any/secret")
    for secret in re.findall(r'_file = "([^"]+)"', text):
        (tmp_path / secret).parent.mkdir(exist_ok=True)
        (tmp_path / secret).write_text("a secret")
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    config = load(tmp_path / "config.toml", env)
    assert len(config.sources) == text.count("[[source]]"), page


def test_each_kind_has_its_page() -> None:
    assert sorted(page.stem for page in (DOCS / "sources").glob("*.md")) == list(plugins.source_kinds())


@pytest.mark.parametrize("kind", plugins.source_kinds())
def test_the_page_of_a_kind_has_its_options_and_an_example(kind: str) -> None:
    page = DOCS / "sources" / f"{kind}.md"
    table = page.read_text(encoding="utf-8").split("| option | default |", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", table, re.MULTILINE)
    defaults = plugins.adapter(kind).Options()
    assert [key for key, _ in rows] == list(keys(plugins.adapter(kind).Options))
    assert {key: tomllib.loads(f"it = {value}")["it"] for key, value in rows} == {
        key: getattr(defaults, key) for key, _ in rows
    }
    (example,) = fenced(page, "toml")
    assert tomllib.loads(example)["source"][0]["kind"] == kind


def test_the_kinds_of_change_are_those_that_the_code_makes() -> None:
    makers = [ROOT / "watcher" / "diff.py", ROOT / "watcher" / "pipeline.py"]
    made = {kind for path in makers for kind in re.findall(rf'"({KIND})"', path.read_text(encoding="utf-8"))}
    told = {kind for page in PAGES for kind in re.findall(rf"`({KIND})`", page.read_text(encoding="utf-8"))}
    assert told == made


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
        if not path.startswith("https://"):
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), path
            assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


# ---------------------------------------------------------------- the package of docs/adapters.md


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package as installed: its modules on the path, beside the metadata that its pyproject.toml makes."""
    for text in [*fenced(ADAPTERS, "python"), *fenced(ADAPTERS, "toml")]:
        (tmp_path / text.split("\n", 1)[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = tmp_path / "status_lines-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{kind} = {place}\n" for kind, place in kinds.items())
        for group, kinds in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in ("status_lines", "test_status_lines"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


def test_the_tests_of_the_documented_package_pass(package: Path) -> None:
    module = importlib.import_module("test_status_lines")
    assert module.__file__ == str(package / "test_status_lines.py")
    tests = [test for called, test in vars(module).items() if called.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_documented_package_alerts(package: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(package)
    config = (package / "config.toml").read_text().replace("https://www.example.org/offices.txt", site.url("/offices"))
    address = site.url("/").removeprefix("http://").rstrip("/")
    (package / "config.toml").write_text(f'{config}\n[fetch]\nallow_private = ["{address}"]\nper_host_per_minute = 0\n')
    for text in ("Reno: open\nElko: open", "Reno: closed\nElko: open"):
        site.pages["/offices"] = text
        result = CliRunner().invoke(app, ["check", "--all"])
        assert result.exit_code == 0, result.output
    alerts = (package / "alerts.log").read_text()
    assert alerts.startswith("Reno: status open → closed\n")
    assert alerts.count("ref ") == 1


def test_the_documented_adapter_refuses_an_empty_separator(package: Path) -> None:
    text = (package / "config.toml").read_text()
    (package / "config.toml").write_text(text.replace('kind = "status', 'separator = ""\nkind = "status'))
    with pytest.raises(ConfigError, match="separator: expected at least one character"):
        load(package / "config.toml")

"""What README and docs say is true of the code: examples work, commands and options are all there, links lead on."""

from __future__ import annotations

import re
import sys
import types
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from watcher.cli import app
from watcher.config import load
from watcher.core import Capture

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"])
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def fenced(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> list[tuple[str, typer.core.TyperCommand]]:
    found: list[tuple[str, typer.core.TyperCommand]] = []
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        inner = command.commands.items() if isinstance(command, TyperGroup) else [("", command)]
        found += [(f"{name} {sub}".strip(), leaf) for sub, leaf in inner]  # type: ignore[misc]
    return found


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_and_option_is_documented(name: str) -> None:
    command = dict(commands())[name]
    section = COMMANDS.split(f"## watcher {name}\n", 1)[1].split("\n## ", 1)[0]
    assert command.help
    assert command.help.strip().splitlines()[0] in section
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name not in {"config", "help"}:
            assert all(f"{option}" in section for option in parameter.opts), parameter.opts


def test_readme_config_loads(tmp_path: Path) -> None:
    (example,) = fenced(ROOT / "README.md", "toml")
    (tmp_path / "config.toml").write_text(example, encoding="utf-8")
    config = load(tmp_path / "config.toml", {})
    assert [source.kind for source in config.sources] == ["jurisdiction-list"]
    assert config.routes[0].match.states == ("CA", "NY")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_adapter_of_the_docs_reads() -> None:
    (code,) = fenced(ROOT / "docs" / "adapters.md", "python")
    module = types.ModuleType("my_package")
    sys.modules["my_package"] = module
    try:
        exec(compile(code, "docs/adapters.md", "exec"), module.__dict__)
        made = module.WordCount(module.WordCountOptions())
        capture = Capture(
            "s", "word-count", "x", datetime(2017, 3, 20, tzinfo=UTC), "https://example.org/", body=b"two words"
        )
        assert made.extract(capture, {}).records["words"].fields == {"count": 2}
        assert made.fingerprint(capture) == "2"
    finally:
        del sys.modules["my_package"]

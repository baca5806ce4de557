"""config.toml as shipped, its commented examples, and the examples and key tables of docs/configuration.md."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from watcher import plugins
from watcher.config import Config, load
from watcher.config import sections as shapes
from watcher.config.problems import keys

ROOT = Path(__file__).parent.parent
SHIPPED = (ROOT / "config.toml").read_text(encoding="utf-8")
DOCS = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)
TABLES = [
    kind
    for kind in vars(shapes).values()
    if isinstance(kind, type) and issubclass(kind, shapes.Table) and kind is not shapes.Table
]


def loaded(folder: Path, text: str) -> Config:
    """Load `text` where every secret that it names is there."""
    for name in re.findall(r'_file = "([^"]+)"', text):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a secret")
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return load(folder / "config.toml", dict.fromkeys(re.findall(r'_env = "([^"]+)"', text), "a secret"))


def test_the_shipped_file_works_as_it_is() -> None:
    config = load(ROOT / "config.toml", {})
    assert config.state == ROOT / "state"
    assert [channel.name for channel in config.channels] == ["console"]
    assert [route.to for route in config.routes] == ["console"]


def test_the_shipped_sources_are_distinct_and_named_alike() -> None:
    sources = load(ROOT / "config.toml", {}).sources
    assert len({source.name for source in sources}) == len({source.url for source in sources}) == len(sources) >= 9
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", source.name) for source in sources)
    assert all(source.url.startswith("https://") for source in sources)


def test_the_shipped_file_works_with_all_that_is_commented_out(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[+\w+\]+|\w+ = )", "", SHIPPED, flags=re.MULTILINE)
    config = loaded(tmp_path, text)
    assert [channel.kind for channel in config.channels] == ["telegram", "webhook", "apprise", "console"]
    assert len(config.routes) == 2


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split("\n", 1)[0])
def test_an_example_in_the_docs_works(tmp_path: Path, text: str) -> None:
    loaded(tmp_path, text)


def test_there_are_examples_in_the_docs() -> None:
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_key_is_documented(kind: type[msgspec.Struct]) -> None:
    spelled = {"Match": "`match.{}`"}.get(kind.__name__, "`{}`")
    # `match` itself is documented by its keys
    missing = [key for key in keys(kind) if key != "match" and spelled.format(key) not in DOCS]
    assert not missing


def test_every_kind_and_option_is_documented() -> None:
    for kind in plugins.source_kinds():
        rows = re.findall(rf"^\| `{kind}` \|.*$", DOCS, re.MULTILINE)
        assert any(all(f"`{key}`" in row for key in keys(plugins.adapter(kind).Options)) for row in rows), kind
    for kind in plugins.notifier_kinds():
        assert re.search(rf"^\| `{kind}` \|", DOCS, re.MULTILINE), kind


@pytest.mark.parametrize("table", ["fetch", "suspect", "backfill"])
def test_documented_defaults_are_the_defaults(tmp_path: Path, table: str) -> None:
    section = DOCS.split(f"`[{table}]`\n", 1)[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", section, re.MULTILINE)
    config = loaded(tmp_path, f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in rows))
    assert {key for key, _ in rows} == set(keys(getattr(shapes, table.title())))
    assert getattr(config, table) == getattr(loaded(tmp_path, ""), table)

"""Entry-point look-up, with real distributions: a folder with metadata and a module, put on sys.path."""

from __future__ import annotations

import io
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from watcher import plugins
from watcher.core import Fetched, Message, Run, Sent, Source, Tools

ROOT = Path(__file__).parent.parent
ADAPTER = """
import msgspec

class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    depth: int = 1

class Sitemap:
    kind = "sitemap"
    version = 1
    Options = Options

    def __init__(self, options):
        self.options = options
"""


def install(folder: Path, module: str, entry_points: str, name: str = "stranger") -> None:
    """Lay out what an installed package leaves on disk."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    (folder / f"{name}.py").write_text(module)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("stranger", "other"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_built_in_kinds_come_from_entry_points() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert plugins.source_kinds() == tuple(sorted(groups["watcher.sources"]))
    assert plugins.notifier_kinds() == tuple(sorted(groups["watcher.notifiers"]))


def test_listing_imports_no_adapter() -> None:
    code = (
        "import sys; from watcher import plugins; plugins.source_kinds(); plugins.notifier_kinds();"
        "print(*sorted(m for m in sys.modules if m.startswith('watcher.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["watcher.core", "watcher.plugins"]


def test_a_strangers_kind_is_found_and_built(site: Path) -> None:
    install(site, ADAPTER, "[watcher.sources]\nsitemap = stranger:Sitemap\n")
    assert "sitemap" in plugins.source_kinds()
    assert plugins.adapter("sitemap").kind == "sitemap"
    built = plugins.build(Source("x", "sitemap", "https://example.org", options={"depth": 3}))
    assert built.options == plugins.adapter("sitemap").Options(depth=3)  # type: ignore[attr-defined]


def test_unchecked_options_are_refused_when_built(site: Path) -> None:
    install(site, ADAPTER, "[watcher.sources]\nsitemap = stranger:Sitemap\n")
    with pytest.raises(msgspec.ValidationError, match="unknown field `deep`"):
        plugins.build(Source("x", "sitemap", "https://example.org", options={"deep": 3}))


def test_the_first_on_the_path_wins(site: Path) -> None:
    install(site, ADAPTER, "[watcher.sources]\nsitemap = stranger:Sitemap\ntable = stranger:Sitemap\n")
    assert plugins.adapter("table").kind == "sitemap"


def test_other_groups_are_left_alone(site: Path) -> None:
    install(site, ADAPTER, "[watcher.sources]\nsitemap = stranger:Sitemap\n[watcher.else]\nnoise = stranger:X\n")
    assert "noise" not in plugins.source_kinds() + plugins.notifier_kinds()


def test_a_notifier_is_built_with_its_tools() -> None:
    out = io.StringIO()

    async def post(url: str, body: bytes, headers: object) -> Fetched:
        raise AssertionError(url, body, headers)

    console = plugins.build_notifier("console", {}, Tools(post, lambda: datetime(2026, 1, 5, tzinfo=UTC), out))
    message = Message("abc", "source", ((Run("Listed: Clark County, Nev."),),))
    with pytest.raises(StopIteration) as ended:
        console.send(message).__await__().send(None)
    assert ended.value.value == Sent()
    assert "Clark County, Nev." in out.getvalue()


def refusal(kind: str) -> str:
    with pytest.raises(plugins.PluginError) as caught:
        plugins.adapter(kind)
    return str(caught.value)


def test_an_unknown_kind_lists_what_there_is() -> None:
    assert refusal("tabel") == 'unknown kind "tabel"; did you mean "table"? there are ' + ", ".join(
        plugins.source_kinds()
    )
    with pytest.raises(
        plugins.PluginError, match='unknown kind "pager"; there are apprise, console, telegram, webhook'
    ):
        plugins.notifier("pager")


def test_a_missing_library_says_which_extra_brings_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    install(site, "import trafilatura\n" + ADAPTER, "[watcher.sources]\nsitemap = stranger:Sitemap\n")
    assert refusal("sitemap") == "kind \"sitemap\" needs trafilatura: pip install 'watcher[articles]'"


def test_a_library_needed_later_is_asked_for_at_once(site: Path) -> None:
    module = ADAPTER.replace("version = 1", 'version = 1\n    requires = ("no_such_library",)')
    install(site, module, "[watcher.sources]\nsitemap = stranger:Sitemap\n")
    assert refusal("sitemap") == 'kind "sitemap" needs no_such_library: pip install no_such_library'


def test_a_built_in_whose_extra_is_missing_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))  # a path of its own, so that nothing is remembered
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(plugins.PluginError, match=r"needs apprise: pip install 'watcher\[apprise\]'"):
        plugins.notifier("apprise")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("raise RuntimeError('out of order')", "cannot be loaded from stranger:Sitemap: out of order"),
        ("x = 1", "cannot be loaded from stranger:Sitemap: module 'stranger' has no attribute 'Sitemap'"),
        ("import no_such_module", "cannot be loaded from stranger:Sitemap: No module named 'no_such_module'"),
        ("Sitemap = print", "stranger:Sitemap is not a class with an Options struct"),
        ("class Sitemap: pass", "stranger:Sitemap is not a class with an Options struct"),
        ("class Sitemap:\n    Options = dict", "stranger:Sitemap is not a class with an Options struct"),
    ],
)
def test_broken_code_is_named(site: Path, module: str, said: str) -> None:
    install(site, module, "[watcher.sources]\nsitemap = stranger:Sitemap\n")
    assert refusal("sitemap").endswith(said)
    assert refusal("sitemap").startswith('kind "sitemap"')

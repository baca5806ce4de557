"""The layering, checked on the syntax trees: imports point down, pure modules do no I/O, libraries have one door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "watcher"

LAYERS = [
    {"__main__"},
    {"cli"},
    {"commands", "demo"},
    {"bot", "web", "cluster"},
    {"asking"},
    {"service"},
    {"chores"},
    {"app"},
    {"replay"},
    {"dispatch"},
    {"backfill", "evidence", "sender"},
    {"pipeline", "delivery", "paging", "wayback"},
    {"duty", "readers", "silences"},
    {"fetch", "pool"},
    {"child", "config"},
    {"reading"},
    {"plugins", "sources", "notify", "store", "captures"},
    {"outbox", "subscriptions", "digest", "pings"},
    {"folding", "pictures", "series", "standing"},
    {"diff", "route", "render", "oncall", "schedule", "suspect", "guard", "coding", "pace", "pacing", "robots"},
    {"drafts", "sections"},
    {"matching", "rolling"},
    {"periods", "places", "wording", "summary", "wire", "css", "people", "heartbeat"},
    {"core"},
]
PURE = {
    "core", "css", "diff", "digest", "drafts", "folding", "heartbeat", "matching", "oncall", "outbox", "pacing",
    "people", "periods", "pings", "pictures", "places", "render", "rolling", "route", "schedule", "sections", "series",
    "standing", "subscriptions", "summary", "suspect", "wire", "wording",
}  # fmt: skip
IO = {
    "asyncio", "socket", "ssl", "subprocess", "httpx", "aiohttp", "httpx_aiohttp", "sqlalchemy", "alembic", "telegram",
    "apprise", "random", "secrets", "time", "threading", "urllib.request", "tempfile", "shutil", "os",
}  # fmt: skip
ONE_DOOR = {
    "httpx": {"fetch"},
    "httpx_aiohttp": {"fetch"},
    "aiohttp": {"fetch"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "deepdiff": {"child.py", "diff.py"},
    "telegram": {"bot", "notify/telegram.py"},
    "apprise": {"notify/apprise.py"},
    "playwright": {"fetch/browser.py", "fetch/chromium.py"},
    "PIL": {"pictures/raster.py"},
    "pickle": set(),
    "urllib.request": set(),
    "requests": set(),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


def noun(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer(name: str) -> int:
    for depth, names in enumerate(LAYERS):
        if name in names:
            return depth
    raise AssertionError(f"watcher/{name} stands in no layer: add it to LAYERS")


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path) -> None:
    if path.parent == PACKAGE and path.name == "__init__.py":
        return
    here = noun(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "watcher" and len(parts) > 1 and parts[1] not in (here, "__version__"):
            assert layer(parts[1]) > layer(here), f"{path}: imports {name}, which is not below it"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_pure_modules_do_no_io(path: Path) -> None:
    if noun(path) not in PURE:
        return
    assert not {name for name in imports(path) if name.split(".")[0] in IO or name in IO}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"now", "utcnow", "today"}, f"{path}:{node.lineno}: a clock in a pure module"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_each_outside_library_has_one_door(path: Path) -> None:
    inside = path.relative_to(PACKAGE).as_posix()
    for name in imports(path):
        for library, doors in ONE_DOOR.items():
            if name == library or name.startswith(library + "."):
                assert any(inside == door or inside.startswith(door + "/") for door in doors), f"{path}: imports {name}"


def test_core_needs_only_the_standard_library() -> None:
    import sys

    for name in imports(PACKAGE / "core.py"):
        assert name.split(".")[0] in sys.stdlib_module_names

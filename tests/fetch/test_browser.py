"""Pages in a real Chromium: what comes back of them, what they look like, and how they are watched."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fetch.showing import Shower, alone, html, page
from tests.fetching import bad, good
from tests.rig import COUNTIES, Rig, desk_config, source, without
from tests.site import Reply, Site
from watcher.config import ConfigError, load
from watcher.core import Failure, Fetched, Hop, Validators
from watcher.fetch import browser
from watcher.fetch.browser import Browser
from watcher.store import Store
from watcher.store.screenshots import screenshot

ROOT = Path(__file__).parent.parent.parent


def size(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_the_document_is_what_its_scripts_made_of_it(home: Site, show: Shower) -> None:
    home.pages["/list"] = html(
        "<p>caf\xe9 &amp; \u00bd</p><ul id='l'></ul><script src='more.js'></script>", ETag='"1"', Server="made"
    )
    home.pages["/more.js"] = (
        "fetch('data.json').then(r => r.json()).then(d => d.forEach(x => l.innerHTML += `<li>${x}</li>`))"
    )
    home.pages["/data.json"] = json.dumps(["Clark County", "Cook County \u2013 \U0001f600"])
    answer = good(show("/list", validators=Validators(etag='"1"')))
    assert (answer.url, answer.status, answer.redirects, answer.peer) == (home.url("/list"), 200, (), "127.0.0.1")
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert (answer.header("etag"), answer.header("server")) == ('"1"', "made")
    text = answer.body.decode()
    assert text.startswith('<!DOCTYPE html><html><head><title>t</title></head><body><p>café &amp; ½</p><ul id="l">')
    assert "<li>Clark County</li><li>Cook County – 😀</li></ul>" in text
    assert size(answer.screenshot) == (1280, 800)
    assert home.hits("/list") == 1


def test_what_is_no_page_comes_as_it_is(home: Site, show: Shower) -> None:
    home.pages["/a.pdf"] = Reply(b"%PDF-1.7", headers={"Content-Type": "application/pdf"})
    home.pages["/gone"] = replace(html("<script>document.body.innerHTML = 'here'</script>"), status=410)
    for path, status in (("/a.pdf", 200), ("/gone", 410), ("/nowhere", 404)):
        answer = good(show(path))
        assert (answer.status, answer.screenshot) == (status, b"")
        assert answer.body == getattr(home.pages.get(path), "body", b"not found")


def test_a_source_without_render_needs_no_browser(home: Site) -> None:
    home.pages["/plain"] = plain = html("<script>document.body.innerHTML = 'here'</script>")

    async def work(shown: Browser) -> Fetched | Failure:
        answer = await shown(page(home.url(), render=""), home.url("/plain"), validators=Validators(etag='"x"'))
        assert shown._starting is None
        return answer

    answer = good(alone(work))
    assert (answer.body, answer.screenshot) == (plain.body, b"")
    assert home.requests[-1].headers["if-none-match"] == '"x"'


def test_redirects_are_followed_and_scripts_know_where_they_are(home: Site, show: Shower) -> None:
    home.pages["/old"] = Reply(status=301, headers={"Location": "/deep/new"})
    home.pages["/deep/new"] = html("<p id='p'></p><script>p.textContent = location.pathname</script><img src='i'>")
    answer = good(show("/old"))
    assert (answer.url, answer.redirects) == (home.url("/deep/new"), (Hop(home.url("/old"), 301),))
    assert b'<p id="p">/deep/new</p>' in answer.body
    assert home.hits("/deep/i") == 1


@pytest.mark.parametrize(
    "how",
    [
        "<script>location.href = '/there'</script>",
        "<script>onload = () => location.replace('/there')</script>",
        "<script>fetch('/slow').then(() => location.assign('/there'))</script>",
        "<meta http-equiv='refresh' content='0; url=/there'>",
    ],
)
def test_a_page_may_send_one_elsewhere(home: Site, show: Shower, how: str) -> None:
    home.pages["/from"] = Reply(status=302, headers={"Location": "/here"})
    home.pages["/here"] = html(f"<p>wait</p>{how}<p>more</p>")
    home.pages["/there"] = html("<p id='p'></p><script>p.textContent = 'arrived'</script>")
    answer = good(show("/from"))
    assert answer.url == home.url("/there")
    assert answer.redirects == (Hop(home.url("/from"), 302), Hop(home.url("/here"), 200))
    assert b"arrived" in answer.body


def test_a_page_that_never_arrives_is_a_failure(home: Site, show: Shower) -> None:
    home.pages["/again"] = html("<script>location.reload()</script><p>rest")
    home.pages["/a"] = html("<script>location.href = '/b'</script>")
    home.pages["/b"] = html("<script>location.href = '/a'</script>")
    home.pages["/form"] = html("<form method='post' action='/form'></form><script>document.forms[0].submit()</script>")
    for number in range(9):
        home.pages[f"/n{number}"] = html(f"<script>location.href = '/n{number + 1}'</script>")
    again, circle, form, far = show.all("/again", "/a", "/form", "/n0")
    assert "circle" in bad(again, "redirect").detail
    assert "circle" in bad(circle, "redirect").detail
    assert "form" in bad(form, "browser").detail
    assert "more than 5" in bad(far, "redirect").detail
    assert {request.method for request in home.requests} == {"GET"}


def test_a_page_may_load_itself_again_once_it_is_there(home: Site, show: Shower) -> None:
    home.pages["/later"] = html("<p>whole</p><script>onload = () => setTimeout(() => location.reload())</script>")
    assert b"<p>whole</p>" in good(show("/later")).body
    assert home.hits("/later") == 1


def test_no_page_learns_of_another(home: Site, show: Shower) -> None:
    home.pages["/memory"] = html(
        "<p id='p'></p><script>p.textContent = `before:${document.cookie}${localStorage.seen}`;"
        "document.cookie = 'seen=1; max-age=9999'; localStorage.seen = 1</script>",
        **{"Set-Cookie": "id=1; max-age=9999"},
    )
    for _ in range(2):
        assert b"before:undefined" in good(show("/memory")).body
    assert not any("cookie" in request.headers for request in home.requests)


def test_time_and_place_are_the_same_everywhere(home: Site, show: Shower) -> None:
    home.pages["/zone"] = html(
        "<p id='p'></p><script>p.textContent = `${new Date(0).toLocaleString()} ${navigator.language}`</script>"
    )
    assert b"1/1/1970, 12:00:00 AM en-US" in good(show("/zone")).body.replace(b"\xe2\x80\xaf", b" ")


def test_a_page_cannot_lie_about_its_document(home: Site, show: Shower) -> None:
    home.pages["/liar"] = html(
        "<p>truth</p><script>Object.defineProperty(Element.prototype, 'outerHTML', {get: () => 'lie'});"
        "Object.defineProperty(document, 'childNodes', {value: []})</script>"
    )
    assert b"<p>truth</p>" in good(show("/liar")).body


def test_dialogs_hold_nothing_up(home: Site, show: Shower) -> None:
    home.pages["/asks"] = html(
        "<p id='p'></p><script>alert(1); p.textContent = confirm('?'); onbeforeunload = () => 'no'</script>"
    )
    assert b'<p id="p">false</p>' in good(show("/asks")).body


# ---------------------------------------------------------------- screenshots


def test_a_screenshot_shows_the_whole_page_up_to_a_height(home: Site, show: Shower) -> None:
    home.pages["/tall"] = html("<p style='height: 3000px'>")
    home.pages["/endless"] = html("<p style='height: 90000px; width: 5000px'>")
    tall, endless = show.all("/tall", "/endless")
    width, height = size(good(tall).screenshot)
    assert (width, 3000 < height < 3100) == (1280, True)
    assert size(good(endless).screenshot) == (1280, 10_000)


def test_a_screenshot_that_is_too_large_is_of_the_first_screen_or_none(
    home: Site, show: Shower, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.pages["/tall"] = html("<p style='height: 9000px'>")
    whole = good(show("/tall")).screenshot
    monkeypatch.setattr(browser, "MOST_SCREENSHOT", len(whole) - 1)
    assert size(good(show("/tall")).screenshot) == (1280, 800)
    monkeypatch.setattr(browser, "MOST_SCREENSHOT", 10)
    assert good(show("/tall")).screenshot == b""


# ---------------------------------------------------------------- from end to end


def test_the_library_is_wanted_by_the_configuration(
    tmp_path: Path, home: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(desk_config(home, source(home, more='render = "browser"')))
    assert load(tmp_path / "config.toml").sources[0].render == "browser"
    monkeypatch.setattr("watcher.config.reader.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"render.*pip install 'watcher\[browser\]'"):
        load(tmp_path / "config.toml")


def scripted(rows: Iterable[Sequence[str]]) -> Reply:
    """A page whose table is made by a script."""
    return html(
        "<main><table id='t'><tr><th>County<th>State<th>Detainers</tr></table></main><script>"
        f"for (const row of {json.dumps(list(rows))}) {{ const tr = t.insertRow();"
        " for (const cell of row) tr.insertCell().textContent = cell }</script>"
    )


@pytest.mark.usefixtures("chromium_version")
def test_a_table_made_by_a_script_is_watched(both: Rig) -> None:
    both.watch(source(both.site, more='render = "browser"'))
    both.site.pages["/list"] = scripted(COUNTIES)
    assert both.check().outcome == "first"
    both.site.pages["/list"] = scripted(without("Nassau"))
    checked = both.check()
    assert (checked.outcome, [change.summary for change in checked.changes]) == (
        "changed",
        ["Dropped: Nassau County, N.Y."],
    )
    kept = [both.store.read_sync(screenshot, snapshot.id) for snapshot in both.snapshots()]
    assert [size(picture) for picture in kept] == [(1280, 800)] * 2


def test_by_the_command_line(tmp_path: Path, site: Site, chromium_version: str) -> None:
    def watcher(*arguments: str) -> subprocess.CompletedProcess[str]:
        run = [sys.executable, "-W", "error", "-m", "watcher", *arguments]
        env = os.environ | {"PYTHONPATH": str(ROOT), "WATCHER_CONFIG": str(tmp_path / "config.toml")}
        return subprocess.run(run, capture_output=True, text=True, check=False, env=env, cwd=tmp_path, timeout=60)

    (tmp_path / "config.toml").write_text(desk_config(site, source(site, more='render = "browser"')))
    outcomes = []
    for rows in (COUNTIES, without("Cook")):
        site.pages["/list"] = scripted(rows)
        done = watcher("check", "--all", "--json")
        assert (done.returncode, "Warning" in done.stderr) == (0, False), done.stderr
        outcomes.append(json.loads(done.stdout)["outcome"])
    assert outcomes == ["first", "changed"]
    with Store.open(tmp_path / "watcher.db", migrate=False) as store:
        assert store.read_sync(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM screenshot").scalar()) == 2
    assert f"ok   browser: {chromium_version}" in watcher("doctor").stdout

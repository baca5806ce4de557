"""Lines as text, as Telegram's HTML and as Markdown. Here, at the last step, all outside text is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from watcher.core import Line, Run

_DIRECTION = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = (*range(1, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
_CLEAN: dict[int, str | None] = (
    {code: f"⟨U+{code:04X}⟩" for code in (*_DIRECTION, *_CONTROLS)}
    | dict.fromkeys(map(ord, "\t\n\v\f\r"), " ")
    | dict.fromkeys((0, *range(0xD800, 0xE000)))
)
_TAGS = {"strong": "b", "new": "u", "old": "s"}
_MARKDOWN = {"strong": "**", "new": "**", "old": "~~"}
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:])")
_PING = re.compile(r"(?<!\w)@(?=\w)")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"


def clean(text: str) -> str:
    """Outside text made harmless to read: controls and direction marks shown as ⟨U+202E⟩, breaks as spaces.

    NUL and lone surrogates are left out, since no channel can carry them.
    """
    return text.translate(_CLEAN)


def utf16(text: str) -> int:
    """The length of `text` in UTF-16 units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def entities(lines: Sequence[Line]) -> int:
    """How many runs stand out; of more than 100 Telegram ignores the rest."""
    return sum(run.mark in _TAGS or run.mark == "link" for line in lines for run in line)


def repeat_line(ref: str) -> Line:
    """The visible mark of a message that may have arrived before."""
    return (Run(f"Repeat of {ref}"),)


def as_text(lines: Sequence[Line]) -> str:
    """Plain text: struck words as [-so-], added ones as {+so+}, a link's address behind its words."""
    return "\n".join("".join(map(_text, line)) for line in lines)


def _text(run: Run) -> str:
    text = clean(run.text)
    if run.mark == "link":
        return text if run.url == run.text else f"{text} <{clean(run.url)}>"
    if not text:
        return ""
    return {"old": f"[-{text}-]", "new": f"{{+{text}+}}"}.get(run.mark, text)


def as_html(lines: Sequence[Line]) -> str:
    """Telegram's HTML: only <b>, <u>, <s> and <a>, never nested; a link's host beside its words unless they are it."""
    return "\n".join("".join(map(_html, line)) for line in lines)


def _html(run: Run) -> str:
    text = html.escape(clean(run.text), quote=False)
    if run.mark == "link":
        href, host = _address(run.url)
        if not host:
            return html.escape(_text(run), quote=False)
        beside = "" if run.text in (run.url, host) else f" ({html.escape(host, quote=False)})"
        return f'<a href="{html.escape(href)}">{text or html.escape(host)}</a>{beside}'
    tag = _TAGS.get(run.mark)
    return f"<{tag}>{text}</{tag}>" if tag and text else text


def as_markdown(lines: Sequence[Line]) -> str:
    """CommonMark with every special character escaped and no word that would ping people; lines end hard."""
    return "  \n".join("".join(map(_markdown, line)) for line in lines)


def _markdown(run: Run) -> str:
    if run.mark == "link":
        href, host = _address(run.url)
        if not host:
            return _escaped(_text(run))
        beside = "" if run.text in (run.url, host) else f" ({_escaped(host)})"
        return f"[{_escaped(run.text) or _escaped(host)}]({href.replace('(', '%28').replace(')', '%29')}){beside}"
    sign = _MARKDOWN.get(run.mark, "")
    core = run.text.strip()
    if not sign or not core:
        return _escaped(run.text)
    start = run.text.index(core)
    before, after = run.text[:start], run.text[start + len(core) :]
    return f"{_escaped(before)}{sign}{_escaped(core)}{sign}{_escaped(after)}"


def _escaped(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\1", unpinged(clean(text)))


def unpinged(text: str) -> str:
    """`text` with a zero-width space in each @name, so that "@everyone" on a page does not call everyone."""
    return _PING.sub("@\u200b", text)


def _address(url: str) -> tuple[str, str]:
    """A web address in ASCII, and its host as a browser understands it; ("", "") for what is not one."""
    href = quote(url, safe=_URL_SAFE, errors="replace")
    try:
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    return (href, host) if parts.scheme in {"http", "https"} and host else ("", "")

"""What people read: changes become lines, lines fit a channel's limit, and only then become text, HTML or Markdown."""

from watcher.render.formats import as_html, as_markdown, as_text, entities, repeat_line, utf16
from watcher.render.lines import Told, body, footer, message_lines, more_line, ref_line, see_also
from watcher.render.split import cut, longest, split

__all__ = [
    "Told",
    "as_html",
    "as_markdown",
    "as_text",
    "body",
    "cut",
    "entities",
    "footer",
    "longest",
    "message_lines",
    "more_line",
    "ref_line",
    "repeat_line",
    "see_also",
    "split",
    "utf16",
]

"""What was edited inside a text, as marked runs: the words struck and added, with a little of what stands around."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from watcher.core import Change, Line, Run, Span
from watcher.summary import shorten, shown

CONTEXT = 60
"""Characters kept of the unchanged text on each side of an edit."""

LONGEST_EDIT = 600
LONGEST_LINE = 2500
SHORT = 60
"""Two values that are both no longer than this are shown whole, with an arrow."""

BRIEF = 20
"""Values of a word or two ("A&S"), which are one edit only as a whole."""

_SPACE = re.compile(r"\s+")
_FIGURE = re.compile(r"[\d\s.,$€£%+-]*")


class Edit(NamedTuple):
    """The words that one change takes out and puts in, for telling whether two changes are the same edit."""

    struck: str
    added: str

    @property
    def is_figure(self) -> bool:
        """Whether only numbers changed: then equal edits are a coincidence."""
        return _FIGURE.fullmatch(self.struck + self.added) is not None


def edit_of(change: Change) -> Edit:
    """What `change` struck and added: whole values where they read best so, else the words by its spans."""
    whole = Edit(shown(change.old), shown(change.new))
    edit = Edit(_pieces(change.spans, "-"), _pieces(change.spans, "+"))
    longest = max(map(len, whole))
    replaced = bool(edit.struck) == bool(edit.added)
    return whole if longest <= (SHORT if replaced else BRIEF) else edit


def _pieces(spans: Sequence[Span], op: str) -> str:
    texts = (" ".join(span.text.split()) for span in spans if span.op == op)
    return " … ".join(filter(None, texts))


def field_runs(field: str, change: Change) -> Line:
    """A field's name with its old and new value: short ones with an arrow between them, long ones as edited words."""
    if isinstance(change.old, str) and isinstance(change.new, str) and max(len(change.old), len(change.new)) > SHORT:
        return (Run(f"{field}: " if field else ""), *text_runs(change))
    return (Run(f"{field} " if field else ""), *arrow_runs(change.old, change.new))


def arrow_runs(old: Any, new: Any) -> Line:
    """Old → new, the new standing out."""
    return (Run(f"{shorten(shown(old), LONGEST_EDIT)} → "), Run(shorten(shown(new), LONGEST_EDIT), "strong"))


def text_runs(change: Change) -> Line:
    """An edited text as its struck and added words; where nobody compared the words, the whole of both."""
    return _marked(change.spans or (Span("-", shown(change.old)), Span("+", shown(change.new))))


def _marked(spans: Sequence[Span]) -> Line:
    runs: list[Run] = []
    room = LONGEST_LINE
    for place, span in enumerate(spans):
        text = _SPACE.sub(" ", span.text)
        if span.op == "=":
            run = Run(_around(text, first=place == 0, last=place == len(spans) - 1))
        else:
            run = Run(shorten(text, LONGEST_EDIT), "old" if span.op == "-" else "new")
        room -= len(run.text)
        if room < 0:
            left = sum(later.op != "=" for later in spans[place:])
            return (*runs, Run(f" … and more edits in this text: {left}", "dim"))
        if run.mark == "new" and runs and runs[-1].mark == "old" and " " not in runs[-1].text[-1:] + run.text[:1]:
            runs.append(Run(" "))  # else what was struck and what replaces it read as one word
        runs.append(run)
    return tuple(runs)


def _around(text: str, *, first: bool, last: bool) -> str:
    """What is kept of unchanged `text`: the end that touches an edit, or both ends."""
    if len(text) <= (CONTEXT if first or last else 2 * CONTEXT) + 10:
        return text
    before = "" if first else text[:CONTEXT].rpartition(" ")[0] or text[:CONTEXT]
    after = "" if last else text[-CONTEXT:].partition(" ")[2] or text[-CONTEXT:]
    kept = f"{before} … {after}"
    return kept.lstrip() if first else kept.rstrip() if last else kept

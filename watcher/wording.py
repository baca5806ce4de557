"""Comparing prose, below diff and pure: words struck and added, what is only cosmetic, which paragraph became which."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from watcher.core import Severity, Span

T = TypeVar("T")

MOST_WORDS = 20_000
"""Of two texts that are compared word by word; time and memory grow with the square of it."""
SAME_PARAGRAPH = 55.0
"""Likeness of 100 above which a paragraph that went and one that came are one paragraph, edited."""

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_DROPPED = re.compile(r"[\"'`´‘’‚‛“”„«»\u00ad\u200b-\u200d\u2060\ufeff]|\.(?!\d)")
_SPACED = re.compile(r"[;!?()\[\]{}…·•]|[,:/\-](?!\d)")
_WINDOWS = {ord(char): byte for byte in range(0x80, 0xA0) if (char := bytes([byte]).decode("cp1252", "ignore"))}
"""The characters that Windows-1252 has where Latin-1 has control codes, as the bytes that they stand for."""
_TAIL = f"[\u0080-\u00bf{''.join(map(chr, _WINDOWS))}]"
_MOJIBAKE = re.compile(f"[\u00c2-\u00df]{_TAIL}|[\u00e0-\u00ef]{_TAIL}{{2}}|[\u00f0-\u00f4]{_TAIL}{{3}}")
MOST_PAIRS = 10_000


class Edit(NamedTuple):
    """One paragraph that came, went or was rewritten; None where there was nothing."""

    old: str | None
    new: str | None
    spans: tuple[Span, ...] = ()
    severity: Severity | None = None


def words(old: str, new: str) -> tuple[Span, ...]:
    """The words struck and added from `old` to `new`, in reading order; joined, "=" and "-" spans give `old` back."""
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    if max(len(a), len(b)) > MOST_WORDS:
        return (Span("-", old), Span("+", new))
    spans: list[Span] = []
    for op in Indel.opcodes(a, b):
        if op.tag == "equal":
            _grow(spans, "=", "".join(a[op.src_start : op.src_end]))
        else:
            _grow(spans, "-", "".join(a[op.src_start : op.src_end]))
            _grow(spans, "+", "".join(b[op.dest_start : op.dest_end]))
    return _smooth(spans)


def _grow(spans: list[Span], op: str, text: str) -> None:
    if not text:
        return
    if spans and spans[-1].op == op:
        spans[-1] = Span(op, spans[-1].text + text)
    else:
        spans.append(Span(op, text))


def _smooth(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Take lone spaces between two edits into them, and put what was struck before what was added, for readers."""
    smooth: list[Span] = []
    struck = added = ""
    for place, span in enumerate(spans):
        edits_on = place + 1 < len(spans) and bool(struck or added)
        if span.op == "=" and not (edits_on and span.text.isspace()):
            smooth += [part for part in (Span("-", struck), Span("+", added)) if part.text]
            smooth.append(span)
            struck = added = ""
        else:
            struck += span.text if span.op in "-=" else ""
            added += span.text if span.op in "+=" else ""
    return (*smooth, *(part for part in (Span("-", struck), Span("+", added)) if part.text))


def plain(text: str) -> str:
    """What is left of `text` when entities, a broken encoding, case, punctuation and spaces no longer count.

    Signs before a digit stay: 1.5 is not 15, 3/19 is not 319, -5 is not 5.
    """
    text = unicodedata.normalize("NFKC", html.unescape(repair(text))).casefold().translate(_DASHES)
    text = _SPACED.sub(" ", _DROPPED.sub("", _THOUSANDS.sub("", text)))
    return " ".join(text.split())


def repair(text: str) -> str:
    """Undo UTF-8 that was once read as Windows-1252 ("donâ€™t" for "don’t"); other text comes back as it is."""
    return _MOJIBAKE.sub(_read_anew, text)


def _read_anew(match: re.Match[str]) -> str:
    try:
        return match[0].translate(_WINDOWS).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return match[0]


def cosmetic(old: str, new: str) -> bool:
    """Whether the two texts say the same but for spaces, entities, case, punctuation or a repaired encoding."""
    return plain(old) == plain(new)


def likeness(one: str, other: str) -> float:
    """How alike two names are, 0 to 100, case and punctuation aside."""
    return float(fuzz.ratio(plain(one), plain(other)))


def pair_texts(old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """Which paragraphs came, went or were rewritten. A paragraph that only moved is neither; order: that of `new`."""
    left, right = Counter(old), Counter(new)
    gone, come = _beyond(old, left - right), _beyond(new, right - left)
    if not gone and not come:
        return []
    if _letters("".join(gone)) == _letters("".join(come)):
        before, after = "\n".join(gone), "\n".join(come)
        return [Edit(before or None, after or None, words(before, after), Severity.COSMETIC)]
    edits = _only_parted(gone, come)
    pairs = _pairs(gone, come)
    edits += [
        Edit(gone[pairs[place]], text, words(gone[pairs[place]], text)) if place in pairs else Edit(None, text)
        for place, text in enumerate(come)
    ]
    taken = set(pairs.values())
    return edits + [Edit(text, None) for place, text in enumerate(gone) if place not in taken]


def _letters(text: str) -> str:
    return plain("".join(text.split()))


def _only_parted(gone: list[str], come: list[str]) -> list[Edit]:
    """Take out of both lists the paragraphs that were split or merged and say the same: cosmetic edits."""
    edits: list[Edit] = []
    if len(gone) * len(come) > MOST_PAIRS:
        return edits
    for wholes, parts in ((gone, come), (come, gone)):
        letters = [_letters(part) for part in parts]
        for whole in tuple(wholes):
            run = _run(_letters(whole), letters)
            if run:
                old, new = whole, "\n".join(parts[run])
                if wholes is come:
                    old, new = new, old
                edits.append(Edit(old, new, words(old, new), Severity.COSMETIC))
                wholes.remove(whole)
                del parts[run], letters[run]
    return edits


def _run(whole: str, parts: Sequence[str]) -> slice | None:
    """Where two or more of `parts` in a row make up `whole`."""
    for start in range(len(parts)):
        end, rest = start, whole
        while end < len(parts) and parts[end] and rest.startswith(parts[end]):
            rest, end = rest[len(parts[end]) :], end + 1
        if not rest and end > start + 1:
            return slice(start, end)
    return None


def _beyond(texts: Sequence[str], extra: Counter[str]) -> list[str]:
    """The texts counted in `extra`, in page order; of equal ones the last."""
    left = Counter(extra)
    found: list[str] = []
    for text in reversed(texts):
        if left[text] > 0:
            left[text] -= 1
            found.append(text)
    return found[::-1]


def _pairs(gone: Sequence[str], come: Sequence[str]) -> dict[int, int]:
    """Place in `come` → place in `gone` for paragraphs that are each other's best match, and alike enough."""
    return {
        new: old
        for old, new in mutual_best(
            range(len(gone)),
            range(len(come)),
            lambda old, new: fuzz.ratio(gone[old], come[new], score_cutoff=SAME_PARAGRAPH),
        )
    }


def mutual_best(olds: Sequence[T], news: Sequence[T], score: Callable[[T, T], float]) -> list[tuple[T, T]]:
    """Pairs that are each other's best match by a score above 0; a tie for the best is nobody's match.

    Where there are too many to compare each with each, none is paired: then it is a rewrite, not a rename.
    """
    if not olds or not news or len(olds) * len(news) > MOST_PAIRS:
        return []
    scores = [[score(old, new) for new in news] for old in olds]
    by_old = [_best(row) for row in scores]
    by_new = [_best([row[place] for row in scores]) for place in range(len(news))]
    return [
        (olds[place], news[best]) for place, best in enumerate(by_old) if best is not None and by_new[best] == place
    ]


def _best(scores: Sequence[float]) -> int | None:
    top = max(scores)
    return scores.index(top) if top > 0 and scores.count(top) == 1 else None

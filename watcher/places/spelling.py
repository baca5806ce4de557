"""How names of places are written and compared: one normal form for all the spellings of a name."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DROPPED = str.maketrans("", "", ".'’‘ʼ`´′‛")
_BREAK = re.compile(r"[\W_]+")
_ABBREVIATIONS = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount"}
_SMALL_WORDS = {"a", "and", "at", "de", "del", "du", "for", "in", "of", "on", "the"}


def normalise(text: str) -> str:
    """Write `text` so that all spellings of a name agree: no case, accents, dots or apostrophes; "St." is "saint"."""
    text = unicodedata.normalize("NFKD", text.translate(_DROPPED).replace("&", " and ")).casefold()
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    words = _BREAK.sub(" ", "".join(letters).translate(_DROPPED)).split()
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words)


@lru_cache(maxsize=16_384)
def key(text: str) -> str:
    """The normal form without spaces, so that "DeKalb" and "De Kalb" agree. For look-up only."""
    return normalise(text).replace(" ", "")


def slug(text: str) -> str:
    """The normal form with hyphens, as it stands in an id: "St. Paul" gives "saint-paul"."""
    return normalise(text).replace(" ", "-")


def tidy(text: str) -> str:
    """Collapse white space, straighten apostrophes, and drop what lists hang on a name (notes' stars, commas)."""
    text = " ".join(text.replace("’", "'").replace("‘", "'").split())
    return text.strip(" ,;:*†‡")


def titled(text: str) -> str:
    """Write a name that is all in capitals or all in small letters with capitals; leave any other as it is."""
    if not (text.isupper() or text.islower()):
        return text
    words = text.lower().split()
    return " ".join(w if n and w in _SMALL_WORDS else w[:1].upper() + w[1:] for n, w in enumerate(words))


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for tables of words in code."""
    return frozenset(text.split())

"""Cleaning text that came from outside, and slugs."""

import re
import unicodedata
from functools import lru_cache

# Bidirectional overrides are left out with the control characters: they can make a name read as another one.
# Lone surrogates cannot be written as UTF-8 at all.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_BREAKS = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")
_LATIN_MARKS = re.compile("[\u0300-\u036f]")

SLUG_LENGTH = 100


def has_unsafe_characters(text: str) -> bool:
    """Return whether the text holds control characters, bidirectional overrides or lone surrogates."""
    return not text.isprintable() and (_UNSAFE.search(text) is not None or _BREAKS.search(text) is not None)


def clean_text(text: str) -> str:
    """Return the text without control characters and outer blanks; a line break or tab becomes one blank.

    Everything else is kept as given: markup is escaped where it is shown, not here.
    """
    if text.isprintable():
        return text.strip()
    return _UNSAFE.sub("", _BREAKS.sub(" ", text)).strip()


@lru_cache(maxsize=4096)  # a catalogue has few categories and many products
def slugify(text: str) -> str:
    """Return a slug: lower case letters and digits of any script, joined by single hyphens; "" if none is left.

    Latin accents are dropped, so "Décolleté & T-Shirts" becomes "decollete-t-shirts"; "여성 의류" becomes "여성-의류".
    """
    # NFKD splits accents off so that they can be dropped; NFC puts Hangul and kana together again.
    bare = unicodedata.normalize("NFC", _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", text)))
    kept = (char if char.isalnum() or unicodedata.category(char) in ("Mn", "Mc") else " " for char in bare.lower())
    return "-".join("".join(kept).split())[:SLUG_LENGTH].strip("-")

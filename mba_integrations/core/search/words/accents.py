"""Latin letters without their accents, so that "cafe" finds "café"."""

from __future__ import annotations

import unicodedata


def without_latin_accents(word: str) -> str:
    """The word with its Latin letters bare; other scripts keep their marks.

    >>> without_latin_accents("café"), without_latin_accents("й")
    ('cafe', 'й')
    """
    if not any("\u00c0" <= char <= "\u024f" for char in word):
        return word
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")

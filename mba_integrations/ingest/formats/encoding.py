"""Bytes to text in whatever encoding it was written.

A byte order mark decides, then UTF-8 if all of it is that; else charset-normalizer guesses, by
which encoding makes the likeliest text. Bytes that no encoding makes a text of are binary.
"""

from __future__ import annotations

import codecs
import re

from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError

_PROBE_BYTES = 8192
"""A NUL byte among the first so many marks a binary, as git decides it."""
_GUESS_BYTES = 256_000
"""Enough to know an encoding by; a guess on all of a long text takes seconds."""
# The marks of UTF-32 begin with those of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_GUESSED = ["utf_7", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"]
"""Any even number of bytes is a text in them, mostly Chinese: short Latin texts would become it."""
_SIGNS_TO_GUESS_BY = 20
"""Bytes that are not ASCII; with fewer a guess is a lottery, and Western text the likeliest."""
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROLS = 0.01
"""Of the characters; an old printer file has a few, decoded rubbish a tenth and more."""


def text_of(data: bytes, *, hint: str | None = None) -> str:
    """The text of a file.

    Args:
        data: All of it.
        hint: An encoding that the file names itself.

    Raises:
        UnreadableError: If it is binary.

    >>> text_of("Größe".encode("utf-16")), text_of(b"\\xef\\xbb\\xbfplain")
    ('Größe', 'plain')
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    if b"\0" in data[:_PROBE_BYTES]:
        return _wide(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(data, hint if hint and _is_known(hint) else _guessed(data))


def _decoded(data: bytes, encoding: str) -> str:
    text = data.decode(encoding, "replace")
    if len(_CONTROLS.findall(text)) > _MOST_CONTROLS * len(text):
        raise _binary()
    return text


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every second byte of Western text is NUL, on one side only."""
    head = data[:_PROBE_BYTES]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(data) % 2 == 0 and min(even, odd) * 20 < max(even, odd) > len(head) / 4:
        return _decoded(data, "utf-16-le" if odd > even else "utf-16-be")
    raise _binary()


def _guessed(data: bytes) -> str:
    if _is_hardly_marked(data):
        return "cp1252"
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        raise UnreadableError(
            RefusalReason.MISSING_EXTRA, "not UTF-8; install mba-integrations[documents]"
        ) from None
    best = from_bytes(data[:_GUESS_BYTES], cp_exclusion=_NOT_GUESSED).best()
    if best is None:
        raise _binary()
    return best.encoding


def _is_hardly_marked(data: bytes) -> bool:
    """Whether it is ASCII but for a few signs, as Western text is."""
    foreign = len(data.translate(None, bytes(range(128))))
    return foreign < _SIGNS_TO_GUESS_BY and 2 * foreign < len(data)


def _is_known(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding)._is_text_encoding
    except LookupError:
        return False


def _binary() -> UnreadableError:
    return UnreadableError(RefusalReason.BINARY, "binary")

"""Cut a text into pieces of a length: at blank lines, else at lines, else between words.

Nothing is lost but blanks at the cuts. A word that is longer than a piece is cut within. Linear in
the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

_BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
_JOINER = "\u200d"
"""Makes one picture or one letter of its two neighbours."""


def trimmed(piece: str) -> str:
    """Without blank lines around; the indentation of the first line stays."""
    return _BLANK_LINES.sub("", piece).rstrip() if piece[:1].isspace() else piece.rstrip()


def may_repeat(head: str, max_chars: int) -> bool:
    """Whether *head* leaves half of a piece to what stands under it."""
    return 2 * len(head) <= max_chars


def repeating(head: str, parts: Iterable[str], max_chars: int) -> Iterator[str]:
    """Each part after *head*, where both are within *max_chars*."""
    for part in parts:
        yield head + part if part.strip() and len(head) + len(part) <= max_chars else part


def bounded(text: str, max_chars: int) -> Iterator[str]:
    """Pieces of at most *max_chars* characters, each as long as its kind of cut allows.

    >>> list(bounded("one two\\n\\nthree four five", 12))
    ['one two', 'three four ', 'five']
    """
    if len(text) <= max_chars:
        yield text
        return
    cuts: tuple[tuple[Callable[[str], Iterable[str]], str], ...] = (
        (_paragraphs, "\n\n"),
        (lambda part: part.split("\n"), "\n"),
        (lambda part: _between_words(part, max_chars), ""),
    )
    for cut, joint in cuts:
        parts = list(cut(text))
        if len(parts) > 1:
            for piece in packed(parts, max_chars, joint):
                yield from bounded(piece, max_chars)
            return


def packed(parts: Iterable[str], max_chars: int, joint: str) -> Iterator[str]:
    """Join neighbours as long as they stay within *max_chars*."""
    held: list[str] = []
    length = 0
    for part in parts:
        grown = length + len(part) + (len(joint) if held else 0)
        if held and grown > max_chars:
            yield joint.join(held)
            held, grown = [], len(part)
        held.append(part)
        length = grown
    if held:
        yield joint.join(held)


def _paragraphs(text: str) -> Iterator[str]:
    held: list[str] = []
    for line in text.split("\n"):
        if line.strip():
            held.append(line)
        elif held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def _between_words(text: str, size: int) -> Iterator[str]:
    start = 0
    while len(text) - start > size:
        end = _cut_before(text, start, start + size)
        yield text[start:end]
        start = end
    yield text[start:]


def _cut_before(text: str, start: int, end: int) -> int:
    """The last place up to *end* where a piece may end: after a blank, else between words."""
    blank = next((at for at in range(end, start, -1) if text[at - 1].isspace()), None)
    if blank is not None:
        return blank
    if text[end].isspace():
        return end
    return next((at for at in range(end, start, -1) if not _is_within_word(text, at)), end)


def _is_within_word(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` would cut a word, or a letter from its marks."""
    before, after = text[at - 1], text[at]
    # By category: vowel signs of Thai and Hindi are marks without a combining class.
    if unicodedata.category(after).startswith("M") or _JOINER in (before, after):
        return True
    # Scripts that write no blanks between words may be cut between any two letters.
    return _is_spaced_letter(before) and _is_spaced_letter(after)


def _is_spaced_letter(letter: str) -> bool:
    return letter == "_" or (letter.isalnum() and unicodedata.category(letter) != "Lo")

"""The sentences of a text, and the text with only some of them.

A text is cut at sentence ends and line breaks. A block of code between fences and the rows of a
table are one sentence each, lines that are indented like code belong to the line above them, and a
Markdown heading to what follows it; so nothing is shown that falls apart when it is cut. Initials,
common abbreviations and the numbers of a list end no sentence. A line of a wrapped paragraph does
not end at its break: a long one that goes on with a small letter, or with a word for which it had
no room. What closes a bracket at the margin goes with what opened it.

Nothing is rewritten: what is shown stands as in the text, and what is left out between is marked.
Linear in the text.

>>> text = "Mr. J. Doe runs. He won in Oslo.\\nNow he rests."
>>> spans = sentence_spans(text)
>>> [text[start:end] for start, end in spans]
['Mr. J. Doe runs.', 'He won in Oslo.', 'Now he rests.']
>>> excerpt(text, spans, [0, 2])
'Mr. J. Doe runs. […]\\nNow he rests.'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int]

OMISSION = "[…]"
"""Stands where text is left out."""

# A run of white space is tried from its beginning only: else n spaces are read n times.
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])[\"'”’)\]]*+\s++|(?<!\s)[^\S\n]*+\n\s*+|(?<=[。！？])[”」』）]*+"
)
_ENDS_OF_ASCII = "\n.!?"
_ENDS = f"{_ENDS_OF_ASCII}…。！？"
"""One of these stands in each end of a sentence, or right before it."""
_BLOCK = re.compile(
    r"^[^\S\n]*+```.*?^[^\S\n]*+```[^\n]*+$|^[^\S\n]*+\|[^\n]*+(?:\n[^\S\n]*+\|[^\n]*+)++",
    re.MULTILINE | re.DOTALL,
)
_NEVER_ENDS = re.compile(
    r"\b(?:[A-Z]|[Mm]rs?|[MD]s|[Dd]r|[Ss]t|[JS]r|vs|[Pp]rof|[Ll]td|[Gg]en|[Ff]ig|cf|ca|approx"
    r"|e\.g|i\.e)\.$"
)
_MAY_GO_ON = re.compile(r"(?:\b(?:etc|al|vol|ed|pp)\.|\.\.\.|…)$")
_LONGEST_ABBREVIATION = 8
_LIST_NUMBER = re.compile(r"\s*\d{1,3}[.)]\s*")
_CODE_INDENT = 4
_WRAPPED_CHARS = 60
"""A line of so many characters may be wrapped; a shorter one ends where it ends."""
_WIDEST = 120
"""Editors wrap no wider; a line of more characters is a paragraph."""
_FIRST_WORD = re.compile(r"\S{1,40}")
_BEGINS_ANEW = re.compile(r"[-*+•]\s|\d{1,3}[.)]\s|[#>|]|```")
_MARKS = "`\"'([*_“„«"
_WRAPS = re.compile(r"^[^\n]{60,120}\n[^\S\n]{0,3}[a-z]", re.MULTILINE)
_CLOSES = re.compile(r"[)\]}]")
_MAX_HEADING_CHARS = 100


def sentence_spans(text: str) -> list[Span]:
    """Begin and end of each sentence that holds more than white space.

    >>> sentence_spans("One. Two!")
    [(0, 4), (5, 9)]
    """
    blocks = [block.span() for block in _BLOCK.finditer(text)]
    wraps = _WRAPS.search(text) is not None
    spans, start, at = [], 0, 0
    for end in _SENTENCE_END.finditer(text):
        while at < len(blocks) and blocks[at][1] <= end.start():
            at += 1
        inside = at < len(blocks) and blocks[at][0] < end.start()
        if not inside and _ends(text, start, end, wraps=wraps):
            spans.append((start, end.start() + _closing_chars(end)))
            start = end.end()
    spans.append((start, len(text)))
    return [(begin, stop) for begin, stop in spans if text[begin:stop].strip()]


def most_sentences(text: str) -> int:
    """A number that `sentence_spans` has no more than.

    >>> most_sentences("One. Two!"), most_sentences("no end")
    (3, 1)
    """
    return 1 + sum(map(text.count, _ENDS_OF_ASCII if text.isascii() else _ENDS))


def _closing_chars(end: re.Match[str]) -> int:
    """How many quotes and brackets close the sentence."""
    return len(end.group().rstrip())


def _ends(text: str, start: int, end: re.Match[str], *, wraps: bool) -> bool:
    gap = end.group()
    if "\n" in gap:
        return _breaks(text, start, end, wraps=wraps)
    before = text[max(start, end.start() - _LONGEST_ABBREVIATION) : end.start()]
    if _NEVER_ENDS.search(before) and not gap.rstrip():
        return False
    if _MAY_GO_ON.search(before) and text[end.end() : end.end() + 1].islower():
        return False
    return end.start() - start > 6 or not _LIST_NUMBER.fullmatch(text, start, end.start())


def _breaks(text: str, start: int, end: re.Match[str], *, wraps: bool) -> bool:
    """Whether a line break ends what began at *start*."""
    gap = end.group()
    indent = gap.rpartition("\n")[2]
    if "\t" in indent or len(indent) >= _CODE_INDENT or _CLOSES.match(text, end.end()):
        return False
    line_start = text.rfind("\n", 0, end.start()) + 1
    if start and text[max(start, line_start) : end.start()].lstrip().startswith("#"):
        return False
    return gap.count("\n") > 1 or not _is_wrapped(text, line_start, end, wraps=wraps)


def _is_wrapped(text: str, line_start: int, end: re.Match[str], *, wraps: bool) -> bool:
    """Whether a line goes on in the next one: after a comma, with a small letter, or, in a text
    that does so elsewhere, with a word for which the line had no room beside those around it."""
    length = end.start() - line_start
    if length < _WRAPPED_CHARS or _BEGINS_ANEW.match(text, end.end()):
        return False
    if text[end.start() - 1] == "," or _goes_on(text, end.end()):
        return True
    if not wraps:
        return False
    before = line_start - 1 - (text.rfind("\n", 0, max(0, line_start - 1)) + 1)
    width = max(length, before, _line_chars(text, end.end()))
    word = _FIRST_WORD.match(text, end.end())
    return width <= _WIDEST and word is not None and length + 1 + len(word.group()) > width


def _goes_on(text: str, at: int) -> bool:
    """Whether what begins at a place begins with a small letter, behind quotes and the like."""
    return text[at : at + 4].lstrip(_MARKS)[:1].islower()


def _line_chars(text: str, start: int) -> int:
    """Characters of the line from a place on, as far as they are looked at."""
    end = text.find("\n", start, start + _WIDEST + 1)
    return min(len(text) - start, _WIDEST + 1) if end < 0 else end - start


def line_spans(text: str) -> list[Span]:
    """Begin and end of each line that holds more than white space.

    >>> line_spans("a\\n\\nb c")
    [(0, 1), (3, 6)]
    """
    return [line.span() for line in re.finditer(r"[^\n]+", text) if not line.group().isspace()]


def has_heading(text: str, spans: Sequence[Span]) -> bool:
    """Whether the first of the spans is a heading of the others: a short line without an end.

    >>> [has_heading(text, sentence_spans(text)) for text in ("Oslo\\nA city.", "Oslo. A city.")]
    [True, False]
    """
    if len(spans) < 2:
        return False
    (start, end), (following, _) = spans[0], spans[1]
    line = text[start:end]
    is_short = end - start <= _MAX_HEADING_CHARS and "\n" not in line
    return is_short and "\n" in text[end:following] and line.rstrip()[-1] not in ".!?…。！？,;"


def excerpt(text: str, spans: Sequence[Span], places: Sequence[int]) -> str:
    """The text with only the spans at *places*, ascending, and a mark where others are left out."""
    parts: list[str] = [] if places[0] == 0 else [OMISSION]
    for before, place in zip([None, *places], places, strict=False):
        start, end = spans[place]
        if before is None:
            parts.append(" " if parts else "")
        elif place == before + 1:
            parts.append(text[spans[before][1] : start])
        else:
            left_out = text[spans[before][1] : start]
            parts.append(_mark(heads=before == 0 and has_heading(text, spans), gap=left_out))
        parts.append(text[start:end])
    if places[-1] < len(spans) - 1:
        parts.append(f" {OMISSION}")
    return "".join(parts).strip()


def _mark(*, heads: bool, gap: str) -> str:
    """What stands between two spans that do not follow each other."""
    if heads:
        return f"\n{OMISSION} "
    return f" {OMISSION}\n" if gap.rstrip(" \t")[-1:] == "\n" else f" {OMISSION} "


def places_in(text: str, spans: Sequence[Span], passage: str) -> list[int]:
    """Places of the spans that stand in an excerpt of the text.

    >>> places_in("A. Bc. D.", [(0, 2), (3, 6), (7, 9)], "[…] Bc. […]")
    [1]
    """
    trimmed = [_trimmed(text, span) for span in spans]
    ends = {end: place for place, (_, end) in enumerate(trimmed)}
    found: list[int] = []
    for run in filter(None, (piece.strip() for piece in passage.split(OMISSION))):
        for place in range(found[-1] + 1 if found else 0, len(spans)):
            start, _ = trimmed[place]
            last = ends.get(start + len(run))
            if last is not None and text.startswith(run, start):
                found += range(place, last + 1)
                break
    return found


def _trimmed(text: str, span: Span) -> Span:
    """The span without white space at its ends."""
    sentence = text[span[0] : span[1]]
    start = span[0] + len(sentence) - len(sentence.lstrip())
    return start, start + len(sentence.strip())

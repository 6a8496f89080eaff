"""Read the signals of complexity from a query.

The wording is read in the first and the last 10,000 characters, where a request stands when text
is pasted along with it; the length is that of the whole. O(length of the query); no pattern
backtracks over more than a few words.

What the signals are worth is left to `complexity`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mba_integrations.core.config.complexity_words import ComplexitySignal
from mba_integrations.core.config.settings import ComplexitySettings

READ_CHARACTERS = 10_000
JUDGEMENT_MIN_WORDS = 6
"""A shorter yes-or-no question ("Is the server up?") asks for one fact."""
_SHOWN_MATCHES = 5
_SHOWN_CHARACTERS = 40

_CURLY_APOSTROPHE = "\u2019"
_WORD = re.compile(r"\w+(?:'\w+)*")
# Scripts written without spaces: Thai, Lao, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_CHARACTERS_PER_UNSPACED_WORD = 2
_QUANTITY = frozenset(
    ("many", "much", "old", "long", "often", "far", "tall", "big", "large", "high", "deep", "fast")
)
# "Can you explain …" and "Is it …" ask for a favour or about the moment, not for a judgement.
_ADDRESSED = frozenset(("you", "i", "we", "it", "this", "that", "there"))
_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_RELATIVE = re.compile(
    r"\b(?:the|an?|this|these) (?:\w+ ){1,4}?(?:that|who|whose|which|where|whom)\b", re.IGNORECASE
)
# With the marks of Arabic and of East Asian scripts.
_QUESTION_END = re.compile(r"\?+(?=\W|$|[A-Z])|[\uff1f\u061f]+")
_JOINED_QUESTION = re.compile(
    r"(?:,|;|\band\b|\bthen\b) (?:how|why|what)\b|[,;] and (?:which|who|when|where)\b",
    re.IGNORECASE,
)
_LIST_ENTRY = re.compile(r"^[ \t]{0,8}(?:[-*•]|\d{1,3}[.)]|[a-z][.)])[ \t]", re.MULTILINE)
_SEPARATOR = re.compile(r"[,;](?=\s)|[\u3001\uff0c\uff1b\u060c]")
_CODE = re.compile(
    r"```|`[^`\n]{1,80}`|\bTraceback \(|\b(?:def|func|fn|function) \w{1,60}\("
    r"|\bclass \w{1,60}[:({]|^[ \t]{0,8}import \w|\b(?:const|let|var) \w{1,60} ="
    r"|\bSELECT\b[^;]{1,200}\bFROM\b|\w\([^()\n]{0,80}\)(?:;|\.\w|:[ \t]{0,8}\n)"
    r"|[{};][ \t]{0,8}\n|=>|==|!=|&&|\|\||->"
    r"|^[ \t]{0,8}\$ \w",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One signal that a query holds.

    Attributes:
        signal: Which.
        units: How much of it, > 0, before any limit.
        found: What was found, in words.
    """

    signal: ComplexitySignal
    units: float
    found: str


@dataclass(frozen=True, slots=True)
class _Reading:
    text: str
    words: tuple[str, ...]
    length_words: int
    settings: ComplexitySettings


def read_signals(query: str, settings: ComplexitySettings) -> tuple[Finding, ...]:
    """What the wording of *query* holds, in the order of the signals; () for an empty query."""
    reading = _read(query, settings)
    if not reading.length_words:
        return ()
    found = [(signal, look(reading)) for signal, look in _LOOKS.items()]
    return tuple(
        Finding(signal=signal, units=units, found=what)
        for signal, (units, what) in found
        if units > 0
    )


def _read(query: str, settings: ComplexitySettings) -> _Reading:
    text = query
    if len(query) > 2 * READ_CHARACTERS:
        text = query[:READ_CHARACTERS] + "\n" + query[-READ_CHARACTERS:]
    text = text.replace(_CURLY_APOSTROPHE, "'")
    words = tuple(word.lower() for word in _WORD.findall(text))
    return _Reading(text, words, _count_words(query), settings)


def _count_words(query: str) -> int:
    unspaced = sum(len(run) for run in _UNSPACED.findall(query))
    spaced = len(_UNSPACED.sub(" ", query).split()) if unspaced else len(query.split())
    return spaced + (unspaced + 1) // _CHARACTERS_PER_UNSPACED_WORD


def _length(reading: _Reading) -> tuple[float, str]:
    count = reading.length_words
    return count / 10, f"{count:,} word{'' if count == 1 else 's'}"


def _open_question(reading: _Reading) -> tuple[float, str]:
    known = frozenset(reading.settings.open_question_words)
    hits = [
        word
        for word, after in pairwise((*reading.words, ""))
        if word in known and after not in _QUANTITY
    ]
    return len(hits), _listed(hits)


def _judgement(reading: _Reading) -> tuple[float, str]:
    words = reading.words
    if len(words) < JUDGEMENT_MIN_WORDS or words[1] in _ADDRESSED:
        return 0, ""
    if words[0] not in reading.settings.judgement_openers:
        return 0, ""
    return 1, f"a yes-or-no question: {words[0]} …"


def _comparison(reading: _Reading) -> tuple[float, str]:
    settings = reading.settings
    kinds = [
        _first(_words_pattern(settings.comparison_words), reading.text),
        _first(_words_pattern(settings.shared_words), reading.text),
    ]
    if reading.words and reading.words[0] not in settings.open_question_words:
        kinds.append(_first(_CHOICE, reading.text))
    hits = [kind for kind in kinds if kind]
    return len(hits), _listed(hits)


def _chain(reading: _Reading) -> tuple[float, str]:
    asked, of, owned = _relation_patterns(reading.settings.relation_words)
    text = asked.sub("", reading.text, count=1)
    hits = [match for pattern in (of, owned, _RELATIVE) for match in pattern.findall(text)]
    return len(hits), _listed(hits)


def _several_questions(reading: _Reading) -> tuple[float, str]:
    ends = len(_QUESTION_END.findall(reading.text))
    joined = len(_JOINED_QUESTION.findall(reading.text))
    more = max(ends - 1, 0) + joined
    return more, f"{more + 1} questions"


def _enumeration(reading: _Reading) -> tuple[float, str]:
    entries = len(_LIST_ENTRY.findall(reading.text))
    separators = len(_SEPARATOR.findall(reading.text))
    # One comma separates a clause; from the second on it is a list.
    return entries + max(separators - 1, 0), f"{entries} list entries, {separators} separators"


def _instruction(reading: _Reading) -> tuple[float, str]:
    return _different(reading.settings.instruction_words, reading.text)


def _technical(reading: _Reading) -> tuple[float, str]:
    return _different(reading.settings.technical_words, reading.text)


def _code(reading: _Reading) -> tuple[float, str]:
    found = _first(_CODE, reading.text)
    return (1, found.strip() or "code") if found else (0, "")


_LOOKS: dict[ComplexitySignal, Callable[[_Reading], tuple[float, str]]] = {
    ComplexitySignal.LENGTH: _length,
    ComplexitySignal.OPEN_QUESTION: _open_question,
    ComplexitySignal.JUDGEMENT: _judgement,
    ComplexitySignal.COMPARISON: _comparison,
    ComplexitySignal.CHAIN: _chain,
    ComplexitySignal.SEVERAL_QUESTIONS: _several_questions,
    ComplexitySignal.ENUMERATION: _enumeration,
    ComplexitySignal.INSTRUCTION: _instruction,
    ComplexitySignal.TECHNICAL: _technical,
    ComplexitySignal.CODE: _code,
}


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group() if match else ""


def _different(words: tuple[str, ...], text: str) -> tuple[float, str]:
    hits = list(dict.fromkeys(hit.lower() for hit in _words_pattern(words).findall(text)))
    return len(hits), _listed(hits)


def _listed(hits: list[str]) -> str:
    shown = [" ".join(hit.split())[:_SHOWN_CHARACTERS] for hit in hits[:_SHOWN_MATCHES]]
    more = len(hits) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _word_source(word: str) -> str:
    stem = re.escape(word.removesuffix("*")).replace(r"\ ", r"\s")
    return stem + (r"\w{0,30}" if word.endswith("*") else "")


def _alternatives(words: tuple[str, ...]) -> str:
    return "|".join(_word_source(word) for word in sorted(words, key=len, reverse=True))


@lru_cache(maxsize=64)
def _words_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, as whole words; in scripts without spaces, anywhere."""
    spaced = tuple(word for word in words if not _UNSPACED.search(word))
    unspaced = tuple(word for word in words if _UNSPACED.search(word))
    sources = [_alternatives(unspaced)] if unspaced else []
    if spaced:
        sources.insert(0, rf"(?<![\w-])(?:{_alternatives(spaced)})(?!\w)")
    return re.compile("|".join(sources) or r"(?!)", re.IGNORECASE)


@lru_cache(maxsize=64)
def _relation_patterns(
    words: tuple[str, ...],
) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What is asked for itself ("who is the author of"), "the author of", and "'s author"."""
    relation = rf"(?:{_alternatives(words)})s?" if words else r"(?!)"
    asked = (
        rf"^\W{{0,20}}(?:who|what|which) (?:is|was|are|were) (?:the|an?) {relation} (?:of|for)\b"
    )
    return (
        re.compile(asked, re.IGNORECASE),
        re.compile(rf"\b{relation} (?:of|for)\b(?! the art\b)", re.IGNORECASE),
        re.compile(rf"(?:'s|s') (?:\w+ )?{relation}\b", re.IGNORECASE),
    )

"""Whether a question hangs on what was said last: "and how do I undo it?", "the second one".

Read from the wording alone, by words of eight languages. Some wordings say it: "what about", "the
second one", a pointing word at the beginning in Chinese, Japanese or Korean. A sentence that goes
on from another, with "and" or "so", says it if it also points back or has no more than five words:
"So which database do we use for billing?" stands alone. Points are added up; from `FOLLOWS` on the
question follows. A text of more than twenty words says what it is about, and needs more points.
Linear in the text's length.

Measured where questions stand alone: none of 3,294 of beam-100k, realtalk, HotpotQA, MuSiQue,
2WikiMultihopQA, CoSQA and others counts as following, and 49 do where no candidate has a word of
them.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOLLOWS = 0.5
"""Points from which a question follows."""
_PART = 0.3
"""Points of what speaks for it and does not say so."""
_MOST_CHARS = 2_000
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SENTENCE = re.compile(r"(?<=[.!?。！？¿])\s*")
_OPENERS = re.compile(
    r"[\s¿¡]*(?:and|so|but|ok|okay|then|also|or|go with|take"
    r"|und|aber|dann|also|oder"
    r"|et|mais|alors|donc|ou|d['’]accord|puis"
    r"|y|e|pero|entonces|o|vale"
    r"|а|и|но|тогда|или)\b",
    re.IGNORECASE,
)
_ELLIPTIC = re.compile(
    r"[\s¿¡]*(?:(?:and|so|but|ok|okay|und|et|y)[\s,]+)?"
    r"(?:what about|how about|which (?:one|of them|of those)"
    r"|was ist mit|qu['’]en est-il|qué hay de)\b"
    r"|[\s¿¡]*(?:and|but|und|aber|et|mais|y|pero|а|и|но) (?:if|wenn|falls|si|если)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"^\s*(?:那|这|這|它|其中|そ[れのこ]|その|では|じゃ|それ|그럼|그건|그)|第[一二三四五12345]"
)
_ORDINAL = re.compile(
    r"\b(?:first|second|third|last|other|former|latter) (?:one|option|two)\b"
    r"|\b(?:celui-là|celle-là|le deuxième|la deuxième|das zweite|die zweite|el segundo|la segunda)"
    r"(?!\w)",
    re.IGNORECASE,
)
_PRONOUNS = _words(
    "it its this these that those they them their he him his she her ones there"
    " er sie das dies diese dieser davon damit dafür"
    " il elle ils elles ça cela celui celle lui leur"
    " eso esto esa ese ello ella"
)
_RELATIVE = _words(
    "first second third last other others another next same else instead again"
    " zweite zweiten andere anderen autre autres otro otra другой вторая"
)
_SHORT = 5
_WHY = frozenset({"why", "warum", "pourquoi", "how", "почему"})


def follow_up_points(text: str, *, knows_terms: bool = True) -> float:
    """How much speaks for a question that hangs on what was said last, in [0, 2].

    Args:
        text: The question.
        knows_terms: Whether any of its terms is met in the candidates.

    >>> follow_up_points("and how do I undo it?") >= FOLLOWS
    True
    >>> follow_up_points("What colour is the logo of the north branch?") >= FOLLOWS
    False
    """
    text = text[:_MOST_CHARS].strip()
    words = _WORD.findall(text)
    if not words:
        return 0.0
    points = FOLLOWS * (_says_so(text) or _POINTING.search(text) is not None)
    points += max(map(_opening_points, _first_sentences(text)), default=0.0)
    points += _asking_points(words)
    points_back = len(words) <= 16 and not _has_name(words) and _points_back(words)
    points += _PART * (points_back or len(words) <= 3)
    if not knows_terms and len(words) <= 12:
        points += 0.2
    return points - 0.4 * (len(words) > 20)


def _says_so(text: str) -> bool:
    is_elliptic = any(_ELLIPTIC.match(sentence) for sentence in _first_sentences(text))
    return is_elliptic or _ORDINAL.search(text) is not None


def _first_sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE.split(text) if sentence.strip()][:3]


def _opening_points(sentence: str) -> float:
    """For a sentence that goes on from another."""
    if not _OPENERS.match(sentence):
        return 0.0
    words = _WORD.findall(sentence)
    is_short = len(words) <= _SHORT and not _has_name(words)
    hangs = is_short or _points_back(words) or not _RELATIVE.isdisjoint(map(str.lower, words))
    return FOLLOWS if hangs else _PART


def _asking_points(words: list[str]) -> float:
    """For a short question that begins with why or how: what is to be explained was said."""
    if words[0].lower() not in _WHY or len(words) > _SHORT + 1 or _has_name(words):
        return 0.0
    return FOLLOWS if len(words) <= 3 or _points_back(words) else _PART


def _points_back(words: list[str]) -> bool:
    return not _PRONOUNS.isdisjoint(map(str.lower, words))


def _has_name(words: list[str]) -> bool:
    """Whether a word within the text is written with a capital, but for "I"."""
    return any(word[:1].isupper() and word.partition("'")[0] != "I" for word in words[1:])


_CLOSING = _words(
    "thanks thank thx ty perfect great awesome cool nice lol haha gg bye goodbye cheers fun"
    " hello hi hey danke super prima tschüss hallo merci parfait super salut bonjour"
    " gracias perfecto genial adiós hola obrigado спасибо отлично привет пока"
)
_CLOSING_RUN = re.compile(
    r"谢谢|太好了|再见|你好|早上好|晚上好|ありがとう|了解|こんにちは|こんばんは|おはよう|감사|고마워|안녕"
    r"|\b(?:good (?:morning|afternoon|evening|night)|guten (?:morgen|tag|abend)|gute nacht"
    r"|buen[oa]s (?:días|tardes|noches)|bom dia|boa (?:tarde|noite)|buon(?:giorno|asera)"
    r"|bonne (?:journée|soirée|nuit)|доброе утро|добрый (?:день|вечер))\b",
    re.IGNORECASE,
)
_SMALL = _words(
    "a an the that this it was is you i so very much lot for all of to and again everyone"
    " dir ihnen vielen schön je vous beaucoup bien muchas muy todo большое"
)


def is_closing(text: str) -> bool:
    """Whether a text only greets, thanks or takes leave.

    >>> is_closing("Perfect, thanks a lot!"), is_closing("Thanks. Which port was it?")
    (True, False)
    """
    text = text[:_MOST_CHARS]
    words = [word.lower() for word in _WORD.findall(text)]
    if "?" in text or "？" in text or len(words) > 9:
        return False
    left, met = _CLOSING_RUN.subn(" ", text)
    words = [word.lower() for word in _WORD.findall(left)]
    met += sum(word in _CLOSING for word in words)
    others = sum(word not in _CLOSING and word not in _SMALL for word in words)
    return met > 0 and others <= 1

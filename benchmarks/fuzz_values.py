"""Hostile values for the fuzz run: texts, numbers, times, vectors, callables, items.

Every value follows from the seed and the number of a call, so a finding is made again from those
two. What a value does wrong itself, such as a comparison that raises, raises `CallersError`: that
is the caller's exception and may pass through the library.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from mba_integrations import MemoryBudgetError, MemoryItem, MemoryTier

MAX_ITEMS = 12
LONG_TEXT = 1_000_000
ONE_IN_LONG = 150  # how rare a text of a megabyte is: each costs up to a second in every stage

WORDS = (
    *("deploy", "key", "rotates", "Monday", "Kate", "skis", "Oslo", "server", "budget", "Ünï"),
    *("日本語", "item", "yes", "why", "?", "42", "2026-06-01", "yesterday", "Kate's", "don't"),
)
ODD_TEXTS = (
    *("", " ", "\n", "\r\n\r\n", "\0", "\x1b[31mred\x1b[0m", "\ud800", "a\udfffb", "\u202eabc"),
    *(
        "\u200b",
        "\ufeffx",
        "e\u0301" * 40,
        "👩‍👩‍👧" * 9,
        "</item><item>",
        "## Project\n- x",
        "{text}",
    ),
    *("[{date}] {id}", "<|endoftext|>", "user: hi\nassistant: ho", "$", "{{", "%s%n", "[/bold]"),
    *("a <" + " " * 3000, "=" * 3000, ")" * 3000, "a." * 1500, "x\ty" * 900, "日本。" * 500),
    *("# A\n" * 300, "-" * 999, "1" * 4400, "'" * 999, "\x85\u2028\u2029", "😀\ud83d", "null"),
)
ODD_NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 7, 50, 10**6, 2**31, 2**63, 10**30, 10**400, -(10**400), 0.5, -0.0, 1.5),
    *(math.nan, math.inf, -math.inf, 1e308, 5e-324, True, False, None, "5", b"5", 1j),
    *(Decimal("NaN"), Decimal(3), Fraction(1, 3), np.int64(4), np.uint8(200), np.float32("nan")),
    *(np.float64(0.25), np.array(3), np.array([1, 2]), [], {}, object, np.bool_(True)),
)
ODD_TIMES: tuple[Any, ...] = (
    *(datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(9999, 12, 31, tzinfo=UTC)),
    *(datetime(1, 1, 1), datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 6, 1)),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))),
    datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=23, minutes=59))),
    *(datetime(1969, 12, 31, tzinfo=UTC), date(2026, 6, 1), "2026-06-01", 0, 1e20, math.nan),
)
NAIVE = datetime(2026, 5, 1, 12)
PRESENT = datetime(2026, 6, 1, 12, tzinfo=UTC)


class CallersError(Exception):
    """What a hostile value raises itself."""


class Refusing:
    """An object on which nearly everything raises."""

    def _refuse(self, *_: object) -> Any:
        raise CallersError("a hostile object was used")

    __eq__ = __lt__ = __len__ = __iter__ = __bool__ = __getitem__ = __contains__ = _refuse
    __hash__ = __str__ = __float__ = __int__ = __index__ = __call__ = _refuse

    def __repr__(self) -> str:
        return "Refusing()"


class RefusingList(list[Any]):
    """A list that ends with an exception."""

    def __iter__(self) -> Iterator[Any]:
        yield from list.__iter__(self)
        raise CallersError("the list cannot be read to its end")


class Draw:
    """Draws values for one call."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = random.Random(f"{seed}:{number}")

    def chance(self, part: float) -> bool:
        """True in that part of the calls."""
        return self.random.random() < part

    def one(self, values: Sequence[Any]) -> Any:
        """One of the values."""
        return values[self.random.randrange(len(values))]

    def words(self, most: int = 30) -> str:
        """A plain text that is not empty."""
        return " ".join(self.one(WORDS) for _ in range(self.random.randint(1, most)))

    def text(self) -> str:
        """Any text."""
        if self.random.randrange(ONE_IN_LONG) == 0:
            return str(self.one(["a", "a ", "ab. ", "日", "\n", "<", " ", "A1b2"]) * LONG_TEXT)[
                :LONG_TEXT
            ]
        kind = self.random.randrange(4)
        if kind == 0:
            return str(self.one(ODD_TEXTS))
        if kind == 1:
            return self.words(300)
        return f"{self.words(6)}{self.one(ODD_TEXTS) if kind == 2 else ''}{self.words(6)}"

    def identifier(self) -> str:
        """An id: from few, so that some are equal, or an odd one."""
        return str(self.random.randrange(30)) if self.chance(0.8) else self.text()[:500]

    def number(self) -> Any:
        """A number, or what someone takes for one."""
        return self.one(ODD_NUMBERS)

    def count(self, most: int = 400) -> Any:
        """A number of tokens: mostly a plain one."""
        return self.random.randint(1, most) if self.chance(0.7) else self.number()

    def time(self) -> Any:
        """A time, or what someone takes for one."""
        return self.one(ODD_TIMES)

    def vector(self) -> Any:
        """An embedding: of some dimension, of odd values, or none."""
        size = self.one([0, 1, 3, 3, 3, 4])
        plain = [self.random.uniform(-1, 1) for _ in range(size)]
        odd = [*plain, self.one([math.nan, math.inf, 1e39, 10**400, None, "x", [1.0]])]
        right = (plain, plain, np.array(plain), np.array(plain, dtype=np.float32))
        wrong = (odd, np.array([plain]), np.array(plain, dtype=object), "vector", 3.0, b"abc")
        extreme = (np.zeros(3), np.full(3, 1e38, dtype=np.float32), (x for x in plain))
        return self.one([*right, *wrong, *extreme])

    def anything(self) -> Any:
        """Any value at all."""
        kind = self.random.randrange(9)
        if kind < 6:
            makers = (self.text, self.number, self.time, self.vector, self.identifier, self.items)
            return makers[kind]()
        plain = [Refusing(), RefusingList([1]), object(), {1: 2}, {"a"}, b"x", lambda *_: 1, ...]
        return self.one(plain) if kind < 8 else [self.number(), self.text()]

    def perhaps(self, plain: Any, part: float = 0.15) -> Any:
        """The plain value, or with that chance anything."""
        return self.anything() if self.chance(part) else plain

    def fields(self) -> dict[str, Any]:
        """Arguments of an item, mostly usable."""
        fields: dict[str, Any] = {"id": self.identifier(), "content": self.text() or "x"}
        fields["tier"] = self.one(tuple(MemoryTier))
        options: dict[str, Callable[[], Any]] = {
            "relevance": self.random.random,
            "importance": self.random.random,
            "position": lambda: self.one([0, -3, 1.5, 10**400, -(10**30), 1e308, 2]),
            "group": lambda: self.one(["g", "h", "", "\ud800"]),
            "source": lambda: self.one(["s", "", "\x1b[2J", "t\nu", "\ud800"]),
            "pinned": lambda: self.chance(0.5),
            "access_count": lambda: self.one([0, 1, 5, 10**30, 10**400]),
            "created_at": lambda: self.one(ODD_TIMES[:8]),
            "last_accessed_at": lambda: self.one(ODD_TIMES[:8]),
            "embedding": self.vector,
            "metadata": self.metadata,
        }
        for name, make in options.items():
            if self.chance(0.15):
                fields[name] = make()
        return fields

    def metadata(self) -> dict[Any, Any]:
        """What may stand in the metadata of an item or a document."""
        keys = ("role", "speaker", "expires_at", "tier_since", "importance", "created_at", "tier")
        values: tuple[Any, ...] = (
            "user",
            "human",
            "Kate",
            "\ud800",
            None,
            3,
            [1],
            np.zeros(2),
            Refusing(),
            {},
        )
        return {
            self.one(keys): self.one(values) if self.chance(0.7) else self.time()
            for _ in range(self.random.randrange(3))
        }

    def item(self, **given: Any) -> MemoryItem | None:
        """An item that the library takes; None if it refuses these fields."""
        try:
            return MemoryItem(**{**self.fields(), **given})
        except (MemoryBudgetError, CallersError, TypeError, ValueError, OverflowError):
            return None  # raw exceptions are what the target `MemoryItem` finds

    def items(self, *, distinct: bool = False) -> list[MemoryItem]:
        """Items; with ids that differ and times of one kind, so that a call may succeed."""
        found: list[MemoryItem] = []
        for place in range(self.random.randrange(MAX_ITEMS)):
            given: dict[str, Any] = {}
            if distinct:
                suffix = self.one(["", "\x1b[31m", "\0", "\ud800", "#1", "@2"])
                given = {"id": f"{place}{suffix}", "created_at": None, "last_accessed_at": None}
                given |= {"pinned": self.chance(0.05)}
                if self.chance(0.9):
                    given["embedding"] = None  # two of different lengths refuse the whole call
            item = self.item(**given)
            if item is not None:
                found.append(item)
        return found

    def counter(self) -> Any:
        """What counts tokens: mostly a plain function."""
        plain: tuple[Any, ...] = (len, words_in, pieces_in)
        if self.chance(0.75):
            return self.one(plain)
        odd: list[Any] = [
            None,
            math.nan,
            -1,
            1.5,
            10**30,
            10**400,
            True,
            "7",
            b"7",
            [],
            {},
            np.int64(3),
        ]
        value = self.one([*odd, Refusing()])
        return self.one([lambda _text: value, self._moody(), refuse, value, str.split, 5])

    def _moody(self) -> Callable[[str], int]:
        own = random.Random(self.random.random())
        return lambda text: own.randrange(len(text) + 2)

    def embedder(self) -> Any:
        """What embeds texts: seldom a right one."""
        size = self.one([1, 3, 3, 8])
        shapes: list[Callable[[list[str]], Any]] = [
            lambda texts: np.ones((len(texts), size)),
            lambda texts: [[float(len(text)), 1.0, 0.5] for text in texts],
            lambda texts: np.zeros((len(texts), size)),
            lambda texts: np.full((len(texts), 3), self.one([math.nan, math.inf, 1e39])),
            lambda texts: np.ones((len(texts) + 1, size)),
            lambda texts: np.ones(len(texts)),
            lambda texts: np.ones((len(texts), 0)),
            lambda texts: [[1.0] * (1 + place % 2) for place in range(len(texts))],
            lambda texts: np.array([[None] * 3] * len(texts), dtype=object),
            lambda texts: self.one([None, "x", 3, b"", {}, Refusing()]),
            refuse,
        ]
        return self.one(shapes) if self.chance(0.9) else self.anything()


def words_in(text: str) -> int:
    """Words of a text."""
    return len(text.split())


def pieces_in(text: str) -> int:
    """Four characters to a token, as if tokens ran across lines."""
    return math.ceil(len(text) / 4)


def refuse(*_: object) -> Any:
    """Raises whatever it is asked."""
    raise CallersError("a hostile function was called")


PLAIN_COUNTERS: tuple[Any, ...] = (len, words_in, pieces_in)

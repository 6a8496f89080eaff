"""A cut text is the longest prefix that fits, and no character is cut in two."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.counting.encodings import load_encoding
from mba_integrations.core.counting.given_counters import CallableCounter
from mba_integrations.core.counting.tiktoken_counters import TiktokenCounter
from mba_integrations.core.counting.truncation import _is_cut, truncate
from mba_integrations.core.errors import InputError, TokenizerError

characters = CallableCounter(len, id="characters")
words = CallableCounter(str.split, id="words")


def needs_vocabulary() -> None:
    try:
        load_encoding("o200k_base")
    except (ImportError, TokenizerError):
        pytest.skip("no vocabulary is at hand offline: install toktok-rs or llama-index-core")


@pytest.mark.parametrize(
    ("text", "max_tokens", "expected"),
    [
        pytest.param("abc", 3, "abc", id="exact-fit-is-whole"),
        pytest.param("abc", 2, "ab", id="one-over-loses-one"),
        pytest.param("abc", 0, "", id="no-tokens-no-text"),
        pytest.param("", 5, "", id="empty"),
        pytest.param("ae\u0301o", 2, "a", id="accent-stays-with-its-letter"),
        pytest.param("a\r\nb", 2, "a", id="carriage-return-stays-with-newline"),
        pytest.param("a👍🏽b", 2, "a", id="skin-tone-stays"),
        pytest.param("a👨\u200d👩b", 3, "a", id="joined-emoji-stay"),
        pytest.param("🇩🇪🇫🇷", 3, "🇩🇪", id="flags-stay"),
        pytest.param("e" + "\u0301" * 500, 300, "e" + "\u0301" * 299, id="hostile-chain-is-cut"),
    ],
)
def test_cuts(text: str, max_tokens: int, expected: str) -> None:
    assert truncate(characters, text, max_tokens) == (expected, len(expected))


@given(text=st.text("ab \n\re\u0301👍🏽\u200d🇩", max_size=40), max_tokens=st.integers(0, 12))
def test_the_longest_of_all_prefixes_is_found(text: str, max_tokens: int) -> None:
    for counter in (characters, words):
        fitting = [
            end
            for end in range(len(text) + 1)
            if _is_cut(text, end) and counter.count(text[:end]) <= max_tokens
        ]
        kept, tokens = truncate(counter, text, max_tokens)
        assert kept == text[: max(fitting)] or len(text) - len(kept) > 16
        assert tokens == counter.count(kept) <= max_tokens


@given(text=st.text(max_size=80), max_tokens=st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_tiktokens_prefix_fits_and_the_next_ones_do_not(text: str, max_tokens: int) -> None:
    needs_vocabulary()
    counter = TiktokenCounter()
    kept, tokens = truncate(counter, text, max_tokens)
    assert text.startswith(kept)
    assert tokens == counter.count(kept) <= max_tokens
    longer = [end for end in range(len(kept) + 1, len(text) + 1) if _is_cut(text, end)]
    assert all(counter.count(text[:end]) > max_tokens for end in longer[:8])


def test_a_long_text_is_cut_without_counting_all_of_it() -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return len(text) // 5

    kept, tokens = truncate(CallableCounter(count, id="fifths"), "x" * 1_000_000, 100)
    assert (len(kept), tokens) == (504, 100)
    assert max(counted) <= 1000
    assert len(counted) <= 45


def test_a_longer_prefix_with_fewer_tokens_is_found() -> None:
    merging = CallableCounter(lambda text: 2 if len(text) == 6 else len(text), id="merging")
    assert truncate(merging, "abcdefgh", 3) == ("abcdef", 2)


def test_a_counter_that_never_fits_leaves_nothing() -> None:
    assert truncate(CallableCounter(lambda _: 9, id="nine"), "abc", 8) == ("", 0)


@pytest.mark.parametrize("max_tokens", [-1, 1.0, None, True])
def test_a_limit_that_is_no_number_of_tokens_is_refused(max_tokens: object) -> None:
    with pytest.raises(InputError, match="max_tokens"):
        truncate(characters, "abc", max_tokens)  # type: ignore[arg-type]


class CountingLetters:
    """tiktoken's counts, and how many characters it was asked to count."""

    id = "letters"
    exact = True

    def __init__(self) -> None:
        self._counter = TiktokenCounter()
        self.characters = 0

    def count(self, text: str, /) -> int:
        self.characters += len(text)
        return self._counter.count(text)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return [self.count(text) for text in texts]


HOSTILE: dict[str, Callable[[int], str]] = {
    "spaces-after-a-bracket": lambda size: "a <" + " " * (size - 3),
    "spaces-before-a-letter": lambda size: " " * (size - 1) + "x",
    "one-letter": lambda size: "a" * size,
    "accents-on-one-letter": lambda size: "e" + "\u0301" * (size - 1),
    "flags": lambda size: "\U0001f1e9" * size,
    "joined-emoji": lambda size: "\U0001f469\u200d" * (size // 2),
    "line-ends": lambda size: "\r\n" * (size // 2),
}


@pytest.mark.parametrize("shape", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_a_cut_counts_does_not_grow_with_the_text(shape: Callable[[int], str]) -> None:
    """300 tokens are at most 38,400 characters, in the longest tokens that there are."""
    needs_vocabulary()
    asked = []
    for size in (120_000, 240_000):
        counter = CountingLetters()
        kept, tokens = truncate(counter, shape(size), 300)
        assert tokens <= 300
        assert counter.characters <= 60 * max(2 * len(kept), 4 * 300)
        asked.append(counter.characters)
    assert asked[0] == asked[1]

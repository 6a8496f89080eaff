"""Counters give tiktoken's counts, for every text, and two ways of counting never differ."""

import copy
import pickle
import random
import re
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.counting import tiktoken_counters
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.encodings import PUBLISHED, load_encoding
from mba_integrations.core.counting.tiktoken_counters import (
    FastCounter,
    TiktokenCounter,
    counter_for_model,
)
from mba_integrations.core.errors import InputError, MissingExtraError, TokenizerError

ENCODINGS = sorted(PUBLISHED)

TRICKY = {
    "empty": "",
    "space": " ",
    "newlines": "\n\n\r\n\n",
    "end-of-text": "before <|endoftext|> after",
    "chat-markup": "<|im_start|>system\nobey<|im_end|>",
    "nul": "a\0\0b\0",
    "lone-surrogates": "a\ud800b\udfff \ud83d",
    "contractions": "We'LL don't I'M it'\u017f they'RE",
    "cjk": "昨天我们讨论了部署计划。起動前に確認してください。확인하십시오.",
    "right-to-left": "ناقشنا أمس خطة النشر אתמול דנו בתוכנית",
    "combining-marks": "e\u0301\u0323a\u0308" * 20,
    "emoji": "👍🏽👨‍👩‍👧‍👦🇩🇪🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "newer-than-unicode-14": "\U0001e4d0\U0001e4d1 \U00011f04a \U00031350\u2fff",
    "unassigned": "\u0378\U000e0fff\ufffe",
    "private-use": "\ue000\U0010fffd",
    "slashes-after-newline": "x.\n//y\n/ z",
    "odd-spaces": "a\u00a0\u3000\u2028b\u0085\u200bc\x1c\x1fd",
    "base64": "TWFueSBoYW5kcyBtYWtlIGxpZ2h0IHdvcmsu" * 5,
    "code": "def f(x):\n\treturn x**2  # square\n\n\n    if __name__ == '__main__':\r\n",
}


@pytest.fixture(autouse=True)
def _needs_a_vocabulary() -> None:
    try:
        load_encoding("cl100k_base")
        load_encoding("o200k_base")
    except (ImportError, TokenizerError):
        pytest.skip("no vocabulary is at hand offline: install toktok-rs or llama-index-core")


@pytest.fixture(params=ENCODINGS)
def encoding_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def reference(text: str, encoding_name: str) -> int:
    return len(load_encoding(encoding_name).encode(text, disallowed_special=()))


def fast(encoding_name: str = "o200k_base") -> FastCounter:
    pytest.importorskip("toktok")
    return FastCounter(encoding_name)


# tiktoken


def test_counters_are_token_counters() -> None:
    assert isinstance(TiktokenCounter(), TokenCounter)
    assert isinstance(fast(), TokenCounter)


def test_the_id_names_the_encoding() -> None:
    assert TiktokenCounter("cl100k_base").id == "tiktoken:cl100k_base"


@pytest.mark.parametrize("text", TRICKY.values(), ids=TRICKY.keys())
def test_tiktoken_counts_every_text(text: str, encoding_name: str) -> None:
    assert TiktokenCounter(encoding_name).count(text) == reference(text, encoding_name)


def test_special_tokens_are_plain_text() -> None:
    assert TiktokenCounter().count("<|endoftext|>") == 7


def test_a_batch_is_the_counts_of_its_texts() -> None:
    counter = TiktokenCounter()
    texts = list(TRICKY.values())
    assert counter.count_batch(texts) == [counter.count(text) for text in texts]
    assert counter.count_batch([]) == []


LARGE = {
    "spaces": " " * 1_000_003,
    "tabs": "\t" * 1_000_000,
    "newlines": "\n" * 1_000_000,
    "ideographic-spaces": "\u3000" * 1_000_000,
    "spaces-inside-text": "before" + " " * 1_200_000 + "after",
    "one-letter": "a" * 300_000,
    "nul": "\0" * 300_000,
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_a_million_of_one_character_is_counted_as_toktok_counts_it(text: str) -> None:
    assert TiktokenCounter().count(text) == fast().count(text)


def test_tiktoken_refuses_a_million_spaces() -> None:
    """Else the pieces need not be."""
    with pytest.raises(ValueError, match="backtracking"):
        reference(LARGE["spaces"], "o200k_base")


def test_a_million_spaces_are_counted_in_the_other_encoding() -> None:
    text = LARGE["spaces"]
    assert TiktokenCounter("cl100k_base").count(text) == fast("cl100k_base").count(text)


class Refusing:
    """An encoding that refuses a run of white space at a 128th of what tiktoken refuses."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def encode(self, text: str, **options: Any) -> list[int]:
        self.asked.append(len(text))
        if re.search(r"\s{7813}", text):
            raise ValueError("too long a run")
        return load_encoding("o200k_base").encode(text, **options)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> TiktokenCounter:
    """A counter that cuts at a 128th as well, so that no text has to have a million characters."""
    monkeypatch.setattr(tiktoken_counters, "_RUN_PIECE_CHARS", 2**10)
    shorter = tiktoken_counters._LONG_RUN.pattern.replace("65536", "512")
    monkeypatch.setattr(tiktoken_counters, "_LONG_RUN", re.compile(shorter))
    return TiktokenCounter(encoding=cast("Any", Refusing()))


@pytest.mark.parametrize("spaces", [8191, 8192, 8193, 8320, 10_241])
def test_cutting_a_run_of_spaces_does_not_change_its_count(
    spaces: int, refusing: TiktokenCounter
) -> None:
    assert refusing.count(" " * spaces) == reference(" " * spaces, "o200k_base")


@pytest.mark.parametrize("gap", ["", " ", ". ", "'s", "\x1c", "a" * 9, "<|endoftext|>"])
def test_text_around_refused_runs_is_counted_as_if_it_were_not_cut(
    gap: str, refusing: TiktokenCounter
) -> None:
    run = " " * 7819
    text = f"some lines\nof text{gap}{run}{gap}then more;{run}{gap}"
    assert refusing.count(text) == reference(text, "o200k_base")


def test_a_long_mixed_run_is_off_by_at_most_three_tokens_a_cut(refusing: TiktokenCounter) -> None:
    text = "x" + " \t\u00a0" * 4000 + "y"
    cuts = len(text) // tiktoken_counters._RUN_PIECE_CHARS
    assert abs(refusing.count(text) - reference(text, "o200k_base")) <= 3 * cuts


HOSTILE: dict[str, Callable[[int], str]] = {
    "spaces-after-a-bracket": lambda size: "a <" + " " * size,
    "spaces-before-a-letter": lambda size: " " * size + "x",
    "spaces-and-letters": lambda size: (" " * 600 + "x") * (size // 600),
    "one-letter": lambda size: "a" * size,
    "accents-on-one-letter": lambda size: "e" + "\u0301" * size,
    "line-ends-and-slashes": lambda size: "\n/" * (size // 2),
    "lone-surrogates": lambda size: "\ud800" * size,
    "newer-than-unicode-14": lambda size: "\U0001e4d0" * size,
}


@pytest.mark.parametrize("shape", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_tokenizer_is_given_each_character_twice_at_most(
    shape: Callable[[int], str], refusing: TiktokenCounter
) -> None:
    """Once as a whole and, where that is refused, once in pieces."""
    given = cast("Refusing", refusing._encoding).asked
    text = shape(10_000)
    refusing.count(text)
    assert sum(given) <= 2 * len(text)
    assert len(given) <= 1 + 3 * len(text) / 512


@pytest.mark.parametrize("shape", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_fast_counter_gives_a_text_to_one_tokenizer(
    shape: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = fast()
    counter.count("")
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return 0

    monkeypatch.setattr(counter, "_count_fast", count)
    monkeypatch.setattr(TiktokenCounter, "count", lambda _, text: count(text))
    text = shape(1000)
    counter.count(text)
    assert asked == [text]


def test_an_encoding_at_hand_is_used() -> None:
    encoding = load_encoding("cl100k_base")
    counter = TiktokenCounter("mine", encoding=encoding)
    assert counter.id == "tiktoken:mine"
    assert counter.count("hello world") == 2


def test_special_tokens_of_an_encoding_are_plain_text_to_its_counter() -> None:
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {bytes([byte]): byte for byte in range(256)}
    encoding = tiktoken.Encoding(
        "bytes", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens={"<|end|>": 256}
    )
    assert TiktokenCounter("bytes", encoding=encoding).count("a<|end|>") == 8


def test_making_a_counter_looks_nothing_up() -> None:
    counter = TiktokenCounter("klingon")
    with pytest.raises(InputError, match="klingon"):
        counter.count("x")


# toktok-rs


@pytest.mark.parametrize("text", TRICKY.values(), ids=TRICKY.keys())
def test_fast_counts_are_tiktokens(text: str, encoding_name: str) -> None:
    counter = fast(encoding_name)
    assert counter.count(text) == reference(text, encoding_name)
    assert counter.count_batch([text, "x", text])[::2] == [reference(text, encoding_name)] * 2


@given(text=st.text(st.characters(codec=None), max_size=60))
@settings(max_examples=400, deadline=None)
def test_fast_counts_are_tiktokens_on_any_unicode(text: str) -> None:
    for name in ("o200k_base", "cl100k_base"):
        assert fast(name).count(text) == reference(text, name)


FRAGMENTS = [
    *TRICKY.values(),
    *" \n\t\r/'sS.,;:-_0123456789aZéÉß\u017f\u212aⅣ中あ한ЖжΣςא٣९ก\u0301\u200d\u3000\u00a0\ufe0f😀",
    "'s", "'LL", "://", "\r\n", "  ", "\n\n", "HelloWorld", "camelCaseÀÉ", "1234567", "...", "```",
]  # fmt: skip


@given(text=st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_fast_counts_are_tiktokens_on_adversarial_joins(text: str) -> None:
    for name in ("o200k_base", "cl100k_base"):
        assert fast(name).count(text) == reference(text, name)


def test_fast_counts_are_tiktokens_on_many_random_texts() -> None:
    chance = random.Random(20)
    texts = ["".join(chance.choices(FRAGMENTS, k=chance.randint(1, 40))) for _ in range(4000)]
    assert fast().count_batch(texts) == [reference(text, "o200k_base") for text in texts]


def test_each_character_that_goes_to_toktok_is_counted_as_tiktoken_does() -> None:
    counter = fast()
    counter.count("")
    every = map(chr, range(0x110000))
    same = [char for char in every if counter._differs(char) is None]
    assert len(same) > 90_000
    for frame in ("{0}\n\n {0}", "a'{0}x", "{0}'s"):
        texts = [frame.format(char) for char in same[:: 1 + len(same) // 20_000]]
        assert counter.count_batch(texts) == [reference(text, "o200k_base") for text in texts]


def test_characters_newer_than_toktoks_tables_go_to_tiktoken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counter = fast()
    counter.count("")
    asked: list[str] = []

    def count(_: TiktokenCounter, text: str) -> int:
        asked.append(text)
        return 0

    monkeypatch.setattr(TiktokenCounter, "count", count)
    texts = ["plain", "naïve café", "\U0001e4d0", "a\ud800", "中文"]
    counter.count_batch(texts)
    assert asked == ["\U0001e4d0", "a\ud800"]


def test_fast_and_tiktoken_share_their_counts() -> None:
    assert fast("cl100k_base").id == TiktokenCounter("cl100k_base").id


def test_a_missing_extra_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiktoken_counters, "toktok_is_installed", lambda: False)
    with pytest.raises(MissingExtraError, match=r"mba-integrations\[fast\]"):
        FastCounter()


def test_a_toktok_without_what_is_needed_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counter = fast()
    monkeypatch.setattr(tiktoken_counters, "open_toktok", lambda _: None)
    with pytest.raises(MissingExtraError, match="fast"):
        counter.count("x")


def test_fast_refuses_an_encoding_that_toktok_lacks() -> None:
    with pytest.raises(InputError, match="p50k_base"):
        FastCounter("p50k_base")


def test_counters_survive_pickling_and_copying_after_use() -> None:
    for counter in (fast(), TiktokenCounter("cl100k_base", exact=False)):
        counter.count("x")
        for twin in (pickle.loads(pickle.dumps(counter)), copy.deepcopy(counter)):
            assert (twin.id, twin.exact) == (counter.id, counter.exact)
            assert twin.count("hello world") == 2


def test_many_threads_get_the_same_counts() -> None:
    texts = [text * 3 for text in TRICKY.values()]
    counter = fast()
    expected = TiktokenCounter().count_batch(texts)
    results: list[list[int]] = []
    threads = [
        threading.Thread(target=lambda: results.append(counter.count_batch(texts)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8


# Choosing a counter


def test_the_counter_of_a_model_is_fast_where_that_is_possible() -> None:
    pytest.importorskip("toktok")
    assert type(counter_for_model("gpt-4o")) is FastCounter
    assert type(counter_for_model("gpt-4o", fast=False)) is TiktokenCounter
    assert type(counter_for_model("text-davinci-003")) is TiktokenCounter


def test_without_toktok_the_counter_of_a_model_is_tiktokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiktoken_counters, "toktok_is_installed", lambda: False)
    assert type(counter_for_model("gpt-4o")) is TiktokenCounter
    with pytest.raises(MissingExtraError):
        counter_for_model("gpt-4o", fast=True)


def test_an_unknown_model_has_an_inexact_counter() -> None:
    counter = counter_for_model("anthropic/claude-sonnet-4-5")
    assert (counter.id, counter.exact) == ("tiktoken:o200k_base", False)


def test_no_model_has_the_exact_counter_of_the_default_encoding() -> None:
    counter = counter_for_model()
    assert (counter.id, counter.exact) == ("tiktoken:o200k_base", True)

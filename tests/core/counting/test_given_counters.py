"""Tokenizers and functions of the user become counters, or are refused with a reason."""

import functools
import itertools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from allocators import allocator_with, workspace

from mba_integrations import MemoryItem, MemoryPool
from mba_integrations.core.counting import given_counters
from mba_integrations.core.counting.counter import TokenCounter, outlives_process
from mba_integrations.core.counting.given_counters import (
    CallableCounter,
    HuggingFaceCounter,
    as_token_counter,
)
from mba_integrations.core.counting.heuristic_counter import HeuristicCounter
from mba_integrations.core.counting.tiktoken_counters import TiktokenCounter
from mba_integrations.core.errors import InputError


def word_count(text: str) -> int:
    return len(text.split())


@pytest.fixture
def tokenizer() -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"[UNK]": 0, "[CLS]": 1, "a": 2, "b": 3}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 1)]
    )
    made.add_special_tokens(["[CLS]"])
    return made


def test_a_tokenizer_counts_without_truncation_padding_or_added_tokens(tokenizer: Any) -> None:
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=50)
    counter = HuggingFaceCounter(tokenizer)
    assert counter.count_batch(["a b a b", "a", ""]) == [4, 1, 0]
    assert tokenizer.truncation["max_length"] == 2
    assert tokenizer.padding["length"] == 50


def test_special_tokens_in_a_text_are_plain_text_to_a_tokenizer(tokenizer: Any) -> None:
    assert HuggingFaceCounter(tokenizer).count("[CLS]") == 3


def test_a_tokenizer_counts_lone_surrogates_and_nul(tokenizer: Any) -> None:
    assert HuggingFaceCounter(tokenizer).count_batch(["a \ud800 b", "\0"]) == [3, 1]


def test_tokenizers_that_differ_have_different_ids(tokenizer: Any) -> None:
    before = HuggingFaceCounter(tokenizer)
    tokenizer.enable_truncation(2)
    assert HuggingFaceCounter(tokenizer).id == before.id
    tokenizer.add_tokens(["c"])
    assert HuggingFaceCounter(tokenizer).id != before.id


def test_what_is_no_tokenizer_is_refused() -> None:
    with pytest.raises(InputError, match="backend_tokenizer"):
        HuggingFaceCounter(word_count)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(word_count, 2, id="gives-a-count"),
        pytest.param(str.split, 2, id="gives-tokens"),
        pytest.param(lambda text: tuple(text), 5, id="gives-a-tuple"),
        pytest.param(lambda text: 0, 0, id="gives-zero"),
    ],
)
def test_a_function_counts(function: Any, expected: int) -> None:
    counter = CallableCounter(function, id="mine")
    assert counter.count("to be") == expected
    assert counter.count_batch(["to be", "to be"]) == [expected] * 2
    assert (counter.id, counter.exact) == ("mine", False)


@pytest.mark.parametrize("result", [-1, 1.5, None, True, iter("ab")])
def test_a_function_that_gives_no_count_is_refused_with_its_id(result: object) -> None:
    counter = CallableCounter(lambda _: result, id="mine")  # type: ignore[arg-type,return-value]
    with pytest.raises(InputError, match="'mine'"):
        counter.count("x")


def test_a_function_that_gives_a_mapping_is_told_what_to_pass() -> None:
    counter = CallableCounter(lambda _: {"input_ids": [1, 2, 3]}, id="mine")
    with pytest.raises(InputError, match="input_ids"):
        counter.count("x")


def test_a_counter_is_taken_as_it_is() -> None:
    counter = HeuristicCounter()
    assert as_token_counter(counter) is counter


def test_a_tokenizer_becomes_a_counter(tokenizer: Any) -> None:
    assert isinstance(as_token_counter(tokenizer), HuggingFaceCounter)


def test_an_encoding_becomes_a_counter() -> None:
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {bytes([byte]): byte for byte in range(256)}
    encoding = tiktoken.Encoding(
        "bytes", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens={}
    )
    counter = as_token_counter(encoding)
    assert isinstance(counter, TiktokenCounter)
    assert (counter.id, counter.exact, counter.count("abc")) == ("tiktoken:bytes", True, 3)


def test_a_function_is_known_by_its_name() -> None:
    assert as_token_counter(word_count).id == f"callable:{__name__}.word_count"
    assert as_token_counter(word_count, id="words").id == "words"


def test_functions_without_a_name_of_their_own_share_no_id() -> None:
    unnamed = [lambda t: len(t), lambda t: 2, functools.partial(word_count), "".count]
    ids = {as_token_counter(function).id for function in unnamed}
    assert len(ids) == 4
    assert not any(map(outlives_process, ids))


def test_a_function_of_the_program_that_is_run_has_no_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another program's `__main__.count` is another function, and a notebook redefines its own."""

    def count(text: str) -> int:
        return len(text)

    count.__module__, count.__qualname__ = "__main__", "count"
    monkeypatch.setattr(sys.modules["__main__"], "count", count, raising=False)
    assert not outlives_process(as_token_counter(count).id)


def test_a_second_function_of_the_same_name_does_not_take_its_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a reload of its module."""
    module = ModuleType("counting_of_mine")
    monkeypatch.setitem(sys.modules, "counting_of_mine", module)

    def put(count: Any) -> Any:
        count.__module__, count.__qualname__ = "counting_of_mine", "count"
        module.count = count  # type: ignore[attr-defined]
        return count

    first, second = put(lambda text: 1), put(lambda text: 2)
    put(first)
    assert as_token_counter(first).id == "callable:counting_of_mine.count"
    put(second)
    assert as_token_counter(second).id != "callable:counting_of_mine.count"
    assert as_token_counter(put(first)).id == "callable:counting_of_mine.count"


class Asked:
    """A function without a name of its own, and the texts that it was asked to count."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def words(self, text: str) -> int:
        self.texts.append(text)
        return len(text.split())


def lines_counted(pool: MemoryPool, counter: TokenCounter, asked: Asked) -> int:
    """How many items of the pool an allocator counts by the counter, whole prompts aside."""
    allocator = allocator_with(workspace(), token_counter=counter)
    allocator.allocate_memory_budget("text", pool, "w", budget_tokens=1000)
    contents = [item.content for item in pool]
    return sum(sum(content in text for content in contents) == 1 for text in asked.texts)


def pool_of_five() -> MemoryPool:
    return MemoryPool.from_items(
        [MemoryItem(f"m{i}", f"text {i}", "rag", relevance=1.0) for i in range(5)]
    )


@pytest.mark.parametrize("id", [None, "words"], ids=["without-an-id", "with-an-id"])
def test_counts_are_saved_with_a_pool_only_where_the_function_has_an_id(
    id: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process numbers its functions from 1 as well, so a number is no identity there."""
    pool = pool_of_five()
    for path, known in ((None, False), (tmp_path / "pool", id is not None)):
        monkeypatch.setattr(given_counters, "_numbers", itertools.count(1))
        asked = Asked()
        counter = as_token_counter(asked.words, id=id)
        if path is not None:
            pool.save(path)
            pool = MemoryPool.load(path)
        assert lines_counted(pool, counter, asked) == (0 if known else 5)

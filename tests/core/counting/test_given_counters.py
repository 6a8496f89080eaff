"""Tokenizers and functions of the user become counters, or are refused with a reason."""

import copy
import functools
import itertools
import pickle
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


def test_a_function_of_a_started_process_has_no_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What multiprocessing starts has the program as `__mp_main__`, whichever program that is."""
    module = ModuleType("__mp_main__")
    monkeypatch.setitem(sys.modules, "__mp_main__", module)

    def count(text: str) -> int:
        return len(text)

    count.__module__, count.__qualname__ = "__mp_main__", "count"
    module.count = count  # type: ignore[attr-defined]
    assert not outlives_process(as_token_counter(count).id)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_numbered_counter_has_a_number_of_its_own(copied: Any) -> None:
    """In another process the number is that of another function."""
    counter = as_token_counter(functools.partial(word_count))
    twin = copied(counter)
    assert twin.count("to be or not") == counter.count("to be or not") == 4
    assert twin.id != counter.id
    assert not outlives_process(twin.id)
    named = as_token_counter(word_count, id="words")
    assert (copied(named).id, copied(named).exact) == ("words", False)


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


class CallsOf:
    """A callable object that counts words times a factor."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, text: str) -> int:
        return self.factor * len(text.split())

    method = __call__


def times(factor: int, text: str) -> int:
    return factor * len(text.split())


def nested(factor: int) -> Any:
    def count(text: str) -> int:
        return factor * len(text.split())

    return count


UNNAMED: dict[str, Any] = {
    "lambda": lambda factor: lambda text: factor * len(text.split()),
    "partial": lambda factor: functools.partial(times, factor),
    "method": lambda factor: CallsOf(factor).method,
    "callable": CallsOf,
    "nested": nested,
    "wrapped": lambda factor: functools.wraps(times)(nested(factor)),
}


@pytest.mark.parametrize("last", UNNAMED)
@pytest.mark.parametrize("first", UNNAMED)
def test_a_pool_saved_under_one_function_is_counted_anew_under_another(
    first: str, last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stands for a process of its own, which numbers from 1."""
    pool, tokens = pool_of_five(), []
    for kind, factor in ((first, 1), (last, 3), (first, 2)):
        monkeypatch.setattr(given_counters, "_numbers", itertools.count(1))
        function = UNNAMED[kind](factor)
        allocator = allocator_with(workspace(), token_counter=as_token_counter(function))
        found = allocator.allocate_memory_budget("text", pool, "w", budget_tokens=60)
        assert function(found.prompt_text) == found.used_tokens <= 60
        tokens.append([entry.tokens for entry in found.selected])
        pool.save(tmp_path / "pool")
        pool = MemoryPool.load(tmp_path / "pool")
    assert [row[0] for row in tokens] == [3, 9, 6]


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

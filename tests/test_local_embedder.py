"""The embedder of the extra `local`: vectors without network."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mba_integrations.core.errors import MissingExtraError
from mba_integrations.local_embedder import LocalEmbedder, local_embedder_is_installed

needs_local = pytest.mark.skipif(
    not local_embedder_is_installed(), reason="the extra 'local' is not installed"
)


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"mba-integrations\[local\]"):
        LocalEmbedder()


@needs_local
def test_rows_have_length_one(embedder: LocalEmbedder) -> None:
    vectors = embedder(["Kate likes skiing.", "你好 🙂", "x " * 50_000])
    assert vectors.shape == (3, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)


@needs_local
def test_no_texts_give_no_rows_and_an_empty_text_a_row_of_zeros(embedder: LocalEmbedder) -> None:
    assert embedder([]).shape == (0, 256)
    assert not embedder([""]).any()


@needs_local
def test_related_texts_are_nearer_than_others(embedder: LocalEmbedder) -> None:
    dog, puppy, tax = embedder(["a dog barks", "puppies bark loudly", "income tax return"])
    assert dog @ puppy > dog @ tax + 0.2


@needs_local
def test_a_vector_does_not_depend_on_what_else_is_embedded(embedder: LocalEmbedder) -> None:
    texts = [f"text number {number} " * (1 + number % 7) for number in range(600)]
    together = embedder(texts)
    for row in (0, 255, 256, 599):
        np.testing.assert_array_equal(together[row], embedder([texts[row]])[0])


@needs_local
def test_vectors_are_those_of_wordllama(embedder: LocalEmbedder) -> None:
    from wordllama import WordLlamaInference

    texts = ["Kate likes skiing.", "a longer text about token budgets and packing"]
    model = embedder._loaded()
    copy = type(model.tokenizer).from_str(model.tokenizer.to_str())
    expected = WordLlamaInference(model.embedding, copy).embed(texts, norm=True)
    np.testing.assert_allclose(embedder(texts), expected, atol=1e-5)


@needs_local
def test_a_lone_surrogate_is_embedded(embedder: LocalEmbedder) -> None:
    assert embedder(["a \ud800 b"]).any()


@needs_local
def test_many_threads_load_one_model() -> None:
    shared = LocalEmbedder()
    with ThreadPoolExecutor(8) as threads:
        vectors = list(threads.map(shared, [["one text"]] * 16))
    assert all(np.array_equal(vectors[0], other) for other in vectors)


@needs_local
def test_the_root_logger_is_left_alone() -> None:
    code = (
        "import logging\n"
        "from mba_integrations.local_embedder import LocalEmbedder\n"
        "LocalEmbedder()(['x'])\n"
        "print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"[] {logging.WARNING}\n"

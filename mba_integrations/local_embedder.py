"""`LocalEmbedder`: vectors from word embeddings that come with the package `wordllama`.

No network and no GPU: the weights (16 MB, 256 dimensions) are part of the installed package and
nothing is ever fetched. Loading takes about half a second and happens at the first call. Equal
texts get equal vectors, whatever they are embedded with. Made for English.

Texts are pooled here rather than by wordllama, which pads each batch to its longest text: one
text of a megabyte among 64 would need 16 GB.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mba_integrations.core.arguments import checked_texts
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import MissingExtraError

_BATCH_TOKENS = 32_768
"""Vectors held at once while pooling: 32 MB at 256 dimensions."""
_BATCH_TEXTS = 256
_IMPORT_LOCK = threading.Lock()


def local_embedder_is_installed() -> bool:
    """Whether the extra `local` is there."""
    return importlib.util.find_spec("wordllama") is not None


class LocalEmbedder:
    """Callable from n texts to an array of shape (n, 256), float32, each row of length 1.

    A text without a known word gives a row of zeros. May be called from many threads.

    Raises:
        MissingExtraError: If `wordllama` is not installed.
    """

    __slots__ = ("_lock", "_model")

    id = "wordllama:l2_supercat_256"

    def __init__(self) -> None:
        if not local_embedder_is_installed():
            raise MissingExtraError("LocalEmbedder", extra="local")
        self._model: Any = None
        self._lock = threading.Lock()

    def __call__(self, texts: list[str]) -> FloatArray:
        """Vectors of the texts, in order.

        Raises:
            InputError: If *texts* is no list of texts.
        """
        texts = checked_texts("texts", texts)
        model = self._loaded()
        vectors = np.zeros((len(texts), model.embedding.shape[1]), dtype=np.float32)
        for place in range(0, len(texts), _BATCH_TEXTS):
            batch = [_encodable(text) for text in texts[place : place + _BATCH_TEXTS]]
            for row, encoded in enumerate(model.tokenizer.encode_batch(batch, False, False)):
                vectors[place + row] = _mean(model.embedding, encoded.ids)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: FloatArray = vectors / np.where(lengths > 0.0, lengths, 1.0)
        return unit

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = _load()
        return self._model


def _load() -> Any:
    package = _wordllama()
    folder = Path(package.__file__).parent
    # The tokenizer is looked for in the cache folder only; the package carries it.
    model = package.WordLlama.load(cache_dir=folder, disable_download=True)
    model.tokenizer.no_padding()
    return model


def _wordllama() -> Any:
    """The package, imported without what it does to logging: it configures the root logger."""
    root = logging.getLogger()
    with _IMPORT_LOCK:
        handlers, level = list(root.handlers), root.level
        try:
            import wordllama
        finally:
            for handler in [handler for handler in root.handlers if handler not in handlers]:
                root.removeHandler(handler)
            root.setLevel(level)
    return wordllama


def _mean(embedding: FloatArray, ids: list[int]) -> FloatArray:
    total = np.zeros(embedding.shape[1], dtype=np.float64)
    for part in _parts(ids):
        total += embedding[np.clip(part, 0, len(embedding) - 1)].sum(axis=0, dtype=np.float64)
    return total / max(len(ids), 1)


def _parts(ids: list[int]) -> Iterator[list[int]]:
    for place in range(0, len(ids), _BATCH_TOKENS):
        yield ids[place : place + _BATCH_TOKENS]


def _encodable(text: str) -> str:
    """A lone surrogate has no UTF-8 form, which the tokenizer needs."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

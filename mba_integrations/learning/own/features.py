"""The features of a past question's memories that somebody has judged: numbers, and no text.

They are those that the recall saw, so long as pool, question and embedder are those of then. The
cost is that of one recall.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.arguments import checked_text, shown
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.core.value.features.feedback_features import feedback_features
from mba_integrations.core.value.freshness import freshness_of
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.question import Question, question_of
from mba_integrations.core.value.usefulness import (
    UsefulnessModel,
    first_features,
    importance_offset,
    kind_of,
    shipped_models,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is said of a memory of a prompt.

    Attributes:
        memory_id: Which memory.
        useful: Whether the answer used it.
        weight: How much that says, in [0, 1].
    """

    memory_id: str
    useful: bool
    weight: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= 1.0:
            raise InputError(
                f"the weight of a label must be in [0, 1], got {shown(self.weight)} for "
                f"{self.memory_id!r}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFeatures:
    """The labels of one question with the features of what they are said of.

    Attributes:
        kind: "tokens", "dense" or "lexical": which coefficients estimate these.
        names: Names of the k features.
        matrix: A row for each label, shape (m, k).
        offset: What importance adds to each logit, shape (m,).
        useful: 1 or 0, shape (m,).
        weights: Shape (m,), in [0, 1].
        spread: Standard deviation of each feature over all candidates, shape (k,).
    """

    kind: str
    names: tuple[str, ...]
    matrix: FloatArray
    offset: FloatArray
    useful: FloatArray
    weights: FloatArray
    spread: FloatArray


def labelled_features(
    query: str,
    memories: MemoryPool | Sequence[MemoryItem],
    labels: Iterable[Label],
    *,
    now: datetime,
    config: WorkspaceConfig | None = None,
    embedder: Embedder | None = None,
    query_embedding: FloatArray | None = None,
) -> LabelledFeatures | None:
    """The features behind what was said of a recall; None where nothing was.

    Args:
        query: What was asked.
        memories: What was there to choose from.
        labels: Several may be of one memory; those of memories that are not there are left out.
        now: When it was asked.
        config: Half-lives; those of a workspace without settings by default.
        embedder: Makes the vectors that are missing.
        query_embedding: Vector of the question, shape (d,), where it is known.
    """
    checked_text("query", query)
    pool = memories if isinstance(memories, MemoryPool) else MemoryPool.from_items(memories)
    snapshot = pool.snapshot()
    place = {item.id: row for row, item in enumerate(pool.items)}
    said = [one for one in labels if one.weight > 0.0 and one.memory_id in place]
    if not said:
        return None
    settings = WorkspaceConfig(workspace_id="own") if config is None else config
    rows = np.array([place[one.memory_id] for one in said])
    corpus, question = _asked(query, query_embedding, snapshot, embedder, now)
    freshness = freshness_of(snapshot, settings, now=now)
    kind, names, matrix = features_of(question, corpus, freshness)
    return LabelledFeatures(
        kind=kind,
        names=names,
        matrix=matrix[rows],
        offset=importance_offset(corpus)[rows],
        useful=np.array([float(one.useful) for one in said]),
        weights=np.array([one.weight for one in said]),
        spread=matrix.std(axis=0),
    )


def features_of(
    question: Question,
    corpus: Corpus,
    freshness: FloatArray,
    model: UsefulnessModel | None = None,
) -> tuple[str, tuple[str, ...], FloatArray]:
    """Kind, names and values, shape (n, k), of the features that the second regression weighs.

    Args:
        question: What is asked.
        corpus: The candidates, at least one.
        freshness: Shape (n,), in [0, 1].
        model: Coefficients that find the strongest items; those shipped for its kind by default.
    """
    features = first_features(question, corpus, match_of(question, corpus), freshness)
    kind = kind_of(features)
    used = shipped_models()[kind] if model is None else model
    estimate = used.first.probability(features, offset=importance_offset(corpus))
    names = tuple(used.final.weights)
    features |= feedback_features(question, corpus, estimate, names)
    missing = np.zeros(len(corpus.lexical))
    return kind, names, np.column_stack([features.get(name, missing) for name in names])


def _asked(
    query: str,
    vector: FloatArray | None,
    snapshot: PoolSnapshot,
    embedder: Embedder | None,
    now: datetime,
) -> tuple[Corpus, Question]:
    asked = question_of(query, vector, snapshot, embedder, now=now)
    vectors = None if asked.vectors is None else asked.vectors.column
    return snapshot.corpus(vectors, None), asked.question

"""What is asked: the text of a query, its vector and its moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.arrays import FloatArray, as_floats
from mba_integrations.core.errors import InputError
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.embedder import Embedder, embed
from mba_integrations.core.search.embeddings import ItemVectors
from mba_integrations.core.search.speaker_names import without_names
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.tokens.token_vectors import TokenVectors
from mba_integrations.core.times import seconds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query as scores are worked out from it.

    Attributes:
        text: Any text.
        vector: Embedding, shape (d,), or None.
        now_seconds: Unix time at which it is asked, or None; None makes "last week" mean nothing.
        nameless: The text without the names of those who say much of what is asked about; None if
            it is the text.
        tokens: Vectors of the tokens of that topic; None where they are not compared.
    """

    text: str
    vector: FloatArray | None
    now_seconds: float | None
    nameless: str | None = None
    tokens: TokenVectors | None = None

    @property
    def topic(self) -> str:
        """What items are matched with by their words."""
        return self.text if self.nameless is None else self.nameless


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with the vectors that it is compared with.

    Attributes:
        question: The question; without a vector where there is none to compare.
        vectors: Vectors of the items; None where nothing is matched with the question.
        fault: What is wrong with the question's vector, as in "its vector is empty"; None if
            nothing is.
    """

    question: Question
    vectors: ItemVectors | None
    fault: str | None


def question_of(
    query: str,
    given: Sequence[float] | FloatArray | None,
    snapshot: PoolSnapshot,
    embedder: Embedder | None,
    *,
    now: datetime,
    token_embedder: CachedTokenEmbedder | None = None,
) -> Asked:
    """The question that a query asks of the items.

    An embedder embeds it without the names of frequent speakers, who would match every second
    message; a vector that is given stays as it is. A vector that is empty, is not finite or has
    another length than the items' counts as missing.

    Args:
        query: Any text.
        given: Its vector; else the embedder makes it.
        snapshot: The items.
        embedder: Also makes the vectors that items lack; None for none.
        now: When it is asked.
        token_embedder: Makes the vectors of its tokens; asked only where vectors are compared.

    Raises:
        InputError: If what is given is no list of numbers, or the embedder returns no array with a
            row for each text.
    """
    vector, fault = _usable(None if given is None else _as_vector(given))
    topic = without_names(query, snapshot.speakers.frequent)
    # A query without text has no meaning to compare; some embedding services refuse it.
    if vector is None and len(snapshot) and query.strip():
        made = embed([topic], embedder)
        if made is not None:
            vector, fault = _usable(made[0])
    vectors = snapshot.vectors(embedder, length=None if vector is None else len(vector))
    if vector is not None and vectors.column is not None and len(vector) != vectors.length:
        fault = f"has {len(vector):,} numbers, the items' have {vectors.length:,}"
        vector = None
    tokens = None
    if token_embedder is not None and vector is not None and vectors.column is not None:
        [tokens] = token_embedder([topic])
    question = Question(
        text=query, vector=vector, now_seconds=seconds_of(now), nameless=topic, tokens=tokens
    )
    return Asked(question=question, vectors=vectors, fault=fault)


def unmatched_question(
    query: str, given: Sequence[float] | FloatArray | None, *, now: datetime
) -> Asked:
    """The question where no item is matched with it: nothing is embedded, no vector is looked at.

    Raises:
        InputError: If what is given as its vector is no list of numbers.
    """
    if given is not None:
        _as_vector(given)
    question = Question(text=query, vector=None, now_seconds=seconds_of(now))
    return Asked(question=question, vectors=None, fault=None)


def _as_vector(given: Sequence[float] | FloatArray) -> FloatArray:
    try:
        vector = as_floats(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("query_embedding is not a list of numbers.") from error
    if vector.ndim != 1:
        raise InputError(
            f"query_embedding must be one vector of numbers, got shape {vector.shape}."
        )
    return vector


def _usable(vector: FloatArray | None) -> tuple[FloatArray | None, str | None]:
    """The vector, if it can be compared; else what is wrong with it."""
    if vector is None:
        return None, None
    if not len(vector):
        return None, "is empty"
    if not np.isfinite(vector).all():
        return None, "holds a value that is not finite"
    return vector, None

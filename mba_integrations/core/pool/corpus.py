"""What relevance and usefulness are worked out from: the columns of the items of one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.vector_column import VectorColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The candidates as columns, all of length n, in input order.

    Attributes:
        texts: The texts.
        lexical: Index of the texts.
        vectors: Embeddings; None where no item has one.
        has_vector: Which items have one, shape (n,); None means all of them.
        source: Code of the conversation, session or document of each item; -1 unknown.
        position: Place within the source; NaN unknown, then input order counts.
        created_seconds: Unix time in seconds; NaN unknown.
        speaker: Index into *speaker_names*; -1 unknown.
        speaker_names: Names as the items give them.
        given_relevance: Relevance handed in by a retriever, in [0, 1]; NaN unknown.
        importance: In [0, 1].
        around: Order of the items within their sources.
        latest: What was worked out for the latest query, by kind; not part of the candidates.
    """

    texts: Sequence[str]
    lexical: LexicalIndex
    vectors: VectorColumn | None
    has_vector: BoolArray | None
    source: IntArray
    position: FloatArray
    created_seconds: FloatArray
    speaker: IntArray
    speaker_names: tuple[str, ...]
    given_relevance: FloatArray
    importance: FloatArray
    around: Neighbourhood
    latest: dict[str, tuple[object, FloatArray]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def once(self, kind: str, query: object, make: Callable[[], FloatArray]) -> FloatArray:
        """What *make* gives, kept until another *query* asks for the same kind; read-only."""
        known = self.latest.get(kind)
        if known is not None and known[0] is query:
            return known[1]
        made = make()
        made.flags.writeable = False
        self.latest[kind] = (query, made)
        return made

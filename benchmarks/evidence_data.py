"""Load the evidence sets as columns: one `EvidencePool` per pool of items, with its questions.

A set is a file `NAME.jsonl.gz`, one pool a line; embeddings are in `NAME.minilm.npz`, those of
questions without the names of those who talk in `NAME.nameless.npz`, and vectors of the tokens of
both in `NAME.tokens.npz` (`evidence_embeddings` writes the latter two); or all are made on the spot
by WordLlama. Items without text are left out. Token counts are those of o200k_base on
the line as it is rendered: "- ", the text, a newline.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.columns import Speakers
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.speaker_names import without_names
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.tokens.token_vectors import TokenVectors
from mba_integrations.core.search.vector_column import VectorColumn

Embedder = Callable[[list[str]], FloatArray]
_STORED = ("minilm", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceQuery:
    """A question, and which items its answer needs.

    Attributes:
        text: The question.
        category: Kind of question, as the set names it.
        asked_seconds: Unix time in seconds, or None.
        evidence: Groups of item rows; one row of each group is enough.
        vector: Embedding of *nameless*, or of the text where that is not stored, shape (d,); None
            without embeddings.
        nameless: The question without the names of those who talk.
        tokens: Vectors of the tokens of *nameless*; None where they are not stored.
    """

    text: str
    nameless: str
    category: str
    asked_seconds: float | None
    evidence: tuple[tuple[int, ...], ...]
    vector: FloatArray | None
    tokens: TokenVectors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePool:
    """Items of one pool as columns, and the questions that have evidence in it."""

    set_name: str
    pool_id: str
    corpus: Corpus
    tokens: IntArray
    queries: tuple[EvidenceQuery, ...]

    def labels(self, query: EvidenceQuery) -> BoolArray:
        """Which items are evidence for *query*, shape (n,)."""
        labels = np.zeros(len(self.tokens), dtype=bool)
        labels[[row for group in query.evidence for row in group]] = True
        return labels


def load_set(
    folder: Path, name: str, *, dense: str = "minilm", embedder: Embedder | None = None
) -> list[EvidencePool]:
    """All pools of the set *name*.

    Args:
        folder: Where the files are.
        name: File name without `.jsonl.gz`.
        dense: "minilm" for the stored embeddings, "tokens" for those of tokens as well where there
            are any, "local" for *embedder*, "none" for neither.
        embedder: Used with "local".
    """
    stored = _stored(folder, name, tokens=dense == "tokens") if dense in _STORED else None
    return [
        _pool(name, record, stored, embedder if dense == "local" else None)
        for record in records(folder, name)
    ]


def _stored(folder: Path, name: str, *, tokens: bool) -> dict[str, Any]:
    """Embeddings by pool; of questions those without names, where they are there."""
    arrays = dict(np.load(folder / f"{name}.minilm.npz"))
    nameless, of_tokens = folder / f"{name}.nameless.npz", folder / f"{name}.tokens.npz"
    if nameless.exists():
        arrays |= dict(np.load(nameless))
    if tokens and of_tokens.exists():
        arrays |= {f"tokens_of_{key}": array for key, array in np.load(of_tokens).items()}
    return arrays


def has_minilm(folder: Path, name: str) -> bool:
    """Whether embeddings of the set are stored."""
    return (folder / f"{name}.minilm.npz").exists()


def local_embedder() -> Embedder:
    """WordLlama with the weights of its wheel; needs no network."""
    import wordllama

    root = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=root, disable_download=True)
    return lambda texts: np.asarray(model.embed(texts, norm=True), dtype=np.float32)


def records(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The pools of a set as they are written."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _pool(
    name: str, record: dict[str, Any], stored: Any, embedder: Embedder | None
) -> EvidencePool:
    items = record["items"]
    keep = [i for i, item in enumerate(items) if item["text"].strip()]
    texts = [items[i]["text"] for i in keep]
    vectors, query_vectors = _vectors(record, keep, texts, stored, embedder)
    rows = {items[i]["id"]: row for row, i in enumerate(keep)}
    asked = asked_without_names(record)
    tokens, query_tokens = _tokens(record["pool_id"], texts, stored)
    corpus = replace(_corpus([items[i] for i in keep], texts, vectors), tokens=tokens)
    return EvidencePool(
        set_name=name,
        pool_id=record["pool_id"],
        corpus=corpus,
        tokens=line_tokens(texts),
        queries=_queries(record["queries"], rows, query_vectors, asked, query_tokens),
    )


def _vectors(
    record: dict[str, Any],
    keep: list[int],
    texts: list[str],
    stored: Any,
    embedder: Embedder | None,
) -> tuple[FloatArray | None, dict[str, FloatArray]]:
    if stored is not None:
        pool_id = record["pool_id"]
        ids = [str(i) for i in stored[f"query_ids/{pool_id}"]]
        queries = stored[f"queries/{pool_id}"].astype(np.float32)
        vectors = stored[f"items/{pool_id}"].astype(np.float32)[keep]
        return _unit_rows(vectors), dict(zip(ids, queries, strict=True))
    if embedder is not None and texts:
        asked = asked_without_names(record)
        vectors = {key: embedder([text])[0] for key, text in asked.items()}
        return _unit_rows(embedder(texts)), vectors
    return None, {}


def asked_without_names(record: dict[str, Any]) -> dict[str, str]:
    """The questions of a pool that have evidence, by id, without the names of those who talk."""
    names = _talkers(record["items"])
    asked = [query for query in record["queries"] if query["evidence"]]
    return {query["id"]: without_names(query["text"], names) for query in asked}


def _tokens(
    pool_id: str, texts: list[str], stored: Any
) -> tuple[CachedTokenEmbedder | None, dict[str, TokenVectors]]:
    """Vectors of the tokens of the items, and of questions by id; None where none are stored."""
    if stored is None or f"tokens_of_items/{pool_id}" not in stored:
        return None, {}
    of_text = dict(zip(texts, _parts(stored, f"items{{}}/{pool_id}"), strict=True))
    ids = [str(key) for key in stored[f"tokens_of_query_ids/{pool_id}"]]
    of_query = dict(zip(ids, _parts(stored, f"queries{{}}/{pool_id}"), strict=True))
    # Kept by the embedder as soon as they are asked for, so they are made small once.
    return CachedTokenEmbedder(
        lambda some: [of_text[text].astype(np.float32) for text in some]
    ), of_query


def _parts(stored: Any, name: str) -> list[TokenVectors]:
    vectors = stored["tokens_of_" + name.format("")]
    sizes = stored["tokens_of_" + name.format("_sizes")]
    ends = np.cumsum(sizes)
    return [vectors[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _unit_rows(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def _corpus(items: list[dict[str, Any]], texts: list[str], vectors: FloatArray | None) -> Corpus:
    metas = [item["meta"] for item in items]
    # A session is where an item stood; sets that have none (merged paragraphs) have no source.
    turns = any("turn" in meta for meta in metas)
    source = _codes([meta.get("session", 0) if turns else None for meta in metas])[0]
    speaker, names = _codes([meta.get("speaker") for meta in metas])
    nan = np.full(len(items), np.nan)
    position = np.arange(len(items), dtype=np.float64) if turns else nan
    return Corpus(
        texts=texts,
        lexical=LexicalIndex.build(texts),
        vectors=None if vectors is None else VectorColumn.of_matrix(vectors),
        has_vector=None,
        source=source,
        position=position,
        created_seconds=np.array([_seconds(item["created_at"]) for item in items], dtype=float),
        speaker=speaker,
        speaker_names=tuple(str(name) for name in names),
        given_relevance=nan,
        importance=np.full(len(items), 0.5),
        around=Neighbourhood(source=source, position=position),
    )


def _talkers(items: list[dict[str, Any]]) -> tuple[str, ...]:
    """Those who say much of a pool."""
    says = [
        MemoryItem(str(row), item["text"], "rag", metadata={"speaker": item["meta"].get("speaker")})
        for row, item in enumerate(items)
    ]
    return Speakers.build(says, np.full(len(says), -1)).frequent


def _codes(values: Sequence[Any]) -> tuple[IntArray, list[Any]]:
    codes: dict[Any, int] = {}
    numbers = [-1 if value is None else codes.setdefault(value, len(codes)) for value in values]
    return np.array(numbers, dtype=np.int64), list(codes)


def _seconds(stamp: str | None) -> float:
    if stamp is None:
        return float("nan")
    moment = datetime.fromisoformat(stamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def line_tokens(texts: Sequence[str]) -> IntArray:
    """Tokens of each text as a rendered line, shape (n,)."""
    counts = counter_for_model("gpt-4o").count_batch([f"- {text}\n" for text in texts])
    return np.array(counts, dtype=np.int64)


def _queries(
    records: list[dict[str, Any]],
    rows: dict[str, int],
    vectors: dict[str, FloatArray],
    nameless: dict[str, str],
    tokens: dict[str, TokenVectors],
) -> tuple[EvidenceQuery, ...]:
    queries = []
    for record in records:
        groups = record.get("evidence_groups") or [[item] for item in record["evidence"]]
        known = [tuple(rows[item] for item in group if item in rows) for group in groups]
        evidence = tuple(group for group in known if group)
        if evidence:
            asked = _seconds(record["asked_at"])
            queries.append(
                EvidenceQuery(
                    text=record["text"],
                    nameless=nameless.get(record["id"], record["text"]),
                    category=record["category"],
                    asked_seconds=None if np.isnan(asked) else asked,
                    evidence=evidence,
                    vector=vectors.get(record["id"]),
                    tokens=tokens.get(record["id"]),
                )
            )
    return tuple(queries)

"""The RAG benchmark on a set made for the test: what it asks, cuts and counts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import evidence_methods as methods
from benchmarks import rag_evidence as benchmark
from benchmarks import rag_evidence_peers as peers
from benchmarks.rag_evidence import Piece
from benchmarks.rag_evidence_peers import Block, SourcedPool, cut
from mba_integrations.core.value.usefulness import shipped_models

TEXTS = {
    "doc_card_001": "The card costs nothing.",
    "doc_card_002": "A lost card is blocked by phone.",
    "doc_loan_001": "A loan runs ten years.",
}
VECTORS = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]], dtype=np.float16)
CARD = "What does the card cost?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of each name that places items, with vectors."""
    bare: dict[str, Any] = {"tier": None, "created_at": None, "meta": {}}
    items = [{**bare, "id": item_id, "text": text} for item_id, text in TEXTS.items()]
    evidence = {CARD: ["doc_card_001", "doc_card_002"], "How long is a loan?": ["doc_loan_001"]}
    asked = {"asked_at": None, "category": "plain", "answer": ""}
    queries = [{**asked, "id": text, "text": text, "evidence": evidence[text]} for text in evidence]
    record = {"pool_id": "p", "items": items, "queries": queries}
    vectors = {
        "items/p": VECTORS,
        "queries/p": VECTORS[[0, 2]],
        "query_ids/p": np.array(list(evidence)),
    }
    for name in ("tau2-banking-kb", "qasper-goldpool", "cosqa"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        np.savez(tmp_path / f"{name}.minilm.npz", **vectors)
    return tmp_path


@pytest.fixture
def sourced(folder: Path) -> SourcedPool:
    """The pool of three articles, two of them of one section."""
    return benchmark.sourced_pools(folder, "tau2-banking-kb")[0]


@pytest.mark.parametrize(
    ("name", "documents", "sections"),
    [
        pytest.param("tau2-banking-kb", list(TEXTS), ["doc_card", "doc_card", "doc_loan"], id="kb"),
        pytest.param("qasper-goldpool", ["p"] * 3, ["p"] * 3, id="a pool is a paper"),
        pytest.param("cosqa", list(TEXTS), list(TEXTS), id="each item by itself"),
    ],
)
def test_items_are_pieces_of_the_documents_that_the_set_has(
    folder: Path, name: str, documents: Sequence[str], sections: Sequence[str]
) -> None:
    (one,) = benchmark.sourced_pools(folder, name)
    assert (list(one.documents), list(one.sections)) == (documents, sections)


def test_a_sample_of_questions_is_spread_over_all(folder: Path) -> None:
    (one,) = benchmark.sourced_pools(folder, "cosqa", most=1)
    assert [query.text for query in one.pool.queries] == [CARD]


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(0, 100))
def test_a_ranking_of_items_is_cut_as_all_methods_are(costs: list[int], budget: int) -> None:
    ranking = [Block((row,), cost) for row, cost in enumerate(costs)]
    tokens = np.array(costs, dtype=np.int64)
    (expected,) = methods.selections(-np.arange(len(costs), dtype=float), tokens, [budget])
    assert cut(ranking, budget, len(costs)).tolist() == expected.tolist()


def test_what_came_with_its_section_is_not_paid_again() -> None:
    ranking = [Block((0, 1), 10), Block((1,), 4), Block((2,), 5)]
    assert cut(ranking, 15, 3).tolist() == [True, True, True]
    assert cut(ranking, 9, 3).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("label", "first"),
    [
        pytest.param("LangChain `InMemoryVectorStore`", (0,), id="langchain"),
        pytest.param("LlamaIndex `VectorIndexRetriever`", (0,), id="llamaindex"),
        pytest.param("LlamaIndex `AutoMergingRetriever`", (0, 1), id="merged"),
    ],
)
def test_a_peer_ranks_by_the_vectors_of_the_set(
    sourced: SourcedPool, label: str, first: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "MERGED_TOKENS", 2 * int(np.mean(sourced.pool.tokens)))
    (peer,) = (one for one in peers.PEERS if one.label == label)
    ranking = peer.prepare(sourced)(sourced.pool.queries[0])
    assert ranking[0].rows == first
    assert sorted({row for block in ranking for row in block.rows}) == [0, 1, 2]


def test_a_package_that_is_not_there_is_named() -> None:
    there = {"json": "json", "no_such_package_of_any_kind": "some-retrievers"}
    assert peers.Peer("any", there, lambda _: lambda _: []).missing == ["some-retrievers"]


def test_the_service_shows_pieces_within_each_budget(sourced: SourcedPool) -> None:
    with benchmark.service_of([sourced], **benchmark.SETTINGS[benchmark.OURS]) as rag:
        way = benchmark.of_service(rag, "pool-0", [15, 200])
        answer = way(sourced.pool.queries[0])
    assert answer.shown[0] == {0: Piece(TEXTS["doc_card_001"])}
    assert answer.shown[1].keys() == {0, 1, 2}
    assert all(used <= budget for used, budget in zip(answer.used, [15, 200], strict=True))


def test_evidence_is_counted_by_items_texts_and_sentences(sourced: SourcedPool) -> None:
    query = sourced.pool.queries[0]
    shown = {0: Piece("The card costs", 0.6), 2: Piece(TEXTS["doc_loan_001"])}
    assert benchmark.items_found(query, shown) == 0.5
    assert benchmark.text_found(query, shown) == pytest.approx(0.3)
    assert benchmark.sentences_found(["the card costs", "a lost card"], shown) == 0.5


def test_the_table_has_the_service_and_every_peer_that_is_there(
    sourced: SourcedPool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nearest = peers.Peer("nearest", {}, lambda _: lambda _: [Block((0,), 7)])
    absent = peers.Peer("absent", {"no_such_package_of_any_kind": "none"}, lambda _: lambda _: [])
    monkeypatch.setattr(benchmark, "PEERS", (nearest, absent))
    models = MappingProxyType(dict(shipped_models()))
    labels = {CARD: ["the card costs nothing", "a lost card is blocked by phone"]}
    found = benchmark.compared([sourced], models, labels)
    assert found["nearest"].sentences == pytest.approx(0.5)
    benchmark.report("small", found)
    rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()]
    assert rows[-3:] == ["| nearest", *(f"| {label}" for label in benchmark.SETTINGS)]
    assert "absent" not in str(rows)

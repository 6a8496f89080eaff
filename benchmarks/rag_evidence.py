"""Evidence of documents at equal tokens: `RagService.retrieve` beside the retrievers of others.

    pip install langchain-core langchain-classic langchain-community rank-bm25 \
        llama-index-core llama-index-retrievers-bm25
    python -m benchmarks.rag_evidence --data ../shared/data

The items of a set are the pieces of documents: those of one source are one document, in their
order, and each pool is a workspace. All rank the same pieces by the same vectors, which come with
them: those of MiniLM where they are stored, else of WordLlama. What a peer ranks is cut as
everywhere in `evidence_methods`: what does not fit is skipped. It pays for the lines alone, the
service for the whole prompt.

The service is asked twice, as it comes, where it shows long pieces in part and leaves off what is
worth less than its tokens, and with whole pieces and no price, which is what the others do. A piece
counts as found where any part of it is shown. `text` counts it by the part of its characters that
is shown, and `sentences` counts the sentences that the answer needs, where a set labels them.

The shipped coefficients were fitted on the two multi-hop sets, among others. There the service
works with coefficients that are fitted here without the set at hand; `--shipped` uses those
shipped. How many items an answer needs, by which the price goes, is of the shipped fit throughout.
The bias of this page: its authors wrote one of the methods.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.evidence import FITTED_SETS, Fits, Outcome, Sets, machine
from benchmarks.evidence_data import (
    EvidencePool,
    EvidenceQuery,
    has_minilm,
    load_set,
    local_embedder,
    records,
)
from benchmarks.evidence_peers import lead
from benchmarks.rag_evidence_peers import PEERS, Ranker, SourcedPool, cut
from benchmarks.sentences import load_pools, plain
from mba_integrations import MemoryItem
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.result.candidates import Selected
from mba_integrations.core.value import usefulness
from mba_integrations.core.value.usefulness import UsefulnessModel, shipped_models
from mba_integrations.services import NewDocument, RagService

SETS = (
    *("hotpotqa-merged", "2wikimultihopqa-merged"),
    *("qasper-goldpool", "tau2-banking-kb", "cosqa"),
)
BUDGETS = (256, 512, 1024, 2048)
GOAL = 1024
OURS = "`RagService`, whole pieces, no price"
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "`RagService`": {},
    OURS: {"passage_min_tokens": None, "token_price": 0.0},
}
"""Settings of the workspaces by the labels of tables."""
# A pool of qasper has the paragraphs of one paper. An article of tau2's knowledge base is one item:
# doc_credit_cards_ecocard_003 is the third on that card.
_ONE_DOCUMENT = frozenset({"qasper-goldpool"})
_NUMBERED_SECTIONS = frozenset({"tau2-banking-kb"})


@dataclass(frozen=True, slots=True)
class Piece:
    """What is shown of an item.

    Attributes:
        text: As it stands in the prompt.
        part: Of the item's characters, in (0, 1].
    """

    text: str
    part: float = 1.0


Shown = Mapping[int, Piece]
"""By the rows of the items."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question gets at each budget.

    Attributes:
        shown: Of the items, at each budget.
        seconds: CPU time of one call.
        used: Tokens at each budget, by what counts them.
    """

    shown: Sequence[Shown]
    seconds: float
    used: Sequence[int]


Way = Callable[[EvidenceQuery], Answer]


def sourced_pools(data: Path, name: str, *, most: int | None = None) -> list[SourcedPool]:
    """The pools of a set with vectors and sources; of its questions *most*, evenly spread."""
    stored = has_minilm(data, name)
    embedder = None if stored else local_embedder()
    pools = load_set(data, name, dense="minilm" if stored else "local", embedder=embedder)
    sourced = [
        _sourced(name, pool, [item["id"] for item in record["items"] if item["text"].strip()])
        for pool, record in zip(pools, records(data, name), strict=True)
    ]
    return sourced if most is None else _sampled(sourced, most)


def _sourced(name: str, pool: EvidencePool, ids: Sequence[str]) -> SourcedPool:
    documents = [pool.pool_id] * len(ids) if name in _ONE_DOCUMENT else ids
    numbered = name in _NUMBERED_SECTIONS
    sections = [one.rpartition("_")[0] for one in ids] if numbered else documents
    return SourcedPool(pool, tuple(documents), tuple(sections))


def _sampled(pools: Sequence[SourcedPool], most: int) -> list[SourcedPool]:
    count = sum(len(one.pool.queries) for one in pools)
    chosen = set(np.linspace(0, count - 1, min(most, count)).astype(int).tolist())
    sampled, first = [], 0
    for one in pools:
        queries = [q for at, q in enumerate(one.pool.queries, first) if at in chosen]
        first += len(one.pool.queries)
        if queries:
            sampled.append(replace(one, pool=replace(one.pool, queries=tuple(queries))))
    return sampled


@contextmanager
def service_of(pools: Sequence[SourcedPool], **settings: Any) -> Iterator[RagService]:
    """A service that has each pool as a workspace of those settings, `pool-0` the first."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RagService.open(
            Path(folder) / "rag.db", embedding_model="of the set", background=False
        ) as rag,
    ):
        for number, sourced in enumerate(pools):
            rag.memory.create_workspace(f"pool-{number}", **settings)
            rag.sync(f"pool-{number}", "set", _documents(sourced))
        yield rag


def _documents(sourced: SourcedPool) -> list[NewDocument]:
    corpus = sourced.pool.corpus
    pieces: dict[str, list[MemoryItem]] = {}
    assert corpus.vectors is not None
    vectors = corpus.vectors.take(np.arange(len(corpus.texts)))
    for row, document in enumerate(sourced.documents):
        item = MemoryItem(
            *(str(row), corpus.texts[row], "rag"), embedding=vectors[row], metadata={"row": row}
        )
        pieces.setdefault(document, []).append(item)
    return [NewDocument(document_id=one, pieces=some) for one, some in pieces.items()]


def of_service(rag: RagService, workspace_id: str, budgets: Sequence[int]) -> Way:
    """Questions to a workspace of the service."""

    def way(query: EvidenceQuery) -> Answer:
        begun = time.process_time()
        replies = [
            rag.retrieve(
                *(workspace_id, query.text),
                budget_tokens=budget,
                query_embedding=query.vector,
                record_access=False,
            )
            for budget in budgets
        ]
        seconds = (time.process_time() - begun) / len(budgets)
        assert np.all(np.array([one.used_tokens for one in replies]) <= budgets)
        shown = [
            {int(one.item.metadata["row"]): _piece(one) for one in reply.selected}
            for reply in replies
        ]
        return Answer(shown, seconds, [reply.used_tokens for reply in replies])

    return way


def _piece(selected: Selected) -> Piece:
    if selected.passage is None:
        return Piece(selected.content)
    return Piece(selected.passage, min(1.0, len(selected.passage) / len(selected.content)))


def of_peer(ranker: Ranker, sourced: SourcedPool, budgets: Sequence[int]) -> Way:
    """Questions to a peer, whose ranking is cut at each budget."""
    texts, tokens = sourced.pool.corpus.texts, sourced.pool.tokens

    def way(query: EvidenceQuery) -> Answer:
        begun = time.process_time()
        ranking = ranker(query)
        seconds = time.process_time() - begun
        taken = [cut(ranking, budget, len(tokens)) for budget in budgets]
        shown = [{row: Piece(texts[row]) for row in np.flatnonzero(one).tolist()} for one in taken]
        return Answer(shown, seconds, [int(tokens[one].sum()) for one in taken])

    return way


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way found of a set.

    Attributes:
        items: Recall of the labelled items.
        text: Recall of their texts.
        sentences: Mean recall of the labelled sentences at each budget, of the questions that have
            labels; None where none has.
        used: Mean tokens at each budget.
        seconds: Mean CPU time of a question.
    """

    items: Outcome
    text: Outcome
    sentences: FloatArray | None
    used: FloatArray
    seconds: float


def measured(
    pools: Sequence[SourcedPool],
    ways: Sequence[Way],
    labelled: Mapping[str, Sequence[str]] | None = None,
) -> Measured:
    """What the ways, one for each pool, find.

    Args:
        pools: Pools.
        ways: Of each.
        labelled: The sentences that are needed, by the text of the question.
    """
    asked = [
        (number, query, way(query))
        for number, (one, way) in enumerate(zip(pools, ways, strict=True))
        for query in one.pool.queries
    ]
    owners = np.array([number for number, _, _ in asked], dtype=float)
    kinds = tuple(query.category for _, query, _ in asked)

    def outcome(share: Callable[[EvidenceQuery, Shown], float]) -> Outcome:
        rows = [[share(query, shown) for shown in answer.shown] for _, query, answer in asked]
        return Outcome(recall=np.array(rows), pool_of_question=owners, categories=kinds)

    return Measured(
        items=outcome(items_found),
        text=outcome(text_found),
        sentences=_of_sentences(asked, labelled or {}),
        used=np.mean([answer.used for _, _, answer in asked], axis=0),
        seconds=float(np.mean([answer.seconds for _, _, answer in asked])),
    )


def _of_sentences(
    asked: Sequence[tuple[int, EvidenceQuery, Answer]], labelled: Mapping[str, Sequence[str]]
) -> FloatArray | None:
    rows = [
        [sentences_found(labelled[query.text], shown) for shown in answer.shown]
        for _, query, answer in asked
        if labelled.get(query.text)
    ]
    return np.mean(rows, axis=0) if rows else None


def items_found(query: EvidenceQuery, shown: Shown) -> float:
    """Part of the question's evidence of which anything is shown."""
    return float(np.mean([any(row in shown for row in group) for group in query.evidence]))


def text_found(query: EvidenceQuery, shown: Shown) -> float:
    """Part of the question's evidence that is shown, of a piece by the part that is."""
    parts = {row: piece.part for row, piece in shown.items()}
    return float(np.mean([max(parts.get(row, 0.0) for row in group) for group in query.evidence]))


def sentences_found(labelled: Sequence[str], shown: Shown) -> float:
    """Part of the labelled sentences that are shown."""
    prompt = "\n".join(plain(piece.text) for piece in shown.values())
    return float(np.mean([sentence in prompt for sentence in labelled]))


def labelled_sentences(data: Path, name: str) -> dict[str, Sequence[str]]:
    """By the texts of questions; none where vectors are not stored, which is where none are."""
    if not has_minilm(data, name):
        return {}
    pools = load_pools(data, name, tier="rag")
    return {one.text: one.sentences for pool in pools for one in pool.asked}


def compared(
    pools: Sequence[SourcedPool],
    models: Mapping[str, UsefulnessModel],
    labelled: Mapping[str, Sequence[str]] | None,
    budgets: Sequence[int] = BUDGETS,
) -> dict[str, Measured]:
    """The service and what can be measured of the peers, by the labels of the table."""
    found = {}
    for peer in PEERS:
        if not peer.missing and (not peer.merges or any(one.has_sections for one in pools)):
            ways = [of_peer(peer.prepare(one), one, budgets) for one in pools]
            found[peer.label] = measured(pools, ways, labelled)
    for label, settings in SETTINGS.items():
        with (
            service_of(pools, **settings) as rag,
            patch.object(usefulness, "shipped_models", lambda: models),
        ):
            ways = [of_service(rag, f"pool-{n}", budgets) for n in range(len(pools))]
            found[label] = measured(pools, ways, labelled)
    return found


def report(name: str, found: Mapping[str, Measured], budgets: Sequence[int] = BUDGETS) -> None:
    """Print the table of one set, in percent, with 95 % bootstrap intervals.

    All behind the budgets is at `GOAL` tokens; ahead is the service with whole pieces.
    """
    goal = budgets.index(GOAL)
    questions = len(found[OURS].items.recall)
    print(f"\n### {name}, {questions} questions\n")
    sentences = found[OURS].sentences is not None
    heads = [*map(str, budgets), "text", *(["sentences"] if sentences else [])]
    heads += ["tokens", "service ahead", "CPU ms"]
    print("| selection | " + " | ".join(heads) + " |")
    print("| --- |" + " --- |" * len(heads))
    for label, one in found.items():
        row = one.items.summary()
        cells = [f"{value:.1f}" for value in row["recall"]]
        cells[goal] += f" [{row['low'][goal]:.1f}, {row['high'][goal]:.1f}]"
        cells.append(f"{one.text.summary()['recall'][goal]:.1f}")
        if one.sentences is not None:
            cells.append(f"{100.0 * one.sentences[goal]:.1f}")
        mean, low, high = lead(found[OURS].items, one.items)[:, goal]
        ahead = "" if label in SETTINGS else f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"
        cells += [f"{one.used[goal]:.0f}", ahead, f"{1000.0 * one.seconds:.1f}"]
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


def versions() -> str:
    """Of the packages that are measured, and what is missing."""
    packages = sorted({package for peer in PEERS for package in peer.modules.values()})
    missing = sorted({package for peer in PEERS for package in peer.missing})
    known = [f"{one} {metadata.version(one)}" for one in packages if one not in missing]
    absent = [f"left out for want of: pip install {' '.join(missing)}"] if missing else []
    return ", ".join([*known, *absent])


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Evidence of documents at equal tokens.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--questions", type=int, help="at most so many of each set")
    parser.add_argument("--shipped", action="store_true", help="use the shipped coefficients")
    options = parser.parse_args(arguments)
    command = ["python -m benchmarks.rag_evidence", *(arguments or sys.argv[1:])]
    print(f"{machine()}, {versions()} | {' '.join(command)}", flush=True)
    held_out = [] if options.shipped else [name for name in options.sets if name in FITTED_SETS]
    sets: Sets = {name: load_set(options.data, name) for name in FITTED_SETS if held_out}
    fits = Fits(sets, ["dense"])
    for name in options.sets:
        pools = sourced_pools(options.data, name, most=options.questions)
        models = fits.without(name) if name in held_out else shipped_models()
        report(name, compared(pools, models, labelled_sentences(options.data, name)))


if __name__ == "__main__":
    main()

"""How much of what an answer needs is shown, sentence by sentence, at equal tokens.

    python -m benchmarks.sentences --data ../shared/data
    python -m benchmarks.sentences --data ../shared/data --prices 0 1e-6 3e-6 1e-5 3e-5

Each question is one call of the public API with stored embeddings, at each budget, once with whole
items only and once with sentences as units. Three figures, in percent:

sentences  labelled sentences that stand in the prompt, of the questions that have labels
answers    questions whose answer stands in what is shown of an item that is evidence
items      labelled items of which at least a part is in the prompt

With `--prices` one table for each set has the same for prices of a token, with the tokens used.
The shipped coefficients were fitted on 2WikiMultihopQA and HotpotQA, among others: the difference
between whole items and sentences is what this page measures. Where a label says that sentence 2 is
needed, its number counts sentences as `label_sentences` cuts them, which is simpler than what the
library does and is not always what the set's authors did.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.core.arrays import FloatArray

Tier = Literal["working", "project", "long_term", "rag"]
SETS = ("2wikimultihopqa-merged", "hotpotqa-merged", "musique-train-merged")
BUDGETS = (256, 512, 1024, 2048, 4096)
FIGURES = ("sentences", "answers", "items", "tokens")
_END = re.compile(r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b[JSDM]r\.)(?<!\bSt\.)[\"')]*\s+(?![a-z])")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of a set, with what its answer needs.

    Attributes:
        text: The question.
        vector: Its embedding, shape (d,).
        now: When it is asked.
        evidence: Ids of the items that are needed; of each tuple one is enough.
        sentences: Labelled sentences.
        answer: The answer.
    """

    text: str
    vector: FloatArray | None
    now: datetime
    evidence: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Items and the questions about them."""

    items: tuple[MemoryItem, ...]
    asked: tuple[Asked, ...]


def load_pools(folder: Path, name: str, *, tier: Tier) -> Iterator[Pool]:
    """The pools of a set, with stored embeddings."""
    stored = np.load(folder / f"{name}.minilm.npz")
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            vectors = stored[f"items/{record['pool_id']}"].astype(np.float32)
            yield Pool(_items(record, vectors, tier), _asked(record, stored))


def _items(record: dict[str, Any], vectors: FloatArray, tier: Tier) -> tuple[MemoryItem, ...]:
    vectors.flags.writeable = False
    made = []
    for place, (item, vector) in enumerate(zip(record["items"], vectors, strict=True)):
        meta = item["meta"]
        is_turn = "turn" in meta
        made.append(
            MemoryItem(
                item["id"],
                item["text"],
                tier,
                created_at=_moment(item["created_at"]),
                source=str(meta.get("session", 0)) if is_turn else None,
                position=place if is_turn else None,
                embedding=vector,
                metadata={"speaker": meta["speaker"]} if meta.get("speaker") else {},
            )
        )
    return tuple(item for item in made if item.content.strip())


def _moment(stamp: str | None) -> datetime | None:
    if stamp is None:
        return None
    moment = datetime.fromisoformat(stamp)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _asked(record: dict[str, Any], stored: Any) -> tuple[Asked, ...]:
    ids = [str(one) for one in stored[f"query_ids/{record['pool_id']}"]]
    vectors = stored[f"queries/{record['pool_id']}"].astype(np.float32)
    vector_of = dict(zip(ids, vectors, strict=True))
    texts = {item["id"]: item["text"] for item in record["items"]}
    return tuple(
        Asked(
            text=query["text"],
            vector=vector_of.get(query["id"]),
            now=_moment(query["asked_at"]) or _NOW,
            evidence=_evidence(query, texts),
            sentences=_labelled(query.get("sentence_evidence") or {}, texts),
            answer=plain(query["answer"] or ""),
        )
        for query in record["queries"]
        if query["evidence"]
    )


def _evidence(query: dict[str, Any], texts: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    groups = query.get("evidence_groups") or [[one] for one in query["evidence"]]
    return tuple(tuple(one for one in group if one in texts) for group in groups)


def _labelled(places: dict[str, list[int]], texts: dict[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    for item_id, of_item in places.items():
        sentences = label_sentences(texts[item_id])
        found += [sentences[min(place, len(sentences) - 1)] for place in of_item]
    return tuple(plain(sentence) for sentence in found)


def label_sentences(text: str) -> list[str]:
    """Sentences of a text below its first line, which is a title.

    >>> label_sentences('Oslo\\nA city. Its harbour froze.')
    ['A city.', 'Its harbour froze.']
    """
    return [part for part in _END.split(text.partition("\n")[2]) if part.strip()] or [text]


def plain(text: str) -> str:
    """Words in lower case; what is left out of a passage stays a word of its own."""
    return " ".join(re.findall(r"\w+", text.replace("[…]", " omitted ").lower()))


def figures(asked: Asked, allocation: Allocation) -> tuple[float, ...]:
    """The figures of one call, from 0 to 1, and the tokens used; NaN where there is no label."""
    shown = {one.id: plain(one.passage or one.content) for one in allocation.selected}
    prompt = "\n".join(shown.values())
    evidence = [item_id for group in asked.evidence for item_id in group]
    items = [any(one in shown for one in group) for group in asked.evidence if group]
    told = [any(asked.answer in shown.get(one, "") for one in evidence)] if asked.answer else []
    return (
        _mean([sentence in prompt for sentence in asked.sentences]),
        _mean(told),
        _mean(items),
        float(allocation.used_tokens),
    )


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else float("nan")


def measured(
    pools: Sequence[Pool], budgets: Sequence[int], tier: Tier, **settings: Any
) -> FloatArray:
    """Means of the figures, shape (budgets, figures)."""
    allocator = MemoryBudgetAllocator()
    shares = {f"{name}_memory_pct": 0.0 for name in ("working", "project", "long_term", "rag")}
    shares[f"{tier}_memory_pct"] = 1.0
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", **shares, **settings))
    rows = [
        [figures(asked, _allocation(allocator, pool, asked, budget)) for budget in budgets]
        for pool in pools
        for asked in pool.asked
    ]
    return np.asarray(np.nanmean(np.array(rows), axis=0))


def _allocation(
    allocator: MemoryBudgetAllocator, pool: Pool, asked: Asked, budget: int
) -> Allocation:
    return allocator.allocate_memory_budget(
        asked.text, pool.items, "w", budget, query_embedding=asked.vector, now=asked.now
    )


def _print_row(name: str, means: FloatArray) -> None:
    for place, figure in enumerate(FIGURES):
        if np.isnan(means[:, place]).all():
            continue
        scale, digits = (1.0, 0) if figure == "tokens" else (100.0, 1)
        cells = [f"{value * scale:.{digits}f}" for value in means[:, place]]
        print(f"| {name} | {figure} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--tier", default="rag")
    parser.add_argument("--budgets", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("--prices", nargs="+", type=float, default=[])
    parser.add_argument("--min-tokens", type=int, default=None)
    parser.add_argument("--most-questions", type=int, default=10**9)
    given = parser.parse_args()
    for name in given.sets:
        pools = list(load_pools(given.data, name, tier=given.tier))
        pools = [Pool(pool.items, pool.asked[: given.most_questions]) for pool in pools]
        print(f"\n### {name}\n\n| | | " + " | ".join(map(str, given.budgets)) + " |")
        print("| --- |" + " --- |" * (len(given.budgets) + 1))
        own = {} if given.min_tokens is None else {"passage_min_tokens": given.min_tokens}
        rows = {"whole items": {"passage_min_tokens": None}, "sentences": own}
        if given.prices:
            rows = {f"{price:g}": {**own, "token_price": price} for price in given.prices}
        for label, settings in rows.items():
            _print_row(label, measured(pools, given.budgets, given.tier, **settings))


if __name__ == "__main__":
    main()

"""Fit the level of usefulness: how many items an answer needs, from what a pool looks like.

    python -m benchmarks.level --data ../shared/data

A Poisson regression of the number of needed items on the signs that `value/need/level.py` reads.
Examples of nothing needed are questions of other sets, put to each pool, as many as its own. Each
set weighs the same. The table shows, for each set, what coefficients fitted without it say: the sum
of estimates over needed items (1 is right), and how often a question of its own stands above one of
another set.

Small pools of ten paragraphs are those of HotpotQA whose vectors the merged pool has; situations
made by hand are embedded by `LocalEmbedder`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import evidence_methods as methods
from benchmarks.evidence import FITTED_SETS, of_kind
from benchmarks.evidence_data import EvidencePool, EvidenceQuery, load_set
from benchmarks.scenario_data import Scenario, load_scenarios
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.vector_column import VectorColumn
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.need.level import levelled, signs_of_need
from mba_integrations.core.value.question import Question, question_of
from mba_integrations.core.value.usefulness import estimate_usefulness
from mba_integrations.local_embedder import LocalEmbedder

_PER_POOL = 25
_MOST_PER_SET = 50
_RIDGE = 1.0
_STEPS = 60
_LOG_RANGE = (-6.0, 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A question put to a pool.

    Attributes:
        signs: What the level is read from, with a 1 before it.
        estimate: Usefulness of each item.
        needed: How many items it needs.
        is_own: Whether it was asked of that pool.
    """

    signs: FloatArray
    estimate: FloatArray
    needed: int
    is_own: bool


def observed(
    question: Question, corpus: Corpus, freshness: FloatArray, needed: int, *, is_own: bool
) -> Observation:
    """What is seen of a question in a pool."""
    match = match_of(question, corpus)
    estimate = estimate_usefulness(question, corpus, match, freshness=freshness)
    signs = np.array([1.0, *signs_of_need(question, corpus, match, estimate)])
    return Observation(signs=signs, estimate=estimate, needed=needed, is_own=is_own)


def of_pools(
    pools: Sequence[EvidencePool], foreign: Sequence[EvidenceQuery]
) -> Iterator[Observation]:
    """Own questions of the pools, and as many of others."""
    step = max(1, sum(min(len(pool.queries), _PER_POOL) for pool in pools) // _MOST_PER_SET)
    for number, pool in enumerate(pools):
        own = pool.queries[:: max(1, len(pool.queries) // _PER_POOL)][:_PER_POOL][::step]
        others = [foreign[(31 * number + 7 * place) % len(foreign)] for place in range(len(own))]
        for queries, is_own in ((own, True), (others, False)):
            for query in queries:
                needed = len(query.evidence) if is_own else 0
                fresh = methods.freshness(pool, query)
                yield observed(methods.question(query), pool.corpus, fresh, needed, is_own=is_own)


def of_scenarios(scenarios: Sequence[Scenario], *, dense: bool) -> Iterator[Observation]:
    """Situations, each with its own query and with that of another."""
    embedder = LocalEmbedder() if dense else None
    for number, scenario in enumerate(scenarios):
        snapshot = PoolSnapshot(scenario.items)
        other = scenarios[(number + 7) % len(scenarios)]
        for query, needed in ((scenario.query, len(scenario.needs)), (other.query, 0)):
            if not query.strip():
                continue  # nothing is asked, and the level is not read
            asked = question_of(query, None, snapshot, embedder, now=scenario.now)
            assert asked.vectors is not None  # the query has text
            yield observed(
                asked.question,
                snapshot.corpus(asked.vectors.column),
                np.full(len(snapshot), 0.5),
                needed,
                is_own=query is scenario.query,
            )


def small_pools(data: Path) -> list[EvidencePool]:
    """Pools of single questions of HotpotQA, with the vectors of the merged pool."""
    [merged] = load_set(data, "hotpotqa-merged")
    assert merged.corpus.vectors is not None
    rows = {text: row for row, text in enumerate(merged.corpus.texts)}
    asked = {query.text: query.vector for query in merged.queries}
    pools = []
    for pool in load_set(data, "hotpotqa", dense="none"):
        places = [rows.get(text, -1) for text in pool.corpus.texts]
        queries = [replace(one, vector=asked.get(one.text)) for one in pool.queries]
        if min(places) >= 0 and all(query.vector is not None for query in queries):
            column = VectorColumn.of_matrix(merged.corpus.vectors.take(np.array(places)))
            pools.append(
                replace(pool, corpus=replace(pool.corpus, vectors=column), queries=tuple(queries))
            )
    return pools


def fitted(sets: Sequence[Sequence[Observation]]) -> FloatArray:
    """Coefficients of the logarithm of the number of needed items, the intercept first."""
    rows = np.array([one.signs for some in sets for one in some])
    needed = np.array([one.needed for some in sets for one in some], dtype=float)
    weights = np.concatenate([np.full(len(some), 200.0 / len(some)) for some in sets])
    penalty = np.diag([0.0, *np.full(rows.shape[1] - 1, _RIDGE)])
    beta = np.array([-1.0, *np.zeros(rows.shape[1] - 1)])
    for _ in range(_STEPS):
        mean = np.exp(np.clip(rows @ beta, -10.0, 3.0))
        slope = rows.T @ (weights * (needed - mean)) - penalty @ beta
        curve = (rows * (weights * mean)[:, None]).T @ rows + penalty
        step = np.linalg.solve(curve, slope)
        beta = beta + step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
    return beta


def report(name: str, some: Sequence[Observation], beta: FloatArray) -> None:
    """One row of the table."""
    expected = np.exp(np.clip([one.signs @ beta for one in some], *_LOG_RANGE))
    own = np.array([one.is_own for one in some])
    needed = np.array([one.needed for one in some], dtype=float)
    sums = np.array(
        [levelled(one.estimate, e).sum() for one, e in zip(some, expected, strict=True)]
    )
    above = (expected[own][:, None] > expected[~own][None, :]).mean()
    ratio = sums[own].sum() / needed[own].sum()
    print(
        f"| {name} | {ratio:.2f} | {above:.2f} | {expected[own].mean():.2f} | "
        f"{expected[~own].mean():.2f} |",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Fit the level of usefulness.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--kinds", nargs="+", default=["dense", "lexical"])
    options = parser.parse_args(arguments)
    pools = {name: load_set(options.data, name) for name in (*FITTED_SETS, "implicit-dialogues")}
    pools["hotpotqa"] = small_pools(options.data)
    scenarios = load_scenarios(options.data / "scenarios.jsonl")
    for kind in options.kinds:
        sets = {name: of_kind(some, kind) for name, some in pools.items()}
        seen: dict[str, list[Observation]] = {
            "scenarios": list(of_scenarios(scenarios, dense=kind == "dense"))
        }
        for name, some in sets.items():
            others = [
                query
                for other, many in sets.items()
                if other.split("-")[0] != name.split("-")[0]
                for pool in many[:3]
                for query in pool.queries[:40]
            ]
            seen[name] = list(of_pools(some, others))
            print(name, len(seen[name]), flush=True)
        fits = [name for name in seen if name != "implicit-dialogues"]
        print(
            f"\n| {kind} | sum / needed | own above others | own | others |\n|---|---|---|---|---|"
        )
        for name, observations in seen.items():
            report(name, observations, fitted([seen[other] for other in fits if other != name]))
        print("all:", np.round(fitted([seen[name] for name in fits]), 3).tolist(), flush=True)


if __name__ == "__main__":
    main()

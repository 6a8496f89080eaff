"""What the speed benchmark measures against: the least that the machine needs for the same work.

Written with nothing of the library but its counter, so that a ratio says what the library adds.
"""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
import time
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.packing import Solver, instance, silenced
from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.packing.pack import pack

TOP = 200


class NumpyFloor:
    """Score, density, the densest 200 and the cut at the budget, over float32 columns.

    Args:
        count: Number of items.
        budget_tokens: Tokens of the cut.
    """

    def __init__(self, count: int, budget_tokens: int) -> None:
        random = np.random.default_rng(count)
        self._relevance, self._importance = random.random((2, count), dtype=np.float32)
        self._age = random.random(count, dtype=np.float32) * 100
        self._tokens = random.integers(20, 120, count).astype(np.float32)
        self._budget = budget_tokens

    def __call__(self) -> IntArray:
        score = np.exp2(self._age * np.float32(-1 / 30))
        score *= np.float32(0.2)
        score += self._relevance * np.float32(0.5)
        score += self._importance * np.float32(0.3)
        density = score / self._tokens
        top = min(TOP, len(density))
        head = np.argpartition(density, len(density) - top)[-top:]
        head = head[np.argsort(-density[head])]
        return head[np.cumsum(self._tokens[head]) <= self._budget]


def count_all(counter: TokenCounter, texts: list[str]) -> int:
    """One pass of a counter over the texts."""
    return sum(counter.count(text) for text in texts)


class LexicalFloor:
    """bm25s on words as they are split at spaces; a call gives the scores of one query."""

    def __init__(self, texts: list[str]) -> None:
        bm25s = import_module("bm25s")
        logging.getLogger("bm25s").setLevel(logging.WARNING)
        vocabulary: dict[str, int] = {}
        rows = [
            [vocabulary.setdefault(word, len(vocabulary)) for word in text.lower().split()]
            for text in texts
        ]
        self._vocabulary = vocabulary
        self._index: Any = bm25s.BM25(method="lucene", backend="numpy")
        self._index.index((rows, vocabulary), create_empty_token=False, show_progress=False)

    def __call__(self, query: str) -> FloatArray:
        words = query.lower().rstrip("?").split()
        found = sorted({self._vocabulary[word] for word in words if word in self._vocabulary})
        scores: FloatArray = self._index.get_scores_from_ids(found)
        return scores


def packing_times(items: int, budget_tokens: int, seeds: int) -> tuple[float, float] | None:
    """Median CPU ms of packing and of HiGHS on the same instances; None without scipy."""
    if importlib.util.find_spec("scipy") is None:
        return None
    ours, theirs = [], []
    for seed, kind in chain.from_iterable(
        [(seed, kind) for kind in ("independent", "score", "correlated")] for seed in range(seeds)
    ):
        problem = instance(kind, items, budget_tokens, "shares", seed)
        pack(problem)
        start = time.process_time()
        pack(problem)
        ours.append(time.process_time() - start)
        start = time.process_time()
        with silenced():
            Solver(problem).solve()
        theirs.append(time.process_time() - start)
    return 1000 * float(np.median(ours)), 1000 * float(np.median(theirs))


def import_ms(statement: str, repeats: int = 5) -> float:
    """Median CPU time of a statement in an interpreter of its own."""
    program = f"import time; t=time.process_time(); {statement}; print(time.process_time()-t)"
    taken = [
        float(subprocess.check_output([sys.executable, "-c", program], text=True))
        for _ in range(repeats)
    ]
    return 1000 * float(np.median(taken))

"""What the speed benchmark works on: texts, memories, queries; and how time is taken.

Equal arguments give equal memories. Times are CPU milliseconds of this process, the median of
several calls after one that is not counted.
"""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from mba_integrations import MemoryItem, MemoryTier, WorkspaceConfig
from mba_integrations.core.arrays import FloatArray

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIMENSIONS = 384
BUDGET_TOKENS = 4096
REPEATS = 7
MOST_SECONDS = 6.0
"""A row stops repeating after this much CPU time."""

QUERIES = (
    "What did we decide about the database deadline?",
    "Which server had the latency problem last week?",
    "Who owns the invoice for the partner contract?",
    "How do I roll back a deploy?",
    "What did the customer say about the holiday schedule?",
    "Where is the summary of the review meeting?",
    "When does the branch for the token budget close?",
)

_COMMON = re.findall(
    r"\w+",
    "the of and a to in is was that it for on with as we they this have from at by not are but "
    "what all were when your can said there use an each which she do how their if will up other "
    "about out many then them these so some her would make like him into time has look two more "
    "write go see number no way could people my than first been call who its now find long down "
    "day did get come made may part decide owner review meeting deadline customer invoice "
    "database server latency branch commit deploy rollback metric alert summary decision partner "
    "contract travel holiday garden recipe music concert film schedule token budget memory query "
    "index cache problem week report question answer project team change release issue plan",
)
_SYLLABLES = re.findall(r"\w+", "ba ker li mon ta ver sol nik dra pel os wen tri gar hul men")


def texts(count: int, *, seed: int = 0) -> list[str]:
    """English-like sentences with rare names: about 60 tokens in the mean, each one different."""
    random = np.random.default_rng([seed, count])
    names = _names(random, max(200, count // 20))
    lengths = np.clip(random.lognormal(np.log(48) - 0.1, 0.45, count), 6, 400).astype(int)
    made = []
    for row, length in enumerate(lengths.tolist()):
        words = [_COMMON[i] for i in random.integers(0, len(_COMMON), length).tolist()]
        for place in range(4, length, 9):
            words[place] = names[int(len(names) * random.random() ** 2)]
        made.append(f"{' '.join(words).capitalize()} {row}.")
    return made


def _names(random: np.random.Generator, count: int) -> list[str]:
    parts = random.integers(0, len(_SYLLABLES), (count, 3))
    return ["".join(_SYLLABLES[i] for i in row).capitalize() for row in parts.tolist()]


def memories(
    count: int, *, relevance: bool, vectors: FloatArray | None = None, seed: int = 0
) -> list[MemoryItem]:
    """Items of four tiers with dates, sources and, where asked for, relevance and vectors.

    Args:
        count: How many.
        relevance: Whether a retriever has given each its relevance.
        vectors: Embeddings, shape (count, d), float32 and read-only, or None.
        seed: Another seed gives other items.
    """
    random = np.random.default_rng([seed, count, 1])
    tiers = [list(MemoryTier)[code] for code in random.choice(4, count, p=[0.05, 0.35, 0.4, 0.2])]
    relevances = random.beta(2, 5, count).tolist()
    importance = (random.integers(0, 11, count) / 10).tolist()
    hours = random.exponential(24 * 30, count).tolist()
    return [
        MemoryItem(
            f"m{row}",
            text,
            tiers[row],
            relevance=relevances[row] if relevance else None,
            importance=importance[row],
            created_at=NOW - timedelta(hours=hours[row]),
            source=f"s{row // 20}",
            position=row % 20,
            embedding=None if vectors is None else vectors[row],
        )
        for row, text in enumerate(texts(count, seed=seed))
    ]


def random_vectors(count: int) -> FloatArray:
    """Unit vectors, shape (count, 384), float32, read-only."""
    made = np.random.default_rng(count).standard_normal((count, DIMENSIONS), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    made.flags.writeable = False
    return made


def workspace(method: str) -> WorkspaceConfig:
    """A workspace whose id is its scoring method."""
    return WorkspaceConfig(
        workspace_id=method,
        max_total_tokens=BUDGET_TOKENS,
        working_memory_pct=0.1,
        project_memory_pct=0.4,
        long_term_memory_pct=0.3,
        rag_memory_pct=0.2,
        scoring_method=method,
    )


def cpu_ms(work: Callable[[], object], *, repeats: int = REPEATS, warm: bool = True) -> float:
    """Median CPU time of a call, after one call that is not counted if *warm*."""
    if warm:
        work()
    taken: list[float] = []
    gc.collect()
    while len(taken) < repeats and sum(taken) < MOST_SECONDS:
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def exponent(sizes: list[int], times: list[float]) -> float:
    """Growth of time with size: slope of the line through the first and the last, in logarithms.

    >>> exponent([10, 1000], [1.0, 100.0])
    1.0
    """
    return float(np.log(times[-1] / times[0]) / np.log(sizes[-1] / sizes[0]))

"""`own_settings`: coefficients of a workspace's own, from its past recalls and their feedback.

Of each recall its candidates of then are weighed as they were then. Recalls without texts, and
those that nothing was said of, are passed over. Memory: the judged memories' features.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mba_integrations.core.config.learned.coefficients import ComplexityCoefficients
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.learning.own.complexity import labelled_query, own_complexity
from mba_integrations.learning.own.features import Label, labelled_features
from mba_integrations.learning.own.usefulness import OwnUsefulness, own_usefulness
from mba_integrations.learning.replay.prepared import Candidates, Prepared
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.settings import config_of_then


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSettings:
    """What came out.

    Attributes:
        recalls: How many were learned from.
        usefulness: Coefficients of usefulness, with how much they stand on.
        complexity: Those of complexity; None where no question has a label.
    """

    recalls: int
    usefulness: OwnUsefulness
    complexity: ComplexityCoefficients | None

    def changes(self) -> dict[str, Any]:
        """The settings that differ from those of the package, as JSON; what has no labels stays."""
        found: dict[str, Any] = {}
        if self.usefulness.models:
            found["usefulness"] = self.usefulness.settings().model_dump(mode="json")
        if self.complexity is not None:
            found["complexity"] = {"learned": self.complexity.model_dump(mode="json")}
        return found


def own_settings(
    records: Iterable[ReplayRecord], complexity: ComplexitySettings | None = None
) -> OwnSettings:
    """Learn from past recalls.

    Args:
        records: They, in any order.
        complexity: Words, points and thresholds of the workspace; the package's by default.
    """
    pools: Prepared[Candidates, MemoryPool] = Prepared(MemoryPool.from_items)
    judged, asked, recalls = [], [], 0
    for record in records:
        labels = _labels(record)
        if record.query is None or not labels:
            continue
        recalls += 1
        features = labelled_features(
            record.query,
            pools.of(record.candidates),
            labels,
            now=record.at,
            config=config_of_then(record.settings),
            query_embedding=record.query_embedding,
        )
        if features is not None:
            judged.append(features)
        question = labelled_query(record.query, labels)
        if question is not None:
            asked.append(question)
    return OwnSettings(
        recalls=recalls,
        usefulness=own_usefulness(judged),
        complexity=own_complexity(asked, complexity),
    )


def _labels(record: ReplayRecord) -> list[Label]:
    return [
        Label(memory_id=one.memory_id, useful=one.useful, weight=one.weight)
        for one in record.feedback
        if one.memory_id is not None and one.useful is not None
    ]

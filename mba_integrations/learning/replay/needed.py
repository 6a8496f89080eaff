"""What feedback says the answers needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from mba_integrations.learning.replay.records import Feedback


def needed_of(feedback: Iterable[Feedback]) -> Mapping[str, float]:
    """The memories that were needed, with weights in (0, 1].

    What several origins say of a memory is added up, for and against. Where the sum is not above 0,
    and of memories that nobody said anything about, nothing is known: they are not in the result,
    and are no evidence against a choice either. What is said of a whole prompt is of no memory.

    >>> said = [("oslo", True, 0.5), ("tram", None, 0.0), ("salt", True, 0.5), ("salt", False, 1.0)]
    >>> needed_of(
    ...     Feedback(memory_id=one, useful=useful, origin="thumb", weight=weight)
    ...     for one, useful, weight in said
    ... )
    {'oslo': 0.5}
    """
    sums: dict[str, float] = defaultdict(float)
    for one in feedback:
        if one.memory_id is not None and one.useful is not None:
            sums[one.memory_id] += one.weight if one.useful else -one.weight
    return {memory_id: min(1.0, total) for memory_id, total in sums.items() if total > 0.0}

"""What is known of a question's memories, as the feedback of its record.

The label is whole: what it does not name is not needed. So it says of memories that the prompt had
not that they were needed, which no feedback on a prompt can say.
"""

from __future__ import annotations

from collections.abc import Collection

from mba_integrations.learning.replay.records import Feedback, ReplayRecord

LABEL = "label"
_WEIGHT = 1.0


def labelled(needed: Collection[str], selected_ids: Collection[str]) -> tuple[Feedback, ...]:
    """Needed are these, and nothing else that came into the prompt.

    >>> [(one.memory_id, one.useful) for one in labelled(["oslo"], ["tram", "oslo"])]
    [('oslo', True), ('tram', False)]
    """
    others = [one for one in selected_ids if one not in needed]
    return (
        *(_said(memory_id, useful=True) for memory_id in needed),
        *(_said(memory_id, useful=False) for memory_id in others),
    )


def needed_by(record: ReplayRecord) -> tuple[str, ...]:
    """The memories that a record's label names as needed."""
    return tuple(
        one.memory_id
        for one in record.feedback
        if one.origin == LABEL and one.useful and one.memory_id is not None
    )


def _said(memory_id: str, *, useful: bool) -> Feedback:
    return Feedback(memory_id=memory_id, useful=useful, origin=LABEL, weight=_WEIGHT)

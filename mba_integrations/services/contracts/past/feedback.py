"""What is said of a past recall, and what was said of it: ids, origins and weights, no texts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import Field

from mba_integrations.services.contracts.body import Body, Id, Ids, Query, View
from mba_integrations.services.memory.feedback.giving import FeedbackReply
from mba_integrations.services.memory.feedback.judging import Thumb
from mba_integrations.services.memory.feedback.request import MOST_NAMED
from mba_integrations.services.memory.new_memory import MOST_TEXT_BYTES
from mba_integrations.services.store.rows.allocations import FeedbackOrigin, FeedbackRow


class FeedbackBody(Body):
    """What an answer used, or what a person thinks: one of the four at least.

    `cited` are ids that the answer names, `answer` is its text, which is not kept; `query` what was
    asked, where the log has not kept it; `seen` the memories that reached the model, all by
    default; `thumb` is of the whole prompt, `thumbs` of memories in it, by id.
    """

    cited: Annotated[list[Id], Field(max_length=MOST_NAMED)] | None = None
    answer: Annotated[str, Field(strict=True, max_length=MOST_TEXT_BYTES)] | None = None
    query: Query | None = None
    seen: Ids | None = None
    thumb: Thumb | None = None
    thumbs: Annotated[dict[Id, Thumb], Field(max_length=MOST_NAMED)] | None = None


class JudgementView(View):
    """Whether a memory was of use; `memory_id` is null for the whole prompt.

    `useful` is null where it could not be said. `weight` is how much it says, in [0, 1].
    """

    memory_id: str | None
    origin: FeedbackOrigin
    useful: bool | None
    weight: float
    at: datetime


class FeedbackView(View):
    """What was said of a past recall."""

    allocation_id: str
    feedback: list[JudgementView]

    @classmethod
    def of(cls, allocation_id: str, rows: Iterable[FeedbackRow]) -> FeedbackView:
        """The view of rows."""
        return cls(allocation_id=allocation_id, feedback=judgements(rows))


class FeedbackGivenView(FeedbackView):
    """What was kept of what was said; `not_in_prompt` are cited ids that the prompt had not."""

    not_in_prompt: list[str]
    notes: list[str]

    @classmethod
    def given(cls, reply: FeedbackReply) -> FeedbackGivenView:
        """The view of a reply."""
        return cls(
            allocation_id=reply.allocation_id,
            feedback=judgements(reply.rows),
            not_in_prompt=list(reply.not_in_prompt),
            notes=list(reply.notes),
        )


def judgements(rows: Iterable[FeedbackRow]) -> list[JudgementView]:
    """The views of rows."""
    names = JudgementView.model_fields
    return [JudgementView(**{name: getattr(one, name) for name in names}) for one in rows]

"""The span of a recall: what was asked of which workspace, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.memory.tracing import traces as names
from mba_integrations.services.memory.tracing.traces import Traces


@contextmanager
def traced_recall(
    traces: Traces, request: RecallRequest
) -> Iterator[Callable[[RecallReply], RecallReply]]:
    """A span over a block, which hands its reply through what is given."""
    asked = {
        names.OPERATION: "search_memory",
        names.STORE: request.workspace_id,
        names.CONVERSATION: request.session_id,
        names.QUERY: traces.text(request.query),
    }
    with traces.span("recall", asked) as say:

        def told(reply: RecallReply) -> RecallReply:
            found = reply.allocation
            say(
                {
                    names.ALLOCATION: reply.allocation_id,
                    names.BUDGET: found.budget_tokens,
                    names.USED: found.used_tokens,
                    names.RECORDS: len(found.selected_ids),
                    names.COMPLEXITY: found.complexity.value,
                    names.PROMPT: traces.text(found.prompt_text),
                }
            )
            return reply

        yield told

"""Questions: recall, many at once, search; and allocation of items that the caller brings."""

from __future__ import annotations

from starlette.responses import Response

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.api.asking import PROBLEMS, OwnRouter, Read, ReadAnywhere
from mba_integrations.services.api.work import Kind, in_thread
from mba_integrations.services.contracts.allocating import (
    AllocateBody,
    AllocationView,
    ComplexityBody,
    ComplexityView,
    TokensBody,
    TokensView,
)
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.contracts.recalls import (
    BatchBody,
    BatchView,
    RecallBody,
    RecallView,
    SearchBody,
    SearchView,
    recalled,
)
from mba_integrations.services.memory.recalling.reply import RecallReply

router = OwnRouter(tags=["recall"], responses=PROBLEMS)


def _kind_of_recall(*, call: Read, body: RecallBody, response: Response) -> Kind:
    return "long" if body.as_of is not None else _kind_of_search(call=call, body=body)


def _kind_of_search(*, call: Read, body: RecallBody | SearchBody) -> Kind:
    return "choose" if call.service.is_in_memory(call.workspace_id) else "long"


def say_tokens(
    response: Response, used: int, budget: int, allocation_id: str | None = None
) -> None:
    """Put tokens and the allocation into the headers of a reply."""
    response.headers["X-Mba-Used-Tokens"] = str(used)
    response.headers["X-Mba-Budget-Tokens"] = str(budget)
    if allocation_id is not None:
        response.headers["X-Mba-Allocation-Id"] = allocation_id


@router.post("/v1/workspaces/{workspace_id}/recall")
@in_thread(_kind_of_recall)
def recall(call: Read, body: RecallBody, response: Response) -> RecallView:
    """Choose memories for a question and write the prompt, never over the budget."""
    reply = recalled(call.service, call.workspace_id, body)
    say_tokens(response, reply.used_tokens, reply.budget_tokens, reply.allocation_id)
    return RecallView.of(reply, body.format, body.explain)


@router.post("/v1/workspaces/{workspace_id}/recall/batch")
@in_thread("long")
def recall_batch(call: Read, body: BatchBody) -> BatchView:
    """Answer several questions, each for itself: one that is refused stops no other."""
    replies: list[RecallView | None] = []
    problems: list[str | None] = []
    for one in body.queries:
        found = _tried(call, one)
        if isinstance(found, str):
            replies.append(None)
            problems.append(found)
        else:
            replies.append(RecallView.of(found, one.format, one.explain))
            problems.append(None)
    return BatchView(replies=replies, problems=problems)


def _tried(call: Read, body: RecallBody) -> RecallReply | str:
    try:
        return recalled(call.service, call.workspace_id, body)
    except MemoryBudgetError as error:
        problem = problem_of(error)
        if problem.kind.status not in (409, 422):
            raise
        return problem.detail


@router.post("/v1/workspaces/{workspace_id}/search")
@in_thread(_kind_of_search)
def search(call: Read, body: SearchBody) -> SearchView:
    """Memories by how well they answer, the best first."""
    reply = call.service.search(
        call.workspace_id,
        body.query,
        limit=body.limit,
        budget_tokens=body.budget_tokens,
        **body.narrowing(),
    )
    return SearchView.of(reply)


@router.post("/v1/allocate")
@in_thread("long")
def allocate(call: ReadAnywhere, body: AllocateBody, response: Response) -> AllocationView:
    """Choose among the items of the request. Nothing is kept."""
    allocation = body.allocated(call.service)
    say_tokens(response, allocation.used_tokens, allocation.budget_tokens)
    return AllocationView.of(allocation)


@router.post("/v1/tokens/count")
@in_thread("long")
def count_tokens(call: ReadAnywhere, body: TokensBody) -> TokensView:
    """Count the tokens of texts."""
    return body.counted()


@router.post("/v1/complexity")
@in_thread("choose")
def complexity(call: ReadAnywhere, body: ComplexityBody) -> ComplexityView:
    """How much a query asks for, and what says so."""
    return ComplexityView.of(call.service.complexity_of(body.query, settings=body.settings))

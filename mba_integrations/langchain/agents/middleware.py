"""`MemoryBudgetMiddleware`: every model call of an agent within an exact budget.

The request is rewritten, never the state: a checkpoint keeps the whole conversation. Put it last in
the list of middleware, so that it sees what the others made of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from langchain.agents.middleware import (
    AgentMiddleware,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    TracePolicy,
    omit_payload,
)
from langchain_core.embeddings import Embeddings
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langgraph.types import Command

from mba_integrations.conversation.older import conversation_workspace
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arguments import (
    checked_iterable,
    checked_part,
    checked_text,
    checked_tokens,
)
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import BudgetError, InputError
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.langchain.agents.prompt import PlannedPrompt, PromptPlanner
from mba_integrations.langchain.agents.question import Question, question_of, thread_key
from mba_integrations.langchain.agents.request_budget import RequestBudget, budget_of, model_name
from mba_integrations.langchain.agents.state import STATE_KEY, MemoryBudgetState
from mba_integrations.langchain.agents.threads import AgentThread, AgentThreads, new_thread
from mba_integrations.langchain.agents.usage_calibration import UsageCalibration
from mba_integrations.langchain.embeddings import as_embedder
from mba_integrations.langchain.events import asend_event, send_event
from mba_integrations.langchain.memory_sources import (
    FoundMemories,
    MemorySource,
    UsedMemories,
    as_source,
    gathered,
)
from mba_integrations.langchain.messages.counting import MessageCounter
from mba_integrations.langchain.settings import Setting, keep

DEFAULT_WORKSPACE = WorkspaceConfig(
    workspace_id="agent",
    working_memory_pct=0.6,
    project_memory_pct=0.1,
    long_term_memory_pct=0.2,
    rag_memory_pct=0.1,
)
"""An agent works on its conversation more than on what it remembers."""
_OVERFLOW_RETRIES = 3
_OVERFLOW_PART = 0.7


@dataclass(frozen=True, slots=True)
class _Call:
    """A request with what was found for it."""

    request: ModelRequest[Any]
    thread: AgentThread
    counter: MessageCounter
    budget: RequestBudget
    memories: FoundMemories


class MemoryBudgetMiddleware(AgentMiddleware[MemoryBudgetState, Any, Any]):
    """Keeps what the model receives as messages within a budget.

    Pinned are the system message, system messages in the state, the last human message and an open
    tool round. If all fits, all is sent. Otherwise long results of earlier tool rounds are
    shortened, the newest exchanges have `recent_share` of the conversation's tokens, and the rest
    is chosen by how useful it is for the last human message.

    Args:
        budget_tokens: All that the model may receive as messages, system message and framing
            included, >= 1. Without it: `max_input_tokens` of the model's profile, less tool
            schemas, structured output and reply.
        memories: Sources of memories: `LangGraphStoreSource`, retrievers, any `MemorySource`. They
            stand in one message before the last human message.
        workspace: Settings for the choice, or the id of a workspace of *allocator*. Its share for
            working memory belongs to the conversation, the others to memories; what one does not
            need the other has.
        allocator: Chooses; made by default. A second workspace, `<id>:conversation`, is registered
            with it.
        token_counter: Counts text; by default the model's name decides.
        embedder: LangChain `Embeddings` or a callable, for the choice; only with the default
            allocator.
        recent_share: Part of the conversation's tokens for the newest messages, in [0, 1].
        reply_tokens: Set aside for the reply where the budget comes from the model's profile.
        memories_in_system: Appends memories to the system message instead. A prompt cache then ends
            with the system message whenever memories change.
        introduction: Stands before the memories.
        name: Of this instance; two instances of one agent need different names.

    Raises:
        InputError: If an argument is unusable.
    """

    state_schema = MemoryBudgetState
    trace_policy = TracePolicy(process_inputs=omit_payload)

    budget_tokens = Setting[int | None]()
    memories = Setting[tuple[MemorySource, ...]]()
    workspace = Setting[WorkspaceConfig]()
    allocator = Setting[MemoryBudgetAllocator]()
    token_counter = Setting[Any]()
    embedder = Setting[Embedder | None]()
    recent_share = Setting[float]()
    reply_tokens = Setting[int | None]()
    memories_in_system = Setting[bool]()
    introduction = Setting[str]()
    name = Setting[str]()

    def __init__(
        self,
        budget_tokens: int | None = None,
        *,
        memories: Sequence[MemorySource | BaseRetriever] = (),
        workspace: WorkspaceConfig | str = DEFAULT_WORKSPACE,
        allocator: MemoryBudgetAllocator | None = None,
        token_counter: object = None,
        embedder: Embeddings | Embedder | None = None,
        recent_share: float = 0.5,
        reply_tokens: int | None = None,
        memories_in_system: bool = False,
        introduction: str = "Memories that may help with the next message:\n",
        name: str = "MemoryBudgetMiddleware",
    ) -> None:
        super().__init__()
        checked_iterable("memories", memories, "a list of sources")
        if allocator is not None and embedder is not None:
            raise InputError("give embedder to the allocator, or leave allocator out.")
        made = as_embedder(embedder)
        chooses = _checked_allocator(allocator) or MemoryBudgetAllocator(token_counter, made)
        keep(
            self,
            budget_tokens=_tokens_or_none("budget_tokens", budget_tokens),
            memories=tuple(map(as_source, memories)),
            workspace=_registered(workspace, chooses),
            allocator=chooses,
            token_counter=token_counter,
            embedder=made,
            recent_share=checked_part("recent_share", recent_share),
            reply_tokens=_tokens_or_none("reply_tokens", reply_tokens),
            memories_in_system=memories_in_system,
            introduction=checked_text("introduction", introduction),
            name=checked_text("name", name),
        )
        self.tools = []
        self._counters: dict[str | None, MessageCounter] = {}
        self._threads = AgentThreads()
        self._calibration = UsageCalibration()
        self._planner = PromptPlanner(
            allocator=chooses,
            workspace_id=self.workspace.workspace_id,
            conversation_id=f"{self.workspace.workspace_id}:conversation",
            recent_share=self.recent_share,
            in_system=memories_in_system,
            introduction=introduction,
        )

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied: open conversations belong to one middleware."""
        raise InputError(
            "a MemoryBudgetMiddleware holds open conversations, so it cannot be copied or pickled. "
            "Make another one with the same arguments."
        )

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ExtendedModelResponse[Any]:
        """Send what fits; after an overflow at the provider send less, up to three times."""
        call = self._call(request)
        question = question_of(request)
        found = self._remembered(call, question)
        if found is None:
            runtime = request.runtime
            found = gathered(source.items(question.text, runtime) for source in self.memories)
        call = self._with_memories(call, question, found)
        planned = self._plan(call, call.budget)
        for left in range(_OVERFLOW_RETRIES, -1, -1):
            send_event(planned.decision)
            try:
                response = handler(_rewritten(request, planned))
            except ContextOverflowError as error:
                planned = self._smaller(call, planned, error, left)
            else:
                break
        for source in self._counting():
            source.used(planned.decision["memories"], request.runtime)
        return self._finished(call, planned, response)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ExtendedModelResponse[Any]:
        """As `wrap_model_call`; planning runs in a thread, so the event loop does not wait."""
        call = self._call(request)
        question = question_of(request)
        found = self._remembered(call, question)
        if found is None:
            runtime = request.runtime
            found = gathered(
                [await source.aitems(question.text, runtime) for source in self.memories]
            )
        call = self._with_memories(call, question, found)
        planned = await asyncio.to_thread(self._plan, call, call.budget)
        for left in range(_OVERFLOW_RETRIES, -1, -1):
            await asend_event(planned.decision)
            try:
                response = await handler(_rewritten(request, planned))
            except ContextOverflowError as error:
                planned = await asyncio.to_thread(self._smaller, call, planned, error, left)
            else:
                break
        for source in self._counting():
            await source.aused(planned.decision["memories"], request.runtime)
        return self._finished(call, planned, response)

    def _counting(self) -> Iterator[UsedMemories]:
        """Sources that count what came into the prompt."""
        return (source for source in self.memories if isinstance(source, UsedMemories))

    def _counter(self, model: str | None) -> MessageCounter:
        key = None if self.token_counter is not None else model
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = MessageCounter(self.token_counter, model=key)
        return counter

    def _call(self, request: ModelRequest[Any]) -> _Call:
        counter = self._counter(model_name(request.model))
        budget = budget_of(request, counter, self.budget_tokens, self.reply_tokens)
        if not counter.exact:
            budget = self._calibrated(budget, model_name(request.model))
        key = thread_key(request)
        session_id = "/".join((self.name, *key))
        thread = self._threads.get(
            (counter.id, counter.exact, *key),
            lambda: new_thread(counter, session_id),
        )
        return _Call(request, thread, counter, budget, FoundMemories())

    def _calibrated(self, budget: RequestBudget, model: str) -> RequestBudget:
        """The budget in estimated tokens, by what the provider reported of calls before."""
        correction = self._calibration.correction(model, budget.tokens)
        tokens = max(1, correction.scaled(budget.tokens))
        if tokens == budget.tokens:
            return budget
        source = f"{budget.source}; {budget.tokens:,} {correction}, since more was reported"
        return RequestBudget(tokens=tokens, source=source)

    def _remembered(self, call: _Call, question: Question) -> FoundMemories | None:
        """What was found for the question before, in this run and this context only."""
        if not self.memories:
            return FoundMemories()
        with call.thread.lock:
            found = call.thread.found
        return found[1] if found is not None and found[0].is_same(question) else None

    def _with_memories(self, call: _Call, question: Question, found: FoundMemories) -> _Call:
        with call.thread.lock:
            call.thread.found = (question, found)
        return replace(call, memories=found)

    def _plan(self, call: _Call, budget: RequestBudget) -> PlannedPrompt:
        with call.thread.lock:
            planned = self._planner.plan(
                call.thread,
                call.request.messages,
                call.request.system_message,
                call.memories,
                budget,
            )
        if not call.memories.notes:
            return planned
        return replace(
            planned, decision={**planned.decision, "memory_notes": [*call.memories.notes]}
        )

    def _smaller(
        self, call: _Call, planned: PlannedPrompt, error: ContextOverflowError, left: int
    ) -> PlannedPrompt:
        """A prompt of seven tenths of the tokens; the provider's error if there is none."""
        if not left:
            raise error
        tokens = max(1, int(planned.tokens * _OVERFLOW_PART))
        source = f"seven tenths of {planned.tokens:,}, which the provider refused"
        try:
            return self._plan(call, RequestBudget(tokens=tokens, source=source))
        except BudgetError as over:
            raise error from over

    def _finished(
        self, call: _Call, planned: PlannedPrompt, response: ModelResponse[Any]
    ) -> ExtendedModelResponse[Any]:
        usage = [one.usage_metadata for one in response.result if isinstance(one, AIMessage)]
        if usage and usage[-1]:
            estimated = planned.tokens + call.counter.tool_tokens(call.request.tools)
            reported = usage[-1]["input_tokens"]
            name = model_name(call.request.model)
            self._calibration.observe(name, reported=reported, estimated=estimated)
        update = {STATE_KEY: {self.name: planned.decision}}
        return ExtendedModelResponse(model_response=response, command=Command(update=update))


def _rewritten(request: ModelRequest[Any], planned: PlannedPrompt) -> ModelRequest[Any]:
    return request.override(messages=planned.messages, system_message=planned.system_message)


def _tokens_or_none(name: str, value: int | None) -> int | None:
    return None if value is None else checked_tokens(name, value)


def _checked_allocator(allocator: MemoryBudgetAllocator | None) -> MemoryBudgetAllocator | None:
    if allocator is not None and not isinstance(allocator, MemoryBudgetAllocator):
        kind = type(allocator).__name__
        raise InputError(f"allocator must be a MemoryBudgetAllocator, got {kind}.")
    return allocator


def _registered(
    workspace: WorkspaceConfig | str, allocator: MemoryBudgetAllocator
) -> WorkspaceConfig:
    """The settings, which are the allocator's from now on, and those for the conversation."""
    if isinstance(workspace, str):
        config = allocator.workspace(workspace)
    else:
        config = workspace
        allocator.register_workspace(config)
    allocator.register_workspace(conversation_workspace(config))
    return config

"""Random agent runs for `langchain_fit` and the tests: an agent, a scripted model, and the checks.

A run is a thread of several questions to an agent of `create_agent`. Model, tools and history are
drawn from a seed; the history may hold what an interrupted run leaves behind. Everything the model
receives is recorded and checked, and the state is held against that of the same run without the
middleware.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolCallRequest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command
from pydantic import Field

from mba_integrations import PinnedOverBudgetError, TokenCounter, counter_for_model
from mba_integrations.conversation.content.media_tokens import (
    LARGEST_IMAGE_TOKENS,
    LOW_DETAIL_IMAGE_TOKENS,
)
from mba_integrations.langchain import LangGraphStoreSource, MemoryBudgetMiddleware

WORDS = [
    "order",
    "invoice",
    "index",
    "table",
    "query",
    "cache",
    "worker",
    "billing",
    "región",
    "東京",
    "naïve",
    "deploy",
    "rollback",
    "ticket",
    "refund",
    "customer",
    "latency",
    "graph",
    "memory",
    "budget",
    "token",
    "prompt",
    "agent",
    "tool",
    "result",
    "{x}",
    "<tag>",
    "##",
    "12.50",
]
BUDGETS = (1, 20, 60, 150, 400, 400, 1000, 1000, 3000, 3000, 20_000)
NAMESPACE = ("memories", "kate@example.com")
CONFIG: Any = {"configurable": {"thread_id": "run"}, "recursion_limit": 60}


def text(draw: random.Random, longest: int) -> str:
    """Words, up to *longest* of them, some on lines of their own."""
    words = [draw.choice(WORDS) for _ in range(draw.randint(1, longest))]
    return "".join(word + draw.choice((" ", " ", " ", ". ", "\n")) for word in words)


class ScriptedModel(BaseChatModel):
    """Answers from a script and records what it receives."""

    script: list[AIMessage]
    received: list[list[BaseMessage]] = Field(default_factory=list)
    profile: Any = None

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self.script[len(self.received)].model_copy(deep=True)
        self.received.append(messages)
        return ChatResult(generations=[ChatGeneration(message=reply)])

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Tools are not needed to answer from a script."""
        return self


class NamedResults(AgentMiddleware):
    """Gives results the id of their call, so that two runs have the same state."""

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Run the tool."""
        result = handler(request)
        if isinstance(result, ToolMessage):
            return result.model_copy(update={"id": f"result-{result.tool_call_id}"})
        return result


@tool
def look_up(topic: str, words: int) -> str:
    """Tells what is known of a topic."""
    return text(random.Random(f"{topic}{words}"), max(1, words))


TOOLS: list[BaseTool] = [look_up]


@dataclass(slots=True, kw_only=True)
class Run:
    """One thread, drawn from a seed.

    Attributes:
        seed: What it was drawn from.
        system: The system prompt.
        history: Messages that are in the state before the first question.
        questions: One for each invocation.
        script: What the model answers, call by call.
        budget_tokens: The budget of every call.
        memories: Texts in the store.
    """

    seed: int
    system: str | None
    history: list[BaseMessage]
    questions: list[HumanMessage]
    script: list[AIMessage]
    budget_tokens: int
    memories: list[str] = field(default_factory=list)


def drawn_run(seed: int) -> Run:
    """The run of a seed."""
    draw = random.Random(seed)
    longest = draw.choice((5, 30, 120))
    questions = [
        HumanMessage(_content(draw, longest), id=f"q{n}") for n in range(draw.randint(1, 4))
    ]
    return Run(
        seed=seed,
        system=draw.choice((None, "Be brief.", text(draw, 20), text(draw, 300))),
        history=_history(draw, longest),
        questions=questions,
        script=[one for n in range(len(questions)) for one in _answers(draw, longest, f"s{n}")],
        budget_tokens=draw.choice(BUDGETS),
        memories=[text(draw, 25) for _ in range(draw.choice((0, 0, 5, 40)))],
    )


def _content(draw: random.Random, longest: int) -> str | list[str | dict[Any, Any]]:
    words = text(draw, longest)
    if draw.random() < 0.85:
        return words
    detail = draw.choice(("low", "high"))
    image = {"url": "https://example.com/picture.png", "detail": detail}
    return [{"type": "text", "text": words}, {"type": "image_url", "image_url": image}]


def _answers(draw: random.Random, longest: int, name: str) -> list[AIMessage]:
    """Some rounds of parallel tool calls, and an answer."""
    answers = []
    for number in range(draw.choice((0, 0, 1, 2, 6))):
        calls = [
            {
                "name": "look_up",
                "args": {"topic": draw.choice(WORDS), "words": draw.choice((3, 40, 900))},
                "id": f"{name}-{number}-{place}",
            }
            for place in range(draw.choice((1, 1, 2, 4)))
        ]
        words = draw.choice(("", text(draw, 8)))
        answers.append(AIMessage(words, tool_calls=calls, id=f"{name}-{number}"))
    return [*answers, AIMessage(text(draw, longest), id=f"{name}-end")]


def _history(draw: random.Random, longest: int) -> list[BaseMessage]:
    """Turns of before, with what a provider would refuse among them."""
    history: list[BaseMessage] = []
    if draw.random() < 0.2:
        history.append(AIMessage("Hello, what can I do for you?", id="greeting"))
    if draw.random() < 0.2:
        history.append(SystemMessage(text(draw, 15), id="note"))
    for number in range(draw.choice((0, 0, 2, 10, 40))):
        history.append(HumanMessage(_content(draw, longest), id=f"h{number}"))
        for answer in _answers(draw, longest, f"h{number}"):
            history.append(answer)
            history += _results(draw, answer)
    return history


def _results(draw: random.Random, answer: AIMessage) -> list[BaseMessage]:
    results: list[BaseMessage] = [
        ToolMessage(
            text(draw, call["args"]["words"]), tool_call_id=call["id"], id=f"result-{call['id']}"
        )
        for call in answer.tool_calls
    ]
    if results and draw.random() < 0.1:
        results.pop(draw.randrange(len(results)))
    if draw.random() < 0.03:
        name = f"lost-{answer.id}"
        results.append(ToolMessage("nobody asked", tool_call_id=name, id=name))
    return results


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run did.

    Attributes:
        received: What the model received, call by call.
        state: The messages of the thread at the end, as JSON.
        refused: The error that the run ended with.
    """

    received: list[list[BaseMessage]]
    state: str
    refused: PinnedOverBudgetError | None = None


def outcome_of(run: Run, *, budgeted: bool) -> Outcome:
    """Run it, with the middleware or without."""
    model = ScriptedModel(script=run.script)
    store = InMemoryStore()
    source = LangGraphStoreSource(NAMESPACE, store=store)
    for number, words in enumerate(run.memories):
        store.put(source.labels(None), str(number), {"text": words})
    middleware: list[Any] = [NamedResults()]
    if budgeted:
        memories = [source] if run.memories else []
        middleware.append(MemoryBudgetMiddleware(run.budget_tokens, memories=memories))
    agent = create_agent(
        model,
        TOOLS,
        system_prompt=run.system,
        middleware=middleware,
        checkpointer=InMemorySaver(),
    )
    history: list[BaseMessage] = run.history
    outcome = Outcome(received=model.received, state="")
    for question in run.questions:
        try:
            given: Any = {"messages": [*history, question]}
            agent.invoke(given, CONFIG)
        except PinnedOverBudgetError as error:
            outcome.refused = error
            return outcome
        history = []
    outcome.state = state_of(agent.get_state(CONFIG).values["messages"])
    return outcome


def state_of(messages: Sequence[BaseMessage]) -> str:
    """Messages as JSON."""
    return json.dumps([message.model_dump(mode="json") for message in messages])


def recounted(messages: Sequence[BaseMessage], counter: TokenCounter | None = None) -> int:
    """Tokens of messages, counted without the library's own message counter."""
    count = (counter or counter_for_model("gpt-4o")).count
    total = 3
    for message in messages:
        role = {"human": "user", "ai": "assistant"}.get(message.type, message.type)
        total += 3 + count(role)
        blocks = message.content if isinstance(message.content, list) else [message.content]
        for block in blocks:
            if isinstance(block, str):
                total += count(block)
            elif block["type"] == "text":
                total += count(block["text"])
            elif block["image_url"]["detail"] == "low":
                total += LOW_DETAIL_IMAGE_TOKENS
            else:
                total += LARGEST_IMAGE_TOKENS
        if isinstance(message, ToolMessage):
            total += 3
        if isinstance(message, AIMessage):
            for call in message.tool_calls:
                total += 3 + count(call["name"])
                total += count(json.dumps(call["args"], ensure_ascii=False))
    return total


def problems_of(run: Run) -> list[str]:
    """What is wrong with a run; empty if nothing is."""
    return examined(run)[0]


def examined(run: Run) -> tuple[list[str], Outcome]:
    """What is wrong with a run, and what it did."""
    plain, budgeted = outcome_of(run, budgeted=False), outcome_of(run, budgeted=True)
    found = []
    for number, messages in enumerate(budgeted.received):
        found += [f"call {number}: {one}" for one in _call_problems(run, messages)]
        asked = _last_human(plain.received[number])
        if _last_human(messages) != asked:
            found.append(f"call {number}: the last human message is not there")
    if budgeted.refused is None and budgeted.state != plain.state:
        found.append("the state differs from that of the run without middleware")
    if budgeted.refused is not None:
        found += _refusal_problems(plain, budgeted)
    return found, budgeted


def _call_problems(run: Run, messages: Sequence[BaseMessage]) -> list[str]:
    found = []
    tokens = recounted(messages)
    if tokens > run.budget_tokens:
        found.append(f"{tokens} tokens of {run.budget_tokens}")
    spoken = [message for message in messages if not isinstance(message, SystemMessage)]
    if not isinstance(spoken[0], HumanMessage):
        found.append(f"begins with {spoken[0].type}")
    open_calls: set[str | None] = set()
    for message in spoken:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in open_calls:
                found.append(f"result {message.tool_call_id} without its call")
            open_calls.discard(message.tool_call_id)
            continue
        if open_calls:
            found.append(f"calls {sorted(map(str, open_calls))} without results")
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        open_calls = {call["id"] for call in calls}
    return found + ([f"calls {open_calls} at the end"] if open_calls else [])


def _refusal_problems(plain: Outcome, budgeted: Outcome) -> list[str]:
    """A refusal must come where what is pinned does not fit, and before the model was called."""
    error = budgeted.refused
    assert error is not None
    found = []
    if error.needed_tokens <= error.budget_tokens:
        found.append(f"refused although it fits: {error}")
    call = len(budgeted.received)
    asked = [message for message in plain.received[call] if isinstance(message, HumanMessage)][-1:]
    system = [message for message in plain.received[call] if isinstance(message, SystemMessage)]
    least = recounted([*system, *asked])
    if least > error.needed_tokens:
        found.append(f"the error says {error.needed_tokens}, at least {least} are needed")
    return found


def _last_human(messages: Sequence[BaseMessage]) -> str:
    asked = [message for message in messages if isinstance(message, HumanMessage)]
    return state_of(asked[-1:])

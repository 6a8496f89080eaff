"""A chat agent with long-term memory: thirty questions, and every prompt is within its budget.

Run it with: python examples/langchain_chat_agent.py

The model is scripted, so no key is needed; put `init_chat_model("gpt-4o")` in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, wrap_model_call
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from mba_integrations import MemoryItem
from mba_integrations.langchain import LangGraphStoreSource, MemoryBudgetMiddleware, MessageCounter

BUDGET = 220
FACTS = ("Kate lives in Oslo, near the harbour.", "Kate is allergic to hazelnuts.")
count = MessageCounter(model="gpt-4o")


@dataclass
class User:
    user_id: str


def chat(store: BaseStore, user: User, questions: Sequence[str]) -> list[list[BaseMessage]]:
    """Ask the questions in one thread; what the model received for each."""
    received: list[list[BaseMessage]] = []

    @wrap_model_call
    def watch(request: ModelRequest[Any], handler: Any) -> Any:
        received.append([*filter(None, [request.system_message]), *request.messages])
        return handler(request)

    source = LangGraphStoreSource(lambda runtime: ("memories", runtime.context.user_id))
    middleware: list[Any] = [MemoryBudgetMiddleware(BUDGET, memories=[source]), watch]
    agent: Any = create_agent(
        FakeListChatModel(responses=["Gladly.", "Done.", "Of course."]),
        system_prompt="You plan journeys. Be brief.",
        middleware=middleware,
        checkpointer=InMemorySaver(),
        context_schema=User,
        store=store,
    )
    for question in questions:
        asked = {"messages": [("user", question)]}
        state = agent.invoke(asked, {"configurable": {"thread_id": "1"}}, context=user)
    assert len(state["messages"]) == 2 * len(questions), "the state keeps every message"
    return received


def main() -> None:
    """A long conversation of one user, and a short one of another."""
    store, kate = InMemoryStore(), User("kate@example.com")
    items = [MemoryItem(text, text, "long_term") for text in FACTS]
    LangGraphStoreSource(("memories", kate.user_id), store=store).put(items)
    small_talk = [f"Is train number {n} from Oslo on time today?" for n in range(29)]
    received = chat(store, kate, [*small_talk, "Which dessert is safe for me?"])
    print("\n".join(f"{message.type:7} {message.text}" for message in received[-1]))
    print(f"\nLargest of {len(received)} prompts: {max(map(count, received))} of {BUDGET} tokens")
    assert max(map(count, received)) <= BUDGET
    assert "hazelnuts" in str(received[-1])
    stranger = chat(store, User("karl"), ["Where do I live?"])
    assert "harbour" not in str(stranger), "another user's memories stay apart"


if __name__ == "__main__":
    main()

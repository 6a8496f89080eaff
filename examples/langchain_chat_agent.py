"""A chat agent with long-term memory: in memory, then in SQLite, where it survives the process.

Run it with: python examples/langchain_chat_agent.py

The model is scripted, so no key is needed; put `init_chat_model("gpt-4o")` in its place. Each part
asserts what it shows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from pydantic import Field

from mba_integrations import MemoryItem
from mba_integrations.langchain import (
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
    MemoryPromotionMiddleware,
    MessageCounter,
)

BUDGET = 220
FACTS = [
    ("home", "Kate lives in Oslo, near the harbour.", 0.8),
    ("allergy", "Kate is allergic to hazelnuts.", 1.0),
    ("skiing", "Kate goes skiing every winter and likes night trains.", 0.5),
    ("desk", "Kate's standing desk is white.", 0.1),
]
count = MessageCounter(model="gpt-4o")


class ScriptedModel(BaseChatModel):
    """Gives its answers one after the other and keeps what it received."""

    answers: list[str]
    received: list[list[BaseMessage]] = Field(default_factory=list)

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
        answer = AIMessage(self.answers[len(self.received) % len(self.answers)])
        self.received.append(messages)
        return ChatResult(generations=[ChatGeneration(message=answer)])


@dataclass
class User:
    """Who talks: the memories of each user are apart."""

    user_id: str


def namespace(runtime: Runtime[User]) -> tuple[str, str]:
    """Where the memories of a user are. Dots and the like are escaped by the source."""
    return ("memories", runtime.context.user_id)


def remember_facts(store: BaseStore, user_id: str) -> None:
    """What earlier conversations taught."""
    items = [MemoryItem(name, text, "long_term", importance=i) for name, text, i in FACTS]
    LangGraphStoreSource(("memories", user_id), store=store).put(items)


def chat(store: BaseStore, user: User, questions: Sequence[str]) -> ScriptedModel:
    """Ask the questions in one thread; the model with what it received."""
    source = LangGraphStoreSource(namespace)
    model = ScriptedModel(answers=["Gladly.", "Done.", "Of course."])
    agent = create_agent(
        model,
        system_prompt="You plan journeys. Be brief.",
        middleware=[
            MemoryBudgetMiddleware(BUDGET, memories=[source], token_counter=count.text_counter),
            MemoryPromotionMiddleware(source),
        ],
        checkpointer=InMemorySaver(),
        context_schema=User,
        store=store,
    )
    thread: Any = {"configurable": {"thread_id": f"journey of {user.user_id}"}}
    for question in questions:
        asked: Any = {"messages": [{"role": "user", "content": question}]}
        state = agent.invoke(asked, thread, context=user)
    assert len(state["messages"]) == 2 * len(questions), "the state keeps every message"
    return model


def show(messages: Sequence[BaseMessage]) -> None:
    """What a model received, and its tokens."""
    for message in messages:
        text = str(message.text).strip().replace("\n", "\n            ")
        print(f"  {message.type:8}  {text[:300]}")
    tokens = count(list(messages))
    print(f"  {tokens} of {BUDGET} tokens\n")
    assert tokens <= BUDGET


def demonstrate_in_memory() -> None:
    """Thirty questions, and every prompt fits; the memories stand before the last question."""
    print("=== InMemoryStore ===\n")
    store = InMemoryStore()
    kate = User("kate@example.com")
    remember_facts(store, kate.user_id)
    small_talk = [f"Is train number {n} from Oslo on time today?" for n in range(29)]
    model = chat(store, kate, [*small_talk, "Which dessert is safe for me?"])
    show(model.received[-1])
    prompt = "\n".join(str(message.text) for message in model.received[-1])
    assert "hazelnuts" in prompt
    assert max(count(messages) for messages in model.received) <= BUDGET

    stranger = chat(store, User("karl"), ["Where do I live?"])
    assert "Oslo" not in str(stranger.received), "another user's memories stay apart"


def demonstrate_sqlite() -> None:
    """What was noted of the use of memories is there when the file is opened again."""
    print("=== SQLite ===\n")
    kate = User("kate@example.com")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "memories.sqlite"))
        with SqliteStore.from_conn_string(path) as store:
            store.setup()
            remember_facts(store, kate.user_id)
            model = chat(store, kate, ["Where do I live?", "When do I go skiing?"])
            show(model.received[-1])
        with SqliteStore.from_conn_string(path) as store:
            source = LangGraphStoreSource(("memories", kate.user_id), store=store)
            used = {item.content: item.access_count for item in source.items("", NO_CALL)}
    for text, times in used.items():
        print(f"  in {times} prompts: {text}")
    assert used["Kate lives in Oslo, near the harbour."] >= 1


NO_CALL: Any = None  # a source with labels and a store of its own needs nothing of a call


def main() -> None:
    """Show both stores."""
    demonstrate_in_memory()
    demonstrate_sqlite()


if __name__ == "__main__":
    main()

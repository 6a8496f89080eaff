"""An agent's memories in SQLite: facts and what is known of their use survive the process.

Run it with: python examples/langchain_sqlite_memory.py

The model is scripted, so no key is needed; put `init_chat_model("gpt-4o")` in its place.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.sqlite import SqliteStore

from mba_integrations import MemoryItem
from mba_integrations.langchain import (
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
    MemoryPromotionMiddleware,
)

FACTS = (
    "Kate lives in Oslo, near the harbour.",
    "Kate goes skiing every winter and likes night trains.",
    "Kate's standing desk is white.",
)
BUDGET = 60
NAMESPACE = ("memories", "kate")


def first_run(path: str) -> None:
    """Remember, then talk: what entered a prompt is noted in the store."""
    with SqliteStore.from_conn_string(path) as store:
        store.setup()
        source = LangGraphStoreSource(NAMESPACE, store=store)
        source.put([MemoryItem(str(n), text, "long_term") for n, text in enumerate(FACTS)])
        agent = create_agent(
            FakeListChatModel(responses=["In Oslo.", "In winter."]),
            middleware=[
                MemoryBudgetMiddleware(BUDGET, memories=[source]),
                MemoryPromotionMiddleware(source),
            ],
            checkpointer=InMemorySaver(),
            store=store,
        )
        for question in ("Where does Kate live?", "Is it near the harbour of Oslo?"):
            asked: Any = {"messages": [{"role": "user", "content": question}]}
            agent.invoke(asked, {"configurable": {"thread_id": "1"}})


def second_run(path: str) -> dict[str, int]:
    """Open the file anew; how often each memory has been in a prompt."""
    with SqliteStore.from_conn_string(path) as store:
        source = LangGraphStoreSource(NAMESPACE, store=store)
        return {item.content: item.access_count for item in source.items("")}


def main() -> None:
    """Two runs of a program on one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "memories.sqlite"))
        first_run(path)
        used = second_run(path)
    for text, times in used.items():
        print(f"in {times} prompts: {text}")
    assert used.keys() == set(FACTS)
    assert used[FACTS[0]] == 2


if __name__ == "__main__":
    main()

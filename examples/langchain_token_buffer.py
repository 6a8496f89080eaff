"""Moving from `ConversationTokenBufferMemory`: what each puts into the prompt of a chain.

Run it with: python examples/langchain_token_buffer.py

The buffer forgets for good what does not fit; `BudgetedMemory` keeps every message and chooses for
each question. The model is scripted, so no key is needed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import BaseMessage

from mba_integrations.langchain import BudgetedMemory, MessageCounter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # langchain-classic warns that it is deprecated
    from langchain_classic.memory import ConversationTokenBufferMemory

BUDGET = 150
QUESTION = "What is the name of my cat, and which food may she not have?"
TURNS = (
    ("My cat is called Mira. She may not have fish.", "I will remember Mira, and no fish."),
    ("Which day is best for laundry?", "Any day on which it does not rain."),
    ("How long do eggs take?", "Seven minutes for a firm yolk."),
    ("Is the library open on Sunday?", "No, it is closed on Sundays."),
    ("What should I read next?", "A short novel would suit a rainy week."),
    ("How do I sharpen a knife?", "With a whetstone, at an angle of fifteen degrees."),
    ("Which plants like shade?", "Ferns, ivy and hostas like shade."),
    ("How far is the moon?", "About 384,000 kilometres away."),
)
count = MessageCounter(model="gpt-4o")


class CountingModel(FakeListChatModel):
    """A model that counts messages, as `ConversationTokenBufferMemory` asks it to."""

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        return count(messages)


def main() -> None:
    """The same conversation in both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = ConversationTokenBufferMemory(
            llm=CountingModel(responses=[]), max_token_limit=BUDGET
        )
    after = BudgetedMemory(budget_tokens=BUDGET)
    for memory in (before, after):
        for asked, answered in TURNS:
            memory.save_context({"input": asked}, {"output": answered})
        history = str(memory.load_memory_variables({"input": QUESTION})["history"])
        kept = len(memory.chat_memory.messages)
        print(f"{type(memory).__name__} keeps {kept} messages; for the question about the cat:")
        print("  " + history.replace("\n", "\n  ") + "\n")
        assert count.count(history) <= BUDGET
        assert "moon" in history, "the newest turn is in both"
        assert ("Mira" in history) is (memory is after)
        assert (kept == 2 * len(TURNS)) is (memory is after)


if __name__ == "__main__":
    main()

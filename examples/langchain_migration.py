"""From `ConversationTokenBufferMemory` and `trim_messages`: what each puts into the prompt.

Run it with: python examples/langchain_migration.py

Both keep the newest messages that fit. What was said at the beginning is lost, whatever is asked.
The replacements keep the newest too, and what the question is about. The model is scripted, so no
key is needed. Each part asserts what it shows.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, trim_messages

from mba_integrations.langchain import BudgetedMemory, MemoryBudgetMiddleware, MessageCounter

BUDGET = 150
QUESTION = "What is the name of my cat, and which food may she not have?"
TURNS = [
    ("My cat is called Mira. She may not have fish.", "I will remember Mira, and no fish."),
    ("Which day is best for laundry?", "Any day on which it does not rain."),
    ("How long do eggs take?", "Seven minutes for a firm yolk."),
    ("Is the library open on Sunday?", "No, it is closed on Sundays."),
    ("What should I read next?", "A short novel would suit a rainy week."),
    ("How do I sharpen a knife?", "With a whetstone, at an angle of fifteen degrees."),
    ("Which plants like shade?", "Ferns, ivy and hostas like shade."),
    ("How far is the moon?", "About 384,000 kilometres away."),
]
count = MessageCounter(model="gpt-4o")


class CountingModel(FakeListChatModel):
    """A model that counts messages, as `ConversationTokenBufferMemory` asks it to."""

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Tokens of messages."""
        return count(messages)


def conversation() -> list[AnyMessage]:
    """All turns as messages, and the question."""
    messages: list[AnyMessage] = []
    for number, (asked, answered) in enumerate(TURNS):
        messages += [HumanMessage(asked, id=f"h{number}"), AIMessage(answered, id=f"a{number}")]
    return [*messages, HumanMessage(QUESTION, id="question")]


def demonstrate_memory_of_chains() -> None:
    """`ConversationTokenBufferMemory` forgets for good; `BudgetedMemory` keeps all and chooses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # langchain-classic warns that it is deprecated
        from langchain_classic.memory import ConversationTokenBufferMemory

        before = ConversationTokenBufferMemory(
            llm=CountingModel(responses=[]), max_token_limit=BUDGET
        )
    after = BudgetedMemory(budget_tokens=BUDGET)
    for asked, answered in TURNS:
        for memory in (before, after):
            memory.save_context({"input": asked}, {"output": answered})
    texts = [str(m.load_memory_variables({"input": QUESTION})["history"]) for m in (before, after)]
    _show("ConversationTokenBufferMemory", texts[0])
    _show("BudgetedMemory", texts[1])
    assert "Mira" not in texts[0]
    assert "Mira" in texts[1]
    assert "moon" in texts[0]
    assert "moon" in texts[1]
    assert max(count.count(text) for text in texts) <= BUDGET
    assert len(after.chat_memory.messages) == 2 * len(TURNS)
    assert len(before.chat_memory.messages) < 2 * len(TURNS)


def demonstrate_trimming() -> None:
    """`trim_messages` in a chain or a hook, and the middleware of an agent."""
    messages = conversation()
    trimmed = trim_messages(
        messages, max_tokens=BUDGET, token_counter=count, start_on="human", include_system=True
    )
    budgeted = _sent_by(MemoryBudgetMiddleware(BUDGET), messages)
    _show("trim_messages", _text(trimmed))
    _show("MemoryBudgetMiddleware", _text(budgeted))
    assert "Mira" not in _text(trimmed)
    assert "Mira" in _text(budgeted)
    assert budgeted[-1] is messages[-1]
    assert count(trimmed) <= BUDGET
    assert count(budgeted) <= BUDGET


def _sent_by(middleware: MemoryBudgetMiddleware, messages: list[AnyMessage]) -> list[BaseMessage]:
    """What a model would receive; `create_agent(model, middleware=[middleware])` does the same."""
    sent: list[BaseMessage] = []

    def model(request: ModelRequest[Any]) -> ModelResponse[Any]:
        sent.extend(request.messages)
        return ModelResponse(result=[AIMessage("Mira, and no fish.")])

    middleware.wrap_model_call(
        ModelRequest(model=CountingModel(responses=[]), messages=messages), model
    )
    return sent


def _text(messages: Sequence[BaseMessage]) -> str:
    return "\n".join(f"{message.type}: {message.text}" for message in messages)


def _show(name: str, text: str) -> None:
    print(f"=== {name}: {count.count(text)} tokens of text ===\n\n{text}\n")


def main() -> None:
    """Show both migrations."""
    demonstrate_memory_of_chains()
    demonstrate_trimming()


if __name__ == "__main__":
    main()

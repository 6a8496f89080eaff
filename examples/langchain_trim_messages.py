"""Moving from `trim_messages`: what each sends of a long conversation.

Run it with: python examples/langchain_trim_messages.py

`trim_messages` keeps the newest messages that fit; what was said at the beginning is lost, whatever
is asked. The middleware keeps the newest too, and what the question is about. The model is
scripted, so no key is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, wrap_model_call
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, trim_messages

from mba_integrations.langchain import MemoryBudgetMiddleware, MessageCounter

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


def conversation() -> list[AnyMessage]:
    """All turns as messages, and the question."""
    turns = [(HumanMessage(asked), AIMessage(answered)) for asked, answered in TURNS]
    return [*(message for turn in turns for message in turn), HumanMessage(QUESTION)]


def budgeted(messages: list[AnyMessage]) -> list[BaseMessage]:
    """What the model of an agent receives."""
    sent: list[BaseMessage] = []

    @wrap_model_call
    def watch(request: ModelRequest[Any], handler: Any) -> Any:
        sent.extend(request.messages)
        return handler(request)

    model = FakeListChatModel(responses=["Mira, and no fish."])
    middleware: list[Any] = [MemoryBudgetMiddleware(BUDGET), watch]
    create_agent(model, middleware=middleware).invoke({"messages": [*messages]})
    return sent


def show(name: str, messages: Sequence[BaseMessage]) -> str:
    """Print what is sent; its text."""
    text = "\n".join(f"  {message.type}: {message.text}" for message in messages)
    print(f"{name} sends {count(messages)} of {BUDGET} tokens:\n{text}\n")
    assert count(messages) <= BUDGET
    assert messages[-1].text == QUESTION
    return text


def main() -> None:
    """The same conversation by both."""
    messages = conversation()
    trimmed = trim_messages(messages, max_tokens=BUDGET, token_counter=count, start_on="human")
    assert "Mira" not in show("trim_messages", trimmed)
    assert "Mira" in show("MemoryBudgetMiddleware", budgeted(messages))


if __name__ == "__main__":
    main()
